"""Trusted access: the roles that exist, and the bindings that give them to Azure resources."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from local.azure import paths
from local.azure.container_service import operations, refusals, roles, state
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation

TYPE = "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings"

_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,22}[A-Za-z0-9])?$")  # at most 24 characters
_ROLE_PARTS = 3


def list_roles(_: Call) -> Reply:
    """Roles of a region; the same everywhere here."""
    return Reply(200, {"value": roles.listed()}, content_type=CONTENT_TYPE)


def list_bindings(call: Call) -> Reply:
    """Bindings of a cluster, without nextLink (recorded)."""
    found = [binding.body for binding in call.cloud.store.of_type(TYPE, _cluster(call).id)]
    return Reply(200, {"value": found}, content_type=CONTENT_TYPE)


def get(call: Call) -> Reply:
    """One binding."""
    return Reply(200, _existing(call).body, content_type=CONTENT_TYPE)


def put(call: Call) -> Reply:
    """Create or update a binding: 201 and `Updating` in both cases (recorded)."""
    cluster = _cluster(call)
    asked = call.body.get("properties") or {}
    if refusal := _refusal(call, asked):
        raise refusal
    state.require_free(call, cluster)
    binding = call.stored() or call.cloud.store.put(Resource(call.id, TYPE, {}))
    binding.body = {
        "id": binding.id,
        "name": binding.name,
        "type": TYPE,
        "properties": {
            "provisioningState": "Updating",
            "sourceResourceId": asked["sourceResourceId"],
            "roles": list(asked["roles"]),
        },
    }

    def finish(_: Operation) -> None:
        binding.properties["provisioningState"] = "Succeeded"

    def fail(_: Operation, __: ArmError) -> None:
        binding.properties["provisioningState"] = "Failed"

    operation = state.occupy(call, cluster, "trustedAccessWrite", binding.id, succeed=finish, fail=fail)
    headers = operations.accepted(call, operation, cluster.location, result=False)
    body: Json = copy.deepcopy(binding.body)
    return Reply(201, body, headers, operations.POLL_AFTER, CONTENT_TYPE)


def delete(call: Call) -> Reply:
    """Remove a binding; 204 when it isn't there [the 202 is recorded, the 204 isn't]."""
    cluster, binding = _cluster(call), call.stored()
    if binding is None:
        return Reply(204)
    state.require_free(call, cluster)
    binding.properties["provisioningState"] = "Deleting"

    def finish(operation: Operation) -> None:
        call.cloud.remove(binding.id, operation.ends, operation)

    operation = state.occupy(call, cluster, "trustedAccessDelete", binding.id, succeed=finish)
    headers = operations.accepted(call, operation, cluster.location, result=True)
    return Reply(202, None, headers, operations.POLL_AFTER)


def _cluster(call: Call) -> Resource:
    cluster = call.stored(call.id.lower().rsplit("/trustedaccessrolebindings", 1)[0])
    if cluster is None:
        raise call.not_found()
    return cluster


def _existing(call: Call) -> Resource:
    binding = call.stored()
    if binding is None:
        raise _absent(call)
    return binding


def _absent(call: Call) -> ArmError:
    """Recorded: the service answers this itself, without an `error` object."""
    name, cluster = call.arguments["binding"], call.arguments["cluster"]
    return refusals.refused(
        404,
        "NotFound",
        f"Could not find the trusted access role binding {name} in subscription: {call.target.subscription}, "
        f"resourceGroup: {call.target.group}, clusterName: {cluster}.",
        details=[
            {
                "code": "Unspecified",
                "message": "rpc error: code = NotFound desc = TrustedAccessRoleBinding not found",
            },
        ],
        subcode="GetTrustedAccessRoleBinding_NotFound",
    )


def _refusal(call: Call, asked: Json) -> ArmError | None:
    """Why a binding can't be made; the rules are documented, the answers not recorded."""
    if not _NAME.match(call.arguments["binding"]):
        return refusals.invalid(
            "trustedAccessRoleBindingName",
            "it must have 1 to 24 letters, digits or dashes and begin and end with a letter or digit",
        )
    source, wanted = str(asked.get("sourceResourceId") or ""), asked.get("roles")
    if not source.startswith("/subscriptions/"):
        return refusals.invalid("properties.sourceResourceId", "it must be the id of an Azure resource")
    if not isinstance(wanted, list) or not wanted:
        return refusals.invalid("properties.roles", "at least one role is required")
    if call.stored(source) is None:
        return refusals.refused(
            400,
            "TrustedAccessSourceResourceNotFound",
            f"The source resource '{source}' could not be found.",
        )
    return next(filter(None, (_role_refusal(source, str(role)) for role in wanted)), None)


def _role_refusal(source: str, role: str) -> ArmError | None:
    parts = role.split("/")
    if len(parts) != _ROLE_PARTS or not roles.exists("/".join(parts[:-1]), parts[-1]):
        return refusals.invalid("properties.roles", f"the role '{role}' does not exist")
    if paths.full_type(source).lower() != "/".join(parts[:-1]).lower():
        return refusals.invalid("properties.roles", f"the role '{role}' is not for resources like '{source}'")
    return None
