"""The index: what the graph knows of the resources, which may be older than they are."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.azure.clock import ticks
from local.azure.resource_graph import rows
from local.azure.resource_graph.backup_rows import JOBS
from local.azure.resource_graph.kql import Row

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.store import Resource

JOB_HISTORY = dt.timedelta(days=14)
"""For how long jobs that have ended are shown."""

_ALWAYS = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclasses.dataclass(slots=True)
class _Version:
    """What a resource's row is from a moment on; None once it is gone."""

    since: dt.datetime
    row: Row | None


class Index:
    """Rows of all resources.

    Without a delay they are made from the resources as they are, each time. With one, every change that the store tells
    of is kept with its moment, and becomes visible when the delay has passed. A change that nobody told of counts from
    the query that finds it.
    """

    def __init__(self, cloud: Cloud, delay: float) -> None:
        self._cloud: Cloud = weakref.proxy(cloud)  # which has the index among its store's observers
        self._delay = dt.timedelta(seconds=delay)
        self._finished: dict[str, Row] = {}
        self._versions: dict[str, dict[str, list[_Version]]] = {}
        cloud.store.observers.append(self._changed)

    @property
    def delay(self) -> float:
        """Virtual seconds until a change is seen."""
        return self._delay.total_seconds()

    def set_delay(self, seconds: float) -> None:
        """Change the delay from now on; what is visible stays so."""
        if seconds and not self._delay:
            for kind in self._kinds():
                for resource in self._cloud.store.of_type(kind):
                    self._remember(resource, _ALWAYS)
        if not seconds:
            self._versions.clear()
        self._delay = dt.timedelta(seconds=seconds)

    def rows(self, table: str, types: frozenset[str] | None, at: dt.datetime) -> list[Row]:
        """Rows of a table; `types` are all that is asked for, if given.

        Azure's order is its own; here it is that of creation, and by type first while there is a delay.
        """
        kinds = [kind for kind in self._kinds() if rows.table_of(rows.graph_type(kind)) == table]
        if types is not None:
            kinds = [kind for kind in kinds if rows.graph_type(kind) in types]
        find = self._delayed if self._delay else self._present
        oldest = ticks(at - JOB_HISTORY)
        found = [row for row in find(frozenset(kinds), at) if row["type"] != JOBS or _is_recent(row, oldest)]
        if rows.table_of(rows.ROLE_DEFINITIONS) == table and (types is None or rows.ROLE_DEFINITIONS in types):
            found += [rows.row_of_role(self._cloud, role) for role in self._cloud.roles.named(None)]
        return found

    def _kinds(self) -> list[str]:
        """Types of the store that the graph holds, in lower case."""
        known = {*self._cloud.store.types(), *self._versions}
        return [kind for kind in sorted(known) if rows.table_of(rows.graph_type(kind))]

    def _present(self, kinds: frozenset[str], _: dt.datetime) -> Iterator[Row]:
        store = self._cloud.store
        alone = next(iter(kinds)) if len(kinds) == 1 else ""
        for resource in store.of_type(alone) if alone else store.within(""):
            if alone or resource.type.lower() in kinds:
                yield self._row(resource)

    def _row(self, resource: Resource) -> Row:
        """A resource's row; a job that has ended changes no more, and there are many of them."""
        key = resource.id.lower()
        row = self._finished.get(key)
        if row is None:
            row = rows.row_of(self._cloud, resource)
            if row["type"] == JOBS and resource.properties.get("endTime"):
                self._finished[key] = row
        return row

    def _changed(self, resource_id: str, resource: Resource | None) -> None:
        key = resource_id.lower()
        self._finished.pop(key, None)
        if not self._delay:
            return
        now = self._cloud.clock.moment()
        if resource:
            self._remember(resource, now)
            return
        for versions in self._versions.values():
            if key in versions:
                versions[key].append(_Version(now, None))

    def _remember(self, resource: Resource, since: dt.datetime) -> None:
        kind, key = resource.type.lower(), resource.id.lower()
        if not rows.table_of(rows.graph_type(kind)):
            return
        versions = self._versions.setdefault(kind, {}).setdefault(key, [])
        versions.append(_Version(since, copy.deepcopy(rows.row_of(self._cloud, resource))))

    def _delayed(self, kinds: frozenset[str], at: dt.datetime) -> Iterator[Row]:
        for kind in sorted(kinds):
            self._catch_up(kind, at)
            yield from self._visible(kind, at)

    def _visible(self, kind: str, at: dt.datetime) -> Iterator[Row]:
        horizon = at - self._delay
        known = self._versions.get(kind, {})
        for key, versions in list(known.items()):
            while len(versions) > 1 and versions[1].since <= horizon:
                del versions[0]
            if versions[0].since > horizon:
                continue
            if versions[0].row is not None:
                yield versions[0].row
            elif len(versions) == 1:
                del known[key]

    def _catch_up(self, kind: str, at: dt.datetime) -> None:
        known = self._versions.setdefault(kind, {})
        for resource in self._cloud.store.of_type(kind):
            versions = known.get(resource.id.lower())
            if versions is None or versions[-1].row != self._row(resource):
                self._remember(resource, at)


def _is_recent(row: Row, oldest: str) -> bool:
    ended = row["properties"].get("endTime")
    return not ended or ended >= oldest
