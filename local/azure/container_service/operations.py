"""The operations that answers point to: `operations` to look at, `operationresults` for what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.clock import ticks
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation

VERSION = "2016-03-30"
"""API version in operation URLs, whatever the resource call had (aks_create_trusted_access_rolebinding)."""

POLL_AFTER = 30.0
"""Virtual seconds between two looks, as recorded for clients; the header itself was lost."""

# `operationresults` is lower case on the wire, unlike in other providers (recorded for a binding's DELETE).
_PATH = "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/{kind}/{operation}"
_STATUS = {"Running": "InProgress"}


def accepted(call: Call, operation: Operation, location: str, *, result: bool) -> dict[str, str]:
    """Headers of an answer that started an operation; creations have no `location` (recorded)."""
    headers = {"azure-asyncoperation": _url(call, operation, location, "operations")}
    if result:
        headers["location"] = _url(call, operation, location, "operationresults")
    return headers


def status(call: Call) -> Reply:
    """GET of an operation."""
    operation = _found(call)
    body: Json = {
        "name": operation.id,
        "status": _STATUS.get(operation.status, operation.status),
        "startTime": ticks(operation.started),
    }
    if not operation.running:
        body["endTime"] = ticks(operation.ends)
    if operation.error:
        body["error"] = operation.error.fields()
    return Reply(200, body, retry_after=POLL_AFTER if operation.running else None, content_type=CONTENT_TYPE)


def result(call: Call) -> Reply:
    """GET of an operation's result. Nothing but its URL is recorded: 202 while it runs, then 204."""
    operation = _found(call)
    if operation.running:
        location = call.arguments["location"]
        return Reply(202, headers=accepted(call, operation, location, result=True), retry_after=POLL_AFTER)
    if operation.error:
        raise operation.error
    return Reply(204)


def _found(call: Call) -> Operation:
    operation = call.cloud.operations.get(call.arguments["operation"])
    if operation is None:
        name = call.arguments["operation"]
        raise errors.ArmError(404, "NotFound", f"The operation {name} was not found.", content_type=CONTENT_TYPE)
    return operation


def _url(call: Call, operation: Operation, location: str, kind: str) -> str:
    path = _PATH.format(
        subscription=call.target.subscription,
        location=location,
        kind=kind,
        operation=operation.id,
    )
    return call.url(path, VERSION)
