"""Who may do what where: role assignments, when they take effect, and what they allow."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator

from local.azure import paths
from local.azure.conditions import Condition, Granted
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

    def __init__(self, store: Store, roles: Roles) -> None:
        self._roles = roles
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
        """Assignments of a principal at or above a scope which have propagated by `at`, and their roles."""
        for assignment in self._at_or_above(principal_id, scope):
            properties = assignment.properties
            begin = assignment.notes.get("effective_from")
            role = self._roles.get(properties["roleDefinitionId"])
            if role and paths.is_within(scope or "/", properties["scope"]) and (begin is None or begin <= at):
                yield assignment, role

    def _at_or_above(self, principal_id: str, scope: str) -> Iterator[Resource]:
        """A principal's assignments whose ids say that they are at a scope or above it."""
        segments = scope.strip("/").lower().split("/") if scope.strip("/") else []
        for end in range(len(segments) + 1):
            above = "".join(f"/{segment}" for segment in segments[:end])
            yield from list(self._held.get((principal_id.lower(), above), {}).values())

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
        """Whether a principal holds one of the roles at or above `scope`, with effect."""
        return any(role.id in role_ids for _, role in self.effective(principal_id, scope, at))
