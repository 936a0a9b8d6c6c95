from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from local.host.schedule import Schedule, parse_schedule

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.local_host.conftest import StartsHosts, Waits

APP = """
@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup={run_on_startup})
async def tick(timer: func.TimerRequest) -> None:
    record(past_due=timer.past_due, status=timer.schedule_status)
    if os.environ.get("SLOW"):
        await asyncio.sleep(1.5)
        record(done=True)
"""
IDLE = APP.replace("{run_on_startup}", "False")
EAGER = APP.replace("{run_on_startup}", "True")


def test_a_timer_ticks_again_and_again(start_host: StartsHosts, wait: Waits) -> None:
    """The schedule comes from a setting; no tick is past due while the host is up."""
    host = start_host(IDLE, settings={"SCHEDULE": "* * * * * *"})

    wait(lambda: len(host.records) >= 2, "two ticks")
    assert not any(record["past_due"] for record in host.records)


def test_one_run_at_a_time(start_host: StartsHosts, wait: Waits) -> None:
    """A tick that comes while the function still runs is skipped."""
    host = start_host(IDLE, settings={"SCHEDULE": "* * * * * *", "SLOW": "1"})

    wait(lambda: len(host.records) >= 3, "the second run")
    assert [record.get("done", False) for record in host.records[:3]] == [False, True, False]


def test_timers_can_be_switched_off(start_host: StartsHosts, wait: Waits) -> None:
    """With --no-timers nothing ticks, not even at the start; nor does a function that a setting disables."""
    off = start_host(EAGER, "--no-timers", settings={"SCHEDULE": "* * * * * *"})
    disabled = start_host(EAGER, settings={"SCHEDULE": "* * * * * *", "AzureWebJobs.tick.Disabled": "true"})
    running = start_host(EAGER, settings={"SCHEDULE": "* * * * * *"})

    wait(lambda: len(running.records) >= 2, "the host whose timers do tick")
    assert (off.records, disabled.records) == ([], [])


async def test_a_timer_can_be_run_by_hand(start_host: StartsHosts, http: aiohttp.ClientSession, wait: Waits) -> None:
    """The admin endpoint runs it at once, timers on or off."""
    host = start_host(IDLE, "--no-timers", settings={"SCHEDULE": "0 0 0 1 1 *"})
    async with http.post(host.url("/admin/functions/tick", "master"), json={"input": None}) as response:
        assert response.status == 202
    wait(lambda: host.records == [{"past_due": False, "status": {}}], "the run")


def test_missed_ticks_are_made_up_for_once(start_host: StartsHosts, tmp_path: Path, wait: Waits) -> None:
    """What fell due while the host was down runs once, past due; a new schedule begins anew."""
    state = tmp_path / "state"
    settings = {"SCHEDULE": "0 0 * * * *"}
    first = start_host(IDLE, "--state-dir", str(state), settings=settings, folder=tmp_path)
    wait((state / "timers.json").exists, "the first record")
    first.stop()
    _set_back(state / "timers.json", timedelta(hours=5))

    changed = start_host(IDLE, "--state-dir", str(state), settings={"SCHEDULE": "0 30 4 1 1 *"}, folder=tmp_path)
    changed.stop()
    assert changed.records == []
    _set_back(state / "timers.json", timedelta(hours=5), schedule=Schedule("0 0 * * * *"))

    late = start_host(IDLE, "--state-dir", str(state), settings=settings, folder=tmp_path)
    wait(lambda: [record["past_due"] for record in late.records] == [True], "the late run")
    wait(lambda: "Executed 'tick' (Succeeded" in late.log, "its end")
    late.stop()
    again = start_host(IDLE, "--state-dir", str(state), settings=settings, folder=tmp_path)
    again.stop()
    assert len(again.records) == 1


def test_run_on_startup(start_host: StartsHosts, wait: Waits) -> None:
    """The function runs once as soon as the host is up, and not past due."""
    host = start_host(EAGER, settings={"SCHEDULE": "0 0 0 1 1 *"})

    wait(lambda: [record["past_due"] for record in host.records] == [False], "the first run")


def _set_back(path: Path, by: timedelta, schedule: Schedule | None = None) -> None:
    """Make a record as old as a host that has been down for some time would find it."""
    record = json.loads(path.read_text())["tick"]
    updated = datetime.fromisoformat(record["LastUpdated"]) - by
    expected = (schedule or Schedule("0 0 * * * *")).next_after(updated)
    assert expected is not None
    record |= {"LastUpdated": updated.isoformat(), "Next": expected.isoformat()}
    path.write_text(json.dumps({"tick": record}))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", "2026-01-01T00:05:00+00:00"),
        ("30 * * * * *", "2026-01-01T00:00:30+00:00"),
        ("0 30 9 * Jan Mon-Fri", "2026-01-01T09:30:00+00:00"),
        ("0 0 9 1 * 1", "2026-06-01T09:00:00+00:00"),
        ("0 5/15 * * * *", "2026-01-01T00:05:00+00:00"),
        ("0 0 0 * * SUN", "2026-01-04T00:00:00+00:00"),
        ("0,20 1-3,5 2 * * *", "2026-01-01T02:01:00+00:00"),
        ("0 0 0 30 2 *", None),
    ],
)
def test_schedules_are_read_as_ncrontab(expression: str, expected: str | None) -> None:
    """Seconds come first, Sunday is 0, and day of month and day of week must both fit."""
    upcoming = parse_schedule(expression).next_after(datetime(2026, 1, 1, tzinfo=UTC))
    assert (upcoming and upcoming.isoformat()) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "0 0 0 * * 1#2",
        "0 0 0 ? * *",
        "@daily",
        "R * * * * *",
        "0 */0 * * * *",
        "0 0 0 * mon *",
        "0 , 0 * * *",
        "01:00:00",
    ],
)
def test_what_ncrontab_does_not_know_is_refused(expression: str) -> None:
    """Croniter reads more than NCRONTAB does, so the difference is checked here."""
    with pytest.raises(ValueError, match="schedule"):
        parse_schedule(expression)
