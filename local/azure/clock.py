"""Virtual time: it starts at the real now, runs faster than real time, and can be stepped."""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import itertools
import time
from collections.abc import Callable
from email.utils import format_datetime

Action = Callable[[dt.datetime], None]
"""What happens at a moment; it gets that moment, which may lie before the present one."""


class Clock:
    """Virtual time and the actions that are due in it.

    Nothing here depends on a sleep being on time: `settle` runs everything that has become due, in the order of its
    moments, and whoever looks at the world settles first.
    """

    def __init__(
        self, scale: float, start: dt.datetime | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if scale <= 0:
            message = f"the time scale must be above 0, not {scale}"
            raise ValueError(message)
        self.scale = scale
        self._start = start or dt.datetime.now(dt.UTC)
        self._monotonic = monotonic
        self._real_start = monotonic()
        self._skipped = dt.timedelta()
        self._due: list[tuple[dt.datetime, int, Action]] = []
        self._order = itertools.count()
        self._settling = False
        self._moment: dt.datetime | None = None
        self._changed = asyncio.Event()

    def now(self) -> dt.datetime:
        """The present moment in virtual time (UTC)."""
        running = (self._monotonic() - self._real_start) * self.scale
        return self._start + self._skipped + dt.timedelta(seconds=running)

    def moment(self) -> dt.datetime:
        """The moment that is being dealt with: of the action that runs, which may lie before now, or else now."""
        return self._moment or self.now()

    def advance(self, seconds: float) -> None:
        """Step `seconds` of virtual time forward and run what has become due on the way.

        Raises:
            ValueError: Azure's time doesn't run backwards.
        """
        if seconds < 0:
            message = f"time can only be advanced, not by {seconds} s"
            raise ValueError(message)
        self._skipped += dt.timedelta(seconds=seconds)
        self.settle()
        self._changed.set()

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Run `action` once `moment` has been reached."""
        heapq.heappush(self._due, (moment, next(self._order), action))
        self._changed.set()

    def settle(self) -> None:
        """Run everything that is due, in the order of its moments."""
        if self._settling:
            return
        self._settling = True
        try:
            while self._due and self._due[0][0] <= self.now():
                self._moment, _, action = heapq.heappop(self._due)
                action(self._moment)
        finally:
            self._settling, self._moment = False, None

    def retry_after(self, seconds: float) -> int:
        """A Retry-After value in real seconds for something that takes `seconds` of virtual time.

        Clients take an absent or zero value for 30 s, so it is never below 1.
        """
        return max(1, round(seconds / self.scale))

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of virtual time; a stepped clock ends the wait too."""
        woken = asyncio.Event()
        self.at(self.now() + dt.timedelta(seconds=seconds), lambda _: woken.set())
        await woken.wait()

    async def run(self) -> None:
        """Settle whenever something becomes due, until cancelled."""
        while True:
            self._changed.clear()
            self.settle()
            timeout = None
            if self._due:
                timeout = max(0.0, (self._due[0][0] - self.now()).total_seconds() / self.scale)
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except TimeoutError:
                continue


def http_date(moment: dt.datetime) -> str:
    """The `Date` header's form of a moment."""
    return format_datetime(moment, usegmt=True)


def ticks(moment: dt.datetime) -> str:
    """A moment with Azure's seven decimals (a tick is 100 ns; the last digit is derived)."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{moment.microsecond % 7}Z"


def whole_seconds(moment: dt.datetime) -> str:
    """A moment cut to whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
