"""Times and durations as jobs and recovery points have them (dp_job_list_and_show.json).

A tick is 100 ns. The service writes a job's times without the zeros at their end, and those of recovery points whole;
a job's duration is ISO 8601 when it is read alone and a time span in lists.
"""

from __future__ import annotations

import datetime as dt
import re

from local.azure.clock import ticks

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_TICKS = 621_355_968_000_000_000
_SECOND, _MINUTE, _HOUR, _DAY = 10_000_000, 600_000_000, 36_000_000_000, 864_000_000_000
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7}))?S)?)?")


def trimmed(moment: dt.datetime) -> str:
    """A moment with at most seven decimals."""
    whole, _, fraction = ticks(moment).rstrip("Z").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def parse(text: object) -> dt.datetime | None:
    """The moment that a text names, in UTC; None when it names none, and for the zero date."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment if moment.year > 1 else None


def dotnet_ticks(moment: dt.datetime) -> int:
    """Ticks since the year 1; the last digit is derived as in `clock.ticks`."""
    since = (moment - _EPOCH) // dt.timedelta(microseconds=1)
    return _EPOCH_TICKS + since * 10 + moment.microsecond % 7


def iso_duration(start: dt.datetime, end: dt.datetime) -> str:
    """The time between two moments, e.g. `PT3M4.5029547S`."""
    rest = dotnet_ticks(end) - dotnet_ticks(start)
    days, rest = divmod(rest, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    seconds, fraction = divmod(rest, _SECOND)
    decimals = f".{fraction:07d}".rstrip("0").rstrip(".")
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M")) if value]
    if seconds or fraction or not (parts or days):
        parts.append(f"{seconds}{decimals}S")
    return "P" + (f"{days}D" if days else "") + ("T" + "".join(parts) if parts else "")


def time_span(iso: str) -> str:
    """An ISO 8601 duration as .NET writes it, e.g. `00:03:04.5029547`; what isn't one is returned as it is."""
    found = _ISO.fullmatch(iso)
    if not found:
        return iso
    days, hours, minutes, seconds = (int(group or 0) for group in found.groups()[:4])
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    text = f"{days}.{text}" if days else text
    return f"{text}.{found[5]:0<7}" if found[5] else text
