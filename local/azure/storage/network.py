"""Who reaches an account: network rules, and connections of private endpoints.

No recording shows them filled; shapes and values are those of the published API (2024-01-01).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local.azure.errors import ArmError, bad_request
from local.azure.exchange import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.errors import Json
    from local.azure.exchange import Call
    from local.azure.store import Resource

CONNECTION = "Microsoft.Storage/storageAccounts/privateEndpointConnections"

_CONTENT_TYPE = "application/json"
_PUBLIC = frozenset({"Enabled", "Disabled", "SecuredByPerimeter"})
_ACTIONS = frozenset({"Allow", "Deny"})
_BYPASSED = frozenset({"None", "Logging", "Metrics", "AzureServices"})
_KEYS = {"virtualNetworkRules": "id", "ipRules": "value", "resourceAccessRules": "resourceId"}
_FILLED: dict[str, Json] = {
    "virtualNetworkRules": {"action": "Allow", "state": "Succeeded"},
    "ipRules": {"action": "Allow"},
    "resourceAccessRules": {},
}
_DECISIONS = frozenset({"Approved", "Rejected"})


def refusal(asked: Mapping[str, Any]) -> ArmError | None:
    """Why `properties` of a request can't be; codes are those of other wrong values, not recorded."""
    public, rules = asked.get("publicNetworkAccess"), asked.get("networkAcls") or {}
    if public is not None and public not in _PUBLIC:
        return _wrong(public, "publicNetworkAccess")
    if rules and rules.get("defaultAction") not in _ACTIONS:
        return _wrong(rules.get("defaultAction"), "networkAcls.defaultAction")
    for name in str(rules.get("bypass") or "None").split(","):
        if name.strip() not in _BYPASSED:
            return _wrong(name.strip(), "networkAcls.bypass")
    for kind, key in _KEYS.items():
        for rule in rules.get(kind) or []:
            if not isinstance(rule, dict) or not rule.get(key):
                return _wrong(rule, f"networkAcls.{kind}")
    return None


def _wrong(value: object, name: str) -> ArmError:
    return bad_request("InvalidRequestPropertyValue", f"The value '{value}' is not allowed for property {name}.")


def apply(rules: Json, asked: Mapping[str, Any]) -> None:
    """Bring an account's rules up to date; the lists that a request names replace the old ones, filled up."""
    for name, value in asked.items():
        if name in _FILLED and value is not None:
            rules[name] = [_FILLED[name] | copy.deepcopy(rule) for rule in value]
        elif value is not None:
            rules[name] = copy.deepcopy(value)


def connections(account: Resource) -> list[Json]:
    """The connections of an account, which are part of its body."""
    found: list[Json] = account.properties.setdefault("privateEndpointConnections", [])
    return found


def list_all(call: Call) -> Reply:
    """All connections of an account."""
    return Reply(200, {"value": copy.deepcopy(connections(_account(call)))}, content_type=_CONTENT_TYPE)


def get(call: Call) -> Reply:
    """One connection."""
    return Reply(200, copy.deepcopy(_connection(call)), content_type=_CONTENT_TYPE)


def put(call: Call) -> Reply:
    """Approve or reject a connection; the private endpoint is told."""
    connection = _connection(call)
    sent = (call.body.get("properties") or {}).get("privateLinkServiceConnectionState") or {}
    if sent.get("status") not in _DECISIONS:
        raise _wrong(sent.get("status"), "privateLinkServiceConnectionState.status")
    state: Json = connection["properties"]["privateLinkServiceConnectionState"]
    state |= {"status": sent["status"], "description": str(sent.get("description") or "")}
    account = _account(call)
    endpoint = call.stored(str(connection["properties"]["privateEndpoint"]["id"]))
    for kind in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
        for one in endpoint.properties.get(kind) or [] if endpoint else ():
            if str(one["properties"]["privateLinkServiceId"]).lower() == account.id.lower():
                one["properties"]["privateLinkServiceConnectionState"].update(state)
    call.cloud.store.touch(account.id)
    return Reply(200, copy.deepcopy(connection), content_type=_CONTENT_TYPE)


def delete(call: Call) -> Reply:
    """Remove a connection; the private endpoint stays and leads nowhere."""
    account = _account(call)
    left = [one for one in connections(account) if one["name"].lower() != call.arguments["connection"].lower()]
    if len(left) == len(connections(account)):
        return Reply(204)
    account.properties["privateEndpointConnections"] = left
    call.cloud.store.touch(account.id)
    return Reply(200)


def _account(call: Call) -> Resource:
    account = call.stored(call.id.lower().rsplit("/privateendpointconnections", 1)[0])
    if account is None:
        raise call.not_found()
    return account


def _connection(call: Call) -> Json:
    wanted = call.arguments["connection"]
    for connection in connections(_account(call)):
        if connection["name"].lower() == wanted.lower():
            return connection
    raise ArmError(
        404,
        "PrivateEndpointConnectionNotFound",
        f"The private endpoint connection '{wanted}' was not found.",
        content_type=_CONTENT_TYPE,
    )
