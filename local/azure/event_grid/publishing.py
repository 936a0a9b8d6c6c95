"""The data plane of custom topics: takes events, checks them, and keeps them in order.

Nothing of it is recorded; statuses, codes and rules are those of Event Grid's documentation (error codes of publishing,
CloudEvents 1.0, the Event Grid event schema). A request is taken as a whole or not at all.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local.azure.clock import ticks
from local.azure.errors import ArmError
from local.azure.event_grid import topics
from local.azure.exchange import Reply, Request
from local.azure.roles import matches

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.directory import Principal
    from local.azure.errors import Json
    from local.azure.store import Resource

AUDIENCES = frozenset({"https://eventgrid.azure.net"})
"""What a token must be for."""

MAX_BYTES = 1024 * 1024
"""Of a request."""

_SEND = "Microsoft.EventGrid/events/send/action"
_VERSION = "2018-01-01"
_PATH = re.compile(rf"{topics.PREFIX}([^/]+)/api/events/?", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_EXTENSION = re.compile(r"[a-z0-9]{1,20}")
_CLOUD_FIELDS = ("id", "source", "type", "specversion")
_CLOUD_OPTIONAL = ("subject", "datacontenttype", "dataschema", "time")
_CLOUD_DATA = ("data", "data_base64")
_GRID_FIELDS = ("id", "subject", "eventType", "eventTime", "dataVersion")
_MEDIA = {
    topics.GRID_INPUT: {"application/json": True},
    topics.CUSTOM_INPUT: {"application/json": True},
    topics.CLOUD_INPUT: {"application/cloudevents-batch+json": True, "application/cloudevents+json": False},
}
"""Media types by a topic's input schema, and whether a body of that type is a list."""


def publish(cloud: Cloud, request: Request, caller: Callable[[], Principal]) -> Reply:
    """Take the events of a request.

    Args:
        cloud: The simulated Azure.
        request: The request.
        caller: Reads the request's token.

    Raises:
        ArmError: 400 for what isn't an event, 401 without a key or token, 403 without the role, 404 without the topic,
            413 for more than 1 MB.
    """
    topic = _topic(cloud, request)
    by = _sender(cloud, request, topic, caller)
    if len(request.content) > MAX_BYTES:
        raise _refused(
            413, "RequestEntityTooLarge", f"The maximum size (1 MB) is exceeded: {len(request.content)} bytes."
        )
    schema = str(topics.shown(cloud, topic)["properties"]["inputSchema"])
    found = _events(request, schema)
    for number, event in enumerate(found):
        if reason := _flaw(schema, event):
            raise _malformed(f"The event at position {number} is not valid: {reason}")
    kept = published(topic)
    for event in found:
        first = kept[-1]["seq"] if kept else topic.notes.get("forgotten", 0)
        kept.append({"seq": first + 1, "at": ticks(cloud.clock.now()), "by": by, "event": event})
    return Reply(200)


def published(topic: Resource) -> list[Json]:
    """What a topic has taken, in order."""
    kept: list[Json] = topic.notes.setdefault("published", [])
    return kept


def forget(topic: Resource) -> None:
    """Forget it all; numbers go on."""
    kept = published(topic)
    topic.notes["forgotten"] = kept[-1]["seq"] if kept else topic.notes.get("forgotten", 0)
    kept.clear()


def _topic(cloud: Cloud, request: Request) -> Resource:
    found = _PATH.fullmatch(request.path)
    topic = topics.find(cloud, found[1]) if found else None
    if topic is None:
        raise _refused(404, "NotFound", f"There is no topic at '{request.path}'.")
    if request.method != "POST":
        raise _refused(405, "MethodNotAllowed", f"Events are sent by POST, not by {request.method}.")
    if request.query.get("api-version") != _VERSION:
        raise _refused(400, "BadRequest", f"The api-version must be {_VERSION}.")
    return topic


def _sender(cloud: Cloud, request: Request, topic: Resource, caller: Callable[[], Principal]) -> Json:
    """Who sends: by an access key, or by a token of an identity that has EventGrid Data Sender on the topic."""
    key = request.headers.get("aeg-sas-key")
    if key is not None:
        return {"key": _key_name(cloud, topic, key)}
    if not request.headers.get("authorization"):
        raise _unauthorized("Request must contain one of: aeg-sas-key, Authorization.")
    try:
        principal = caller()
    except ArmError as error:
        raise _unauthorized(error.message) from error
    held = cloud.access.effective(principal.object_id, topic.id, cloud.clock.now())
    if not any(matches(role.data_actions, _SEND) and not matches(role.not_data_actions, _SEND) for _, role in held):
        message = f"The principal '{principal.object_id}' is not authorized to perform '{_SEND}' on '{topic.id}'."
        raise _refused(403, "Forbidden", message)
    return {"principal": principal.name}


def _key_name(cloud: Cloud, topic: Resource, given: str) -> str:
    if topic.properties.get("disableLocalAuth"):
        raise _unauthorized("Access keys are disabled for this topic.")
    for name, value in topics.keys(cloud, topic).items():
        if secrets.compare_digest(given.encode(), value.encode()):
            return name
    raise _unauthorized("The request authorization key is not authorized for this topic.")


def _events(request: Request, schema: str) -> list[Any]:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    taken = _MEDIA[schema]
    if media not in taken:
        raise _malformed(
            f"This resource is configured to receive events in the '{schema}' schema, which come as "
            f"{' or '.join(taken)}, not as '{media}'."
        )
    try:
        body = json.loads(request.content)
    except ValueError as error:
        raise _malformed(f"The body is not JSON: {error}.") from error
    wanted = list if taken[media] else dict
    if not isinstance(body, wanted) or not body:
        raise _malformed(f"The body of '{media}' must be a JSON {'array' if taken[media] else 'object'} with content.")
    return body if isinstance(body, list) else [body]


def _flaw(schema: str, event: Any) -> str | None:
    """Why something isn't an event of a schema."""
    if not isinstance(event, dict):
        return "it is no object."
    checks: Mapping[str, Callable[[Json], str | None]] = {
        topics.CLOUD_INPUT: _cloud_flaw,
        topics.GRID_INPUT: _grid_flaw,
    }
    check = checks.get(schema)
    return check(event) if check else None


def _cloud_flaw(event: Json) -> str | None:
    for name in (*_CLOUD_FIELDS, *(name for name in _CLOUD_OPTIONAL if event.get(name) is not None)):
        if not isinstance(event.get(name), str) or not event[name]:
            return f"'{name}' must be a string with content."
    if event["specversion"] != "1.0":
        return f"specversion '{event['specversion']}' is not supported."
    if event.get("time") is not None and not _TIME.fullmatch(event["time"]):
        return "'time' is no timestamp of RFC 3339."
    if all(event.get(name) is not None for name in _CLOUD_DATA):
        return "it has both data and data_base64."
    return _extension_flaw(event)


def _extension_flaw(event: Json) -> str | None:
    for name in event.keys() - {*_CLOUD_FIELDS, *_CLOUD_OPTIONAL, *_CLOUD_DATA}:
        if not _EXTENSION.fullmatch(name):
            return f"the extension attribute '{name}' must have 1 to 20 lower-case letters and digits."
        if not isinstance(event[name], str | int | bool):
            return f"the extension attribute '{name}' is no string, whole number or boolean."
    return None


def _grid_flaw(event: Json) -> str | None:
    for name in _GRID_FIELDS:
        if not isinstance(event.get(name), str) or not event[name]:
            return f"'{name}' must be a string with content."
    if "data" not in event:
        return "'data' is missing."
    return None if _TIME.fullmatch(event["eventTime"]) else "'eventTime' is no timestamp of RFC 3339."


def _refused(status: int, code: str, message: str, detail: str = "") -> ArmError:
    return ArmError(status, code, message, extra={"details": [{"code": detail or code, "message": message}]})


def _malformed(message: str) -> ArmError:
    return _refused(400, "BadRequest", message, "InputJsonInvalid")


def _unauthorized(message: str) -> ArmError:
    return _refused(401, "Unauthorized", message)
