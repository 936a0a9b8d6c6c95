"""What the resync's trigger makes of what the host tells about its schedule."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.resync_fleet import _seconds_to_next


@pytest.mark.parametrize(
    "status",
    [None, {}, {"Next": None}, {"Next": "soon"}, {"Next": "0001-01-01T00:00:00"}, {"Next": "2020-01-01T00:00:00Z"}],
)
def test_without_a_next_tick_to_come_nothing_is_known(status: Any) -> None:
    """The monitor may be off, or tell of the tick that is being run."""
    assert _seconds_to_next(SimpleNamespace(schedule_status=status)) is None  # type: ignore[arg-type]  # as much of it


def test_the_next_tick_is_so_far_away() -> None:
    """With or without a time zone it is UTC."""
    soon = datetime.now(UTC) + timedelta(minutes=30)
    for text in (soon.isoformat(), soon.replace(tzinfo=None).isoformat()):
        left = _seconds_to_next(SimpleNamespace(schedule_status={"Next": text}))  # type: ignore[arg-type]  # as above
        assert left is not None
        assert 1790 < left <= 1800
