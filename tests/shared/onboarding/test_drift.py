"""How many repairs there may be, decided without anything around."""

import pytest

from shared.fleet.life import Repair
from shared.onboarding.drift import HELD, REPAIRS, begin, given_up, seen_whole

HOUR = 3600.0


def repaired(*moments: float) -> Repair:
    """A thing that was put back at those times, each time seen whole an hour later."""
    record = Repair()
    for moment in moments:
        begin(record, moment)
        seen_whole(record, moment + HOUR)
    return record


@pytest.mark.parametrize(
    ("moments", "gone", "refused"),
    [
        ([HELD], 2 * HELD, False),
        ([HELD] * 2, HELD + HOUR, False),
        ([HELD] * REPAIRS, HELD + 2 * HOUR, True),
        ([HELD] * REPAIRS, 2 * HELD + HOUR, False),
        ([HELD, 2 * HELD - HOUR, 3 * HELD - HOUR, 4 * HELD - HOUR], 5 * HELD - HOUR, True),
        ([HELD, 3 * HELD, 5 * HELD, 7 * HELD], 7 * HELD + 2 * HOUR, False),
    ],
)
def test_three_repairs_without_a_day_between_are_enough(moments: list[float], gone: float, *, refused: bool) -> None:
    """The day begins when the thing was last seen whole."""
    assert given_up(repaired(*moments), gone) is refused


def test_what_was_given_up_stays_so_until_somebody_puts_it_right() -> None:
    """Time alone doesn't make the app try again; seen whole once more, it has a day to hold."""
    record = repaired(HELD, HELD, HELD)
    assert given_up(record, HELD + 2 * HOUR)
    assert given_up(record, 9 * HELD)
    assert not seen_whole(record, 9 * HELD)
    assert given_up(record, 9 * HELD + HOUR)
    assert not seen_whole(record, 10 * HELD)
    assert seen_whole(record, 11 * HELD)


def test_going_on_with_a_repair_is_no_second_one() -> None:
    """While it is open nothing is given up: installing an extension takes many passes."""
    record = Repair(count=REPAIRS, last=HELD, open=True)
    assert not given_up(record, HELD + HOUR)
