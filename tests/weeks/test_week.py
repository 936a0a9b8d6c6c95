"""A week of a fleet in virtual time, one backup in twenty failing: what was told is held against what happened."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.seeding import cluster_ids, protected_fleet
from local.stack import ROOT, SUBSCRIPTION, stack
from shared.backups.jobs import Job, Kind, read_job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

CLUSTERS: Final = 200
HOURS: Final = 7 * 24.0
STEP: Final = 3.0  # hours between two sweeps
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR

_CATALOG: Final = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  often: {vaultProfile: standard, schedule: {every: PT6H, start: "01:00", spread: PT2H}, rpoTarget: PT9H}
  caught: {vaultProfile: standard, schedule: {every: PT12H}, rpoTarget: PT14H, onDemand: {catchUp: true, reserve: 8}}
  beaten: {vaultProfile: standard, schedule: {every: P1D}, rpoTarget: P1D, onDemand: {every: PT8H, reserve: 7}}
"""
_DEALT: Final = ["often"] * 5 + ["caught"] * 3 + ["beaten"] * 2
"""Which policy the clusters have, in turn."""

_RPO: Final = {"often": 9 * _HOUR, "caught": 14 * _HOUR, "beaten": 24 * _HOUR}
_MOST_A_DAY: Final = {"often": 0, "caught": 2, "beaten": 3}


@dataclass(frozen=True, slots=True)
class Week:
    """What the driver said, what the simulated Azure did, and what the topic got."""

    driver: dict[str, Any]
    jobs: list[Job]
    events: list[dict[str, Any]]
    policies: dict[str, str]
    begun: float

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type, in their order."""
        return [event for event in self.events if event["type"].endswith(f".{kind}")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def week(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Week]:
    """Live through it once."""
    folder = tmp_path_factory.mktemp("week")
    catalog = folder / "policies.yaml"
    catalog.write_text(_CATALOG)
    settings = {"AUTOPILOT_CATALOG": str(catalog)}
    async with stack(folder, time_scale=1, settings=settings, start_host=False, topic=True) as running:
        ids = cluster_ids(CLUSTERS, SUBSCRIPTION)
        await running.seed(protected_fleet(ids, _DEALT, running.environ))
        failure = {"status": "Failed", "code": "UserErrorSnapshotResourceGroupHasLocks", "message": "locked"}
        chance = {"match": {"resource": "."}, "times": None, "probability": 0.05, "seed": 11}
        await running.owner.control("POST", "/faults", {"action": "fail_job", **chance, **failure})
        driver = await _drive(running.azure.ready["control"], running.environ)
        kind = "Microsoft.DataProtection/backupVaults/backupJobs"
        found = await running.owner.control("GET", f"/resources?type={kind}")
        told = await running.owner.control("GET", "/topics/autopilot/events")
        yield Week(
            driver=driver,
            jobs=[read_job(item["body"] | {"id": item["id"]}) for item in found],
            events=[entry["event"] for entry in told],
            policies={text.casefold(): _DEALT[number % len(_DEALT)] for number, text in enumerate(ids)},
            begun=driver["swept"][0],
        )


async def _drive(control: str, environ: dict[str, str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.weeks.driver", "--control", control),
        *("--hours", str(HOURS), "--step", str(STEP), "--backups"),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, log = await process.communicate()
    assert process.returncode == 0, log.decode()[-4000:]
    result: dict[str, Any] = json.loads(output)
    return result


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


async def test_the_week_was_worth_it(week: Week) -> None:
    """There were backups by the thousand, failures among them, and on-demand backups beside the schedule."""
    statuses = Counter(job.status for job in week.jobs)
    assert statuses["Completed"] > 3000
    assert statuses["Failed"] > 100
    assert sum(job.kind is Kind.ON_DEMAND for job in week.jobs) > 300
    assert week.driver["rows"] == CLUSTERS


async def test_every_failure_is_told_once(week: Week) -> None:
    """The jobs that failed are the jobs that were told of, and no id stands twice."""
    last = week.driver["swept"][-1]
    failed = {job.id.casefold() for job in week.jobs if job.status == "Failed" and job.end < last}
    told = Counter(event["data"]["jobId"].casefold() for event in week.told("BackupFailed"))
    assert set(told) == failed
    assert set(told.values()) == {1}
    assert len({event["id"] for event in week.events}) == len(week.events)


async def test_no_job_is_counted_twice_or_forgotten(week: Week) -> None:
    """Rows and roll-up together hold every job that ended before the last sweep."""
    last = week.driver["swept"][-1]
    assert week.driver["counted"] == sum(not job.running and job.end < last for job in week.jobs)


async def test_no_daily_limit_is_broken(week: Week) -> None:
    """By UTC day and instance: never more than the ten of Azure less what the policy keeps for people."""
    started = Counter(
        (job.instance_id, job.start // _DAY, week.policies[job.cluster_id.casefold()])
        for job in week.jobs
        if job.kind is Kind.ON_DEMAND
    )
    assert started
    for (_, _, policy), times in started.items():
        assert times <= _MOST_A_DAY[policy]


async def test_no_cluster_is_overdue_without_word_of_it_within_a_sweep(week: Week) -> None:
    """Each time a newest point grew older than its target at a sweep, one event says so, and no event without that."""
    points: dict[str, list[float]] = defaultdict(list)
    clusters: dict[str, str] = {}
    for job in week.jobs:
        clusters[job.instance_id.casefold()] = job.cluster_id.casefold()
        if job.status == "Completed":
            points[job.instance_id.casefold()].append(job.end)
    expected: Counter[str] = Counter()
    for instance, cluster in clusters.items():
        expected[cluster] += _overdue_periods(week, sorted(points[instance]), _RPO[week.policies[cluster]])
    told = Counter(event["data"]["clusterId"].casefold() for event in week.told("RecoveryPointOverdue"))
    assert sum(told.values()) > 0
    assert {cluster: times for cluster, times in expected.items() if times} == dict(told)


def _overdue_periods(week: Week, points: list[float], rpo: float) -> int:
    """How often the age at a sweep passed from within the target to beyond it."""
    periods, overdue = 0, False
    for swept in week.driver["swept"]:
        newest = max((point for point in points if point <= swept), default=week.begun)
        now_overdue = swept - newest > rpo
        periods += now_overdue and not overdue
        overdue = now_overdue
    return periods
