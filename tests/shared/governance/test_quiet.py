"""Quiet windows: how they are written, and when they end."""

from __future__ import annotations

from datetime import datetime

import pytest

from shared.governance.quiet import quiet_until
from shared.settings.windows import quiet_windows

OFFICE = "Mon-Fri 08:00-18:00 Europe/Berlin"


def until(text: str, now: str) -> str | None:
    """When the quiet time ends that a moment is in, both in ISO 8601; the answer in the moment's own offset."""
    moment = datetime.fromisoformat(now)
    end = quiet_until(quiet_windows(text), moment.timestamp())
    return datetime.fromtimestamp(end, moment.tzinfo).isoformat(timespec="minutes") if end else None


@pytest.mark.parametrize(
    ("text", "now", "end"),
    [
        (OFFICE, "2026-11-25T09:00+01:00", "2026-11-25T18:00+01:00"),
        (OFFICE, "2026-11-25T08:00+01:00", "2026-11-25T18:00+01:00"),
        (OFFICE, "2026-11-25T18:00+01:00", None),  # the end isn't in it
        (OFFICE, "2026-11-25T07:59+01:00", None),
        (OFFICE, "2026-11-28T12:00+01:00", None),  # Saturday
        (OFFICE, "2026-07-01T06:30+00:00", "2026-07-01T16:00+00:00"),  # summer time: 08:30 in Berlin
        ("Fri 22:00-06:00", "2026-11-28T05:00+00:00", "2026-11-28T06:00+00:00"),  # begun the day before
        ("Fri 22:00-06:00", "2026-11-27T05:00+00:00", None),
        ("Sat,Sun 00:00-24:00", "2026-11-28T12:00+00:00", "2026-11-30T00:00+00:00"),  # two that touch are one
        ("Fri 18:00-00:00; Sat,Sun 00:00-24:00; Mon 00:00-08:00", "2026-11-27T20:00+00:00", "2026-11-30T08:00+00:00"),
        ("Fri-Mon 10:00-11:00", "2026-11-30T10:30+00:00", "2026-11-30T11:00+00:00"),  # over the weekend
        ("2026-12-21/2027-01-03", "2026-12-31T12:00+00:00", "2027-01-04T00:00+00:00"),
        ("2026-12-21/2027-01-03 Europe/Berlin", "2027-01-03T22:59+00:00", "2027-01-03T23:00+00:00"),
        ("2026-12-21/2027-01-03", "2026-12-20T23:59+00:00", None),
        ("daily 02:00-04:00 Europe/Berlin", "2026-10-25T00:30+00:00", "2026-10-25T03:00+00:00"),  # the long night
        ("", "2026-11-25T09:00+00:00", None),
    ],
)
def test_a_window_ends_when_it_says(text: str, now: str, end: str | None) -> None:
    """Days, nights, weekends, holidays, in the zone's own time."""
    assert until(text, now) == end


def test_a_window_that_never_ends_gives_an_answer_all_the_same() -> None:
    """Whoever is always quiet is asked again some weeks later, not computed for ever."""
    end = until("daily 00:00-24:00", "2026-11-25T09:00+00:00")
    assert end is not None
    assert end > "2026-12-25"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Mon 8:00-9:00", "'8:00-9:00' is no time of day"),
        ("Mon-Fri", "'Mon-Fri' is none"),
        ("Foo 08:00-09:00", "'foo' is no weekday"),
        ("Mon 08:00-09:00 Mars/Olympus", "'Mars/Olympus' is no IANA time zone"),
        ("Mon 08:00-09:00 ../zone", "is no IANA time zone"),
        ("2026-13-01/2026-12-01", "'2026-13-01' is no date"),
        ("2026-12-02/2026-12-01", "ends before it begins"),
        ("Mon 08:00-09:00 UTC now", "is none"),
    ],
)
def test_a_fault_says_which_window_and_what_is_wanted(text: str, fault: str) -> None:
    """Whoever mistypes one finds it, and an example."""
    with pytest.raises(ValueError, match="such as 'Mon-Fri 08:00-18:00 Europe/Berlin'") as caught:
        quiet_windows(f"{OFFICE}; {text}")
    assert fault in str(caught.value)
