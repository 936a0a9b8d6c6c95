"""Timer triggers: one run at a time, and one more for ticks that were missed while the host was down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from local.host.runtime import Datum

if TYPE_CHECKING:
    from local.host.invocations import Invoker
    from local.host.model import Function, TimerTrigger
    from local.host.state import TimerRecords

_log: Final = logging.getLogger("local.host")
_LONGEST_SLEEP: Final = 30.0
_NEVER: Final = "0001-01-01T00:00:00+00:00"


class TimerListener:
    """Runs one function on its schedule, in UTC."""

    def __init__(self, function: Function, trigger: TimerTrigger, records: TimerRecords, invoker: Invoker) -> None:
        self._function = function
        self._trigger = trigger
        self._records = records
        self._invoker = invoker

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick until the host stops; a tick that comes while the function still runs is skipped."""
        past_due = self._trigger.monitored and self._missed(datetime.now(UTC))
        if past_due or self._trigger.run_on_startup:
            await self._tick(past_due=past_due)
        while (due := self._trigger.schedule.next_after(datetime.now(UTC))) and not stopping.is_set():
            await _sleep_until(due, stopping)
            if not stopping.is_set():
                await self._tick(past_due=False)

    def _missed(self, now: datetime) -> bool:
        """Whether the last record's next tick has passed; a changed schedule begins anew."""
        record = self._records.get(self._function.name)
        if record is not None:
            began = record["LastUpdated"] if record["Last"] == _NEVER else record["Last"]
            expected = self._trigger.schedule.next_after(datetime.fromisoformat(began))
            if expected and expected.isoformat() == record["Next"]:
                return expected < now
        self._record(None, now)
        return False

    async def _tick(self, *, past_due: bool) -> None:
        now = datetime.now(UTC)
        reason = "missed while the host was down" if past_due else f"due at {now:%H:%M:%S}"
        outcome = await self._invoker.invoke(
            self._function, timer_value(self._records.get(self._function.name), past_due=past_due), reason=reason
        )
        # A run that the host's end cut short counts as missed.
        if self._trigger.monitored and not outcome.cancelled:
            self._record(now, datetime.now(UTC))

    def _record(self, last: datetime | None, now: datetime) -> None:
        upcoming = self._trigger.schedule.next_after(last or now)
        self._records.put(
            self._function.name,
            {
                "Last": last.isoformat() if last else _NEVER,
                "Next": upcoming.isoformat() if upcoming else _NEVER,
                "LastUpdated": now.isoformat(),
            },
        )


def timer_value(record: dict[str, str] | None, *, past_due: bool) -> Datum:
    """What a timer function is given; the names are those of Azure's TimerInfo."""
    info = {"IsPastDue": past_due, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": record}
    return Datum(json.dumps(info), "json")


async def _sleep_until(due: datetime, stopping: asyncio.Event) -> None:
    """Wait by the wall clock, in slices, so that a clock that is set doesn't move the tick."""
    while (left := (due - datetime.now(UTC)).total_seconds()) > 0 and not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), min(left, _LONGEST_SLEEP))
