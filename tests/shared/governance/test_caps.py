"""So many an hour: nobody is forgotten, nobody is let in too early, and everybody asks twice at most."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from shared.fleet.tables import Key
from shared.governance.caps import HOUR, CapRow, Caps, place
from tests.shared.governance.memory import MemoryRows

KINDS = Key("caps", "onboarding")


@given(
    cap=st.integers(1, 5),
    arrivals=st.lists(st.integers(0, 4 * int(HOUR)), min_size=1, max_size=40),
)
def test_in_no_hour_there_are_more_turns_than_the_cap(cap: int, arrivals: list[int]) -> None:
    """Whatever the arrivals: turns come in order, none before its cluster, and never more than the cap in an hour."""
    places: dict[str, int] = {}
    turns = []
    for number, now in enumerate(sorted(arrivals)):
        turn = place(places, str(number), cap, float(now))
        assert turn is not None
        assert turn >= now
        turns.append(turn)
    assert turns == sorted(turns)
    for first, beyond in zip(turns, turns[cap:], strict=False):
        assert beyond - first >= HOUR


def test_a_cluster_keeps_its_turn() -> None:
    """Asking again changes nothing, and takes nobody else's place."""
    places: dict[str, int] = {}
    assert place(places, "a", 1, 0.0) == 0
    assert place(places, "b", 1, 10.0) == HOUR
    assert place(places, "b", 1, 20.0) == HOUR
    assert place(places, "c", 1, 30.0) == 2 * HOUR
    assert place(places, "b", 1, HOUR) == HOUR


def test_a_turn_that_was_missed_by_an_hour_is_gone() -> None:
    """Whoever was held by something else meanwhile stands in line again."""
    places = {"a": 0}
    assert place(places, "a", 1, HOUR + 1) == HOUR + 1


def test_when_too_many_wait_the_rest_comes_back_later() -> None:
    """The row stays within what a table holds."""
    places: dict[str, int] = {}
    turns = [place(places, f"{number:016x}", 1, 0.0) for number in range(800)]
    assert turns.count(None) == 100
    assert len(CapRow(places).places) == 700


async def test_two_instances_give_out_different_turns() -> None:
    """The loser of a race reads again and takes the next place."""
    rows = MemoryRows()
    caps = Caps(cast("Any", rows))

    def somebody_else() -> None:
        rows.before_write = lambda: None
        rows.put(KINDS, CapRow({"theirs": 100}))

    rows.before_write = somebody_else
    assert await caps.turn("onboarding", "ours", 1, 100.0) == 100 + HOUR


async def test_asking_only_takes_no_turn() -> None:
    """A plan says when the turn would be, and leaves it to whoever comes first."""
    rows = MemoryRows()
    caps = Caps(cast("Any", rows))
    assert await caps.turn("onboarding", "a", 1, 100.0, take=False) == 100
    assert rows.writes == 0
    assert await caps.turn("onboarding", "b", 1, 100.0) == 100
