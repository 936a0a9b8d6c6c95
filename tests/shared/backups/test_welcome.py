"""What becomes of the row of a backup instance when its cluster has become protected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from shared.arm.ids import ClusterId
from shared.backups.ondemand import refusal
from shared.backups.status import BackupStatus
from shared.backups.store import StatusStore
from shared.fleet.tables import Key, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTER = ClusterId("00000000-0000-0000-0000-000000000001", "rg", "web")
INSTANCE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.DataProtection"
    "/backupVaults/v/backupInstances/web"
)
NOW = 1_800_000_000.0


@dataclass
class Table:
    """Rows in memory, and how often they were written."""

    rows: dict[Key, BackupStatus] = field(default_factory=dict)
    writes: int = 0

    async def read(self, key: Key, new: Callable[[], BackupStatus]) -> Stored[BackupStatus]:
        found = self.rows.get(key)
        return Stored(found or new(), "etag" if found else None)

    async def write(self, key: Key, stored: Stored[BackupStatus]) -> Stored[BackupStatus]:
        self.rows[key], self.writes = stored.value, self.writes + 1
        return stored


async def welcomed(table: Table) -> BackupStatus:
    """The row after its cluster has become protected."""
    unused = cast("Any", None)
    await StatusStore(cast("Any", table), unused, unused, unused).welcome(INSTANCE, CLUSTER, "gold", NOW)
    (row,) = table.rows.values()
    return row


async def test_a_new_instance_gets_a_row_and_may_be_backed_up() -> None:
    """At once, without waiting for a sweep."""
    row = await welcomed(Table())
    assert (row.policy, row.since) == ("gold", NOW)
    assert refusal(row, NOW, 0) is None


async def test_a_sweep_that_saw_it_on_its_way_holds_no_backup_up() -> None:
    """The row says ConfiguringProtection, from a sweep in between; what was counted stays."""
    table = Table()
    await welcomed(table)
    (row,) = table.rows.values()
    row.protection_state, row.last_point, row.policy = "ConfiguringProtection", NOW - 60, "bronze"
    assert refusal(row, NOW, 0) is not None
    row = await welcomed(table)
    assert refusal(row, NOW, 0) is None
    assert (row.last_point, row.policy) == (NOW - 60, "gold")


async def test_nothing_is_written_when_nothing_is_new() -> None:
    """Passes over a protected cluster end here time and again."""
    table = Table()
    await welcomed(table)
    await welcomed(table)
    assert table.writes == 1
