from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azure.clock import Clock, ticks
from local.azure.durations import DURATIONS, duration

_NOON = dt.datetime(2024, 6, 26, 12, tzinfo=dt.UTC)


def test_a_step_runs_everything_due_in_the_order_of_its_moments() -> None:
    """What was planned later but is due earlier happens first, and what an action plans is run by the same step."""
    clock, ran = Clock(1, _NOON), list[str]()
    clock.at(_NOON + dt.timedelta(minutes=2), lambda _: ran.append("second"))
    clock.at(_NOON + dt.timedelta(minutes=9), lambda _: ran.append("fourth"))

    def first(moment: dt.datetime) -> None:
        ran.append("first")
        clock.at(moment + dt.timedelta(minutes=3), lambda _: ran.append("third"))

    clock.at(_NOON + dt.timedelta(minutes=1), first)
    clock.advance(5 * 60)
    assert ran == ["first", "second", "third"]


def test_an_action_gets_the_moment_it_was_planned_for() -> None:
    """A step over hours doesn't make things happen late: each action sees its own moment."""
    clock, moments = Clock(1, _NOON), list[dt.datetime]()
    clock.at(_NOON + dt.timedelta(seconds=30), moments.append)
    clock.advance(3600)
    assert moments == [_NOON + dt.timedelta(seconds=30)]


def test_time_is_never_stepped_back() -> None:
    """Azure's time only goes forward."""
    with pytest.raises(ValueError, match="only be advanced"):
        Clock(1).advance(-1)


def test_a_scale_must_be_positive() -> None:
    """A scale of zero would stop the world."""
    with pytest.raises(ValueError, match="above 0"):
        Clock(0)


async def test_a_sleep_ends_when_the_clock_is_stepped() -> None:
    """Whoever waits for virtual time waits no longer than the clock says."""
    clock = Clock(1, _NOON)
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(3601)
    await asyncio.wait_for(sleeper, 10)


async def test_the_running_clock_acts_without_any_request() -> None:
    """Events are delivered although nobody asks Azure anything."""
    clock, acted = Clock(1000, _NOON), asyncio.Event()
    running = asyncio.create_task(clock.run())
    clock.at(clock.now() + dt.timedelta(seconds=10), lambda _: acted.set())
    await asyncio.wait_for(acted.wait(), 10)
    running.cancel()


@given(st.floats(0, 100_000), st.floats(0.1, 10_000))
def test_a_retry_after_is_at_least_one_second(seconds: float, scale: float) -> None:
    """Clients take an absent or zero value for 30 s."""
    assert Clock(scale).retry_after(seconds) == max(1, round(seconds / scale))


def test_azure_times_have_seven_decimals() -> None:
    """A tick is 100 ns."""
    assert ticks(_NOON.replace(microsecond=123456)).startswith("2024-06-26T12:00:00.123456")
    assert len(ticks(_NOON)) == len("2024-06-26T07:49:43.0747155Z")


@pytest.mark.parametrize("kind", sorted(DURATIONS))
def test_a_duration_is_within_its_range_and_repeats(kind: str) -> None:
    """Seed and resource decide a duration; another resource has another one."""
    low, high = DURATIONS[kind]
    lengths = [duration(7, kind, f"/x/{number}") for number in range(20)]
    assert all(low <= length <= high for length in lengths)
    assert lengths == [duration(7, kind, f"/X/{number}") for number in range(20)]
    assert len(set(lengths)) == len(lengths)
