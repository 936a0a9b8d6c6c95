"""Private endpoints: what a PUT asks for, and the connection that it makes on the account."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from local.azure import errors, paths
from local.azure.exchange import Reply
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation

ENDPOINTS = "Microsoft.Network/privateEndpoints"

_ACCOUNTS = "microsoft.storage/storageaccounts"
_KINDS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
_GROUPS = frozenset({"blob", "file", "queue", "table", "web", "dfs"})
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
_APPROVE = "Microsoft.Storage/storageAccounts/PrivateEndpointConnectionsApproval/action"
_WRITE = f"{ENDPOINTS}/write"
_POLL_AFTER = 10.0
_STATUS = {"Running": "InProgress"}


def list_all(call: Call) -> Reply:
    """Private endpoints of a subscription or group."""
    return Reply(200, {"value": [one.body for one in call.cloud.store.of_type(ENDPOINTS, call.target.scope)]})


def get(call: Call) -> Reply:
    """One private endpoint."""
    return Reply(200, call.existing().body)


def put(call: Call) -> Reply:
    """Make a private endpoint: 201, and its connection when the operation ends.

    A connection of `privateLinkServiceConnections` is approved at once, which the caller must be allowed to do; one of
    `manualPrivateLinkServiceConnections` waits for somebody who is (documented). One that exists stays as it is.
    """
    existing = call.stored()
    if existing is not None:
        return Reply(200, existing.body)
    region = call.region(ENDPOINTS)
    asked = call.body.get("properties") or {}
    manual, account, requested = _requested(call, asked)
    _require(call, _JOIN, str(asked["subnet"]["id"]))
    if not manual:
        _require(call, _APPROVE, account.id)
    status = {"status": "Pending", "description": str(requested.get("requestMessage") or ""), "actionsRequired": "None"}
    link = {
        "name": requested["name"],
        "id": f"{call.id}/{_KINDS[manual]}/{requested['name']}",
        "properties": {
            "provisioningState": "Succeeded",
            "privateLinkServiceId": account.id,
            "groupIds": list(requested["groupIds"]),
            "privateLinkServiceConnectionState": status,
        },
    }
    endpoint = call.cloud.store.put(
        Resource(call.id, ENDPOINTS, _document(call, region.name, asked, {_KINDS[manual]: [link]}))
    )

    def finish(_: Operation) -> None:
        if call.cloud.store.get(account.id) is not account:
            raise errors.bad_request("PrivateLinkServiceNotFound", f"The resource {account.id} doesn't exist.")
        if not manual:
            status.update(status="Approved", description="Auto-Approved")
        endpoint.properties["provisioningState"] = "Succeeded"
        _connect(call, endpoint, account, status)

    def fail(_: Operation, __: ArmError) -> None:
        endpoint.properties["provisioningState"] = "Failed"

    operation = call.start("privateEndpointWrite", endpoint.id, succeed=finish, fail=fail)
    return Reply(201, copy.deepcopy(endpoint.body), _headers(call, operation, region.name), _POLL_AFTER)


def delete(call: Call) -> Reply:
    """Remove a private endpoint with its connection."""
    endpoint = call.stored()
    if endpoint is None:
        return Reply(204)
    endpoint.properties["provisioningState"] = "Deleting"

    def finish(operation: Operation) -> None:
        for kind in _KINDS:
            for link in endpoint.properties.get(kind) or []:
                _disconnect(call, endpoint, str(link["properties"]["privateLinkServiceId"]))
        call.cloud.remove(endpoint.id, operation.ends, operation)

    operation = call.start("privateEndpointDelete", endpoint.id, succeed=finish)
    return Reply(202, None, _headers(call, operation, endpoint.location), _POLL_AFTER)


def status(call: Call) -> Reply:
    """GET of an operation."""
    operation = call.cloud.operations.get(call.arguments["operation"])
    if operation is None:
        name = call.arguments["operation"]
        raise errors.ArmError(404, "OperationNotFound", f"The operation '{name}' was not found.")
    body: Json = {"status": _STATUS.get(operation.status, operation.status)}
    if operation.error:
        body["error"] = operation.error.fields()
    return Reply(200, body, retry_after=_POLL_AFTER if operation.running else None)


def _requested(call: Call, asked: Json) -> tuple[bool, Resource, Json]:
    """Whether approval is left to others, the account, and the connection asked for; refusals aren't recorded."""
    if not (asked.get("subnet") or {}).get("id"):
        raise errors.bad_request("InvalidRequestFormat", "A private endpoint needs properties.subnet.id.")
    wanted = [(manual, one) for manual in (False, True) for one in asked.get(_KINDS[manual]) or []]
    if len(wanted) != 1:
        raise errors.bad_request("InvalidRequestFormat", "A private endpoint has exactly one connection.")
    manual, sent = wanted[0]
    inner = {**(sent.get("properties") or {}), "name": sent.get("name")}
    account = call.stored(str(inner.get("privateLinkServiceId") or ""))
    if account is None or account.type.lower() != _ACCOUNTS:
        named = inner.get("privateLinkServiceId")
        raise errors.bad_request(
            "InvalidResourceReference", f"Resource {named} doesn't exist or is no storage account."
        )
    groups = inner.get("groupIds")
    if not inner["name"] or not isinstance(groups, list) or len(groups) != 1 or groups[0] not in _GROUPS:
        raise errors.bad_request("InvalidGroupIds", f"A connection needs a name and one group of {sorted(_GROUPS)}.")
    return manual, account, inner


def _require(call: Call, action: str, scope: str) -> None:
    who = call.principal
    if not call.cloud.access.may(who.object_id, action, scope, call.at):
        raise errors.linked_authorization_failed(who.name, who.object_id, _WRITE, call.id, (action, scope))


def _document(call: Call, location: str, asked: Json, links: Json) -> Json:
    name = call.target.name
    card = f"{call.id.rsplit('/privateEndpoints/', 1)[0]}/networkInterfaces/{name}.nic.{call.cloud.new_guid()}"
    body: Json = {
        "name": name,
        "id": call.id,
        "type": ENDPOINTS,
        "location": location,
        "properties": {
            "provisioningState": "Updating",
            "subnet": {"id": asked["subnet"]["id"]},
            **{kind: [] for kind in _KINDS},
            **links,
            "networkInterfaces": [{"id": card}],
            "customDnsConfigs": [],
        },
    }
    return body | ({"tags": dict(call.body["tags"])} if call.body.get("tags") else {})


def _connect(call: Call, endpoint: Resource, account: Resource, status: Json) -> None:
    """The connection in the account's own body; its name is the endpoint's with a GUID."""
    name = f"{account.name}.{call.cloud.new_guid()}"
    connections: list[Json] = account.properties.setdefault("privateEndpointConnections", [])
    connections.append(
        {
            "id": f"{account.id}/privateEndpointConnections/{name}",
            "name": name,
            "type": "Microsoft.Storage/storageAccounts/privateEndpointConnections",
            "properties": {
                "provisioningState": "Succeeded",
                "privateEndpoint": {"id": endpoint.id},
                "privateLinkServiceConnectionState": {
                    "status": status["status"],
                    "description": status["description"],
                    "actionRequired": "None",
                },
            },
        }
    )
    call.cloud.store.touch(account.id)


def _disconnect(call: Call, endpoint: Resource, account_id: str) -> None:
    account = call.stored(account_id)
    if account is None:
        return
    account.properties["privateEndpointConnections"] = [
        one
        for one in account.properties.get("privateEndpointConnections") or []
        if str(one["properties"]["privateEndpoint"]["id"]).lower() != endpoint.id.lower()
    ]
    call.cloud.store.touch(account.id)


def _headers(call: Call, operation: Operation, location: str) -> dict[str, str]:
    subscription = paths.parse(call.id).subscription
    path = f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/operations/{operation.id}"
    return {"azure-asyncoperation": call.url(path)}
