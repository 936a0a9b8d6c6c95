"""When a quiet window ends. Pure; times are epoch seconds, and those asked about are Azure's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.settings.windows import QuietWindow

_CHAIN = 50  # windows that follow each other without a gap: enough for two years of weeks that are all quiet


def quiet_until(windows: Iterable[QuietWindow], now: float) -> float | None:
    """When the quiet time ends that `now` is in; None: it isn't in any.

    Windows that touch or overlap count as one; after so many of them that nobody can have meant it, the search ends.
    """
    windows = tuple(windows)
    end = now
    for _ in range(_CHAIN):
        later = max((until for window in windows if (until := _end(window, end))), default=None)
        if later is None:
            break
        end = later
    return end if end > now else None


def _end(window: QuietWindow, now: float) -> float | None:
    """When the occurrence of a window ends that holds a moment; its end itself isn't in it."""
    zone = ZoneInfo(window.zone)
    today = datetime.fromtimestamp(now, zone).date()
    spans = ((begin.timestamp(), end.timestamp()) for begin, end in _occurrences(window, today, zone))
    return max((end for begin, end in spans if begin <= now < end), default=None)


def _occurrences(window: QuietWindow, today: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Those that can hold a moment of today: today's, and yesterday's that goes on past midnight."""
    if window.first and window.last:
        yield _at(window.first, 0, zone), _at(window.last + timedelta(days=1), 0, zone)
        return
    for day in (today - timedelta(days=1), today):
        if day.weekday() in window.days:
            past = day + timedelta(days=1) if window.end <= window.begin else day
            yield _at(day, window.begin, zone), _at(past, window.end, zone)


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """A wall-clock time; midnight at the end of a day is the next day's."""
    days, rest = divmod(minutes, 24 * 60)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)
