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
        self._store = store
        self._roles = roles

    def effective(self, principal_id: str, scope: str, at: dt.datetime) -> Iterator[tuple[Resource, Role]]:
        """Assignments of a principal at or above a scope which have propagated by `at`, and their roles."""
        for assignment in self._at_or_above(scope):
            properties = assignment.properties
            if properties["principalId"].lower() != principal_id.lower():
                continue
            begin = assignment.notes.get("effective_from")
            role = self._roles.get(properties["roleDefinitionId"])
            if role and paths.is_within(scope or "/", properties["scope"]) and (begin is None or begin <= at):
                yield assignment, role

    def _at_or_above(self, scope: str) -> Iterator[Resource]:
        """Assignments whose ids say that they are at a scope or above it."""
        segments = scope.strip("/").split("/") if scope.strip("/") else []
        for end in range(len(segments) + 1):
            above = "".join(f"/{segment}" for segment in segments[:end])
            yield from self._store.children(above, ROLE_ASSIGNMENTS)

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
