"""Values of a query: JSON's, and Kusto's moments and spans of time, which count ticks of 100 ns."""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import re
from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["string", "bool", "long", "real", "datetime", "timespan", "dynamic"]
"""Types of columns. A dynamic value is whatever the JSON of a resource has; it is converted when it is compared."""

TICKS = 10_000_000
"""In a second."""

_EPOCH = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:\d\d)?", re.IGNORECASE
)
_SPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?")
_COUNTED = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([a-z]+)")
_UNITS = {
    "d": 86400 * TICKS,
    "h": 3600 * TICKS,
    "m": 60 * TICKS,
    "s": TICKS,
    "ms": TICKS // 1000,
    "microsecond": TICKS // 1_000_000,
    "tick": 1,
}


class Moment(int):
    """A datetime: ticks since year 1, UTC."""

    __slots__ = ()


LAST = Moment(3_155_378_975_999_999_999)
"""The end of the year 9999."""


class Span(int):
    """A timespan in ticks."""

    __slots__ = ()


def moment_of(time: dt.datetime) -> Moment:
    """A Python datetime (aware) as a moment."""
    since = time - _EPOCH
    return Moment((since.days * 86400 + since.seconds) * TICKS + since.microseconds * 10)


@functools.lru_cache(maxsize=65536)
def read_moment(text: str) -> Moment | None:
    """A moment in one of ISO 8601's usual forms; a missing offset means UTC. None for anything else."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    day, minutes, seconds, fraction, zone = found.groups()
    try:
        whole = dt.datetime.fromisoformat(f"{day}T{minutes or '00:00'}:{seconds or '00'}{(zone or 'Z').upper()}")
        base = moment_of(whole)
    except (ValueError, OverflowError):
        return None
    return Moment(base + int((fraction or "0").ljust(7, "0")[:7]))


def read_span(text: str) -> Span | None:
    """A timespan as .NET writes it (`1.02:03:04.5`), or a number with a unit (`90m`). None for anything else."""
    text = text.strip()
    found = _SPAN.fullmatch(text)
    if found:
        sign, days, hours, minutes, seconds, fraction = found.groups()
        whole = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
        ticks = whole * TICKS + int((fraction or "0").ljust(7, "0"))
        return Span(-ticks if sign else ticks)
    counted = _COUNTED.fullmatch(text)
    return Span(round(float(counted[1]) * _UNITS[counted[2]])) if counted and counted[2] in _UNITS else None


def moment_at(ticks: int) -> Moment | None:
    """A moment; null beyond the years that there are."""
    return Moment(ticks) if 0 <= ticks <= LAST else None


def moment_text(moment: int) -> str:
    """A moment with seven decimals."""
    seconds, rest = divmod(moment, TICKS)
    whole = _EPOCH + dt.timedelta(seconds=seconds)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest:07d}Z".rjust(28, "0")


def span_text(span: int) -> str:
    """A timespan as .NET writes it: days and fraction only where they aren't zero."""
    seconds, rest = divmod(abs(span), TICKS)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{days}." if days else ""
    text += f"{hour:02d}:{minute:02d}:{second:02d}"
    return ("-" if span < 0 else "") + text + (f".{rest:07d}" if rest else "")


def nothing(kind: Kind) -> Any:
    """What a column of a type has where there is no value: null, or the empty string."""
    return "" if kind == "string" else None


def text_of(value: Any) -> str:
    """tostring(): null is the empty string, true is `true`, JSON objects and lists are their JSON."""
    kind = type(value)
    if kind is str:
        return str(value)
    spell = _SPELLINGS.get(kind)
    return spell(value) if spell else str(value)


_SPELLINGS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    bool: lambda value: "true" if value else "false",
    Moment: moment_text,
    Span: span_text,
    dict: lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    list: lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
}


def number_of(value: Any) -> float | int | None:
    """A number as it is; None for anything else."""
    return value if type(value) in {int, float} else None


def real_of(value: Any) -> float | None:
    """todouble(): also out of text."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return None if value is None or isinstance(value, dict | list) else float(value)


def long_of(value: Any) -> int | None:
    """tolong(): text must be a whole number, reals lose their fraction."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value) else None
    number = real_of(value)
    return None if number is None else int(value)


def bool_of(value: Any) -> bool | None:
    """tobool(): true and false in any case, numbers by being zero."""
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return None if value is None or isinstance(value, dict | list) else bool(value)


def datetime_of(value: Any) -> Moment | None:
    """todatetime(): out of text."""
    if type(value) is Moment:
        return value
    return read_moment(value) if isinstance(value, str) else None


def timespan_of(value: Any) -> Span | None:
    """totimespan(): out of text."""
    if type(value) is Span:
        return value
    return read_span(value) if isinstance(value, str) else None


def as_json(value: Any) -> Any:
    """A value as an answer has it."""
    if type(value) is Moment:
        return moment_text(value)
    return span_text(value) if type(value) is Span else value
