"""What a caller may see: rows of resources that a role lets them read, and nothing of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from local.azure.access import ROLE_ASSIGNMENTS
from local.azure.hierarchy import PREFIX
from local.azure.resource_graph.kql import Row
from local.azure.resource_graph.rows import MANAGEMENT_GROUPS

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.directory import Principal
    from local.azure.roles import Role

# Scopes of ids: / subscriptions / id / resourceGroups / name ...
_SUBSCRIPTION_PARTS = 3


class Visibility:
    """A caller's role assignments at one moment, made ready to be asked for many rows."""

    def __init__(self, cloud: Cloud, principal: Principal, at: dt.datetime) -> None:
        self._cloud = cloud
        self._grants: list[tuple[str, Role]] = []
        holders = frozenset(cloud.access.holders(principal.object_id))
        for assignment in cloud.store.of_type(ROLE_ASSIGNMENTS):
            properties = assignment.properties
            begin = assignment.notes.get("effective_from")
            role = cloud.roles.get(properties["roleDefinitionId"])
            mine = properties["principalId"].lower() in holders
            if mine and role and (begin is None or begin <= at):
                self._grants += [(scope, role) for scope in self._places(str(properties["scope"]).rstrip("/").lower())]

    def _places(self, scope: str) -> list[str]:
        """A scope; of a management group also the groups and subscriptions in it."""
        cloud = self._cloud
        if not scope.startswith(PREFIX.lower()):
            return [scope]
        name = scope[len(PREFIX) :]
        below = cloud.hierarchy.below([name], [one.lower() for one in cloud.options.subscriptions])
        groups = [f"{PREFIX}{group.id}".lower() for group in cloud.hierarchy.all()]
        return [group for group in groups if cloud.hierarchy.covers(scope, group)] + [
            f"/subscriptions/{one}" for one in below
        ]

    def subscriptions(self, known: Iterable[str]) -> list[str]:
        """Of these subscriptions those in which the caller holds any role, be it on a single resource."""
        return [
            one for one in known if any(_touches(scope, f"/subscriptions/{one.lower()}") for scope, _ in self._grants)
        ]

    def filter(self, kind: str) -> Callable[[Row], bool]:
        """Whether the caller may read a row of a type; the action is `{type}/read`."""
        scopes = {scope for scope, role in self._grants if role.allows(f"{kind}/read")}
        if "" in scopes:
            return lambda _: True
        wide = {scope.rsplit("/", 1)[-1] for scope in scopes if scope.count("/") < _SUBSCRIPTION_PARTS}
        narrow = {scope for scope in scopes if scope.count("/") >= _SUBSCRIPTION_PARTS}

        def visible(row: Row) -> bool:
            subscription = row["subscriptionId"].lower()
            if not subscription:  # management groups by themselves; role definitions to whoever reads them somewhere
                return row["id"].lower() in scopes if row["type"] == MANAGEMENT_GROUPS else bool(scopes)
            return subscription in wide or (bool(narrow) and _lies_in(row["id"].lower(), narrow))

        return visible


def _touches(scope: str, subscription: str) -> bool:
    return not scope or scope == subscription or scope.startswith(subscription + "/")


def _lies_in(resource_id: str, scopes: set[str]) -> bool:
    end = len(resource_id)
    while end > 0:
        if resource_id[:end] in scopes:
            return True
        end = resource_id.rfind("/", 0, end)
    return False
