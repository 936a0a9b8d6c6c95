"""The shapes of answers. Times are ISO 8601 in UTC, null for never; ages and durations are seconds."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from shared.backups.jobs import Job
from shared.backups.policies import Policies
from shared.backups.schedule import SLIP
from shared.backups.status import BackupStatus
from shared.fleet.records import ClusterRow, Condition
from shared.notify.events import iso
from shared.resync.fleet import ResyncRow


class JobView(Struct, frozen=True, rename="camel"):
    """A backup or restore job."""

    id: str
    operation: str
    status: str
    start_time: str | None
    end_time: str | None
    duration_seconds: float | None
    error_code: str
    error_message: str
    retention_tag: str


class BackupView(Struct, frozen=True, rename="camel"):
    """How the backups of one backup instance stand.

    Attributes:
        next_due: the next scheduled time; the start may slip until `next_due_latest`.
    """

    backup_instance_id: str
    protection_state: str
    last_recovery_point: str | None
    last_success: str | None
    age_seconds: int | None
    rpo_target_seconds: int | None
    overdue: bool
    failures_in_a_row: int
    last_failure: JobView | None
    next_due: str | None
    next_due_latest: str | None
    on_demand_today: int


class ClusterView(Struct, frozen=True, rename="camel"):
    """How one cluster stands.

    Attributes:
        release_due: when its backups end because its tag is gone.
        external: ids of backup instances that others made and that protect it.
        leftovers: ids of what is left of a cluster that is gone.
    """

    cluster_id: str
    state: str
    reason: str
    message: str
    who_can_act: str
    policy: str
    conditions: list[Condition]
    backups: list[BackupView]
    release_due: str | None = None
    external: list[str] = []
    leftovers: list[str] = []


class JobList(Struct, frozen=True, rename="camel"):
    """Jobs, the newest first."""

    value: list[JobView]


class BackupStarted(Struct, frozen=True, rename="camel"):
    """A backup was started, or could be.

    Attributes:
        rule_name: the rule of the policy that says how long it is kept.
        job_id: null of a dry run, and while Azure hasn't named the job.
    """

    backup_instance_id: str
    rule_name: str
    dry_run: bool
    job_id: str | None


class ResyncView(Struct, frozen=True, rename="camel"):
    """What the last comparison of the fleet found.

    Attributes:
        at: when it looked, null for never.
        next: when the next one is due.
        clusters: in the allowed subscriptions.
        converged: were left alone since nothing differs.
        under_way: were left alone since a pass runs or comes by itself.
        by_reason: reason -> how many clusters were asked for a pass because of it.
        passes_since: clusters that had a pass since.
        postponed: clusters that a changed catalog concerns and whose turn comes with a later resync.
        unread_subscriptions: subscription -> why its clusters couldn't be read.
        incomplete: other parts of Azure's answer that weren't whole.
    """

    at: str | None
    next: str | None
    clusters: int
    converged: int
    under_way: int
    by_reason: dict[str, int]
    passes_since: int
    postponed: int
    unread_subscriptions: dict[str, str]
    incomplete: list[str]


class PassAsked(Struct, frozen=True, rename="camel"):
    """A pass over a cluster was asked for; `reason` stands in its log lines."""

    cluster_id: str
    reason: str


class FleetAsked(Struct, frozen=True, rename="camel"):
    """Passes over clusters were asked for.

    Attributes:
        asked: over how many.
        resync: what was found, null when clusters were chosen by state or reason.
    """

    asked: int
    resync: ResyncView | None


class FleetView(Struct, frozen=True, rename="camel"):
    """How the fleet stands: counts, and the clusters, worst first."""

    clusters: int
    by_state: dict[str, int]
    fresh: int
    overdue: int
    failing: int
    resync: ResyncView
    items: list[ClusterView]


def _time(moment: float) -> str | None:
    return iso(moment) if moment else None


def job_view(job: Job) -> JobView:
    """A job as people see it."""
    return JobView(
        id=job.id.rpartition("/")[2],
        operation=job.kind,
        status=job.status,
        start_time=_time(job.start),
        end_time=_time(job.end),
        duration_seconds=round(job.seconds, 1) if job.end else None,
        error_code=job.code,
        error_message=job.message,
        retention_tag=job.retention_tag,
    )


def backup_view(status: BackupStatus, policies: Policies, now: float, used_today: int) -> BackupView:
    """The backups of an instance as people see them."""
    due, rpo = policies.next_due(status, now), policies.rpo(status)
    return BackupView(
        backup_instance_id=status.instance_id,
        protection_state=status.protection_state,
        last_recovery_point=_time(status.last_point),
        last_success=_time(status.last_success),
        age_seconds=round(now - status.last_point) if status.last_point else None,
        rpo_target_seconds=round(rpo) if rpo else None,
        overdue=status.overdue,
        failures_in_a_row=status.streak,
        last_failure=job_view(status.last_failure) if status.last_failure else None,
        next_due=_time(due or 0.0),
        next_due_latest=_time(due + SLIP) if due else None,
        on_demand_today=used_today,
    )


def resync_view(row: ResyncRow, looked_at: Iterable[float] = ()) -> ResyncView:
    """What a resync found as people see it; `looked_at` are the times at which the clusters' last passes ended."""
    return ResyncView(
        at=_time(row.at),
        next=_time(row.next),
        clusters=row.clusters,
        converged=row.converged,
        under_way=row.under_way,
        by_reason=row.by_reason,
        passes_since=sum(moment >= row.at > 0 for moment in looked_at),
        postponed=row.postponed,
        unread_subscriptions=row.unread,
        incomplete=row.incomplete,
    )


def cluster_view(row: ClusterRow, backups: list[BackupView]) -> ClusterView:
    """A cluster as people see it."""
    return ClusterView(
        cluster_id=row.cluster_id,
        state=row.state,
        reason=row.reason,
        message=row.message,
        who_can_act=row.who,
        policy=row.policy,
        conditions=row.conditions,
        backups=backups,
        release_due=_time(row.life.release.due) if row.life.release else None,
        external=row.life.external,
        leftovers=row.life.leftovers,
    )


_BAD_FIRST = {"Blocked": 0, "Rejected": 1, "Waiting": 3, "New": 3, "Protected": 4, "Orphaned": 5, "Released": 6}


def worst_first(view: ClusterView) -> tuple[int, str]:
    """Sort key: what needs somebody, then what is late or failing, then the rest."""
    troubled = any(backup.overdue or backup.failures_in_a_row for backup in view.backups)
    rank = 2 if troubled and view.state == "Protected" else _BAD_FIRST.get(view.state, 3)
    return rank, view.cluster_id.casefold()
