"""Resource groups (resource_group.json)."""

from __future__ import annotations

import base64
import json
import re

from local.azure import errors, paths
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Route
from local.azure.store import Resource

GROUPS = "Microsoft.Resources/resourceGroups"
_INSTANCES = "Microsoft.DataProtection/backupVaults/backupInstances"
_MAX_NAME = 90
_POLL_SECONDS = 15  # ARM's usual Retry-After for a group's deletion


def _check_name(name: str) -> None:
    """Letters, digits, `-`, `.`, `(`, `)`, `_`; at most 90; no period at the end. Answers not recorded."""
    wrong = "".join(dict.fromkeys(re.sub(r"[\w\-.()]", "", name)))
    if len(name) > _MAX_NAME:
        raise errors.gateway(
            400,
            "InvalidResourceGroup",
            f"The provided resource group name '{name}' exceeds the maximum length of '90'.",
        )
    if wrong or name.endswith("."):
        raise errors.gateway(
            400,
            "InvalidResourceGroup",
            f"The provided resource group name '{name}' has these invalid characters: '{wrong or '.'}'. "
            "The name can only be a letter, digit, '-', '.', '(', ')' or '_'.",
        )


def _missing(call: Call) -> ArmError:
    return errors.group_not_found(call.arguments["group"])


def _group(call: Call) -> Resource:
    group = call.stored()
    if group is None:
        raise _missing(call)
    return group


def _put(call: Call) -> Reply:
    _check_name(call.arguments["group"])
    region = call.region(GROUPS)
    group = call.stored()
    if group and group.location != region.name:
        # not recorded; ARM's documented answer
        raise errors.gateway(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{region.name}'. The Resource group already exists in location "
            f"'{group.location}'.",
        )
    if group and group.properties.get("provisioningState") == "Deleting":
        raise _being_deleted(call)
    body: Json = {
        "id": f"/subscriptions/{call.arguments['subscription']}/resourceGroups/{call.arguments['group']}",
        "name": call.arguments["group"],
        "type": GROUPS,
        "location": region.name,
    }
    if group:
        body.update(id=group.id, name=group.name)
    body.update({key: call.body[key] for key in ("managedBy", "tags") if call.body.get(key) is not None})
    body["properties"] = {"provisioningState": "Succeeded"}
    call.cloud.store.put(Resource(body["id"], GROUPS, body))
    return Reply(200 if group else 201, body)


def _being_deleted(call: Call) -> ArmError:
    """Not recorded; ARM's documented answer."""
    name = call.arguments["group"]
    return errors.gateway(
        409,
        "ResourceGroupBeingDeleted",
        f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
    )


def _patch(call: Call) -> Reply:
    group = _group(call)
    if "tags" in call.body:
        group.body["tags"] = call.body["tags"] or {}
    return Reply(200, group.body)


def _get(call: Call) -> Reply:
    return Reply(200, _group(call).body)


def _head(call: Call) -> Reply:
    _group(call)
    return Reply(204)


def _list(call: Call) -> Reply:
    groups = call.cloud.store.of_type(GROUPS, f"/subscriptions/{call.arguments['subscription']}")
    return Reply(200, {"value": [group.body for group in groups]})


def _delete(call: Call) -> Reply:
    group = _group(call)
    subscription = call.arguments["subscription"]
    job = {
        "jobId": f"RESOURCEGROUPDELETIONJOB-{group.name.upper()}-{call.cloud.new_guid()}",
        "jobLocation": group.location,
    }
    token = base64.urlsafe_b64encode(json.dumps(job, separators=(",", ":")).encode()).decode().rstrip("=")
    group.properties["provisioningState"] = "Deleting"
    cloud = call.cloud

    def succeed(operation: Operation) -> None:
        if next(cloud.store.of_type(_INSTANCES, group.id), None):
            message = (
                f"Deletion of resource group '{group.name}' failed as resources with identifiers "
                "'Microsoft.DataProtection/backupVaults' could not be deleted."
            )
            raise ArmError(409, "ResourceGroupDeletionBlocked", message, "gateway")
        cloud.remove(group.id, operation.ends, operation)

    def fail(_: Operation, __: ArmError) -> None:
        group.properties["provisioningState"] = "Succeeded"

    call.start("resourceGroupDelete", group.id, operation_id=token, succeed=succeed, fail=fail)
    location = call.url(f"/subscriptions/{subscription}/operationresults/{token}")
    return Reply(202, headers={"location": location}, retry_after=_POLL_SECONDS)


def _result(call: Call) -> Reply:
    operation = call.cloud.operations.get(call.arguments["id"])
    if operation is None:
        raise errors.gateway(404, "NotFound", "The operation could not be found.")
    if operation.running:
        location = call.url(paths.parse(call.id).path)
        return Reply(202, headers={"location": location}, retry_after=_POLL_SECONDS)
    if operation.error:
        raise operation.error
    return Reply(200)


_GROUP = "subscriptions/{subscription}/resourceGroups/{group}"

ROUTES = (
    Route("PUT", _GROUP, _put),
    Route("PATCH", _GROUP, _patch),
    Route("GET", _GROUP, _get),
    Route("HEAD", _GROUP, _head),
    Route("DELETE", _GROUP, _delete),
    Route("GET", "subscriptions/{subscription}/resourceGroups", _list),
    Route("GET", "subscriptions/{subscription}/operationresults/{id}", _result),
)
