"""Sending to webhooks: handshakes and notifications in both schemas, over real HTTP.

Headers, retry rules and schedule are those of Event Grid's documentation; nothing of it is recorded.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from local.azure.event_grid.events import as_cloud_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.azure.errors import Json

GRID_SCHEMA = "EventGridSchema"
CLOUD_SCHEMA = "CloudEventSchemaV1_0"
SCHEMAS = frozenset({GRID_SCHEMA, CLOUD_SCHEMA})

TIMEOUT = 30.0
"""Real seconds that an endpoint has for its answer."""

RETRY_AFTER = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0)
"""Virtual seconds before each repeat; the last one goes on."""

_LONGER = {404: 300.0, 408: 120.0, 503: 30.0}  # documented least waits of some statuses
_NEVER_AGAIN = frozenset({400, 401, 403, 413})
_ACCEPTED = frozenset({200, 201, 202, 203, 204})
_ORIGIN = "eventgrid.azure.net"


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request to an endpoint; status 0 when there was no answer."""

    status: int
    detail: str = ""
    body: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the endpoint has taken the events."""
        return self.status in _ACCEPTED

    @property
    def final(self) -> bool:
        """Whether a repeat is of no use."""
        return self.accepted or self.status in _NEVER_AGAIN

    def wait(self, attempt: int) -> float:
        """Virtual seconds before the next attempt, after `attempt` failed ones."""
        return max(RETRY_AFTER[min(attempt, len(RETRY_AFTER)) - 1], _LONGER.get(self.status, 0.0))


@dataclasses.dataclass(frozen=True, slots=True)
class Webhook:
    """Where a subscription delivers to.

    Attributes:
        url: The endpoint, keys included.
        schema: EventGridSchema or CloudEventSchemaV1_0.
        name: The event subscription's name.
        batch: Most events in one request.
    """

    url: str
    schema: str
    name: str
    batch: int


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def notify(session: aiohttp.ClientSession, hook: Webhook, events: Sequence[Json], attempt: int) -> Outcome:
    """Send events, once."""
    headers = {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": hook.name.upper(),
        "aeg-delivery-count": str(attempt - 1),
        "aeg-data-version": "2",
        "aeg-metadata-version": "1",
    }
    if hook.schema == GRID_SCHEMA:
        return await _send(session, hook.url, "POST", headers | _type("application/json"), list(events))
    cloud = [as_cloud_event(event) for event in events]
    if hook.batch > 1:
        return await _send(session, hook.url, "POST", headers | _type("application/cloudevents-batch+json"), cloud)
    return await _send(session, hook.url, "POST", headers | _type("application/cloudevents+json"), cloud[0])


async def shake_hands(session: aiohttp.ClientSession, hook: Webhook, challenge: Json) -> str | None:
    """Ask an endpoint whether it wants the events.

    Args:
        session: The HTTP client.
        hook: The endpoint.
        challenge: The validation event in the Event Grid schema.

    Returns:
        None when it does, else why not.
    """
    if hook.schema == CLOUD_SCHEMA:
        headers = {"WebHook-Request-Origin": _ORIGIN, "WebHook-Request-Rate": "120"}
        outcome = await _send(session, hook.url, "OPTIONS", headers, None)
        allowed = outcome.headers.get("WebHook-Allowed-Origin", "")
        agrees = outcome.accepted and allowed in {"*", _ORIGIN}
    else:
        headers = {"aeg-event-type": "SubscriptionValidation", "aeg-subscription-name": hook.name.upper()}
        outcome = await _send(session, hook.url, "POST", headers | _type("application/json"), [challenge])
        agrees = outcome.accepted and _echo(outcome.body) == challenge["data"]["validationCode"]
    return None if agrees else f"the endpoint answered {outcome.status or outcome.detail} without agreeing"


async def _send(
    session: aiohttp.ClientSession, url: str, method: str, headers: Mapping[str, str], body: Any
) -> Outcome:
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    # This machine's own endpoints have certificates of their own making.
    verify = not is_loopback(url)
    try:
        async with session.request(
            method, url, data=data, headers=headers, ssl=verify, timeout=aiohttp.ClientTimeout(TIMEOUT)
        ) as answer:
            return Outcome(answer.status, "", await answer.text(errors="replace"), answer.headers)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Outcome(0, f"{type(error).__name__}: {error}")


def _type(kind: str) -> dict[str, str]:
    return {"Content-Type": f"{kind}; charset=utf-8"}


def _echo(body: str) -> str | None:
    try:
        answer = json.loads(body)
    except json.JSONDecodeError:
        return None
    return (
        {key.lower(): value for key, value in answer.items()}.get("validationresponse")
        if isinstance(answer, dict)
        else None
    )
