"""Outboxes: events stand in the row of what they tell of until the topic has taken them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared import logs
from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.publisher import Notifier


async def tell(notifier: Notifier, rows: Rows[Any], waiting: Sequence[tuple[Key, Stored[Any]]]) -> int:
    """Send the events of some rows, which have a list `outbox`, and then empty it; the number of events.

    A row that somebody else has written meanwhile keeps its events, and they are sent again under the same ids.

    Raises:
        Exception: the topic didn't take them; they stay.
    """
    events = [event for _, stored in waiting for event in stored.value.outbox]
    if not events:
        return 0
    await notifier.publish(events)
    for key, stored in waiting:
        if stored.value.outbox:
            stored.value.outbox = []
            try:
                await rows.write(key, stored)
            except RowChanged:
                logs.info("told_again_later", row=key.row)
    return len(events)
