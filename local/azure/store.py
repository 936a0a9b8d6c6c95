"""The resources that exist."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
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
    """

    id: str
    type: str
    body: Json
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)

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


class Store:
    """Resources by id, compared without case, in the order in which they were created."""

    def __init__(self) -> None:
        self._all: dict[str, Resource] = {}
        self._by_type: dict[str, dict[str, Resource]] = {}

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, if there is one."""
        return self._all.get(_key(resource_id))

    def put(self, resource: Resource) -> Resource:
        """Add a resource or replace the one with the same id."""
        key = _key(resource.id)
        self._all[key] = resource
        self._by_type.setdefault(resource.type.lower(), {})[key] = resource
        return resource

    def remove(self, resource_id: str) -> list[Resource]:
        """Remove a resource and everything below it; return what was removed."""
        gone = list(self.within(resource_id))
        for resource in gone:
            key = _key(resource.id)
            del self._all[key]
            del self._by_type[resource.type.lower()][key]
        return gone

    def of_type(self, full_type: str, scope: str = "") -> Iterator[Resource]:
        """Resources of a type at or below a scope."""
        for resource in list(self._by_type.get(full_type.lower(), {}).values()):
            if paths.is_within(resource.id, scope):
                yield resource

    def within(self, scope: str) -> Iterator[Resource]:
        """All resources at or below a scope."""
        for resource in list(self._all.values()):
            if paths.is_within(resource.id, scope):
                yield resource


def _key(resource_id: str) -> str:
    return resource_id.rstrip("/").lower()
