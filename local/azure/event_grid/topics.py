"""Custom topics as resources. Nothing of them is recorded; shapes are those of the reference of topics."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.event_grid.subscriptions import POLL_AFTER
from local.azure.exchange import Call, Reply
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import ArmError, Json
    from local.azure.operations import Operation

TYPE = "Microsoft.EventGrid/topics"
PREFIX = "/eventgrid/"
"""Where topics take events; in Azure each has a host of its own."""

GRID_INPUT = "EventGridSchema"
CLOUD_INPUT = "CloudEventSchemaV1_0"
CUSTOM_INPUT = "CustomEventSchema"

KEYS = ("key1", "key2")

_NAME = re.compile(r"[A-Za-z0-9-]{3,50}")
_SCHEMAS = (GRID_INPUT, CLOUD_INPUT, CUSTOM_INPUT)
_WRITE_SECONDS = 5.0  # virtual; chosen
_DEFAULTS: Json = {
    "inputSchema": GRID_INPUT,
    "publicNetworkAccess": "Enabled",
    "minimumTlsVersionAllowed": "1.2",
    "disableLocalAuth": False,
    "dataResidencyBoundary": "WithinGeopair",
}


def get(call: Call) -> Reply:
    """One topic, with the endpoint that events are sent to."""
    return Reply(200, shown(call.cloud, call.existing()))


def list_all(call: Call) -> Reply:
    """The topics of a group or a subscription."""
    found = call.cloud.store.of_type(TYPE, call.target.scope)
    return Reply(200, {"value": [shown(call.cloud, topic) for topic in found]})


def put(call: Call) -> Reply:
    """Create or update a topic; the keys stay."""
    region = call.region(TYPE)
    existing = call.stored()
    call.stay_in(existing, region)
    asked = call.body.get("properties") or {}
    if refusal := _refusal(call, existing, asked):
        raise refusal
    kept = {key: copy.deepcopy(asked[key]) for key in _DEFAULTS if asked.get(key) is not None}
    body = {
        "properties": {**_DEFAULTS, **kept, "provisioningState": "Updating" if existing else "Creating"},
        **{key: copy.deepcopy(call.body[key]) for key in ("tags", "identity") if call.body.get(key)},
        "location": region.name,
        "id": call.id,
        "name": call.target.name,
        "type": TYPE,
        "sku": {"name": "Basic"},
        "kind": "Azure",
    }
    topic = existing or call.cloud.store.put(Resource(call.id, TYPE, body))
    topic.body = body
    body["properties"]["endpoint"] = _endpoint(call.cloud, topic)

    def succeed(_: Operation) -> None:
        topic.properties["provisioningState"] = "Succeeded"

    def fail(_: Operation, __: ArmError) -> None:
        topic.properties["provisioningState"] = "Failed"

    operation = call.start("topicWrite", topic.id, succeed=succeed, fail=fail, seconds=_WRITE_SECONDS)
    status_path = f"/subscriptions/{call.target.subscription}/providers/Microsoft.EventGrid/locations/{region.name}"
    headers = {"azure-asyncoperation": call.url(f"{status_path}/operationsStatus/{operation.id}")}
    return Reply(201, shown(call.cloud, topic), headers, POLL_AFTER)


def delete(call: Call) -> Reply:
    """Remove a topic with what it holds. In Azure it takes a moment."""
    if call.stored() is None:
        return Reply(204)
    call.cloud.remove(call.id, call.at)
    return Reply(200)


def list_keys(call: Call) -> Reply:
    """The access keys."""
    return Reply(200, keys(call.cloud, call.existing()))


def regenerate_key(call: Call) -> Reply:
    """A new key in the place of one; the other goes on working."""
    topic, name = call.existing(), call.body.get("keyName")
    if name not in KEYS:
        raise errors.bad_request("InvalidRequest", f"keyName is one of {', '.join(KEYS)}.")
    generations = topic.notes.setdefault("generations", {})
    generations[name] = generations.get(name, 0) + 1
    return Reply(200, keys(call.cloud, topic))


def keys(cloud: Cloud, topic: Resource) -> Json:
    """The access keys of a topic, which are the same in every run with the same seed."""
    generations = topic.notes.get("generations", {})
    return {name: _key(cloud, topic, f"{name}|{generations.get(name, 0)}") for name in KEYS}


def shown(cloud: Cloud, topic: Resource) -> Json:
    """A topic as a GET answers it; a seeded one gets what it lacks."""
    properties = {**_DEFAULTS, "provisioningState": "Succeeded", **topic.properties}
    return {**topic.body, "properties": {**properties, "endpoint": _endpoint(cloud, topic)}}


def find(cloud: Cloud, name: str) -> Resource | None:
    """The topic of a name. In Azure a name is unique within its region, here in all of it."""
    return next((topic for topic in cloud.store.of_type(TYPE) if topic.name.lower() == name.lower()), None)


def _endpoint(cloud: Cloud, topic: Resource) -> str:
    return f"{cloud.base_url}{PREFIX}{topic.name.lower()}/api/events"


def _key(cloud: Cloud, topic: Resource, what: str) -> str:
    digest = hmac.new(str(cloud.options.seed).encode(), f"{topic.id.lower()}|{what}".encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def _refusal(call: Call, existing: Resource | None, asked: Json) -> ArmError | None:
    """Why a topic can't be written as asked. The codes are chosen."""
    name = call.target.name
    if not _NAME.fullmatch(name):
        return errors.bad_request("InvalidRequest", "A topic name has 3 to 50 characters: letters, digits and dashes.")
    other = find(call.cloud, name)
    if other and other is not existing:
        return errors.ArmError(409, "ResourceConflict", f"A topic with the name '{name}' exists already.")
    schema = asked.get("inputSchema") or GRID_INPUT
    if schema not in _SCHEMAS:
        return errors.bad_request("InvalidRequest", f"inputSchema is one of {', '.join(_SCHEMAS)}.")
    if existing and (existing.properties.get("inputSchema") or GRID_INPUT) != schema:
        return errors.bad_request("InvalidRequest", "The inputSchema of a topic can't be changed.")
    return None
