"""NCRONTAB schedules: seconds first, six fields, UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from croniter import CroniterBadDateError, CroniterError, croniter  # type: ignore[import-untyped]

_FIELDS: Final = (
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
)
_NAMES: Final = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_ITEM: Final = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
_MONITORED_FROM: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A valid NCRONTAB expression."""

    expression: str

    def next_after(self, moment: datetime) -> datetime | None:
        """The first tick after a moment, None when there is none (30 February)."""
        try:
            # NCRONTAB joins day of month and day of week by "and", where cron has "or".
            ticks = croniter(self.expression, moment, day_or=False, second_at_beginning=True)
            tick: datetime = ticks.get_next(datetime)
        except CroniterBadDateError:
            return None
        return tick

    @property
    def is_frequent(self) -> bool:
        """Whether it ticks more often than once a minute; Azure then keeps no record of missed ticks."""
        first = self.next_after(datetime(2026, 1, 1, tzinfo=UTC))
        second = first and self.next_after(first)
        return bool(first and second and second - first < _MONITORED_FROM)


def parse_schedule(expression: str) -> Schedule:
    """Check an expression against NCRONTAB, which knows less than croniter.

    Raises:
        ValueError: it doesn't have six fields, or one of them can't be read.
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"the schedule {expression!r} must have six fields: seconds first")
    for text, (name, low, high) in zip(fields, _FIELDS, strict=True):
        if not all(_is_item(item, name, low, high) for item in text.split(",")):
            raise ValueError(f"the schedule {expression!r} has the {name} {text!r}, which NCRONTAB can't read")
    try:
        croniter(" ".join(fields), second_at_beginning=True)
    except CroniterError as error:
        raise ValueError(f"the schedule {expression!r} can't be read: {error}") from error
    return Schedule(" ".join(fields))


def _is_item(item: str, name: str, low: int, high: int) -> bool:
    match = _ITEM.fullmatch(item)
    if match is None or match["step"] == "0":
        return False
    return all(_is_value(value, name, low, high) for value in (match["first"], match["last"]) if value is not None)


def _is_value(value: str, name: str, low: int, high: int) -> bool:
    if value.isdecimal():
        return low <= int(value) <= high
    return value.lower() in _NAMES.get(name, ())
