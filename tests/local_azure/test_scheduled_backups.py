from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.data_protection.dialect import JOBS, POINTS
from local.azure.data_protection.timetable import Timetable
from tests.local_azure.backup import INSTANCE, POLICY, VAULT, instance, policy, protected
from tests.local_azure.fleet import fleet
from tests.local_azure.ondemand import DAY, advance, all_jobs, asked, run_one

if TYPE_CHECKING:
    from tests.local_azure.client import Client
    from tests.local_azure.conftest import Start


async def test_backups_run_by_the_schedule(azure: Client) -> None:
    """Every day at nine, some seconds late, not triggered by anyone, with the default tag as the policy writes it."""
    await protected(azure)
    await advance(azure, 3 * DAY)
    jobs = await all_jobs(azure)
    assert len(jobs) == 3
    for job in jobs:
        begun = dt.datetime.fromisoformat(job["startTime"])
        assert (begun.hour, begun.minute) == (9, 0)
        assert 2 <= begun.second <= 13
        assert (job["isUserTriggered"], job["supportedActions"]) == (False, [])
        assert job["extendedInfo"]["additionalDetails"] == {"RetentionTag": "Default"}
    assert {job["status"] for job in jobs} == {"Completed"}


async def test_starts_may_slip_by_two_hours(start: Start) -> None:
    """As the option says, differently for each moment, the same in every run of a seed."""
    async with start(time_scale=0.001, backup_delay=7200.0) as azure:
        await protected(azure)
        await advance(azure, 8 * DAY)
        late = []
        for job in await all_jobs(azure):
            begun = dt.datetime.fromisoformat(job["startTime"])
            late.append((begun - begun.replace(hour=9, minute=0, second=0, microsecond=0)).total_seconds())
    assert len(late) >= 7
    assert all(2 <= seconds <= 7200 for seconds in late)
    assert max(late) - min(late) > 600


@pytest.mark.parametrize(
    ("action", "back"), [("suspendBackups", "resumeBackups"), ("stopProtection", "resumeProtection")]
)
async def test_suspended_and_stopped_instances_are_not_backed_up(azure: Client, action: str, back: str) -> None:
    """Until they are resumed; on demand is refused as well."""
    await protected(azure)
    await azure.arm("POST", f"{INSTANCE}/{action}", {})
    await advance(azure, 60)
    await advance(azure, 2 * DAY)
    assert await all_jobs(azure) == []
    assert (await azure.arm("POST", f"{INSTANCE}/backup", asked())).status == 400
    await azure.arm("POST", f"{INSTANCE}/{back}", {})
    await advance(azure, 60)
    await advance(azure, 2 * DAY)
    assert len(await all_jobs(azure)) == 2


async def test_another_policy_is_another_schedule(azure: Client) -> None:
    """From the change on the new policy's times count, and only they."""
    await protected(azure)
    often = f"{VAULT}/backupPolicies/often"
    assert (await azure.arm("PUT", often, policy(frequency="PT4H"))).status == 200
    await azure.arm("PUT", INSTANCE, {"properties": instance(often)})
    await advance(azure, 61)
    await advance(azure, 2 * DAY)
    jobs = await all_jobs(azure)
    assert {job["policyName"] for job in jobs} == {"often"}
    assert len(jobs) == 12


async def test_a_policy_put_again_is_not_followed_twice(azure: Client) -> None:
    """Neither by the API nor when it is put as it stands."""
    await protected(azure)
    assert (await azure.arm("PUT", POLICY, policy())).status == 200
    azure.cloud.seed(POLICY, policy())
    await advance(azure, 2 * DAY)
    assert len(await all_jobs(azure)) == 2


async def test_a_deleted_instance_is_not_backed_up(azure: Client) -> None:
    """Its jobs of before stay."""
    await protected(azure)
    await run_one(azure)
    await azure.arm("DELETE", INSTANCE)
    await advance(azure, 2 * DAY)
    assert len(await all_jobs(azure)) == 1


async def test_a_scheduled_backup_waits_for_one_on_demand(azure: Client) -> None:
    """It starts when the other has ended."""
    await protected(azure)
    now = azure.cloud.clock.now()
    nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
    await advance(azure, (nine - now).total_seconds() % DAY - 60)
    assert (await run_one(azure))["status"] == "Completed"
    await advance(azure, 300)
    first, second = await all_jobs(azure)
    assert (first["isUserTriggered"], second["isUserTriggered"]) == (True, False)
    assert dt.datetime.fromisoformat(second["startTime"]) > dt.datetime.fromisoformat(first["endTime"])


def _interval(text: str, zone: str | None = None) -> dict[str, Any]:
    body = policy()["properties"]
    schedule = body["policyRules"][0]["trigger"]["schedule"]
    schedule["repeatingTimeIntervals"] = [text]
    if zone:
        schedule["timeZone"] = zone
    properties: dict[str, Any] = body
    return properties


@pytest.mark.parametrize(
    ("interval", "zone", "after", "due"),
    [
        ("R/2023-01-04T09:00:00+00:00/PT4H", None, "2024-06-26T07:50:00", "2024-06-26T09:00:00"),
        ("R/2023-01-04T09:00:00+00:00/PT4H", None, "2024-06-26T09:00:00", "2024-06-26T13:00:00"),
        ("R/2023-01-04T09:00:00+00:00/P1D", None, "2024-06-26T09:00:00", "2024-06-27T09:00:00"),
        ("R/2023-01-04T09:00:00Z/PT12H", None, "2020-01-01T00:00:00", "2023-01-04T09:00:00"),
        ("R/2024-01-01T22:30:00+05:30/P1D", "India Standard Time", "2024-06-26T00:00:00", "2024-06-26T17:00:00"),
        # 02:00 in Berlin: 01:00 UTC in winter, 00:00 in summer; clocks changed on 31 March and 27 October 2024
        ("R/2024-01-01T02:00:00+01:00/P1D", "W. Europe Standard Time", "2024-03-29T02:00:00", "2024-03-30T01:00:00"),
        ("R/2024-01-01T02:00:00+01:00/P1D", "W. Europe Standard Time", "2024-03-31T12:00:00", "2024-04-01T00:00:00"),
        ("R/2024-01-01T02:00:00+01:00/P1D", "W. Europe Standard Time", "2024-10-27T12:00:00", "2024-10-28T01:00:00"),
        ("R/2024-01-01T02:00:00+01:00/PT6H", "W. Europe Standard Time", "2024-07-01T00:30:00", "2024-07-01T01:00:00"),
    ],
)
def test_when_a_policy_is_due_next(interval: str, zone: str | None, after: str, due: str) -> None:
    """Hours count from the start, days keep their time of day in the schedule's time zone."""
    table = Timetable.of(_interval(interval, zone))
    assert table
    found = table.after(dt.datetime.fromisoformat(after).replace(tzinfo=dt.UTC))
    assert found == dt.datetime.fromisoformat(due).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("interval", ["R/2024-01-01/P1M", "R/soon/PT4H", "every day", "R/2024-01-01T00:00:00Z/PT0H"])
def test_a_schedule_that_cannot_be_read_is_none(interval: str) -> None:
    """A policy that was put as it stands may have anything."""
    assert Timetable.of(_interval(interval)) is None
    assert Timetable.of({}) is None


def test_a_week_of_two_hundred_clusters_is_stepped_at_once() -> None:
    """8,400 backups of a week, each judged, with a share of failures; the time limit of a test is far away."""
    cloud = fleet(200)
    cloud.faults.add({"action": "fail_job", "probability": 0.05, "times": None})
    cloud.clock.advance(7 * DAY + 600)
    jobs = [job.properties for job in cloud.store.children(VAULT, JOBS)]
    assert len(jobs) == 8400
    counted = Counter(job["status"] for job in jobs)
    assert set(counted) == {"Completed", "Failed"}
    assert 300 <= counted["Failed"] <= 540
    assert set(Counter(job["backupInstanceId"] for job in jobs).values()) == {42}
    assert sum(1 for _ in cloud.store.of_type(POINTS)) == counted["Completed"]
