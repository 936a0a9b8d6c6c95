"""So many an hour and no more: whoever comes too late is given a time of its own, so that nobody has to ask again.

One row a kind of work, shared by all instances, written conditionally. Times are Azure's, in epoch seconds.
"""

from __future__ import annotations

from msgspec import Struct, field

from shared import logs
from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows

HOUR = 3600.0
_RACES = 50
_MOST = 700  # places in a row; a property of Table Storage holds 32 Ki characters


class CapRow(Struct):
    """Who has a place: the first 16 hex digits of a cluster's key -> when its turn is."""

    places: dict[str, int] = field(default_factory=dict)


def place(places: dict[str, int], who: str, cap: int, now: float) -> int | None:
    """When somebody's turn is: now, or when fewer than `cap` turns lie within the hour before. Pure but for the dict.

    Args:
        places: everybody's; those of over an hour ago are taken out, a new one is put in.
        who: whose.
        cap: turns in any hour.
        now: Azure's time.

    Returns:
        The time, in the past for somebody who had it already; None when too many wait.
    """
    for other in [other for other, moment in places.items() if moment <= now - HOUR]:
        del places[other]
    if who in places:
        return places[who]
    if len(places) >= max(_MOST, cap):
        return None
    taken = sorted(places.values())
    turn = int(now) if len(taken) < cap else max(int(now), taken[-cap] + int(HOUR))
    places[who] = turn
    return turn


class Caps:
    """The rows."""

    def __init__(self, rows: Rows[CapRow]) -> None:
        self._rows = rows

    async def turn(self, kind: str, who: str, cap: int, now: float, *, take: bool = True) -> float:
        """When a cluster's turn is; in the past when it is now. Without `take`, when it would be.

        Raises:
            RowChanged: the row is fought over; the message comes again.
        """
        key, short = Key("caps", kind), who[:16]
        for _ in range(_RACES):
            stored = await self._rows.read(key, CapRow)
            before = stored.value.places.get(short)
            turn = place(stored.value.places, short, cap, now)
            if turn is None:
                return max(stored.value.places.values(), default=now) + HOUR / 2
            if turn == before or not take:
                return turn
            try:
                await self._rows.write(key, stored)
            except RowChanged:
                continue
            logs.info("turn", kind=kind, cluster_key=short, in_s=max(0, turn - int(now)))
            return turn
        raise RowChanged(f"lost {_RACES} races for the turns of {kind}")
