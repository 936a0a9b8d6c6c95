"""Role definitions and what they allow."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

from local.azure.errors import Json

ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions"


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """A role definition; ids and names of built-in roles are the same in every tenant."""

    id: str
    name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("/",)
    custom: bool = False

    def allows(self, action: str) -> bool:
        """Whether a holder may do `action`."""
        return matches(self.actions, action) and not matches(self.not_actions, action)

    def gives(self, action: str, needed: Role) -> bool:
        """Whether a holder may do an action of another role, which may have wildcards, as far as that one lets it."""
        return _gives(self.actions, self.not_actions, action, needed.not_actions)

    def gives_data(self, action: str, needed: Role) -> bool:
        """The same for a data action."""
        return _gives(self.data_actions, self.not_data_actions, action, needed.not_data_actions)

    def answer(self, scope: str) -> Json:
        """The definition as ARM answers it below a scope (role_assignment_principal_not_found.json)."""
        subscription = "/".join(scope.split("/")[:3]) if scope.lower().startswith("/subscriptions/") else ""
        return {
            "properties": {
                "roleName": self.name,
                "type": "CustomRole" if self.custom else "BuiltInRole",
                "description": self.description,
                "assignableScopes": list(self.scopes),
                "permissions": [
                    {
                        "actions": list(self.actions),
                        "notActions": list(self.not_actions),
                        "dataActions": list(self.data_actions),
                        "notDataActions": list(self.not_data_actions),
                    }
                ],
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2021-11-11T20:13:07.4993029Z",
                "createdBy": None,
                "updatedBy": None,
            },
            "id": f"{subscription}/providers/{ROLE_DEFINITIONS}/{self.id}",
            "type": ROLE_DEFINITIONS,
            "name": self.id,
        }


@functools.cache
def _pattern(actions: tuple[str, ...]) -> re.Pattern[str]:
    parts = (".*".join(re.escape(part) for part in action.split("*")) for action in actions)
    return re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE)


def matches(actions: Sequence[str], action: str) -> bool:
    """Whether one of `actions`, which may hold wildcards, covers `action`; case doesn't matter."""
    return bool(actions) and _pattern(tuple(actions)).fullmatch(action) is not None


def _gives(actions: Sequence[str], taken: Sequence[str], wanted: str, not_wanted: Sequence[str]) -> bool:
    """Whether `actions` without those `taken` away have all that `wanted` without those `not_wanted` has."""
    lost = (
        pattern
        for pattern in taken
        if (matches((wanted,), pattern) or matches((pattern,), wanted)) and not matches(not_wanted, pattern)
    )
    return matches(actions, wanted) and next(lost, None) is None


class Roles:
    """Role definitions by id."""

    def __init__(self, built_in: Iterable[Role]) -> None:
        self._all = {role.id: role for role in built_in}

    def add(self, role: Role) -> Role:
        """Make a custom role known."""
        self._all[role.id.lower()] = role
        return role

    def get(self, role_id: str) -> Role | None:
        """A role by its GUID or by the full id of its definition."""
        return self._all.get(role_id.rstrip("/").rsplit("/", 1)[-1].lower())

    def named(self, name: str | None) -> list[Role]:
        """Roles with this name, compared without case, or all."""
        return [role for role in self._all.values() if name is None or role.name.lower() == name.lower()]
