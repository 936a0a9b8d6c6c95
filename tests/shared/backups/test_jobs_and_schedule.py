"""Jobs as Azure writes them, and when backups are due."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.arm.ids import ClusterId
from shared.backups.jobs import Kind, epoch, read_job, told
from shared.backups.ondemand import Cause, Refusal, next_window, refusal, wanted
from shared.backups.policies import Policies
from shared.backups.schedule import next_due, rpo_seconds
from shared.backups.status import BackupStatus
from shared.catalog.loading import load
from shared.catalog.model import OnDemand, PlannedWindow, Policy, Schedule
from shared.catalog.rendering import arm_name

ROOT = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("WIRE_DIR") or ROOT.parent / "shared" / "wire")
CATALOG = load(ROOT / "backup-policies.yaml")
HOUR = 3600.0
KEY = "80000000" + "0" * 56  # half way round
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()  # a Monday
INSTANCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v/backupInstances/i"


def at(text: str) -> float:
    """Epoch seconds."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-06-26T07:53:06.9238410Z", 1719388386.923841),
        ("2024-06-26T07:53:06Z", 1719388386.0),
        ("2024-06-26T09:53:06.5+02:00", 1719388386.5),
        ("2024-06-26T07:53:06", 1719388386.0),
        ("0001-01-01T00:00:00Z", 0.0),
        (None, 0.0),
    ],
)
def test_azures_times_are_read(text: str | None, moment: float) -> None:
    """Seven decimals, offsets, none at all, and the year 1."""
    assert epoch(text) == moment


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"no recordings at {WIRE}")
def test_recorded_jobs_are_read_from_the_vault_and_from_the_graph() -> None:
    """The same job, told in two ways, is the same value; durations are end minus start."""
    recorded = json.loads((WIRE / "dp_job_list_and_show.json").read_text())
    graph = next(entry for entry in recorded if "ResourceGraph" in entry["path"])["response_body"]["data"]
    listed = {item["id"]: read_job(item) for item in recorded[0]["response_body"]["value"]}
    shared = [read_job(item) for item in graph if item["id"] in listed]
    assert shared
    for job in shared:
        other = listed[job.id]
        assert (job.kind, job.status, job.start, job.end) == (other.kind, other.status, other.start, other.end)
    single = read_job(json.loads((WIRE / "dp_backup_and_restore_aks.json").read_text())[24]["response_body"])
    assert (single.kind, single.status, single.retention_tag) == (Kind.ON_DEMAND, "Completed", "default")
    assert single.seconds == pytest.approx(184.5, abs=0.1)


def test_the_next_backup_is_the_next_multiple_after_the_start() -> None:
    """Every four hours from 02:00, and daily in a zone with summer time left aside."""
    policy = Policy(vault_profile="x", schedule=Schedule(every="PT4H", start="02:00"))
    assert next_due(policy, 0, at("2026-11-23T12:00:00Z")) == at("2026-11-23T14:00:00Z")
    assert next_due(policy, 0, at("2026-11-23T14:00:00Z")) == at("2026-11-23T18:00:00Z")
    berlin = Policy(vault_profile="x", schedule=Schedule(every="P1D", start="01:00", time_zone="Europe/Berlin"))
    assert next_due(berlin, 0, at("2026-11-23T12:00:00Z")) == at("2026-11-24T00:00:00Z")


def test_the_rpo_is_the_target_or_the_schedule_with_its_slip() -> None:
    """Without a target a point may be one interval, two hours of slip and a margin old."""
    assert rpo_seconds(Policy(vault_profile="x", rpo_target="PT6H")) == 6 * HOUR
    assert rpo_seconds(Policy(vault_profile="x", schedule=Schedule(every="PT4H"))) == 7 * HOUR


def test_an_instance_finds_its_policy_by_the_arm_policy() -> None:
    """Every bucket of a policy leads back to it; a foreign one to nothing."""
    policies = Policies.of(CATALOG)
    gold = CATALOG.policies["gold"]
    for bucket in range(gold.schedule.buckets):
        assert policies.name_of_arm(f"/x/backupPolicies/{arm_name('gold', gold, bucket)}") == "gold"
    assert policies.name_of_arm("/x/backupPolicies/theirs") == ""
    status = BackupStatus(INSTANCE, "/not/a/cluster", policy="gold")
    assert policies.next_due(status, NOON) is None


def instance(**changes: object) -> BackupStatus:
    """A protected instance with a point of an hour ago."""
    status = BackupStatus(INSTANCE, "c", protection_state="ProtectionConfigured", since=NOON - 99 * HOUR)
    status.last_point = NOON - HOUR
    for name, value in changes.items():
        setattr(status, name, value)
    return status


@pytest.mark.parametrize(
    ("changes", "reserve", "why"),
    [
        ({}, 3, None),
        ({"protection_state": "ProtectionStopped"}, 0, Refusal.NOT_PROTECTED),
        ({"running": "job", "running_since": NOON - HOUR}, 0, Refusal.RUNNING),
        ({"running": "job", "running_since": NOON - 20 * HOUR}, 0, None),
        ({"starting": NOON - 30}, 0, Refusal.STARTING),
        ({"starting": NOON - HOUR}, 0, None),
        ({"on_demand": [NOON - 60.0 * n for n in range(7)]}, 3, Refusal.LIMIT),
        ({"on_demand": [NOON - 60.0 * n for n in range(7)]}, 0, None),
        ({"on_demand": [NOON - 60.0 * n for n in range(10)]}, 0, Refusal.LIMIT),
    ],
)
def test_no_limit_is_ever_broken(changes: dict[str, object], reserve: int, why: Refusal | None) -> None:
    """Not while one runs or starts, not beyond ten a day, not into people's reserve."""
    assert refusal(instance(**changes), NOON, reserve) is why


@pytest.mark.parametrize(
    ("wish", "changes", "cause"),
    [
        (OnDemand(after_protection=True), {"last_point": 0.0}, Cause.FIRST),
        (OnDemand(after_protection=True), {}, None),
        (OnDemand(after_protection=True), {"last_point": 0.0, "on_demand": [NOON - HOUR]}, None),
        (OnDemand(catch_up=True), {"last_point": NOON - 7 * HOUR}, Cause.CATCH_UP),
        (OnDemand(catch_up=True), {"last_point": NOON - 7 * HOUR, "on_demand": [NOON - 0.5 * HOUR]}, None),
        (OnDemand(catch_up=True), {"last_point": NOON - 5 * HOUR}, None),
        (OnDemand(catch_up=True), {"rerun": True}, Cause.RERUN),
        (OnDemand(every="PT6H"), {"on_demand": [NOON - 7 * HOUR]}, Cause.CADENCE),
        (OnDemand(every="PT6H"), {"on_demand": [NOON - 0.1 * HOUR]}, None),
    ],
)
def test_the_catalog_asks_for_backups(wish: OnDemand, changes: dict[str, object], cause: Cause | None) -> None:
    """The first one, to catch up, at a cadence of its own, after a failure that passes by itself."""
    assert wanted(instance(**changes), wish, NOON, 6 * HOUR, KEY) is cause


def test_a_planned_window_gets_one_backup_before_it_spread_over_the_fleet() -> None:
    """Within the first half of the lead, each cluster at its own time, once."""
    window = PlannedWindow(day="Monday", time="14:00", lead="PT2H")
    wish = OnDemand(before=(window,))
    assert next_window(window, NOON) == NOON + 2 * HOUR
    early, late = "00000000" + "0" * 56, "f0000000" + "0" * 56
    assert wanted(instance(), wish, NOON + 60, 99 * HOUR, early) is Cause.WINDOW
    assert wanted(instance(), wish, NOON + 60, 99 * HOUR, late) is None
    assert wanted(instance(), wish, NOON + HOUR, 99 * HOUR, late) is Cause.WINDOW
    assert wanted(instance(on_demand=[NOON + 60]), wish, NOON + HOUR, 99 * HOUR, early) is None
    assert wanted(instance(), wish, NOON - HOUR, 99 * HOUR, early) is None


def test_a_cadence_is_spread_over_the_fleet_and_steady_for_a_cluster() -> None:
    """In an hour of a six-hour cadence about a sixth of the clusters is due, each once a cadence."""
    wish = OnDemand(every="PT6H")
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
    ids = [f"{group}/providers/Microsoft.ContainerService/managedClusters/c{number}" for number in range(120)]
    due = [
        wanted(instance(on_demand=[NOON - 5.5 * HOUR]), wish, NOON - 4.5 * HOUR, 99 * HOUR, ClusterId.parse(text).key)
        for text in ids
    ]
    assert 5 <= due.count(Cause.CADENCE) <= 40


@pytest.mark.parametrize(
    ("code", "advised"),
    [("UserErrorBackupPluginPodRestartedDuringBackup", True), ("UserErrorSnapshotResourceGroupHasLocks", False)],
)
def test_a_job_that_ran_out_of_memory_says_which_setting_to_raise(code: str, advised: bool) -> None:
    """Azure's words come first; other failures have only those."""
    error = {"code": code, "message": "Azure's words."}
    job = read_job({"id": "j", "properties": {"status": "Failed", "errorDetails": [error]}})
    assert told(job).startswith("Azure's words.")
    assert ("AUTOPILOT_EXTENSION_MEMORY" in told(job)) is advised
