"""The job sweep: each fact is told once, whatever repeats, overlaps, fails or dies in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.e2e.azure_view import ROLES_API
from tests.e2e.fleet import eventually
from tests.e2e.watched import Watched, path_of, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_HOUR: Final = 3600.0
_LOCK: Final = {"code": "UserErrorSnapshotResourceGroupHasLocks", "message": "The snapshot resource group has a lock."}
_WARNING: Final = {"status": "CompletedWithWarnings", "code": "UserErrorPVSnapshotLimitReached"}
_PAST: Final = "44444444-4444-4444-4444-4444444444{:02}"
_JOB_NEWS: Final = ("BackupFailed", "BackupCompletedWithWarnings", "BackupRecovered", "RecoveryPointOverdue")
_BLOB_CONTRIBUTOR: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_GRAPH: Final = "ResourceGraph/resources"
_TOPIC: Final = "/eventgrid/"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """A stack with a topic; each test has clusters of its own."""
    async with watched(tmp_path_factory.mktemp("sweep")) as running:
        yield running


async def _news(fleet: Watched, cluster: str) -> list[str]:
    """What was told of a cluster's backups."""
    return await fleet.told(cluster, *_JOB_NEWS)


async def _failed(fleet: Watched, cluster: str) -> None:
    """Let a backup of a cluster fail for a reason that only a person can lift."""
    await fleet.fail_job(cluster, _LOCK)
    await fleet.finished(cluster)


async def test_a_failure_is_told_once_however_often_the_sweep_runs(fleet: Watched) -> None:
    """With the job, Azure's code, and who has to act."""
    (cluster,) = await fleet.protect("plain", "failing")
    await _failed(fleet, cluster)
    for _ in range(3):
        await fleet.sweep()
    assert len([one for one in await fleet.deliveries(cluster) if one["type"].endswith("BackupFailed")]) == 1
    (fact,) = await fleet.facts(cluster, "BackupFailed")
    data = fact["data"]
    assert (data["status"], data["code"], data["action"]) == ("Failed", _LOCK["code"], "cluster owner")
    assert (data["policy"], data["failuresInARow"], data["lastRecoveryPoint"]) == ("plain", 1, None)
    jobs = (await fleet.ask("GET", f"{path_of(cluster)}/jobs")).body["value"]
    assert [job["id"] for job in jobs] == [data["jobId"].rpartition("/")[2]]
    assert fact["source"] == "/aks-backup-autopilot/default"


async def test_sweeps_that_overlap_tell_one_fact(fleet: Watched) -> None:
    """Whoever loses a row's write leaves it; a fact that both send has one id, and is counted once."""
    clusters = await fleet.protect("plain", "twice-1", "twice-2", "twice-3")
    for cluster in clusters:
        await _failed(fleet, cluster)
    await fleet.sweep(times=3)
    await fleet.sweep()
    for cluster in clusters:
        assert await _news(fleet, cluster) == ["BackupFailed"]
        row = await fleet.backups(cluster)
        assert (row["streak"], row["today"]["failed"], row["outbox"]) == (1, 1, [])


async def test_each_failure_of_a_row_is_one_fact_and_the_recovery_another(fleet: Watched) -> None:
    """Two failures, then a success: three facts in their order, and the streak ends."""
    (cluster,) = await fleet.protect("plain", "mending")
    for _ in range(2):
        await _failed(fleet, cluster)
        await fleet.sweep()
    assert (await fleet.facts(cluster, "BackupFailed"))[1]["data"]["failuresInARow"] == 2
    await fleet.finished(cluster)
    await fleet.sweep()
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["BackupFailed", "BackupFailed", "BackupRecovered"]
    row = await fleet.backups(cluster)
    assert (row["streak"], row["last_failure"], row["last_success"]) == (0, None, row["last_point"])


async def test_a_success_is_no_news(fleet: Watched) -> None:
    """What everybody expects isn't told."""
    (cluster,) = await fleet.protect("plain", "boring")
    await fleet.finished(cluster)
    await fleet.sweep()
    assert await _news(fleet, cluster) == []
    assert (await fleet.backups(cluster))["today"]["completed"] == 1


async def test_warnings_are_a_point_and_no_success(fleet: Watched) -> None:
    """The point counts for its age; nothing says that the backup succeeded, and it is told once."""
    (cluster,) = await fleet.protect("plain", "warned")
    await fleet.fail_job(cluster, _WARNING)
    assert (await fleet.finished(cluster))["status"] == "CompletedWithWarnings"
    await fleet.sweep()
    await fleet.sweep()
    (fact,) = await fleet.facts(cluster, *_JOB_NEWS)
    assert fact["type"].endswith(".BackupCompletedWithWarnings")
    assert fact["data"]["code"] == _WARNING["code"]
    (backup,) = (await fleet.ask("GET", path_of(cluster))).body["backups"]
    assert backup["lastRecoveryPoint"] is not None
    assert (backup["lastSuccess"], backup["failuresInARow"]) == (None, 0)


async def test_warnings_do_not_end_a_row_of_failures(fleet: Watched) -> None:
    """A backup without some of its parts isn't the recovery that people wait for."""
    (cluster,) = await fleet.protect("plain", "halfway")
    await _failed(fleet, cluster)
    await fleet.fail_job(cluster, _WARNING)
    await fleet.finished(cluster)
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["BackupFailed", "BackupCompletedWithWarnings"]
    assert (await fleet.backups(cluster))["streak"] == 1


async def test_a_point_that_is_too_old_is_told_and_so_is_the_next_fresh_one(fleet: Watched) -> None:
    """Within one sweep of the moment, once; with the age, the target and when the next backup is due."""
    (cluster,) = await fleet.protect("tight", "aging")
    await fleet.finished(cluster)
    await fleet.sweep()
    await fleet.step(2.5 * _HOUR)
    await fleet.sweep()
    assert await _news(fleet, cluster) == []
    await fleet.step(0.5 * _HOUR)
    await fleet.sweep()
    await fleet.sweep()
    (fact,) = await fleet.facts(cluster, *_JOB_NEWS)
    assert fact["type"].endswith(".RecoveryPointOverdue")
    data = fact["data"]
    assert 3 * _HOUR < data["ageSeconds"] < 3.5 * _HOUR
    assert (data["rpoTargetSeconds"], data["nextDue"][-9:]) == (3 * _HOUR, "02:00:00Z")
    (backup,) = (await fleet.ask("GET", path_of(cluster))).body["backups"]
    assert (backup["overdue"], backup["lastRecoveryPoint"]) == (True, data["lastRecoveryPoint"])
    await fleet.finished(cluster)
    await fleet.sweep()
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["RecoveryPointOverdue", "BackupRecovered"]
    assert (await fleet.backups(cluster))["overdue"] is False


async def test_a_cluster_that_never_had_a_point_becomes_overdue_too(fleet: Watched) -> None:
    """Its age counts from when its protection was first seen."""
    (cluster,) = await fleet.protect("tight", "pointless")
    await fleet.step(3.1 * _HOUR)
    await fleet.sweep()
    (fact,) = await fleet.facts(cluster, *_JOB_NEWS)
    assert (fact["type"].rpartition(".")[2], fact["data"]["lastRecoveryPoint"]) == ("RecoveryPointOverdue", None)


async def test_a_graph_that_is_behind_makes_nothing_overdue(fleet: Watched) -> None:
    """The vault knows the fresh point already; it is asked before anything is told."""
    (cluster,) = await fleet.protect("tight", "unseen")
    await fleet.finished(cluster)
    await fleet.sweep()
    await fleet.step(2.5 * _HOUR)
    await fleet.sweep()
    await fleet.app.owner.control("POST", "/graph", {"delay": _HOUR})
    try:
        await fleet.finished(cluster)
        await fleet.step(0.5 * _HOUR)
        before = await fleet.app.last_request()
        await fleet.sweep()
    finally:
        await fleet.app.owner.control("POST", "/graph", {"delay": 0})
    assert await fleet.app.requests("/backupJobs", since=before) != []
    assert await _news(fleet, cluster) == []
    assert (await fleet.backups(cluster))["today"]["completed"] == 2
    await fleet.sweep()
    assert (await fleet.backups(cluster))["today"]["completed"] == 2, "the graph's word of the same job was counted too"


async def test_a_broken_role_is_granted_again_and_the_next_backup_succeeds(fleet: Watched) -> None:
    """The failure's code says that a pass can mend it: the sweep asks for one, and nobody has to do anything."""
    (cluster,) = await fleet.protect("plain", "unroled")
    roles = await fleet.app.resources("Microsoft.Authorization/roleAssignments")
    (grant,) = [
        role["id"]
        for role in roles
        if _BLOB_CONTRIBUTOR in role["body"]["properties"]["roleDefinitionId"] and "unroled" in _account(role["id"])
    ]
    await fleet.app.owner.arm("DELETE", grant, ROLES_API)
    assert (await fleet.finished(cluster))["errorCode"].startswith("UserError")
    passes = fleet.app.passes(cluster)
    await fleet.sweep()
    (fact,) = await fleet.facts(cluster, "BackupFailed")
    assert fact["data"]["action"] == "repair"

    async def mended() -> bool:
        return fleet.app.passes(cluster) > passes and await fleet.app.exists(grant, ROLES_API)

    await eventually(mended, lambda: f"the role {grant}")
    await fleet.app.protected(cluster)
    await fleet.step()
    assert (await fleet.finished(cluster))["status"] == "Completed"
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["BackupFailed", "BackupRecovered"]


def _account(assignment: str) -> str:
    """The resource that a role assignment lies on."""
    return assignment.partition("/providers/Microsoft.Authorization")[0].lower()


async def test_what_the_topic_does_not_take_is_told_later_and_once(fleet: Watched) -> None:
    """The facts stay in the rows, and the next sweep sends them under the ids that they have had all along."""
    (cluster,) = await fleet.protect("plain", "unheard")
    await _failed(fleet, cluster)
    await fleet.trouble(_TOPIC, times=None, status=503, code="ServiceUnavailable")
    await fleet.sweep()
    waiting = (await fleet.backups(cluster))["outbox"]
    assert [one["type"].rpartition(".")[2] for one in waiting] == ["BackupFailed"]
    assert await _news(fleet, cluster) == []
    await fleet.clear_faults()
    await fleet.sweep()
    await fleet.sweep()
    assert [one["id"] for one in await fleet.facts(cluster, *_JOB_NEWS)] == [waiting[0]["id"]]
    assert (await fleet.backups(cluster))["outbox"] == []


async def test_a_sweep_that_azure_does_not_answer_loses_nothing(fleet: Watched) -> None:
    """It fails; the next one sees the same jobs."""
    (cluster,) = await fleet.protect("plain", "unanswered")
    await _failed(fleet, cluster)
    await fleet.trouble(_GRAPH, times=2, status=500, code="InternalServerError")
    await fleet.sweep()
    assert await _news(fleet, cluster) == []
    await fleet.clear_faults()
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["BackupFailed"]


@pytest.mark.parametrize(
    ("name", "slow"), [("killed-early", _GRAPH), ("killed-late", _TOPIC)], ids=["while it reads", "while it tells"]
)
async def test_a_sweep_that_is_killed_loses_nothing_and_tells_nothing_twice(
    fleet: Watched, name: str, slow: str
) -> None:
    """The host dies while Azure or the topic holds a request; the next sweep counts and tells each job once."""
    (cluster,) = await fleet.protect("plain", name)
    await _failed(fleet, cluster)
    await fleet.trouble(slow, "delay", times=1, seconds=20 * 60.0)
    before = await fleet.held(slow)
    await fleet.start("job_sweep")

    async def holding() -> bool:
        return await fleet.held(slow) > before

    await eventually(holding, lambda: f"a request to {slow}", pause=0.02)
    await fleet.app.parts.running_host.kill()
    await fleet.clear_faults()
    await fleet.app.parts.start_host()
    await fleet.sweep()
    await fleet.sweep()
    assert await _news(fleet, cluster) == ["BackupFailed"]
    row = await fleet.backups(cluster)
    assert (row["streak"], row["today"]["failed"], row["outbox"]) == (1, 1, [])


async def test_restores_are_remembered_as_evidence(fleet: Watched) -> None:
    """When, how long and how it ended; a failed one is no failed backup."""
    (cluster,) = await fleet.protect("plain", "restored")
    restore = {"operationCategory": "Restore", "operation": "Restore", "isUserTriggered": True}
    ended = {"endTime": await fleet.ago(10 * 60)}
    await fleet.put_job(cluster, _PAST.format(1), startTime=await fleet.ago(30 * 60), **ended, **restore)
    await fleet.put_job(cluster, _PAST.format(2), **restore, status="Failed")
    await fleet.sweep()
    await fleet.sweep()
    row = await fleet.backups(cluster)
    found = {one["job_id"][-1]: (one["status"], round(one["seconds"] / 60)) for one in row["restores"]}
    assert found == {"1": ("Completed", 20), "2": ("Failed", 3)}
    assert (row["streak"], row["last_job"], row["last_point"]) == (0, None, 0.0)
    assert await _news(fleet, cluster) == []


async def test_a_day_that_is_over_goes_into_the_roll_up(fleet: Watched) -> None:
    """One row an instance and month; taken again, it is the same."""
    (cluster,) = await fleet.protect("plain", "counted")
    await fleet.put_job(cluster, _PAST.format(3))
    await fleet.sweep()
    await fleet.step(24 * _HOUR)
    await fleet.put_job(cluster, _PAST.format(4), status="Failed")
    await fleet.sweep()
    await fleet.sweep()
    instance = (await fleet.app.instances(cluster))[0]["id"]
    months = [row for row in await fleet.app.rows("rollups") if row["doc"]["instance_id"] == instance]
    days = {date: day for row in months for date, day in row["doc"]["days"].items()}
    first = min(days)
    assert (days[first]["completed"], days[first]["failed"], days[first]["seconds"]) == (1, 0, 180.0)
    assert all(row["RowKey"] and first.startswith(row["PartitionKey"]) for row in months if first in row["doc"]["days"])


async def test_the_log_has_one_line_a_sweep(fleet: Watched) -> None:
    """In the names of metrics: how many clusters there are, and how they stand."""
    lines = fleet.app.log.count("aks_backup.clusters=")
    await fleet.sweep()
    (line,) = [one for one in fleet.app.log.splitlines() if "aks_backup.clusters=" in one][lines:]
    for name in ("clusters.fresh", "clusters.overdue", "clusters.failing", "jobs", "events", "conflicts"):
        assert f" aks_backup.{name}=" in line
