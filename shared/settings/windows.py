"""Quiet windows as people write them: `Mon-Fri 08:00-18:00 Europe/Berlin; 2026-12-21/2027-01-03`.

Each is either days of the week with a time of day, or a range of dates, both whole days included; then a time zone,
UTC where none is named. A time that ends at or before its beginning goes on into the next day.
"""

import re
from datetime import date
from typing import NamedTuple

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES = r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)"
_DATES = r"(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)"
_WANTED = (
    "windows separated by semicolons, each such as 'Mon-Fri 08:00-18:00 Europe/Berlin', 'Sat,Sun 00:00-24:00' "
    "or '2026-12-21/2027-01-03 Europe/Berlin'"
)


class QuietWindow(NamedTuple):
    """One window.

    Attributes:
        days: weekdays on which it begins, Monday is 0; () for a range of dates.
        begin: minutes after midnight.
        end: minutes after midnight, at most 1440; at or before `begin` it is on the next day.
        first: first day of a range of dates.
        last: its last day.
        zone: IANA name of the time zone.
    """

    days: tuple[int, ...]
    begin: int
    end: int
    first: date | None
    last: date | None
    zone: str


def quiet_windows(text: str) -> tuple[QuietWindow, ...]:
    """Read all windows.

    Raises:
        ValueError: with what is wrong in which of them.
    """
    return tuple(_window(part.strip()) for part in text.split(";") if part.strip())


def _window(text: str) -> QuietWindow:
    words = text.split()
    dates = re.fullmatch(_DATES, words[0])
    needed = 1 if dates else 2
    if not needed <= len(words) <= needed + 1:
        raise ValueError(f"{_WANTED}; {text!r} is none")
    zone = _zone(words[needed]) if len(words) > needed else "UTC"
    if dates:
        first, last = _date(dates[1]), _date(dates[2])
        if last < first:
            raise ValueError(f"{_WANTED}; {text!r} ends before it begins")
        return QuietWindow((), 0, 0, first, last, zone)
    times = re.fullmatch(_TIMES, words[1])
    if times is None:
        raise ValueError(f"{_WANTED}; {words[1]!r} is no time of day such as 08:00-18:00")
    end = 24 * 60 if times[3] == "24:00" else int(times[4]) * 60 + int(times[5])
    return QuietWindow(_weekdays(words[0]), int(times[1]) * 60 + int(times[2]), end, None, None, zone)


def _weekdays(text: str) -> tuple[int, ...]:
    """`daily`, or days and ranges of days: `Mon-Fri`, `Sat,Sun`, `Fri-Mon`."""
    if text.lower() == "daily":
        return tuple(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{_WANTED}; {part!r} is no weekday such as Mon or Mon-Fri")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days.update((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))
    return tuple(sorted(days))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{_WANTED}; {text!r} is no date") from None


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # brings files of time zones: only where one is named

    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):  # a name with dots, a folder's name, no such name
        raise ValueError(f"{_WANTED}; {name!r} is no IANA time zone") from None
