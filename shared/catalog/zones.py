"""IANA time zones, as people write them, and what Azure Backup wants: the Windows name, and times with an offset.

Source of the names: Unicode CLDR's windowsZones, as kept by tzlocal.
"""

from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo


def known_zone(name: str) -> str:
    """The Windows name of an IANA time zone.

    Raises:
        ValueError: there is no such zone, or Azure has no name for it.
    """
    from tzlocal.windows_tz import tz_win  # noqa: PLC0415  # costs 20 ms: only where a zone is named

    windows: str | None = tz_win.get(name) if name else None  # the table has an entry for no name at all
    if windows is None:
        near = get_close_matches(name, tz_win, n=1) if name else []
        hint = f"did you mean {near[0]!r}?" if near else "an IANA name such as Europe/Berlin is wanted"
        raise ValueError(f"timeZone {name!r} isn't known; {hint}")
    return windows


def local_start(day: date, start: str, after: timedelta, zone: str) -> str:
    """The first start as ISO 8601 with the zone's offset, `after` the time of day on that day."""
    moment = datetime.combine(day, time.fromisoformat(start), ZoneInfo(zone))
    return (moment + after).isoformat()
