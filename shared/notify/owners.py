"""Tells receivers whom an event concerns: the owner that the cluster's tag names, as the last pass read it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from shared.arm.ids import ClusterId
from shared.errors import InvalidResourceId
from shared.fleet.records import ClusterRow
from shared.fleet.tables import Key, Rows
from shared.notify.events import Event
from shared.notify.publisher import Notifier

_AT_ONCE = 16  # reads


@dataclass(frozen=True, slots=True)
class OwnerNotifier:
    """Adds `owner` to the data of every event, whoever tells it; "" where no owner is known."""

    notifier: Notifier
    clusters: Rows[ClusterRow]
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events with their owners.

        Raises:
            Exception: they weren't taken, or the rows weren't readable; they stay where they are and are sent again.
        """
        subjects = list({event.subject for event in events})
        owners = dict(zip(subjects, await asyncio.gather(*map(self._owner, subjects)), strict=True))
        owned = [replace(event, data={**event.data, "owner": owners[event.subject]}) for event in events]
        await self.notifier.publish(owned)

    async def _owner(self, subject: str) -> str:
        try:
            cluster = ClusterId.parse(subject)
        except InvalidResourceId:
            return ""
        key = Key(cluster.subscription, cluster.key)
        async with self._limit:
            return (await self.clusters.read(key, lambda: ClusterRow(subject))).value.owner
