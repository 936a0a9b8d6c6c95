"""On-demand backups: those that people ask for, and those that the timer starts by the catalog."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION, cluster_id
from tests.e2e.fleet import eventually
from tests.e2e.watched import RESTED, Watched, path_of, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_HOUR: Final = 3600.0
_LONG: Final = {"status": "Completed", "seconds": 2 * _HOUR}
_LOCK: Final = {"code": "UserErrorSnapshotResourceGroupHasLocks", "message": "The snapshot resource group has a lock."}
_PAST: Final = "33333333-3333-3333-3333-3333333333{:02}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """A stack with a topic; each test has clusters of its own."""
    async with watched(tmp_path_factory.mktemp("backups")) as running:
        yield running


async def _today(fleet: Watched, cluster: str, count: int) -> None:
    """Let a cluster have had so many on-demand backups today, which nothing of the app has started."""
    for number in range(count):
        times = {key: await fleet.ago((10 * number + minutes) * 60) for key, minutes in _TIMES.items()}
        await fleet.put_job(cluster, _PAST.format(number), isUserTriggered=True, **times)
    await fleet.sweep()


_TIMES: Final = {"startTime": 10, "endTime": 7}


# --- asked for


async def test_a_backup_is_started_and_its_job_ends_completed(fleet: Watched) -> None:
    """202, and a Location of ours that can be asked until the job has ended."""
    (cluster,) = await fleet.protect("plain", "asked")
    said = await fleet.back_up(cluster, retentionTag="Default")
    assert said.status == 202, said
    assert said.body["dryRun"] is False
    assert said.location == f"{path_of(cluster)}/jobs/{said.body['jobId']}"
    first = await fleet.ask("GET", said.location)
    assert (first.status, first.body["operation"]) == (200, "on-demand")
    await fleet.step()
    job = (await fleet.ask("GET", said.location)).body
    assert (job["id"], job["status"], job["retentionTag"]) == (said.body["jobId"], "Completed", "Default")
    assert [one["status"] for one in await fleet.jobs(cluster)] == ["Completed"]
    assert (await fleet.jobs(cluster))[0]["isUserTriggered"] is True


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(fleet: Watched) -> None:
    """The instance and the rule; no job, and a real one isn't held up by it."""
    (cluster,) = await fleet.protect("plain", "dry")
    said = await fleet.back_up(cluster, dryRun=True)
    instance = (await fleet.app.instances(cluster))[0]["id"]
    assert said.status == 200
    assert (said.location, said.body["dryRun"], said.body["backupInstanceId"]) == (None, True, instance)
    assert said.body["ruleName"]
    assert await fleet.jobs(cluster) == []
    assert (await fleet.back_up(cluster)).status == 202


async def test_no_body_is_a_backup_with_the_defaults(fleet: Watched) -> None:
    """As `curl -X POST` sends it."""
    (cluster,) = await fleet.protect("plain", "bodiless")
    assert (await fleet.ask("POST", f"{path_of(cluster)}/backups")).status == 202


async def test_one_that_runs_or_was_just_started_refuses_the_next_one(fleet: Watched) -> None:
    """409 with the reason: a moment ago, as Azure says, and as the sweep has seen."""
    (cluster,) = await fleet.protect("plain", "running")
    await fleet.fail_job(cluster, _LONG)
    assert (await fleet.back_up(cluster)).status == 202
    assert await _refusal(fleet, cluster) == (409, "BackupStarting")
    await fleet.step()
    assert await _refusal(fleet, cluster) == (409, "UserErrorMaxConcurrentOperationLimitReached")
    await fleet.sweep()
    assert await _refusal(fleet, cluster) == (409, "BackupRunning")
    assert len(await fleet.jobs(cluster)) == 1


async def _refusal(fleet: Watched, cluster: str, **options: Any) -> tuple[int, str]:
    said = await fleet.back_up(cluster, **options)
    return said.status, said.body["reason"]


async def test_two_who_ask_at_once_get_one_backup(fleet: Watched) -> None:
    """One is told 202, all others 409; Azure is asked once."""
    (cluster,) = await fleet.protect("plain", "popular")
    said = await asyncio.gather(*(fleet.back_up(cluster) for _ in range(4)))
    assert sorted(one.status for one in said) == [202, 409, 409, 409]
    assert len(await fleet.jobs(cluster)) == 1


async def test_after_ten_of_a_day_there_is_none(fleet: Watched) -> None:
    """People have all ten; then 429, and Azure isn't asked."""
    (cluster,) = await fleet.protect("plain", "often")
    await _today(fleet, cluster, 9)
    assert (await fleet.back_up(cluster)).status == 202
    await fleet.step()
    before = await fleet.app.last_request()
    assert await _refusal(fleet, cluster) == (429, "DailyLimitReached")
    assert [item for item in await fleet.app.requests("/backup", since=before) if item["kind"] == "write"] == []
    status = (await fleet.ask("GET", path_of(cluster))).body["backups"][0]
    assert status["onDemandToday"] == 10


async def test_a_limit_that_only_azure_knows_of_is_one_too(fleet: Watched) -> None:
    """Somebody else's backups that no sweep has seen yet: 429 with Azure's reason."""
    (cluster,) = await fleet.protect("plain", "oftener")
    for number in range(10):
        await fleet.put_job(cluster, _PAST.format(20 + number), isUserTriggered=True)
    assert await _refusal(fleet, cluster) == (429, "UserErrorMaxOnDemandBackupsPerDayReached")
    assert (await fleet.ask("GET", path_of(cluster))).body["backups"][0]["onDemandToday"] == 0


async def test_a_tag_that_the_policy_lacks_is_refused_as_azure_does(fleet: Watched) -> None:
    """Azure's words, and a start that wasn't: the next one isn't held up."""
    (cluster,) = await fleet.protect("plain", "mistagged")
    assert await _refusal(fleet, cluster, retentionTag="Yearly") == (409, "DppPluginInvalidInputParameters")
    assert (await fleet.back_up(cluster)).status == 202


async def test_azures_trouble_is_told_as_such_and_costs_no_try(fleet: Watched) -> None:
    """503 with Azure's code; asked again, it works, and one of the day's ten is used."""
    (cluster,) = await fleet.protect("plain", "unlucky")
    await fleet.trouble("backupInstances/[^/]+/backup$", times=1, status=503, code="ServiceUnavailable")
    assert await _refusal(fleet, cluster) == (503, "ServiceUnavailable")
    assert (await fleet.back_up(cluster)).status == 202
    assert (await fleet.ask("GET", path_of(cluster))).body["backups"][0]["onDemandToday"] == 1


async def test_what_is_not_protected_is_not_backed_up(fleet: Watched) -> None:
    """404 for a cluster that nobody knows, or that has no instance; 409 for one whose protection was stopped."""
    assert await _refusal(fleet, cluster_id("nobodys", "rg-fleet")) == (404, "ClusterNotFound")
    rejected = await fleet.app.onboard("unprotected", "platinum", group="rg-fleet")
    await fleet.app.settled(rejected, "Rejected")
    assert await _refusal(fleet, rejected) == (404, "NotProtected")
    (stopped,) = await fleet.protect("plain", "stopped")
    await fleet.stop_protection(stopped)
    await fleet.sweep()
    assert await _refusal(fleet, stopped) == (409, "NotProtected")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "InvalidBody"),
        (b"\xff\xfe", "InvalidBody"),
        (b"[" * 100_000, "InvalidBody"),
        (b"9" * 10_000, "InvalidBody"),
        (b'"text"', "InvalidBody"),
        (b'{"dryrun": true}', "InvalidBody"),
        (b'{"retentionTag": "x\' or 1"}', "InvalidBody"),
        (b'{"retentionTag": "\\ud800"}', "InvalidBody"),
    ],
)
async def test_a_body_that_means_nothing_is_refused(fleet: Watched, body: bytes, reason: str) -> None:
    """400 before anything is looked up."""
    said = await fleet.ask("POST", f"/api/clusters/{SUBSCRIPTION}/rg-fleet/web/backups", body)
    assert (said.status, said.body["reason"]) == (400, reason)


async def test_a_get_of_backups_is_no_backup(fleet: Watched) -> None:
    """Only POST starts one: a link that is followed doesn't."""
    said = await fleet.ask("GET", f"/api/clusters/{SUBSCRIPTION}/rg-fleet/web/backups")
    assert said.status == 404


# --- started by the timer


async def test_the_first_backup_comes_right_after_protection(fleet: Watched) -> None:
    """Without a sweep in between; once, also when two runs overlap and when they repeat."""
    clusters = await fleet.protect("eager", "eager-1", "eager-2", "eager-3")
    await fleet.tick(times=2)
    assert [len(await fleet.jobs(cluster)) for cluster in clusters] == [1, 1, 1]
    await fleet.step()
    await fleet.tick()
    await fleet.sweep()
    await fleet.tick()
    for cluster in clusters:
        assert [(job["status"], job["isUserTriggered"]) for job in await fleet.jobs(cluster)] == [("Completed", True)]


async def test_a_timer_that_dies_while_azure_is_asked_starts_no_second_backup(fleet: Watched) -> None:
    """The claim stands in the row; the job that Azure has made of the dead run's request is the only one."""
    (cluster,) = await fleet.protect("eager", "orphaned")
    path = "backupInstances/[^/]+/backup$"
    await fleet.clear_faults()
    await fleet.trouble(path, "delay", times=1, seconds=200.0)
    await fleet.start("adhoc_backups")

    async def holding() -> bool:
        return await fleet.held(path) == 1

    await eventually(holding, lambda: "a request for a backup", pause=0.02)
    await fleet.app.parts.running_host.kill()
    await fleet.app.parts.start_host()
    await fleet.clear_faults()
    await fleet.tick()
    await fleet.step()
    await fleet.sweep()
    await fleet.tick()
    assert [job["status"] for job in await fleet.jobs(cluster)] == ["Completed"]


async def test_a_cluster_without_a_wish_is_left_to_its_schedule(fleet: Watched) -> None:
    """The timer looks at all clusters, and starts nothing that nobody asked for."""
    (cluster,) = await fleet.protect("plain", "quiet")
    await fleet.tick()
    assert await fleet.jobs(cluster) == []


async def test_an_old_point_is_caught_up_with(fleet: Watched) -> None:
    """Older than the RPO target: one backup, and none while the point is fresh."""
    (cluster,) = await fleet.protect("chasing", "late")
    await fleet.put_job(cluster, _PAST.format(50))
    await fleet.sweep()
    await fleet.tick()
    assert len(await fleet.jobs(cluster)) == 1
    await fleet.step(3 * _HOUR)
    await fleet.tick(times=2)
    await fleet.step()
    await fleet.sweep()
    await fleet.tick()
    assert [job["isUserTriggered"] for job in await fleet.jobs(cluster)] == [False, True]


async def test_a_backup_that_failed_in_passing_is_run_again_but_not_for_ever(fleet: Watched) -> None:
    """Two more tries, each after a sweep has seen the failure; then people are left with it."""
    (cluster,) = await fleet.protect("plain", "flaky")
    fault = await fleet.fail_job(cluster, times=None)
    assert (await fleet.finished(cluster))["status"] == "Failed"
    for _ in range(4):
        await fleet.sweep()
        await fleet.tick()
        await fleet.step()
    await fleet.lift(fault)
    assert [job["status"] for job in await fleet.jobs(cluster)] == ["Failed"] * 3


async def test_a_failure_that_needs_a_person_is_not_run_again(fleet: Watched) -> None:
    """A lock stays, however often it is tried."""
    (cluster,) = await fleet.protect("plain", "locked")
    await fleet.fail_job(cluster, _LOCK)
    assert (await fleet.finished(cluster))["errorCode"] == _LOCK["code"]
    await fleet.sweep()
    await fleet.tick()
    assert len(await fleet.jobs(cluster)) == 1


async def test_a_rerun_that_succeeds_ends_it(fleet: Watched) -> None:
    """One failure, one more run, and no further one."""
    (cluster,) = await fleet.protect("plain", "passing")
    await fleet.fail_job(cluster)
    await fleet.finished(cluster)
    for _ in range(3):
        await fleet.sweep()
        await fleet.tick()
        await fleet.step()
    assert [job["status"] for job in await fleet.jobs(cluster)] == ["Failed", "Completed"]


async def test_the_timer_leaves_the_reserve_to_people(fleet: Watched) -> None:
    """Six of ten are used, four are kept for people: the timer starts none, a person may."""
    cluster, unused = await fleet.protect("rhythm", "reserved", "unused")
    await _today(fleet, cluster, 6)
    await fleet.step(5 * _HOUR)  # past the next beat of its rhythm
    await fleet.sweep()
    await fleet.tick()
    assert [len(await fleet.jobs(one)) for one in (cluster, unused)] == [6, 1]
    assert (await fleet.back_up(cluster)).status == 202


async def test_a_rhythm_is_kept_and_nothing_is_started_while_one_runs(fleet: Watched) -> None:
    """One a beat, however often the timer ticks; a beat that falls into a running backup waits for its end."""
    (cluster,) = await fleet.protect("rhythm", "steady")
    await fleet.fail_job(cluster, {**_LONG, "seconds": 5 * _HOUR})
    await fleet.tick()
    await fleet.tick()
    assert len(await fleet.jobs(cluster)) == 1
    await fleet.step(4 * _HOUR)
    await fleet.sweep()
    await fleet.tick()
    assert len(await fleet.jobs(cluster)) == 1
    await fleet.step(1 * _HOUR + RESTED)
    await fleet.sweep()
    await fleet.tick()
    await fleet.tick()

    async def both() -> bool:
        return len(await fleet.jobs(cluster)) == 2

    await eventually(both, lambda: f"two jobs of {cluster}")
