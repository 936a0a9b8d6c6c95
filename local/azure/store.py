"""The resources that exist."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from local.azure import paths
from local.azure.errors import Json


@dataclasses.dataclass(slots=True)
class Resource:
    """One resource.

    Attributes:
        id: With the case of whoever created it.
        type: Full type, e.g. `Microsoft.DataProtection/backupVaults`.
        body: What a GET answers.
        notes: What Azure knows and doesn't show.
        created: When it came; None until it is stored.
    """

    id: str
    type: str
    body: Json
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
    created: dt.datetime | None = None

    @property
    def name(self) -> str:
        """The last segment of the id."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def properties(self) -> Json:
        """`properties` of the body, made when it isn't there."""
        properties: Json = self.body.setdefault("properties", {})
        return properties

    @property
    def location(self) -> str:
        """Canonical name of the region, or an empty string."""
        return str(self.body.get("location") or "")


Observer = Callable[[str, Resource | None], None]
"""Told the id of a resource that has changed, and the resource; None when it is gone."""


class Store:
    """Resources by id, compared without case, in the order in which they were created.

    Attributes:
        observers: Told of every change that the store knows of.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._all: dict[str, Resource] = {}
        self._by_type: dict[str, dict[str, Resource]] = {}
        self.observers: list[Observer] = []
        self._by_parent: dict[tuple[str, str], dict[str, Resource]] = {}

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, if there is one."""
        return self._all.get(_key(resource_id))

    def put(self, resource: Resource) -> Resource:
        """Add a resource or replace the one with the same id."""
        key = _key(resource.id)
        before = self._all.get(key)
        resource.created = before.created if before else self._now()
        self._all[key] = resource
        kind = resource.type.lower()
        self._by_type.setdefault(kind, {})[key] = resource
        self._by_parent.setdefault((_parent(key), kind), {})[key] = resource
        self._tell(resource.id, resource)
        return resource

    def touch(self, resource_id: str) -> None:
        """Say that a resource has changed where it lies; not needed after a call or an operation of its own."""
        resource = self.get(resource_id)
        if resource:
            self._tell(resource.id, resource)

    def remove(self, resource_id: str) -> list[Resource]:
        """Remove a resource and everything below it; return what was removed."""
        gone = list(self.within(resource_id))
        for resource in gone:
            self.drop(resource)
        return gone

    def drop(self, resource: Resource) -> None:
        """Remove one resource that has nothing below it; costs the same however much there is."""
        key, kind = _key(resource.id), resource.type.lower()
        del self._all[key]
        del self._by_type[kind][key]
        siblings = self._by_parent[_parent(key), kind]
        del siblings[key]
        if not siblings:
            del self._by_parent[_parent(key), kind]
        self._tell(resource.id, None)

    def of_type(self, full_type: str, scope: str = "") -> Iterator[Resource]:
        """Resources of a type at or below a scope."""
        for resource in list(self._by_type.get(full_type.lower(), {}).values()):
            if paths.is_within(resource.id, scope):
                yield resource

    def children(self, parent_id: str, full_type: str) -> list[Resource]:
        """Resources of a type right below another one or right on it, in the order in which they were created.

        The parent is a resource, a group, a subscription, or "" for the tenant; the cost is that of the answer.
        """
        return list(self._by_parent.get((_key(parent_id), full_type.lower()), {}).values())

    def within(self, scope: str) -> Iterator[Resource]:
        """All resources at or below a scope."""
        for resource in list(self._all.values()):
            if paths.is_within(resource.id, scope):
                yield resource

    def types(self) -> list[str]:
        """The types that there are resources of, or were, in lower case."""
        return list(self._by_type)

    def _tell(self, resource_id: str, resource: Resource | None) -> None:
        for observer in self.observers:
            observer(resource_id, resource)


def _key(resource_id: str) -> str:
    return resource_id.rstrip("/").lower()


def _parent(key: str) -> str:
    """What a resource lies in or hangs on: its id without type and name, and without a provider's namespace."""
    rest = "/".join(key.split("/")[:-2])
    scope, _, namespace = rest.rpartition("/providers/")
    return scope if "/" not in namespace else rest
