"""Event subscriptions as resources. Nothing of this provider is recorded; shapes are those of its reference."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from local.azure import errors, paths
from local.azure.event_grid import delivery, filters, service
from local.azure.exchange import Reply
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation

POLL_AFTER = 5.0  # virtual seconds

_NAME = re.compile(r"^[A-Za-z0-9-]{3,64}$")
_MOST_PER_BATCH = 5000
_AN_AGE = 10 * 365 * 86400.0  # virtual seconds; the handshake ends the operation, not time
# Kinds of source -> segments of their ids.
_SOURCES = {"microsoft.resources.subscriptions": 2, "microsoft.resources.resourcegroups": 4}
_DEFAULTS: Json = {
    "labels": [],
    "eventDeliverySchema": delivery.GRID_SCHEMA,
    "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
}


def get(call: Call) -> Reply:
    """One event subscription; the endpoint's keys aren't shown."""
    return Reply(200, _shown(call.existing()))


def list_all(call: Call) -> Reply:
    """The event subscriptions of exactly this scope."""
    scope = call.target.scope.lower()
    found = [item for item in call.cloud.store.of_type(service.TYPE) if paths.parse(item.id).scope.lower() == scope]
    return Reply(200, {"value": [_shown(item) for item in found]})


def list_by_topic_type(call: Call) -> Reply:
    """The event subscriptions on a kind of source; clients list those of a whole subscription this way."""
    segments = _SOURCES.get(call.arguments["topicType"].lower(), -1)
    found = [
        item
        for item in call.cloud.store.of_type(service.TYPE, call.target.scope)
        if len(paths.parse(item.id).scope.strip("/").split("/")) == segments
    ]
    return Reply(200, {"value": [_shown(item) for item in found]})


def full_url(call: Call) -> Reply:
    """The endpoint with its keys, for those who may write the subscription."""
    return Reply(200, {"endpointUrl": call.existing().notes.get("endpoint")})


def put(call: Call) -> Reply:
    """Create or replace a subscription: 201, then the handshake decides."""
    return _write(call, call.body.get("properties") or {})


def patch(call: Call) -> Reply:
    """Change a subscription; the body has the changed properties at its top level."""
    existing = call.existing()
    merged = copy.deepcopy(existing.properties) | call.body
    if "destination" not in call.body:
        merged["destination"]["properties"]["endpointUrl"] = existing.notes.get("endpoint")
    return _write(call, merged)


def delete(call: Call) -> Reply:
    """Remove a subscription, at once."""
    if call.stored() is None:
        return Reply(204)
    call.cloud.store.remove(call.id)
    return Reply(200)


def operation_status(call: Call) -> Reply:
    """GET of an operation."""
    operation = call.cloud.operations.get(call.arguments["operation"])
    if operation is None:
        raise errors.ArmError(404, "NotFound", f"The operation '{call.arguments['operation']}' was not found.")
    body: Json = {
        "id": call.id,
        "name": operation.id,
        "status": "InProgress" if operation.running else operation.status,
    }
    if operation.error:
        body["error"] = operation.error.fields()
    return Reply(200, body, retry_after=POLL_AFTER if operation.running else None)


def _write(call: Call, asked: Json) -> Reply:
    if refusal := _refusal(call, asked):
        raise refusal
    existing = call.stored()
    body = _document(call, asked, "Updating" if existing else "Creating")
    url = asked["destination"]["properties"]["endpointUrl"]
    subscription = existing or call.cloud.store.put(Resource(call.id, service.TYPE, body))
    subscription.body = body
    subscription.notes["endpoint"] = url
    operation = call.start("eventSubscriptionWrite", call.id, seconds=_AN_AGE)
    call.cloud.spawn(_validate(call, subscription, operation, asked))
    status_path = f"/subscriptions/{call.target.subscription}/providers/Microsoft.EventGrid/locations/global"
    headers = {"azure-asyncoperation": call.url(f"{status_path}/operationsStatus/{operation.id}")}
    return Reply(201, _shown(subscription), headers, POLL_AFTER)


async def _validate(call: Call, subscription: Resource, operation: Operation, asked: Json) -> None:
    """The handshake, and the end of the operation by its result."""
    grid = service.of(call.cloud)
    hook = service.webhook(subscription.name, subscription.notes["endpoint"], asked)
    reason = await grid.handshake(subscription, hook)
    subscription.properties["provisioningState"] = "Failed" if reason else "Succeeded"
    grid.end_operation(operation, _handshake_failed(hook.url, reason) if reason else None)


def _handshake_failed(url: str, reason: str) -> ArmError:
    parts = urlsplit(url)
    return errors.bad_request(
        "Url validation",
        f"Webhook validation handshake failed for {parts.scheme}://{parts.netloc}{parts.path}: {reason}. For more "
        "information, visit https://aka.ms/esvalidation.",
    )


def _document(call: Call, asked: Json, state: str) -> Json:
    chosen = copy.deepcopy(asked.get("filter") or {})
    chosen.setdefault("subjectBeginsWith", "")
    chosen.setdefault("subjectEndsWith", "")
    kept = {key: copy.deepcopy(asked[key]) for key in (*_DEFAULTS, "expirationTimeUtc") if asked.get(key) is not None}
    destination = copy.deepcopy(asked["destination"])
    destination["properties"].setdefault("maxEventsPerBatch", 1)
    destination["properties"].setdefault("preferredBatchSizeInKilobytes", 64)
    return {
        "id": call.id,
        "name": call.target.name,
        "type": service.TYPE,
        "properties": {
            **copy.deepcopy(_DEFAULTS),
            **kept,
            "topic": call.target.scope,
            "provisioningState": state,
            "destination": destination,
            "filter": chosen,
        },
    }


def _shown(subscription: Resource) -> Json:
    """A subscription with the endpoint cut to its base: the query has the keys."""
    body = copy.deepcopy(subscription.body)
    inner = (body.get("properties") or {}).get("destination", {}).get("properties", {})
    url = inner.pop("endpointUrl", None)
    if url:
        inner["endpointBaseUrl"] = urlunsplit((*urlsplit(url)[:3], "", ""))
    return body


def _refusal(call: Call, asked: Json) -> ArmError | None:
    """Why a subscription can't be written as asked."""
    if not _NAME.match(call.target.name):
        return errors.bad_request(
            "InvalidRequest",
            "An event subscription name must have 3 to 64 characters: letters, digits and dashes.",
        )
    destination = asked.get("destination") or {}
    inner = destination.get("properties") or {}
    if destination.get("endpointType") != "WebHook":
        return errors.bad_request(
            "InvalidRequest",
            f"The destination type '{destination.get('endpointType')}' is not supported here; WebHook is.",
        )
    return (
        _endpoint_refusal(str(inner.get("endpointUrl") or ""))
        or _delivery_refusal(asked, inner)
        or filters.refusal(asked.get("filter") or {})
    )


def _endpoint_refusal(url: str) -> ArmError | None:
    """Azure takes https only; http on this machine is a simplification of the simulation."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and delivery.is_loopback(url))):
        return None
    return errors.bad_request("InvalidRequest", "The endpoint URL must be an absolute https URL.")


def _delivery_refusal(asked: Json, inner: Json) -> ArmError | None:
    schema = asked.get("eventDeliverySchema") or delivery.GRID_SCHEMA
    if schema not in delivery.SCHEMAS:
        return errors.bad_request("InvalidRequest", f"The event delivery schema '{schema}' is not supported.")
    batch = inner.get("maxEventsPerBatch") or 1
    if not isinstance(batch, int) or not 1 <= batch <= _MOST_PER_BATCH:
        return errors.bad_request("InvalidRequest", f"maxEventsPerBatch must be between 1 and {_MOST_PER_BATCH}.")
    return None
