"""Tells receivers whom an event concerns: the owner that the cluster's tag names, as the last pass read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from shared.arm.ids import ClusterId
from shared.errors import InvalidResourceId
from shared.fleet.records import ClusterRow
from shared.fleet.tables import Key, Rows
from shared.notify.events import Event
from shared.notify.publisher import Notifier


@dataclass(frozen=True, slots=True)
class OwnerNotifier:
    """Adds `owner` to the data of every event, whoever tells it; "" where no owner is known."""

    notifier: Notifier
    clusters: Rows[ClusterRow]

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events with their owners.

        Raises:
            Exception: they weren't taken, or the rows weren't readable; they stay where they are and are sent again.
        """
        owners = {subject: await self._owner(subject) for subject in {event.subject for event in events}}
        owned = [replace(event, data={**event.data, "owner": owners[event.subject]}) for event in events]
        await self.notifier.publish(owned)

    async def _owner(self, subject: str) -> str:
        try:
            cluster = ClusterId.parse(subject)
        except InvalidResourceId:
            return ""
        key = Key(cluster.subscription, cluster.key)
        return (await self.clusters.read(key, lambda: ClusterRow(subject))).value.owner
