"""The tree of management groups above the subscriptions.

Without an order there is the tenant's root group with every subscription right below it, as in Azure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from local.azure import paths
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.store import Store

GROUPS = "Microsoft.Management/managementGroups"
PREFIX = f"/providers/{GROUPS}/"
ROOT_NAME = "Tenant Root Group"


@dataclasses.dataclass(frozen=True, slots=True)
class ManagementGroup:
    """A management group.

    Attributes:
        id: Its name in ids.
        name: Its display name.
        parent: Id of the group that it lies in; "" for the root.
        subscriptions: Ids of the subscriptions right below it.
    """

    id: str
    name: str
    parent: str = ""
    subscriptions: tuple[str, ...] = ()


class Hierarchy:
    """Management groups by id, which is compared without case.

    Attributes:
        root: Id of the root group, which is the tenant's.
    """

    def __init__(self, store: Store, tenant: str) -> None:
        self.root = tenant
        self._store = store
        self._tenant = tenant
        self._groups: dict[str, ManagementGroup] = {}
        self._home: dict[str, str] = {}
        self.arrange(())

    def arrange(self, groups: Sequence[ManagementGroup]) -> None:
        """Replace the tree; groups without a parent, and subscriptions that no group has, are the root's.

        Raises:
            ValueError: A parent isn't there, or groups lie in each other.
        """
        known = {self.root.lower(): ManagementGroup(self.root, ROOT_NAME)}
        for group in groups:
            known[group.id.lower()] = dataclasses.replace(group, parent=group.parent or self.root)
        for group in groups:
            _check(group, known)
        for old in set(self._groups) - set(known):
            self._store.remove(PREFIX + old)
        self._groups = known
        self._home = {one.lower(): group.id.lower() for group in groups for one in group.subscriptions}
        for group in known.values():
            self._store.put(Resource(PREFIX + group.id, GROUPS, self._document(group)))
        for subscription in self._store.of_type("Microsoft.Resources/subscriptions"):
            self._store.touch(subscription.id)

    def place(self, group: ManagementGroup) -> None:
        """Add a group, or put it elsewhere with all that is in it; what it is given beside its place is its name."""
        old = self.get(group.id)
        kept = dataclasses.replace(group, subscriptions=old.subscriptions if old else ())
        self.arrange([*(other for other in self._others(group.id)), kept])

    def move(self, subscription: str, group_id: str) -> None:
        """Put a subscription right below a group: it lies in one only."""
        lowered = subscription.lower()
        self.arrange(
            [
                dataclasses.replace(
                    group,
                    subscriptions=(
                        *(one for one in group.subscriptions if one.lower() != lowered),
                        *((subscription,) if group.id.lower() == group_id.lower() else ()),
                    ),
                )
                for group in self._others("")
            ]
        )

    def _others(self, group_id: str) -> list[ManagementGroup]:
        """All groups but the root and one more."""
        return [one for one in self._groups.values() if one.parent and one.id.lower() != group_id.lower()]

    def all(self) -> list[ManagementGroup]:
        """All groups, the root first."""
        return list(self._groups.values())

    def get(self, group_id: str) -> ManagementGroup | None:
        """A group by its id."""
        return self._groups.get(group_id.lower())

    def chain(self, scope: str) -> list[ManagementGroup]:
        """The groups that a scope lies in, nearest first; of a group's own scope the first is that group."""
        segments = scope.strip("/").lower().split("/")
        if segments[0] == "subscriptions" and len(segments) > 1:
            start = self._home.get(segments[1], self.root)
        elif scope.lower().startswith(PREFIX.lower()):
            start = segments[3] if segments[3] in self._groups else self.root  # where a new one comes to lie
        else:
            return []
        return list(self._upwards(start))

    def _upwards(self, group_id: str) -> Iterator[ManagementGroup]:
        group = self.get(group_id)
        while group is not None:
            yield group
            group = self.get(group.parent) if group.parent else None

    def covers(self, above: str, scope: str) -> bool:
        """Whether a scope is another one or lies below it, management groups included."""
        if paths.is_within(scope or "/", above):
            return True
        if not above.lower().startswith(PREFIX.lower()):
            return False
        name = above[len(PREFIX) :].strip("/").lower()
        return any(group.id.lower() == name for group in self.chain(scope))

    def children(self, group_id: str) -> list[ManagementGroup]:
        """The groups right below one."""
        return [group for group in self._groups.values() if group.parent.lower() == group_id.lower()]

    def home(self, subscription: str) -> str:
        """Id of the group that a subscription is right below of."""
        return self._groups[self._home.get(subscription.lower(), self.root.lower())].id

    def below(self, group_ids: Iterable[str], subscriptions: Iterable[str]) -> list[str]:
        """Those of some subscriptions that lie in one of some groups, at any depth."""
        wanted = {group_id.lower() for group_id in group_ids}
        return [
            one for one in subscriptions if wanted & {group.id.lower() for group in self.chain(f"/subscriptions/{one}")}
        ]

    def _document(self, group: ManagementGroup) -> Json:
        parent = self.get(group.parent)
        shown = {"id": PREFIX + parent.id, "name": parent.id, "displayName": parent.name} if parent else None
        return {
            "id": PREFIX + group.id,
            "type": GROUPS,
            "name": group.id,
            "properties": {
                "tenantId": self._tenant,
                "displayName": group.name,
                "details": {"version": 1, "parent": shown},
            },
        }


def _check(group: ManagementGroup, known: dict[str, ManagementGroup]) -> None:
    seen = set()
    place: ManagementGroup | None = group
    while place is not None and place.parent:
        if place.id.lower() in seen:
            message = f"the management group {group.id} lies in itself"
            raise ValueError(message)
        seen.add(place.id.lower())
        above = known.get(place.parent.lower())
        if above is None:
            message = f"there is no management group {place.parent}"
            raise ValueError(message)
        place = above
