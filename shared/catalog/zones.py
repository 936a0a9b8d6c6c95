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
    from tzlocal.windows_tz import tz_win, win_tz  # noqa: PLC0415  # costs 20 ms: only where a zone is named

    windows: str | None = tz_win.get(name) if name else None  # the table has an entry for no name at all
    if windows is None:
        near = [win_tz[name]] if name in win_tz else get_close_matches(name, tz_win, n=1) if name else []
        hint = f"did you mean {near[0]!r}?" if near else "an IANA name such as Europe/Berlin is wanted"
        raise ValueError(f"timeZone {name!r} isn't known; {hint}")
    return windows


def local_start(day: date, start: str, after: timedelta, zone: str) -> str:
    """The first start as ISO 8601 with the zone's offset, `after` the time of day on that day."""
    moment = datetime.combine(day, time.fromisoformat(start), ZoneInfo(zone))
    return (moment + after).isoformat()


def iana_zone(windows: str, moment: datetime) -> str:
    """The IANA name of a Windows time zone: of those with the moment's own offset, if it has one, the usual one.

    Raises:
        ValueError: Azure has no such time zone.
    """
    from tzlocal.windows_tz import tz_win, win_tz  # noqa: PLC0415  # as above

    usual: str | None = win_tz.get(windows)
    if usual is None:
        near = get_close_matches(windows, win_tz, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{windows!r} is no time zone of Windows{hint}")
    offset = moment.utcoffset()
    candidates = (usual, *(name for name, of in tz_win.items() if of == windows and name))
    fitting = (name for name in candidates if offset in (None, moment.astimezone(ZoneInfo(name)).utcoffset()))
    return next(fitting, usual)
