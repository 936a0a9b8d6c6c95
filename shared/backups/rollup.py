"""The daily roll-up: what Resource Graph forgets after 14 days, one row an instance and month."""

from __future__ import annotations

from msgspec import Struct, field

from shared.backups.status import BackupStatus, Day
from shared.fleet.tables import Key, Rows


class MonthRow(Struct):
    """A month of an instance: its days, by date."""

    instance_id: str = ""
    days: dict[str, Day] = field(default_factory=dict)


async def take(rows: Rows[MonthRow], row: str, status: BackupStatus) -> None:
    """Write the days of an instance that are over into its months; taken twice, they are the same.

    Raises:
        RowChanged: another sweep is at it; the days stay where they are.
    """
    for day in (day for day in status.past if not day.rolled_up):
        key = Key(day.date[:7], row)
        month = await rows.read(key, lambda: MonthRow(status.instance_id))
        month.value.days[day.date] = day
        await rows.write(key, month)
