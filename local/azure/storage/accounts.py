"""Storage accounts: creation with Location polling, updates, keys, names."""

from __future__ import annotations

import base64
import copy
import hashlib

from local.azure import errors, paths
from local.azure.clock import ticks
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.storage import documents
from local.azure.store import Resource

CONTENT_TYPE = "application/json"
POLL_AFTER = 17.0
"""Virtual seconds between two looks at a creation: the distance in storage_account; the header itself was lost."""

# Recorded: an answer without a body that names a type all the same.
_EMPTY = {"Content-Type": "text/plain; charset=utf-8"}


def get(call: Call) -> Reply:
    """One account; an absent one is refused by the gateway."""
    return _reply(call.existing())


def list_all(call: Call) -> Reply:
    """Accounts of a subscription or resource group."""
    found = [account.body for account in call.cloud.store.of_type(documents.ACCOUNT, call.target.scope)]
    return Reply(200, {"value": found}, content_type=CONTENT_TYPE)


def put(call: Call) -> Reply:
    """Create an account (202 and a Location to poll) or update it (200); both are recorded."""
    existing = call.stored()
    if refusal := documents.account_refusal(call.target.name, call.body, new=existing is None):
        raise refusal
    region = call.region(documents.ACCOUNT)
    call.stay_in(existing, region)
    if existing:
        _require_ready(existing)
        documents.apply(existing.body, call.body)
        return _reply(existing)
    if refusal := _taken(call):
        raise refusal
    body = documents.account(
        call.id,
        call.target.name,
        {**call.body, "location": region.name},
        paired=region.pair,
        now=ticks(call.at),
    )
    body["properties"]["provisioningState"] = "Creating"
    account = call.cloud.store.put(Resource(call.id, documents.ACCOUNT, body))
    if (call.body.get("identity") or {}).get("type") == "SystemAssigned":
        principal = call.cloud.directory.new_identity(call.id, call.at)
        body["identity"] |= {"principalId": principal.object_id, "tenantId": call.cloud.options.tenant}
    return _accepted(call, _start(call, account), region.name)


def patch(call: Call) -> Reply:
    """Change an account; synchronous."""
    account = call.existing()
    if refusal := documents.account_refusal(account.name, call.body, new=False):
        raise refusal
    _require_ready(account)
    documents.apply(account.body, call.body)
    return _reply(account)


def delete(call: Call) -> Reply:
    """Remove an account with its containers, at once; 204 when there is none."""
    account = call.stored()
    if account is None:
        return Reply(204)
    call.cloud.remove(account.id, call.at)
    return Reply(200)


def list_keys(call: Call) -> Reply:
    """The account's keys, which open nothing: there is no data plane behind them."""
    account = call.existing()
    created = account.properties.get("keyCreationTime") or {}
    return Reply(
        200,
        {"keys": [_key(account.id, name, str(created.get(name) or ticks(call.at))) for name in ("key1", "key2")]},
        content_type=CONTENT_TYPE,
    )


def check_name(call: Call) -> Reply:
    """Whether a name can be taken; names are unique in all of Azure."""
    name = str(call.body.get("name") or "")
    if not documents.is_account_name(name):
        error, reason = documents.name_refusal(name), "AccountNameInvalid"
    elif _named(call, name):
        error, reason = _already_taken(name), "AlreadyExists"
    else:
        return Reply(200, {"nameAvailable": True}, content_type=CONTENT_TYPE)
    body = {"nameAvailable": False, "reason": reason, "message": error.message}
    return Reply(200, body, content_type=CONTENT_TYPE)


def poll(call: Call) -> Reply:
    """GET of the Location of a creation: 202 while it runs, then the account (recorded)."""
    operation = call.cloud.operations.get(call.arguments["operation"])
    if operation is None:
        name = call.arguments["operation"]
        raise ArmError(404, "OperationNotFound", f"The operation '{name}' was not found.", content_type=CONTENT_TYPE)
    if operation.running:
        return _accepted(call, operation, call.arguments["location"])
    if operation.error:
        raise operation.error
    account = call.stored(operation.resource)
    if account is None:
        host = paths.parse(operation.resource)
        raise errors.resource_not_found(f"{host.namespace}/{host.tail}", host.group or "")
    return _reply(account)


def _start(call: Call, account: Resource) -> Operation:
    def finish(_: Operation) -> None:
        account.properties["provisioningState"] = "Succeeded"

    def fail(_: Operation, __: ArmError) -> None:
        call.cloud.store.remove(account.id)

    return call.start("storageAccountWrite", account.id, succeed=finish, fail=fail)


def _accepted(call: Call, operation: Operation, location: str) -> Reply:
    path = (
        f"/subscriptions/{call.target.subscription}/providers/Microsoft.Storage/locations/{location}"
        f"/asyncoperations/{operation.id}"
    )
    return Reply(202, None, {"location": call.url(path, monitor="true"), **_EMPTY}, POLL_AFTER)


def _reply(account: Resource) -> Reply:
    return Reply(200, copy.deepcopy(account.body), content_type=CONTENT_TYPE)


def _named(call: Call, name: str) -> Resource | None:
    found = (account for account in call.cloud.store.of_type(documents.ACCOUNT) if account.name == name)
    return next(found, None)


def _taken(call: Call) -> ArmError | None:
    other = _named(call, call.target.name)
    if other is None:
        return None
    if (paths.parse(other.id).subscription or "").lower() == (call.target.subscription or "").lower():
        return ArmError(
            409,
            "StorageAccountInAnotherResourceGroup",
            f"The account {other.name} is already in another resource group in this subscription.",
            content_type=CONTENT_TYPE,
        )
    return _already_taken(call.target.name)


def _already_taken(name: str) -> ArmError:
    return ArmError(
        409,
        "StorageAccountAlreadyTaken",
        f"The storage account named {name} is already taken.",
        content_type=CONTENT_TYPE,
    )


def _require_ready(account: Resource) -> None:
    if account.properties.get("provisioningState") == "Creating":
        raise ArmError(
            409,
            "StorageAccountOperationInProgress",
            f"An operation is currently performing on the storage account {account.name} that requires exclusive "
            "access.",
            content_type=CONTENT_TYPE,
        )


def _key(account_id: str, name: str, created: str) -> Json:
    digest = hashlib.sha512(f"{account_id}|{name}".lower().encode()).digest()
    return {
        "creationTime": created,
        "keyName": name,
        "value": base64.b64encode(digest).decode(),
        "permissions": "FULL",
    }
