"""The rows of the backup instances, and what is done about what stands in them: events, passes, the roll-up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from shared import logs
from shared.arm.ids import ClusterId
from shared.backups.rollup import MonthRow, take
from shared.backups.status import BackupStatus, rolled_up
from shared.errors import InvalidResourceId, RowChanged
from shared.fleet.messages import Message
from shared.fleet.queues import Sender
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.publisher import Notifier

_AT_ONCE = 16  # writes


def key_of(instance_id: str) -> Key:
    """Where the row of a backup instance stands."""
    folded = instance_id.casefold()
    return Key(folded.split("/")[2], sha256(folded.encode()).hexdigest())


def _unwritten(status: BackupStatus) -> bool:
    """Whether a day that is over isn't in the roll-up as it is now."""
    return not all(day.rolled_up for day in status.past)


@dataclass(frozen=True, slots=True)
class StatusStore:
    """The table `jobs`, one row an instance, and `rollups`, one row an instance and month."""

    rows: Rows[BackupStatus]
    months: Rows[MonthRow]
    notifier: Notifier
    sender: Sender
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def all(self) -> dict[str, Stored[BackupStatus]]:
        """Every row by lower-cased instance id."""
        return {stored.value.instance_id.casefold(): stored async for stored in self.rows.all()}

    async def of_cluster(self, cluster: ClusterId) -> list[Stored[BackupStatus]]:
        """The rows of one cluster's instances, the one that protects it last."""
        wanted = str(cluster).casefold()
        found = [stored async for stored in self.rows.all() if stored.value.cluster_id.casefold() == wanted]
        found.sort(key=lambda stored: (stored.value.protection_state == "ProtectionConfigured", stored.value.since))
        return found

    async def write(self, stored: Stored[BackupStatus]) -> Stored[BackupStatus] | None:
        """Write a row as it was read and changed; None when somebody else wrote it meanwhile."""
        async with self._limit:
            try:
                return await self.rows.write(key_of(stored.value.instance_id), stored)
            except RowChanged:
                return None

    async def settle(self, all_rows: Iterable[Stored[BackupStatus]]) -> int:
        """Do what stands in the rows: send events, ask for passes, keep days that are over; the number of events.

        A row is emptied only after all of that: a crash does it again, events under the same ids.

        Raises:
            Exception: the topic, the queue or the table didn't take it; it stays in the rows.
        """
        waiting = [item for item in all_rows if item.value.outbox or item.value.reconcile or _unwritten(item.value)]
        events = [event for stored in waiting for event in stored.value.outbox]
        if events:
            await self.notifier.publish(events)
        await asyncio.gather(*(self._settle(stored) for stored in waiting))
        return len(events)

    async def _settle(self, stored: Stored[BackupStatus]) -> None:
        status = stored.value
        if status.reconcile:
            await self._ask_for_pass(status)
        if _unwritten(status):
            async with self._limit:
                await take(self.months, key_of(status.instance_id).row, status)
            rolled_up(status)
        status.outbox, status.reconcile = [], False
        await self.write(stored)

    async def _ask_for_pass(self, status: BackupStatus) -> None:
        try:
            cluster = ClusterId.parse(status.cluster_id)
        except InvalidResourceId:
            logs.warning("not_a_cluster", instance=status.instance_id)
            return
        await self.sender.send(Message(cluster, "backup failed", by="job_sweep"))

    async def welcome(self, instance_id: str, cluster: ClusterId, policy: str, now: float) -> None:
        """Make the row of an instance that was just protected.

        One that is there keeps all that was counted; but a sweep in between may have seen the instance on its way, and
        until the next one every backup would be refused because of that.
        """
        state = "ProtectionConfigured"
        new = BackupStatus(instance_id, str(cluster), policy=policy, protection_state=state, since=now)
        stored = await self.rows.read(key_of(instance_id), lambda: new)
        status = stored.value
        if stored.etag is None or status.protection_state != state:
            status.protection_state, status.policy = state, policy
            await self.write(stored)
