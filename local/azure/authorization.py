"""Microsoft.Authorization: role definitions, role assignments and locks."""

from __future__ import annotations

import datetime as dt
import re

from local.azure import conditions, errors, locks, role_definitions
from local.azure.access import ROLE_ASSIGNMENTS
from local.azure.clock import ticks
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.roles import Role
from local.azure.routing import Provider, ResourceType, Route
from local.azure.store import Resource

_TERM = re.compile(r"(atScope)\(\)|(assignedTo)\(\s*'([^']*)'\s*\)|(principalId)\s+eq\s+'?([^'\s]*)'?", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_NEVER_CHANGED = ("roleDefinitionId", "principalId")
_SENT = ("condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description")


def _requested(call: Call) -> tuple[Role, str, Json]:
    """The role, the principal's object id and the properties that a PUT asks for."""
    properties = call.body.get("properties")
    sent: Json = properties if isinstance(properties, dict) else {}
    for name in _NEVER_CHANGED:
        if not isinstance(sent.get(name), str) or not sent[name]:
            raise errors.bad_request("InvalidRoleAssignmentRequest", f"The property '{name}' is required.")
    role = call.cloud.roles.get(sent["roleDefinitionId"])
    if role is None or not role_definitions.assignable(call, role):
        guid = sent["roleDefinitionId"].rsplit("/", 1)[-1].replace("-", "")
        message = f"The specified role definition with ID '{guid}' does not exist."
        raise errors.bad_request("RoleDefinitionDoesNotExist", message)
    if not _GUID.fullmatch(sent["principalId"]):
        raise errors.bad_request("InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
    return role, sent["principalId"], sent


def _principal_type(call: Call, object_id: str, wanted: str | None) -> str:
    """Type of the principal; without one in the request the directory must know it already.

    Raises:
        ArmError: PrincipalNotFound or UnmatchedPrincipalType (role_assignment_principal_not_found.json, errors.json).
    """
    principal = call.cloud.directory.get(object_id)
    plain = object_id.replace("-", "")
    if wanted:
        if principal and principal.kind.lower() != wanted.lower():
            message = (
                f"The PrincipalId '{plain}' has type '{principal.kind}' , which is different from specified "
                f"PrinciaplType '{wanted}'."
            )
            raise errors.bad_request("UnmatchedPrincipalType", message)
        if principal:
            return principal.kind
    if principal is None or principal.visible_from > call.at:
        raise _principal_not_found(plain, call.cloud.options.tenant)
    return principal.kind


def _principal_not_found(plain: str, tenant: str) -> ArmError:
    return errors.bad_request(
        "PrincipalNotFound",
        f"Principal {plain} does not exist in the directory {tenant}. Check that you have the correct principal ID. "
        "If you are creating this principal and then immediately assigning a role, this error might be related to a "
        "replication delay. In this case, set the role assignment principalType property to a value, such as "
        "ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    )


def _put_assignment(call: Call) -> Reply:
    name = call.arguments["name"]
    if not _GUID.fullmatch(name):
        message = f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        raise errors.bad_request("InvalidRoleAssignmentId", message)
    role, object_id, sent = _requested(call)
    scope = call.target.scope or "/"
    same_name = call.stored()
    if same_name is not None:
        return _repeat(call, same_name, role, object_id, sent)
    for other in call.cloud.store.of_type(ROLE_ASSIGNMENTS):
        if _grants_same(other, role, object_id, scope):
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
    kind = _principal_type(call, object_id, sent.get("principalType"))
    condition = _condition(sent)
    assignment = call.cloud.store.put(Resource(call.id, ROLE_ASSIGNMENTS, _body(call, role, object_id, kind, sent)))
    assignment.notes["condition"] = condition
    propagation = call.cloud.operations.start(
        "rolePropagation", call.id, operation_id=call.cloud.new_guid(), at=call.at
    )
    assignment.notes["effective_from"] = propagation.ends
    return Reply(201, assignment.body)


def _grants_same(other: Resource, role: Role, object_id: str, scope: str) -> bool:
    properties = other.properties
    there = (
        str(properties["principalId"]).lower(),
        str(properties["roleDefinitionId"]).rsplit("/", 1)[-1].lower(),
        str(properties["scope"]).rstrip("/").lower(),
    )
    return there == (object_id.lower(), role.id, scope.rstrip("/").lower())


def _repeat(call: Call, existing: Resource, role: Role, object_id: str, sent: Json) -> Reply:
    """A PUT under a name that is taken. The content of a grant can't be changed; not recorded."""
    if not _grants_same(existing, role, object_id, call.target.scope or "/"):
        raise ArmError(
            409,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    existing.notes["condition"] = _condition(sent)
    changed = {name: sent[name] for name in _SENT if sent.get(name) != existing.properties.get(name) and name in sent}
    if changed:
        existing.properties.update(changed, updatedOn=ticks(call.at), updatedBy=call.principal.object_id)
    return Reply(201 if changed else 200, existing.body)


def _condition(sent: Json) -> conditions.Condition | None:
    text = sent.get("condition")
    if not text:
        return None
    try:
        return conditions.read(str(text))
    except ValueError as error:
        raise errors.bad_request("InvalidRoleAssignmentCondition", f"The condition is invalid: {error}.") from error


def _body(call: Call, role: Role, object_id: str, kind: str, sent: Json) -> Json:
    """The created assignment (role_assignment_principal_not_found.json)."""
    extra = {name: sent.get(name) for name in _SENT}
    return {
        "properties": {
            "roleDefinitionId": role.answer(call.target.scope)["id"],
            "principalId": object_id,
            "principalType": kind,
            "scope": call.target.scope or "/",
            "condition": extra["condition"],
            "conditionVersion": extra["conditionVersion"],
            "createdOn": ticks(call.at),
            "updatedOn": ticks(call.at + dt.timedelta(milliseconds=390)),
            "createdBy": None,
            "updatedBy": call.principal.object_id,
            "delegatedManagedIdentityResourceId": extra["delegatedManagedIdentityResourceId"],
            "description": extra["description"],
        },
        "id": call.id,
        "type": ROLE_ASSIGNMENTS,
        "name": call.arguments["name"],
    }


def _get_assignment(call: Call) -> Reply:
    assignment = call.stored()
    if assignment is None:
        name = call.arguments["name"].replace("-", "")
        raise ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
    return Reply(200, assignment.body)


def _delete_assignment(call: Call) -> Reply:
    assignment = call.stored()
    if assignment is None:
        return Reply(204)
    call.cloud.store.remove(assignment.id)
    for propagation in call.cloud.operations.running(assignment.id):
        call.cloud.operations.cancel(propagation, call.at)
    return Reply(200, assignment.body)


def _list_assignments(call: Call) -> Reply:
    """Assignments at and above the scope, without `atScope()` also those below it; one page (wire facts)."""
    at_scope, principals = _filter(call)
    scope = call.target.scope or "/"
    value = [
        assignment.body
        for assignment in call.cloud.store.of_type(ROLE_ASSIGNMENTS)
        if _near(call, assignment.properties["scope"], scope, below=not at_scope)
        and (principals is None or assignment.properties["principalId"].lower() in principals)
    ]
    return Reply(200, {"value": value})


def _filter(call: Call) -> tuple[bool, frozenset[str] | None]:
    """Whether a filter leaves out what is below the scope, and the principals that it asks for, if any.

    As documented `principalId eq` finds assignments to that very principal, `assignedTo()` also those to groups that it
    is a member of. The code of the refusal is known from clients, its wording isn't.
    """
    text = call.parameter("$filter") or ""
    at_scope, principals = False, None
    for term in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        found = _TERM.fullmatch(term.strip())
        if found is None or (principals is not None and not found[1]):
            raise errors.bad_request("UnsupportedQuery", f"The filter '{text}' is not supported.")
        at_scope = at_scope or bool(found[1])
        if found[2]:
            principals = frozenset(call.cloud.access.holders(found[3]))
        elif found[4]:
            principals = frozenset({found[5].lower()})
    return at_scope, principals


def _near(call: Call, assigned: str, scope: str, *, below: bool) -> bool:
    covers = call.cloud.hierarchy.covers
    return covers(assigned, scope) or (below and covers(scope, assigned))


ROUTES = (
    *role_definitions.ROUTES,
    Route("PUT", "roleAssignments/{name}", _put_assignment),
    Route("GET", "roleAssignments/{name}", _get_assignment),
    Route("DELETE", "roleAssignments/{name}", _delete_assignment),
    Route("GET", "roleAssignments", _list_assignments),
    *locks.ROUTES,
)

PROVIDER = Provider(
    "Microsoft.Authorization",
    ROUTES,
    ("2014-07-01", "2026-12-31"),
    (
        ResourceType("roleAssignments", ("2022-04-01", "2020-10-01-preview", "2015-07-01"), "SupportsExtension"),
        ResourceType("locks", ("2020-05-01", "2017-04-01", "2016-09-01"), "SupportsExtension"),
        ResourceType("roleDefinitions", ("2022-05-01-preview", "2022-04-01", "2015-07-01"), "SupportsExtension"),
    ),
)
