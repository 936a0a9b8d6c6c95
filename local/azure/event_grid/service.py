"""Event Grid at work: which events are emitted, to whom they go, and what became of each delivery."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp

from local.azure import paths
from local.azure.clock import ticks
from local.azure.event_grid import delivery, events, filters
from local.azure.event_grid.delivery import Webhook
from local.azure.operations import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.cloud import Cloud, ResourceEvent
    from local.azure.errors import Json
    from local.azure.store import Resource

TYPE = "Microsoft.EventGrid/eventSubscriptions"

_BATCH_WINDOW = 1.0  # virtual seconds in which events gather for a subscription that wants batches
_MOST_ATTEMPTS = 30
_TIME_TO_LIVE = 1440  # minutes


@dataclasses.dataclass(slots=True)
class Disturbance:
    """What is to go wrong with deliveries, on demand.

    Attributes:
        duplicates: Further times that each event is delivered.
        delay: Virtual seconds between an event and its first delivery.
        spread: Virtual seconds of further, random delay, which brings events out of order.
        drop: Deliveries that are still to be lost without a trace at the endpoint.
    """

    duplicates: int = 0
    delay: float = 0.0
    spread: float = 0.0
    drop: int = 0


class EventGrid:
    """Everything about events in one simulated Azure.

    Attributes:
        disturbance: What goes wrong with the events to come.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._random = random.Random(f"{cloud.options.seed}|events")
        self._log: list[Json] = []
        self._waiting: dict[str, list[Json]] = {}
        self._session: aiohttp.ClientSession | None = None
        self.disturbance = Disturbance()
        cloud.listeners.append(self._on_change)

    def listing(self, since: int = 0) -> list[Json]:
        """Events emitted after number `since`, each with its deliveries."""
        return [entry for entry in self._log if entry["seq"] > since]

    def emit(self, event: Json) -> Json:
        """Emit an event in the Event Grid schema; returns its entry in the log."""
        entry: Json = {
            "seq": len(self._log) + 1,
            "at": ticks(self._cloud.clock.now()),
            "event": event,
            "deliveries": [],
        }
        self._log.append(entry)
        for subscription in list(self._cloud.store.of_type(TYPE)):
            if _is_for(subscription, event) and webhook_of(subscription):
                for _ in range(1 + self.disturbance.duplicates):
                    self._cloud.spawn(self._to(subscription, entry))
        return entry

    async def handshake(self, subscription: Resource, hook: Webhook) -> str | None:
        """Ask an endpoint whether it wants the events; returns why not."""
        code = self._cloud.new_guid()
        challenge = {
            "id": self._cloud.new_guid(),
            "topic": topic_of(subscription),
            "subject": "",
            "data": {
                "validationCode": code,
                "validationUrl": f"https://rp-local.eventgrid.azure.net/eventsubscriptions/{hook.name}/validate?id={code}",
            },
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": ticks(self._cloud.clock.now()),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        return await delivery.shake_hands(self._client(), hook, challenge)

    def _on_change(self, change: ResourceEvent) -> None:
        self.emit(events.event(change, event_id=self._cloud.new_guid(), tenant=self._cloud.options.tenant))

    async def _to(self, subscription: Resource, entry: Json) -> None:
        wait = self.disturbance.delay + self._random.random() * self.disturbance.spread
        if wait:
            await self._cloud.clock.sleep(wait)
        hook = webhook_of(subscription)
        if hook is None:
            return
        if hook.batch == 1:
            await self._deliver(subscription, [entry])
            return
        gathered = self._waiting.setdefault(subscription.id.lower(), [])
        gathered.append(entry)
        if len(gathered) == 1:
            await self._cloud.clock.sleep(_BATCH_WINDOW)
            while batch := gathered[: hook.batch]:
                del gathered[: hook.batch]
                await self._deliver(subscription, batch)

    async def _deliver(self, subscription: Resource, entries: list[Json]) -> None:
        """Deliver until the endpoint accepts, refuses for good, or patience is at its end; a batch goes whole."""
        policy = subscription.properties.get("retryPolicy") or {}
        attempts = int(policy.get("maxDeliveryAttempts") or _MOST_ATTEMPTS)
        patience = 60 * float(policy.get("eventTimeToLiveInMinutes") or _TIME_TO_LIVE)
        for attempt in range(1, attempts + 1):
            hook = webhook_of(subscription)
            if hook is None or self._cloud.store.get(subscription.id) is not subscription:
                return
            wait = await self._attempt(subscription, hook, entries, attempt)
            patience -= wait
            if not wait or patience <= 0:
                return
            await self._cloud.clock.sleep(wait)

    async def _attempt(self, subscription: Resource, hook: Webhook, entries: list[Json], attempt: int) -> float:
        """One attempt; returns the virtual seconds until the next one, 0 when there is to be none."""
        record: Json = {
            "subscription": subscription.id,
            "attempt": attempt,
            "at": ticks(self._cloud.clock.now()),
            "batch": len(entries),
            "status": None,
            "detail": "",
        }
        for entry in entries:
            entry["deliveries"].append(record)
        if self.disturbance.drop > 0:
            self.disturbance.drop -= 1
            record["detail"] = "dropped on demand"
            return 0.0
        topic = topic_of(subscription)
        outcome = await delivery.notify(
            self._client(),
            hook,
            [{**entry["event"], "topic": entry["event"]["topic"] or topic} for entry in entries],
            attempt,
        )
        record["status"], record["detail"] = outcome.status, outcome.detail
        return 0.0 if outcome.final else outcome.wait(attempt)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
            self._cloud.spawn(_close_at_end(self._session))
        return self._session

    def end_operation(self, operation: Operation, error: Any = None) -> None:
        """End an operation whose length is that of a handshake."""
        self._cloud.operations.finish(operation, self._cloud.clock.now(), error)


async def _close_at_end(session: aiohttp.ClientSession) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(aiohttp.ClientError):
            await session.close()


_INSTANCES: weakref.WeakKeyDictionary[Cloud, EventGrid] = weakref.WeakKeyDictionary()


def of(cloud: Cloud) -> EventGrid:
    """The Event Grid of a simulated Azure; it listens from the first time that it is asked for."""
    if cloud not in _INSTANCES:
        _INSTANCES[cloud] = EventGrid(cloud)
    return _INSTANCES[cloud]


def webhook_of(subscription: Resource) -> Webhook | None:
    """Where a subscription delivers to, when it is ready to."""
    inner = subscription.properties
    destination = inner.get("destination") or {}
    url = subscription.notes.get("endpoint") or (destination.get("properties") or {}).get("endpointUrl")
    if not url or inner.get("provisioningState", "Succeeded") not in {"Succeeded", "Updating"}:
        return None
    return webhook(subscription.name, str(url), inner)


def webhook(name: str, url: str, inner: Mapping[str, Any]) -> Webhook:
    """The webhook that a subscription's properties describe."""
    destination = (inner.get("destination") or {}).get("properties") or {}
    schema = str(inner.get("eventDeliverySchema") or delivery.GRID_SCHEMA)
    return Webhook(url, schema, name, int(destination.get("maxEventsPerBatch") or 1))


def topic_of(subscription: Resource) -> str:
    """The source that a subscription listens to."""
    return paths.parse(subscription.id).scope


def _is_for(subscription: Resource, event: Json) -> bool:
    return paths.is_within(str(event["subject"]), topic_of(subscription)) and filters.wants(
        subscription.properties.get("filter") or {}, event
    )
