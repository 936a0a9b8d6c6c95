"""When many clusters would be released at once: the decision, without a table."""

import pytest

from shared.onboarding.breaker import HOUR, LIFTED, BreakerRow, admit, allowed


@pytest.mark.parametrize(("fleet", "most"), [(0, 1), (3, 1), (39, 1), (40, 2), (200, 10), (1000, 10), (100_000, 10)])
def test_five_of_a_hundred_or_ten_in_an_hour(fleet: int, most: int) -> None:
    """The smaller one counts, and one cluster may always go."""
    assert allowed(fleet, 10, 5) == most


def test_those_that_are_due_within_the_next_hour_count_too() -> None:
    """The first of many isn't let through because the others come a minute later."""
    row = BreakerRow(entries={f"c{number}": 60.0 * (number + 1) for number in range(5)})
    assert not admit(row, "c0", 60.0, 2)
    assert row.halted == 60.0


def test_once_halted_nobody_goes_until_a_person_lifts_it() -> None:
    """Even one alone, weeks later; lifted, a day is open for all of them."""
    row = BreakerRow(entries={"a": 1000.0, "b": 1000.0})
    assert not admit(row, "a", 1000.0, 1)
    assert row.halted == 1000.0
    assert not admit(row, "c", 1000.0 + 30 * 86400.0, 1)
    row.halted, row.lifted = 0.0, 3_000_000.0
    assert all(admit(row, f"d{number}", 3_000_000.0 + HOUR, 1) for number in range(20))
    assert row.halted == 0.0
    assert admit(row, "e", 3_000_000.0 + LIFTED + 2 * HOUR, 1)


def test_one_that_comes_again_counts_once() -> None:
    """A pass that died after it was let through is let through again."""
    row = BreakerRow()
    assert admit(row, "a", 5000.0, 1)
    assert admit(row, "a", 5100.0, 1)
