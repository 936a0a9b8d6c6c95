"""What jobs and time change in what is known of an instance: each fact once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backups.jobs import Job, Kind
from shared.backups.status import (
    RERUNS,
    BackupStatus,
    apply_job,
    assess,
    on_demand_today,
    rolled_up,
    too_old,
)
from shared.notify.events import EventType

HOUR = 3600.0
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
INSTANCE = f"{VAULT}/backupInstances/i"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
NOON = 1_800_000_000.0 - 1_800_000_000.0 % 86400 + 12 * HOUR
TRANSIENT = "KubernetesBackupCustomResourcesTrackingTimeOutError"


def fresh() -> BackupStatus:
    """An instance that was protected at noon."""
    return BackupStatus(INSTANCE, CLUSTER, protection_state="ProtectionConfigured", since=NOON, policy="gold")


def job(
    number: int, status: str = "Completed", *, end: float = NOON, kind: Kind = Kind.SCHEDULED, code: str = ""
) -> Job:
    """A job that took three minutes, or runs."""
    running = status == "InProgress"
    return Job(
        id=f"{VAULT}/backupJobs/{number}",
        instance_id=INSTANCE,
        cluster_id=CLUSTER,
        kind=kind,
        status=status,
        start=end - 180,
        end=0.0 if running else end,
        code=code,
    )


def types(status: BackupStatus) -> list[EventType]:
    """What would be told."""
    return [event.type for event in status.outbox]


def test_a_success_is_a_point_and_no_news() -> None:
    """A completed backup is what everybody expects."""
    status = fresh()
    apply_job(status, job(1), "gold")
    assert (status.last_point, status.last_success, status.streak) == (NOON, NOON, 0)
    assert status.outbox == []
    assert (status.today.completed, status.today.seconds) == (1, 180)


def test_each_failure_is_told_once_and_the_recovery_once() -> None:
    """However often the same jobs are seen."""
    status = fresh()
    jobs = [job(1, "Failed", end=NOON), job(2, "Failed", end=NOON + HOUR), job(3, end=NOON + 2 * HOUR)]
    for _ in range(3):
        for one in jobs:
            apply_job(status, one, "gold")
    assert types(status) == [EventType.FAILED, EventType.FAILED, EventType.RECOVERED]
    assert [event.data["failuresInARow"] for event in status.outbox] == [1, 2, 2]
    assert (status.streak, status.failing, status.today.failed) == (0, False, 2)
    assert len({event.id for event in status.outbox}) == 3


def test_warnings_are_a_state_of_their_own() -> None:
    """There is a point, but it isn't success: it is told, and doesn't end a streak of failures."""
    status = fresh()
    apply_job(status, job(1, "Failed"), "gold")
    apply_job(status, job(2, "CompletedWithWarnings", end=NOON + HOUR), "gold")
    assert types(status) == [EventType.FAILED, EventType.WARNED]
    assert (status.last_point, status.last_success, status.streak) == (NOON + HOUR, 0.0, 1)


def test_word_of_an_old_failure_is_no_news() -> None:
    """The graph may tell of jobs out of order: a failure before the last success is counted and not told."""
    status = fresh()
    apply_job(status, job(2, end=NOON + HOUR), "gold")
    apply_job(status, job(1, "Failed", end=NOON), "gold")
    assert status.outbox == []
    assert (status.streak, status.today.failed) == (0, 1)


def test_a_running_job_is_known_until_it_ends() -> None:
    """Nothing is started while it runs."""
    status = fresh()
    apply_job(status, job(1, "InProgress"), "gold")
    assert status.running.endswith("/1")
    apply_job(status, job(1, "Completed"), "gold")
    assert status.running == ""


def test_a_passing_failure_is_run_again_boundedly() -> None:
    """After two reruns in a row it is left to the schedule and to people; a success counts anew."""
    status = fresh()
    for number in range(RERUNS + 2):
        apply_job(status, job(number, "Failed", end=NOON + number * HOUR, code=TRANSIENT), "gold")
        if status.rerun:
            status.rerun, status.reruns = False, status.reruns + 1
    assert status.reruns == RERUNS
    apply_job(status, job(99, end=NOON + 9 * HOUR), "gold")
    assert status.reruns == 0


@pytest.mark.parametrize(
    ("code", "action", "reconcile"),
    [
        ("UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation", "repair", True),
        ("UserErrorSnapshotResourceGroupHasLocks", "cluster owner", False),
        (TRANSIENT, "run again", False),
        ("InvalidSomething", "operator", False),
    ],
)
def test_a_failure_says_who_or_what_puts_it_right(code: str, action: str, *, reconcile: bool) -> None:
    """By the table of error classes."""
    status = fresh()
    apply_job(status, job(1, "Failed", code=code), "gold")
    assert status.outbox[0].data["action"] == action
    assert status.reconcile is reconcile


def test_restores_are_kept_as_evidence_and_count_as_no_backup() -> None:
    """Duration and outcome of what was really restored."""
    status = fresh()
    apply_job(status, job(1, kind=Kind.RESTORE), "gold")
    assert [(item.status, item.seconds) for item in status.restores] == [("Completed", 180.0)]
    assert (status.last_point, status.today.completed) == (0.0, 0)


def test_overdue_is_told_once_and_recovery_once() -> None:
    """Older than the target: one event; a new point: one event; then silence."""
    status = fresh()
    rpo = 6 * HOUR
    for moment in (NOON + 5 * HOUR, NOON + 7 * HOUR, NOON + 8 * HOUR):
        assess(status, moment, rpo, None)
    assert types(status) == [EventType.OVERDUE]
    assert status.outbox[0].data["rpoTargetSeconds"] == rpo
    status.outbox.clear()
    apply_job(status, job(1, end=NOON + 9 * HOUR), "gold")
    assess(status, NOON + 9 * HOUR, rpo, None)
    assess(status, NOON + 10 * HOUR, rpo, None)
    assert types(status) == [EventType.RECOVERED]


def test_a_recovery_from_failure_and_delay_is_one_event() -> None:
    """The same success ends both."""
    status = fresh()
    apply_job(status, job(1, "Failed"), "gold")
    assess(status, NOON + 7 * HOUR, 6 * HOUR, None)
    status.outbox.clear()
    apply_job(status, job(2, end=NOON + 8 * HOUR), "gold")
    assess(status, NOON + 8 * HOUR, 6 * HOUR, None)
    assert types(status) == [EventType.RECOVERED]


def test_nothing_is_due_while_protection_is_stopped() -> None:
    """Whoever stopped it knows."""
    status = fresh()
    status.protection_state = "ProtectionStopped"
    assert not too_old(status, NOON + 999 * HOUR, HOUR)


def test_on_demand_backups_are_counted_by_day_whoever_started_them() -> None:
    """Our own start and its job are one; yesterday's don't count."""
    status = fresh()
    status.on_demand = [NOON - 180]
    apply_job(status, job(1, kind=Kind.ON_DEMAND), "gold")
    apply_job(status, job(2, kind=Kind.ON_DEMAND, end=NOON + HOUR), "gold")
    assert on_demand_today(status, NOON + 2 * HOUR) == 2
    assert on_demand_today(status, NOON + 13 * HOUR) == 0


def test_a_claimed_start_ends_when_its_job_is_seen() -> None:
    """The next backup needn't wait until the claim is too old to be believed."""
    status = fresh()
    status.starting = NOON - 185
    apply_job(status, job(1, kind=Kind.SCHEDULED), "gold")
    assert status.starting == NOON - 185
    apply_job(status, job(2, kind=Kind.ON_DEMAND), "gold")
    assert status.starting == 0.0


def test_a_day_that_is_over_waits_for_the_roll_up() -> None:
    """Its numbers are kept until they are written down."""
    status = fresh()
    apply_job(status, job(1), "gold")
    apply_job(status, job(2, "Failed", end=NOON + 24 * HOUR), "gold")
    assert [(day.completed, day.failed) for day in status.past] == [(1, 0)]
    assert (status.today.completed, status.today.failed) == (0, 1)


def test_a_late_job_is_counted_into_its_own_day() -> None:
    """Word of yesterday's last backup after today's first one: yesterday is written whole, again."""
    status = fresh()
    apply_job(status, job(1), "gold")
    apply_job(status, job(2, end=NOON + 24 * HOUR), "gold")
    rolled_up(status)
    apply_job(status, job(3, "Failed", end=NOON + HOUR), "gold")
    assert [(day.completed, day.failed, day.rolled_up) for day in status.past] == [(1, 1, False)]
    assert (status.today.completed, status.today.failed) == (1, 0)
    rolled_up(status)
    apply_job(status, job(4, end=NOON + 99 * HOUR), "gold")
    rolled_up(status)
    assert [day.completed for day in status.past] == []


OUTCOMES = st.sampled_from(["Completed", "Failed", "CompletedWithWarnings", "Cancelled"])


@given(st.lists(OUTCOMES, max_size=40), st.integers(1, 4))
def test_however_often_and_in_whatever_batches_jobs_are_seen_facts_are_the_same(
    outcomes: list[str], times: int
) -> None:
    """Events and counters depend on the jobs alone."""
    jobs = [job(number, outcome, end=NOON + number * 60) for number, outcome in enumerate(outcomes)]
    once, often = fresh(), fresh()
    for one in jobs:
        apply_job(once, one, "gold")
    for _ in range(times):
        for end in range(len(jobs) + 1):
            for one in jobs[:end]:
                apply_job(often, one, "gold")
    assert once == often
    assert len(types(once)) == len({event.id for event in once.outbox})
