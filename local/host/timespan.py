"""The .NET time spans of host.json."""

from __future__ import annotations

import re
from typing import Final

_TIME_SPAN: Final = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d{1,7})?))?"
)


def parse_time_span(text: str) -> float:
    """Read `[d.]hh:mm[:ss[.fffffff]]`.

    Args:
        text: for example "00:00:02" or "1.00:00:00".

    Returns:
        The seconds it stands for.

    Raises:
        ValueError: it isn't a time span, or its hours exceed 23.
    """
    match = _TIME_SPAN.fullmatch(text)
    if match is None or int(match["hours"]) > 23:  # noqa: PLR2004 - .NET refuses it in the same way: days are written apart
        raise ValueError(f"{text!r} isn't a time span like 00:00:02")
    hours = int(match["days"] or 0) * 24 + int(match["hours"])
    return (hours * 60 + int(match["minutes"])) * 60 + float(match["seconds"] or 0)
