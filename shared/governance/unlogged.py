"""Decisions that the log didn't take when they were made: they stand in their rows until it does."""

from __future__ import annotations

from collections.abc import Sequence

from shared import logs
from shared.errors import RowChanged
from shared.fleet.records import ClusterRow
from shared.fleet.tables import Key, Rows, Stored
from shared.governance.journal import Journal


async def catch_up(journal: Journal, rows: Rows[ClusterRow], kept: Sequence[tuple[Key, Stored[ClusterRow]]]) -> None:
    """Write the lines of some rows, in one request, and take them out of the rows.

    A row that has events to send as well is only changed here: whoever sends them writes it. One that somebody else has
    written meanwhile keeps its lines, and they are written again, under the same ids.
    """
    if not await journal.append([line for _, stored in kept for line in stored.value.unlogged]):
        return
    for key, stored in kept:
        stored.value.unlogged = []
        if stored.value.outbox:
            continue
        try:
            await rows.write(key, stored)
        except RowChanged:
            logs.info("logged_again_later", row=key.row)
