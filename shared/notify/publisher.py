"""Sends events to an Event Grid topic, as CloudEvents; without a topic they stay in the log.

The facts of a row stand in its outbox until the topic has taken them: the row is written first, then the events are
sent, then the outbox is emptied. A crash in between sends them again, under the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shared import logs

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventgrid.aio import EventGridPublisherClient

    from shared.notify.events import Event

_BATCH = 100  # events in a request; a request may have 1 MB


class Notifier(Protocol):
    """Something that takes events."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events.

        Raises:
            Exception: they weren't taken; they stay where they are and are sent again.
        """


class LogNotifier:
    """Tells the log; for deployments without a topic."""

    async def publish(self, events: Sequence[Event]) -> None:
        """One line an event."""
        for event in events:
            logs.info("event_told", type=event.type, cluster=event.subject, id=event.id)


class TopicNotifier:
    """Publishes to an Event Grid topic with the managed identity or with an access key."""

    def __init__(self, endpoint: str, source: str, credential: AsyncTokenCredential, key: str | None) -> None:
        self._endpoint = endpoint
        self._source = source
        self._credential = credential
        self._key = key
        self._client: EventGridPublisherClient | None = None

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events in their order, in few requests."""
        from azure.core.messaging import CloudEvent  # noqa: PLC0415  # with the client below

        client = self._client or self._connect()
        for start in range(0, len(events), _BATCH):
            batch = [
                CloudEvent(
                    source=self._source,
                    type=event.type,
                    subject=event.subject,
                    id=event.id,
                    time=datetime.fromisoformat(event.time),
                    data=event.data,
                )
                for event in events[start : start + _BATCH]
            ]
            await client.send(batch)
        for event in events:
            logs.info("event_sent", type=event.type, cluster=event.subject, id=event.id)

    def _connect(self) -> EventGridPublisherClient:
        from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415  # costs start-up time: when used
        from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415  # as above

        credential = AzureKeyCredential(self._key) if self._key else self._credential
        self._client = EventGridPublisherClient(self._endpoint, credential)
        return self._client
