"""What a caller may see: rows of resources that a role lets them read, and nothing of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from local.azure.access import ROLE_ASSIGNMENTS
from local.azure.resource_graph.kql import Row

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.directory import Principal
    from local.azure.roles import Role

# Scopes of ids: / subscriptions / id / resourceGroups / name ...
_SUBSCRIPTION_PARTS = 3


class Visibility:
    """A caller's role assignments at one moment, made ready to be asked for many rows."""

    def __init__(self, cloud: Cloud, principal: Principal, at: dt.datetime) -> None:
        self._grants: list[tuple[str, Role]] = []
        holders = frozenset(cloud.access.holders(principal.object_id))
        for assignment in cloud.store.of_type(ROLE_ASSIGNMENTS):
            properties = assignment.properties
            begin = assignment.notes.get("effective_from")
            role = cloud.roles.get(properties["roleDefinitionId"])
            mine = properties["principalId"].lower() in holders
            if mine and role and (begin is None or begin <= at):
                self._grants.append((str(properties["scope"]).rstrip("/").lower(), role))

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
            if not subscription:  # role definitions: whoever reads them somewhere
                return bool(scopes)
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
