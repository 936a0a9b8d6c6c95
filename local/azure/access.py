"""Who may do what where: role assignments, when they take effect, and what they allow."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Iterator

from local.azure import paths
from local.azure.conditions import Condition, Granted
from local.azure.directory import Directory
from local.azure.hierarchy import PREFIX, Hierarchy
from local.azure.roles import Role, Roles
from local.azure.store import Resource, Store

ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


class Decision(enum.Enum):
    """The answer to whether someone may do something."""

    ALLOWED = enum.auto()
    DENIED = enum.auto()
    CONDITION_NOT_MET = enum.auto()


class Access:
    """Decisions by the role assignments in the store.

    An assignment's notes hold `effective_from`, the moment at which it has propagated, and `condition`.
    """

    def __init__(self, store: Store, roles: Roles, directory: Directory, hierarchy: Hierarchy) -> None:
        self._roles = roles
        self._directory = directory
        self._hierarchy = hierarchy
        self._held: dict[tuple[str, str], dict[str, Resource]] = {}
        self._places: dict[str, tuple[str, str]] = {}
        store.observers.append(self._observe)

    def _observe(self, resource_id: str, resource: Resource | None) -> None:
        """Keep assignments by principal and scope, so that a decision costs the same however many there are."""
        key = resource_id.lower()
        if resource is not None and resource.type.lower() != ROLE_ASSIGNMENTS.lower():
            return
        place = self._places.pop(key, None)
        if place:
            del self._held[place][key]
        if resource is not None:
            principal_id = str(resource.properties["principalId"]).lower()
            self._places[key] = place = principal_id, paths.parse(resource_id).scope.lower()
            self._held.setdefault(place, {})[key] = resource

    def effective(self, principal_id: str, scope: str, at: dt.datetime) -> Iterator[tuple[Resource, Role]]:
        """Assignments of a principal at or above a scope which have propagated by `at`, and their roles.

        What a group that it belongs to holds, it holds as well.
        """
        for assignment in self._at_or_above(principal_id, scope):
            properties = assignment.properties
            begin = assignment.notes.get("effective_from")
            role = self._roles.get(properties["roleDefinitionId"])
            if role and self._hierarchy.covers(properties["scope"], scope) and (begin is None or begin <= at):
                yield assignment, role

    def _at_or_above(self, principal_id: str, scope: str) -> Iterator[Resource]:
        """Assignments, to a principal or its groups, whose ids say that they are at a scope or above it."""
        segments = scope.strip("/").lower().split("/") if scope.strip("/") else []
        places = ["".join(f"/{segment}" for segment in segments[:end]) for end in range(len(segments) + 1)]
        places += [f"{PREFIX}{group.id}".lower() for group in self._hierarchy.chain(scope)]
        holders = self.holders(principal_id)
        for above in dict.fromkeys(places):
            for holder in holders:
                yield from list(self._held.get((holder, above), {}).values())

    def holders(self, principal_id: str) -> list[str]:
        """Whose assignments count for a principal: its own and those of its groups; object ids in lower case."""
        return [principal_id.lower(), *sorted(self._directory.groups_of(principal_id))]

    def decide(
        self, principal_id: str, action: str, scope: str, at: dt.datetime, granted: Granted | None = None
    ) -> Decision:
        """Whether a principal may do `action` at `scope`; `granted` is the role assignment in question, if one is."""
        decision = Decision.DENIED
        for assignment, role in self.effective(principal_id, scope, at):
            if not role.allows(action):
                continue
            condition: Condition | None = assignment.notes.get("condition")
            if condition is None or condition.allows(action, granted):
                return Decision.ALLOWED
            decision = Decision.CONDITION_NOT_MET
        return decision

    def may(self, principal_id: str, action: str, scope: str, at: dt.datetime) -> bool:
        """Whether a principal may do `action` at `scope`."""
        return self.decide(principal_id, action, scope, at) is Decision.ALLOWED

    def holds(self, principal_id: str, role_ids: frozenset[str], scope: str, at: dt.datetime) -> bool:
        """Whether a principal has at `scope` what one of the roles gives, by it or by others that cover it together."""
        held = [role for _, role in self.effective(principal_id, scope, at)]
        if any(role.id in role_ids for role in held):
            return True
        return any(_covered(self._roles.get(role_id), held) for role_id in role_ids) if held else False


def _covered(needed: Role | None, held: Iterable[Role]) -> bool:
    """Whether roles together allow every action and data action of a needed one."""
    if needed is None or not (needed.actions or needed.data_actions):
        return False
    held = list(held)
    return all(any(role.gives(action, needed) for role in held) for action in needed.actions) and all(
        any(role.gives_data(action, needed) for role in held) for action in needed.data_actions
    )
