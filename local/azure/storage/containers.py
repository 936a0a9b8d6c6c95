"""Blob containers over the management plane. Only their list is recorded (storage_account)."""

from __future__ import annotations

import copy

from local.azure.clock import ticks
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.storage import documents
from local.azure.storage.accounts import CONTENT_TYPE
from local.azure.store import Resource

_SERVICE = "default"
_EPOCH_TICKS = 621_355_968_000_000_000


def service(call: Call) -> Reply:
    """The blob service of an account, with its defaults."""
    account = call.stored(call.id.lower().rsplit("/blobservices", 1)[0])
    _require_default(call)
    body: Json = {
        "sku": account.body.get("sku") if account else None,
        "id": call.id,
        "name": _SERVICE,
        "type": "Microsoft.Storage/storageAccounts/blobServices",
        "properties": {
            "cors": {"corsRules": []},
            "deleteRetentionPolicy": {"allowPermanentDelete": False, "enabled": False},
        },
    }
    return Reply(200, body, content_type=CONTENT_TYPE)


def list_all(call: Call) -> Reply:
    """Containers of an account."""
    _require_default(call)
    scope = call.id.rsplit("/", 1)[0]
    found = [container.body for container in call.cloud.store.of_type(documents.CONTAINER, scope)]
    return Reply(200, {"value": found}, content_type=CONTENT_TYPE)


def get(call: Call) -> Reply:
    """One container; the provider answers for an absent one."""
    return Reply(200, copy.deepcopy(_existing(call).body), content_type=CONTENT_TYPE)


def put(call: Call) -> Reply:
    """Create a container: 201 when new, 200 when it is there. Its answer has fewer fields than a GET's."""
    _require_default(call)
    if refusal := documents.container_refusal(call.target.name):
        raise refusal
    _require_provisioned(call)
    existing = call.stored()
    container = existing or _create(call)
    shown = ("deleted", "remainingRetentionDays", "publicAccess", "hasImmutabilityPolicy", "hasLegalHold")
    body = {
        **{key: container.body[key] for key in ("id", "name", "type")},
        "properties": {key: value for key, value in container.properties.items() if key in shown},
    }
    return Reply(200 if existing else 201, body, content_type=CONTENT_TYPE)


def patch(call: Call) -> Reply:
    """Change public access or metadata."""
    container = _existing(call)
    asked = call.body.get("properties") or {}
    container.properties.update({key: asked[key] for key in ("publicAccess", "metadata") if asked.get(key) is not None})
    return Reply(200, copy.deepcopy(container.body), content_type=CONTENT_TYPE)


def delete(call: Call) -> Reply:
    """Remove a container; 204 when there is none."""
    if call.stored() is None:
        return Reply(204)
    call.cloud.store.remove(call.id)
    return Reply(200)


def _create(call: Call) -> Resource:
    moment = int(call.at.timestamp() * 10_000_000) + _EPOCH_TICKS
    body = documents.container(
        call.id,
        call.target.name,
        call.body.get("properties") or {},
        now=ticks(call.at),
        etag=f'"0x{moment:X}"',
    )
    return call.cloud.store.put(Resource(call.id, documents.CONTAINER, body))


def _existing(call: Call) -> Resource:
    _require_default(call)
    container = call.stored()
    if container is None:
        raise ArmError(
            404,
            "ContainerNotFound",
            f"The specified container does not exist.\nRequestId:{call.cloud.new_guid()}\nTime:{ticks(call.at)}",
            content_type=CONTENT_TYPE,
        )
    return container


def _require_default(call: Call) -> None:
    if call.arguments["service"].lower() != _SERVICE:
        raise call.not_found()


def _require_provisioned(call: Call) -> None:
    account = call.stored(call.id.lower().rsplit("/blobservices", 1)[0])
    if account and account.properties.get("provisioningState", "Succeeded") != "Succeeded":
        raise ArmError(
            409,
            "StorageAccountIsNotProvisioned",
            "The storage account provisioning state must be 'Succeeded' before executing the operation.",
            content_type=CONTENT_TYPE,
        )
