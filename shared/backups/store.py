"""The rows of the backup instances, and the telling of what stands in their outboxes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256

from shared import logs
from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus
from shared.errors import InvalidResourceId, RowChanged
from shared.fleet.messages import Message
from shared.fleet.queues import Sender
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.outbox import tell
from shared.notify.publisher import Notifier

_AT_ONCE = 16  # writes


def key_of(instance_id: str) -> Key:
    """Where the row of a backup instance stands."""
    folded = instance_id.casefold()
    return Key(folded.split("/")[2], sha256(folded.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class StatusStore:
    """The table `jobs`, one row an instance."""

    rows: Rows[BackupStatus]
    notifier: Notifier
    sender: Sender
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def all(self) -> dict[str, Stored[BackupStatus]]:
        """Every row by lower-cased instance id."""
        return {stored.value.instance_id.casefold(): stored async for stored in self.rows.all()}

    async def of_cluster(self, cluster: ClusterId) -> list[BackupStatus]:
        """The rows of one cluster's instances."""
        wanted = str(cluster).casefold()
        return [stored.value async for stored in self.rows.all() if stored.value.cluster_id.casefold() == wanted]

    async def write(self, stored: Stored[BackupStatus]) -> bool:
        """Write a row as it was read and changed; False when somebody else wrote it meanwhile."""
        async with self._limit:
            try:
                await self.rows.write(key_of(stored.value.instance_id), stored)
            except RowChanged:
                return False
        return True

    async def tell_all(self) -> int:
        """Send what stands in the outboxes, and ask for the passes that failures call for; the number of events.

        Rows are emptied only after the topic has taken their events: a crash tells them again, under the same ids.

        Raises:
            Exception: the topic didn't take them; they stay.
        """
        waiting = [stored async for stored in self.rows.all() if stored.value.outbox or stored.value.reconcile]
        for stored in waiting:
            if stored.value.reconcile:
                await self._ask_for_pass(stored.value)
                stored.value.reconcile = False
                if not stored.value.outbox:
                    await self.write(stored)
        return await tell(self.notifier, self.rows, [(key_of(item.value.instance_id), item) for item in waiting])

    async def welcome(self, instance_id: str, cluster: ClusterId, policy: str, now: float) -> None:
        """Make the row of an instance that was just protected; one that is there stays as it is."""
        key = key_of(instance_id)
        state = "ProtectionConfigured"
        new = BackupStatus(instance_id, str(cluster), policy=policy, protection_state=state, since=now)
        stored = await self.rows.read(key, lambda: new)
        if stored.etag is None:
            await self.write(stored)

    async def _ask_for_pass(self, status: BackupStatus) -> None:
        try:
            cluster = ClusterId.parse(status.cluster_id)
        except InvalidResourceId:
            logs.warning("not_a_cluster", instance=status.instance_id)
            return
        await self.sender.send(Message(cluster, "backup failed"))
