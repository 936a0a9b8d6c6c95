"""The circuit breaker of releases: when more clusters than usual would lose their protection at once, none does.

One row for the fleet, written conditionally, knows who is released when. Counted are those of the last hour and of the
next one, so that a template that strips the tags of a hundred clusters is noticed before the first of them is released.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec import Struct, field

from shared import logs
from shared.arm.ids import ClusterId
from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.events import Event, EventType, HaltData, event
from shared.notify.outbox import tell
from shared.notify.publisher import Notifier
from shared.settings import Settings

KEY = Key("releases", "fleet")
HOUR = 3600.0
LIFTED = 86400.0
"""Seconds for which a lifted breaker lets everything pass."""

_KEPT = 500  # entries: far more than may be released in two hours, far less than a row can hold
_RACES = 50


class BreakerRow(Struct):
    """Who is released when.

    Attributes:
        entries: start of a cluster's key -> when it is or was released.
        fleet: clusters that this app protects, as counted last.
        counted: when that was.
        halted: since when nothing is released; 0 while all is well.
        lifted: when a person last let the releases go on.
        outbox: events that the topic hasn't taken yet.
    """

    entries: dict[str, float] = field(default_factory=dict)
    fleet: int = 0
    counted: float = 0.0
    halted: float = 0.0
    lifted: float = 0.0
    outbox: list[Event] = field(default_factory=list)


def allowed(fleet: int, per_hour: int, percent: float) -> int:
    """How many clusters may be released in an hour: the smaller of two limits, and always one."""
    return min(per_hour, max(1, int(fleet * percent / 100)))


def admit(row: BreakerRow, entry: str, now: float, most: int) -> bool:
    """Let a cluster go that is due, or not; whoever is one too many halts all that come after it."""
    row.entries = {key: at for key, at in row.entries.items() if at > now - HOUR}
    row.entries[entry] = now
    if row.lifted and now < row.lifted + LIFTED:
        return True
    crowd = sum(at <= now + HOUR for at in row.entries.values())
    if not row.halted and crowd > most:
        row.halted = now
    return not row.halted


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker with its row; `count` says how many clusters are protected."""

    rows: Rows[BreakerRow]
    settings: Settings
    count: Callable[[], Awaitable[int]]

    async def expect(self, cluster: ClusterId, due: float) -> None:
        """Take in that a cluster is going to be released."""

        def change(row: BreakerRow) -> None:
            if len(row.entries) < _KEPT:
                row.entries[_entry(cluster)] = due

        await self._change(change)

    async def forget(self, cluster: ClusterId) -> None:
        """Take in that it isn't."""
        await self._change(lambda row: row.entries.pop(_entry(cluster), None))

    async def admit(self, cluster: ClusterId, now: float) -> bool:
        """Whether a cluster that is due may be released now."""
        stored = await self._read()
        fleet = stored.value.fleet
        counted = now - stored.value.counted < HOUR
        if not counted:
            fleet = await self.count()
        most = allowed(fleet, self.settings.release_per_hour, self.settings.release_percent)

        def change(row: BreakerRow) -> bool:
            if not counted:
                row.fleet, row.counted = fleet, now
            before = row.halted
            passed = admit(row, _entry(cluster), now, most)
            if row.halted and not before:
                row.outbox.append(_halt_event(cluster, row, most))
                logs.warning("releases_halted", cluster=cluster, fleet=fleet, allowed=most)
            return passed

        return await self._change(change)

    async def lift(self, now: float) -> bool:
        """Let the releases go on for a day, because a person says so; whether they were halted."""

        def change(row: BreakerRow) -> bool:
            before = bool(row.halted)
            row.halted, row.lifted = 0.0, now
            return before

        return await self._change(change)

    async def halted(self) -> float:
        """Since when nothing is released; 0 while all is well."""
        return (await self._read()).value.halted

    async def tell(self, notifier: Notifier) -> int:
        """Send what is still to be told; the number of events.

        Raises:
            Exception: the topic didn't take it; it stays.
        """
        return await tell(notifier, self.rows, [(KEY, await self._read())])

    async def _read(self) -> Stored[BreakerRow]:
        return await self.rows.read(KEY, BreakerRow)

    async def _change[T](self, change: Callable[[BreakerRow], T]) -> T:
        for _ in range(_RACES):
            stored = await self._read()
            result = change(stored.value)
            try:
                await self.rows.write(KEY, stored)
            except RowChanged:
                continue
            return result
        raise RowChanged(f"lost {_RACES} races for the row of releases")


def _entry(cluster: ClusterId) -> str:
    return cluster.key[:16]


def _halt_event(cluster: ClusterId, row: BreakerRow, most: int) -> Event:
    message = (
        f"more than {most} clusters would lose their protection within an hour, of {row.fleet}; none does until "
        "somebody has looked: were tags stripped by mistake?"
    )
    data = HaltData(cluster_id=str(cluster), fleet=row.fleet, allowed=most, message=message)
    return event(EventType.HALTED, str(cluster), f"halted {row.halted:.0f}", row.halted, data)
