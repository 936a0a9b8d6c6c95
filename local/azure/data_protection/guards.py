"""Resource Guards: somebody else has to agree before what protects backups is weakened (multi-user authorization).

Nothing of it is recorded. Shapes are those of the published API (2025-07-01), where the requests for deleting an
instance and a vault's connection are named; names of the others are chosen after them. Known of clients is how
agreement is shown: `resourceGuardOperationRequests` names the guard's requests, and the caller must hold rights on them
(a linked access check). Which action that needs isn't known; `write` is chosen, as a reader's role doesn't do.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.clock import ticks
from local.azure.data_protection.dialect import INSTANCES, NAMESPACE, VAULTS, invalid_input, not_found, user_error
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import Json

GUARDS = f"{NAMESPACE}/resourceGuards"
PROXIES = f"{VAULTS}/backupResourceGuardProxies"

DELETE_INSTANCE = f"{INSTANCES}/delete"
STOP = f"{INSTANCES}/stopProtection/action"
SUSPEND = f"{INSTANCES}/suspendBackups/action"
CHANGE_POLICY = f"{INSTANCES}/write"
_DISCONNECT = f"{PROXIES}/delete"

_REQUESTS = {
    DELETE_INSTANCE: "deleteBackupInstanceRequests",
    _DISCONNECT: "deleteResourceGuardProxyRequests",
    STOP: "stopBackupInstanceProtectionRequests",
    SUSPEND: "suspendBackupInstanceRequests",
    CHANGE_POLICY: "updateBackupInstanceRequests",
}
"""Critical operations of a vault, and the guard's requests for them."""

_UNLOCKED = dt.timedelta(minutes=30)
"""How long an instance can be deleted after `unlockDelete`; chosen."""


def require_agreement(call: Call, vault: Resource, operation: str, requests: object) -> None:
    """Refuse a critical operation on a guarded vault that nobody else has agreed to.

    Args:
        call: The call.
        vault: The vault.
        operation: A key of the table of critical operations.
        requests: Its `resourceGuardOperationRequests`, if it has any.

    Raises:
        ArmError: The vault's guard covers the operation, and its request isn't named (the code isn't known), or the
            caller has no rights on it.
    """
    wanted = _request_for(call, vault, operation)
    if wanted is None:
        return
    named = [str(one).lower() for one in requests] if isinstance(requests, list) else []
    if wanted.lower() not in named:
        raise user_error(
            "UserErrorOperationProtectedByResourceGuard",
            f"The operation {operation} is protected by a Resource Guard.",
            status=403,
            recommended=[f"Send {wanted} in resourceGuardOperationRequests, with rights on the Resource Guard."],
        )
    action = f"{GUARDS}/{_REQUESTS[operation]}/write"
    if not call.cloud.access.may(call.principal.object_id, action, wanted, call.at):
        who = call.principal
        raise errors.linked_authorization_failed(who.name, who.object_id, operation, call.id, (action, wanted))


def require_unlocked(call: Call, vault: Resource, instance: Resource) -> None:
    """Refuse to delete an instance of a guarded vault that wasn't unlocked before: a DELETE has no body to agree in.

    Raises:
        ArmError: It wasn't, or that has expired.
    """
    until = instance.notes.get("deletable_until")
    if until is None or until < call.at:
        require_agreement(call, vault, DELETE_INSTANCE, None)


def _request_for(call: Call, vault: Resource, operation: str) -> str | None:
    """Id of the request that somebody must hold rights on for an operation; None when no guard covers it."""
    for proxy in call.cloud.store.children(vault.id, PROXIES):
        guard = call.cloud.store.get(str(proxy.properties.get("resourceGuardResourceId") or ""))
        if guard is not None and operation not in _excluded(guard):
            return f"{guard.id}/{_REQUESTS[operation]}/default"
    return None


def _excluded(guard: Resource) -> list[str]:
    excluded = [str(one) for one in guard.properties.get("vaultCriticalOperationExclusionList") or []]
    return [one for one in excluded if one != _DISCONNECT]  # documented: that one is always guarded


def _put_guard(call: Call) -> Reply:
    region = call.region(GUARDS)
    existing = call.stored()
    call.stay_in(existing, region)
    sent = call.body.get("properties") or {}
    excluded = sent.get("vaultCriticalOperationExclusionList") or []
    if not isinstance(excluded, list) or set(map(str, excluded)) - set(_REQUESTS):
        raise invalid_input(f"vaultCriticalOperationExclusionList is out of {', '.join(_REQUESTS)}.")
    body: Json = {
        "location": region.name,
        **({"tags": dict(call.body["tags"])} if call.body.get("tags") else {}),
        "properties": {
            "provisioningState": "Succeeded",
            "allowAutoApprovals": True,
            "resourceGuardOperations": [
                {"vaultCriticalOperation": operation, "requestResourceType": f"{GUARDS}/{requests}"}
                for operation, requests in _REQUESTS.items()
                if operation not in excluded
            ],
            "vaultCriticalOperationExclusionList": list(excluded),
            "description": sent.get("description"),
        },
        "id": call.id,
        "name": call.arguments["guard"],
        "type": GUARDS,
    }
    call.cloud.store.put(Resource(call.id, GUARDS, body))
    return Reply(201 if existing is None else 200, body)


def _delete(call: Call) -> Reply:
    if call.stored() is None:
        return Reply(204)
    call.cloud.remove(call.id, call.at)
    return Reply(200)


def _get(call: Call) -> Reply:
    found = call.stored()
    if found is None:
        raise not_found()
    return Reply(200, found.body)


def _list_guards(call: Call) -> Reply:
    return Reply(200, {"value": [guard.body for guard in call.cloud.store.of_type(GUARDS, call.target.scope)]})


def _request(call: Call, requests: str) -> Reply:
    """A guard's request, which is there as long as the guard is."""
    name = call.arguments["request"]
    return Reply(200, {"id": call.id, "name": name, "type": f"{GUARDS}/{requests}"})


def _put_proxy(call: Call) -> Reply:
    """Connect a vault with a guard, which the caller must be able to read."""
    vault, sent = _vault(call), call.body.get("properties") or {}
    guard = call.stored(str(sent.get("resourceGuardResourceId") or ""))
    if guard is None or guard.type.lower() != GUARDS.lower():
        raise invalid_input("resourceGuardResourceId must be the id of a Resource Guard.")
    action, who = f"{GUARDS}/read", call.principal
    if not call.cloud.access.may(who.object_id, action, guard.id, call.at):
        linked = (action, guard.id)
        raise errors.linked_authorization_failed(who.name, who.object_id, f"{PROXIES}/write", call.id, linked)
    body: Json = {
        "properties": {
            "resourceGuardResourceId": guard.id,
            "resourceGuardOperationDetails": [
                {"vaultCriticalOperation": operation, "defaultResourceRequest": f"{guard.id}/{requests}/default"}
                for operation, requests in _REQUESTS.items()
                if operation not in _excluded(guard)
            ],
            "lastUpdatedTime": ticks(call.at),
            "description": sent.get("description"),
        },
        "id": call.id,
        "name": call.arguments["proxy"],
        "type": PROXIES,
    }
    call.cloud.store.put(Resource(call.id, PROXIES, body))
    _mark(call, vault)
    return Reply(200, body)


def _list_proxies(call: Call) -> Reply:
    return Reply(200, {"value": [proxy.body for proxy in call.cloud.store.children(_vault(call).id, PROXIES)]})


def _delete_proxy(call: Call) -> Reply:
    """Disconnect a vault from its guard, which has to be unlocked like a deletion."""
    proxy = call.stored()
    if proxy is None:
        return Reply(204)
    vault, until = _vault(call), proxy.notes.get("deletable_until")
    if until is None or until < call.at:
        require_agreement(call, vault, _DISCONNECT, None)
    call.cloud.store.remove(proxy.id)
    _mark(call, vault)
    return Reply(200)


def _unlock_delete(call: Call) -> Reply:
    """Agree to the deletion of an instance, or of the connection itself, for a while."""
    wanted = str(call.body.get("resourceToBeDeleted") or call.target.addressed())
    found = call.stored(wanted)
    if found is None:
        raise not_found()
    operation = _DISCONNECT if found.type.lower() == PROXIES.lower() else DELETE_INSTANCE
    require_agreement(call, _vault(call), operation, call.body.get("resourceGuardOperationRequests"))
    found.notes["deletable_until"] = until = call.at + _UNLOCKED
    return Reply(200, {"unlockDeleteExpiryTime": ticks(until)})


def _vault(call: Call) -> Resource:
    vault = call.stored(call.id[: call.id.lower().index("/backupresourceguardproxies")])
    if vault is None:
        raise not_found()
    return vault


def _mark(call: Call, vault: Resource) -> None:
    guarded = bool(call.cloud.store.children(vault.id, PROXIES))
    vault.properties["isVaultProtectedByResourceGuard"] = guarded
    call.cloud.store.touch(vault.id)


_GUARD, _PROXY = "resourceGuards/{guard}", "backupVaults/{vault}/backupResourceGuardProxies/{proxy}"

ROUTES = (
    Route("PUT", _GUARD, _put_guard),
    Route("GET", _GUARD, _get),
    Route("DELETE", _GUARD, _delete),
    Route("GET", "resourceGuards", _list_guards),
    *(
        Route("GET", f"{_GUARD}/{requests}/{{request}}", functools.partial(_request, requests=requests))
        for requests in _REQUESTS.values()
    ),
    Route("PUT", _PROXY, _put_proxy),
    Route("GET", _PROXY, _get),
    Route("DELETE", _PROXY, _delete_proxy),
    Route("GET", "backupVaults/{vault}/backupResourceGuardProxies", _list_proxies),
    Route("POST", f"{_PROXY}/unlockDelete", _unlock_delete),
)
