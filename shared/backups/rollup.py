"""The daily roll-up: what Resource Graph forgets after 14 days, one row an instance and month."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from msgspec import Struct, field

from shared.backups.status import BackupStatus, Day
from shared.backups.store import StatusStore, key_of
from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows, Stored


class MonthRow(Struct):
    """A month of an instance: its days, by date."""

    instance_id: str = ""
    days: dict[str, Day] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollups:
    """The table `rollups`."""

    rows: Rows[MonthRow]

    async def take(self, store: StatusStore) -> None:
        """Move the days that are over from the instances' rows to their months."""
        finished = [stored for stored in (await store.all()).values() if stored.value.past]
        await asyncio.gather(*(self._take(store, stored) for stored in finished))

    async def _take(self, store: StatusStore, stored: Stored[BackupStatus]) -> None:
        status = stored.value
        for day in status.past:
            key = Key(day.date[:7], key_of(status.instance_id).row)
            month = await self.rows.read(key, lambda: MonthRow(status.instance_id))
            month.value.days[day.date] = day  # the whole day: taken twice, it is the same
            try:
                await self.rows.write(key, month)
            except RowChanged:
                return  # another sweep is at it
        status.past = []
        await store.write(stored)
