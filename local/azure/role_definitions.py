"""Microsoft.Authorization/roleDefinitions: built-in roles, and custom ones that can be made."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.errors import ArmError
from local.azure.exchange import Call, Reply
from local.azure.roles import Role
from local.azure.routing import Route

if TYPE_CHECKING:
    from local.azure.errors import Json

_ROLE_NAME = re.compile(r"roleName\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)
_PERMISSIONS = ("actions", "notActions", "dataActions", "notDataActions")


def _list_roles(call: Call) -> Reply:
    named = _ROLE_NAME.search(call.parameter("$filter") or "")
    name = named.group(1).replace("''", "'") if named else None
    scope = call.target.scope
    found = [role.answer(scope) for role in call.cloud.roles.named(name) if assignable(call, role)]
    return Reply(200, {"value": found})


def assignable(call: Call, role: Role) -> bool:
    """Whether a role can be assigned at the scope of a call."""
    return any(call.cloud.hierarchy.covers(limit, call.target.scope) for limit in role.scopes)


def _get_role(call: Call) -> Reply:
    role = call.cloud.roles.get(call.arguments["role"])
    if role is None:
        raise ArmError(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{call.arguments['role']}' does not exist.",
        )
    return Reply(200, role.answer(call.target.scope))


def _put_role(call: Call) -> Reply:
    """Make or change a custom role. Not recorded; one set of permissions, as every client sends."""
    sent = call.body.get("properties") or {}
    scopes = sent.get("assignableScopes")
    if not _is_guid(call.arguments["role"]):
        raise errors.bad_request("InvalidRoleDefinitionId", "The name of a role definition is a GUID.")
    if not sent.get("roleName") or not isinstance(scopes, list) or not scopes:
        raise errors.bad_request("InvalidRoleDefinition", "roleName and assignableScopes are required.")
    existing = call.cloud.roles.get(call.arguments["role"])
    if existing and not existing.custom:
        raise errors.bad_request("RoleDefinitionUpdateNotPermitted", "A built-in role can't be changed.")
    if any(role is not existing for role in call.cloud.roles.named(str(sent["roleName"]))):
        raise ArmError(409, "RoleDefinitionWithSameNameExists", f"A role named '{sent['roleName']}' exists already.")
    granted: Json = next(iter(sent.get("permissions") or ()), {})
    actions, not_actions, data, not_data = (tuple(map(str, granted.get(name) or ())) for name in _PERMISSIONS)
    role = Role(
        call.arguments["role"].lower(),
        str(sent["roleName"]),
        str(sent.get("description") or ""),
        actions,
        not_actions,
        data,
        not_data,
        scopes=tuple(map(str, scopes)),
        custom=True,
    )
    return Reply(201, call.cloud.roles.add(role).answer(call.target.scope))


def _is_guid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


ROUTES = (
    Route("GET", "roleDefinitions", _list_roles),
    Route("GET", "roleDefinitions/{role}", _get_role),
    Route("PUT", "roleDefinitions/{role}", _put_role),
)
