"""Conditions on role assignments that delegate role assignments (ABAC, version 2.0).

Only the form that Azure's own templates for constrained delegation have is understood: for an action, sets of role
definition ids and principal types of which the assignment's must be one.
"""

from __future__ import annotations

import dataclasses
import re

_ACTION = re.compile(r"!\s*\(\s*ActionMatches\{'([^']+)'\}\s*\)")
_ATTRIBUTE = re.compile(
    r"@(?:Request|Resource)\[Microsoft\.Authorization/roleAssignments:(RoleDefinitionId|PrincipalType)\]\s*"
    r"ForAnyOfAnyValues:(?:GuidEquals|StringEqualsIgnoreCase)\s*\{([^}]*)\}",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Granted:
    """The assignment that someone wants to make or remove: role definition GUID and type of the principal."""

    role_id: str
    principal_type: str


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """Allowed values by action; both lower-cased, values by attribute name."""

    clauses: dict[str, dict[str, frozenset[str]]]

    def allows(self, action: str, granted: Granted | None) -> bool:
        """Whether the condition lets `action` pass; actions that it doesn't mention do."""
        clause = self.clauses.get(action.lower())
        if clause is None:
            return True
        if granted is None:
            return False
        values = {"roledefinitionid": granted.role_id.lower(), "principaltype": granted.principal_type.lower()}
        return all(values[attribute] in allowed for attribute, allowed in clause.items())


def read(text: str) -> Condition:
    """Read a delegation condition.

    Raises:
        ValueError: It isn't of the form that is understood here.
    """
    pieces = _ACTION.split(text)
    clauses: dict[str, dict[str, frozenset[str]]] = {}
    for action, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        attributes = _ATTRIBUTE.findall(rest)
        if not attributes or len(attributes) != rest.count("@"):
            message = f"the condition on {action} can't be understood"
            raise ValueError(message)
        clauses[action.lower()] = {
            name.lower(): frozenset(value.strip().strip("'").lower() for value in values.split(","))
            for name, values in attributes
        }
    if not clauses:
        message = "the condition names no action"
        raise ValueError(message)
    return Condition(clauses)
