"""What is known about one backup instance's backups, and what a job or the passing of time changes in it. Pure.

Facts go into the outbox of the row, each once: a job is remembered by its id, an overdue point by the time that it is
older than. Times are Azure's, in epoch seconds; 0 means never.
"""

from __future__ import annotations

from msgspec import Struct, field

from shared.backups.jobs import Action, Job, Kind, action_for, epoch, told
from shared.notify.events import BackupData, Event, EventType, OverdueData, event, iso

HANDLED = 96  # job ids remembered: more than an instance can make within the sweep's overlap
RESTORES = 20
RERUNS = 2  # in a row, after failures that pass by themselves
TOO_LONG = 12 * 3600.0  # seconds after which a running job is worth a look
DAY = 86400.0
KEPT_DAYS = 2  # a sweep looks back hours, the first one a day
DELETED = "Deleted"
"""Protection state of an instance that Azure doesn't show any more; the word is ours."""

_PROTECTED = "ProtectionConfigured"
_WELL = frozenset({_PROTECTED, "UpdatingProtection"})


class Restore(Struct, frozen=True):
    """A restore that really happened: the evidence that restores work."""

    job_id: str
    status: str
    start: float
    seconds: float


class Day(Struct):
    """A day's jobs; `seconds` is how long they took together, `rolled_up` that the roll-up has it as it is."""

    date: str = ""
    completed: int = 0
    warned: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    rolled_up: bool = False


class BackupStatus(Struct):
    """The row of a backup instance.

    Attributes:
        policy: name in the catalog, "" for a policy that isn't ours.
        since: when it was first seen.
        last_point: time of the newest recovery point that a job has made.
        last_success: end of the newest job that completed without warnings.
        streak: failures in a row.
        overdue: the newest point is older than the RPO target, and that was told.
        running: id of the job that runs, "" for none.
        on_demand: when on-demand backups were started, of the last day.
        starting: when a start was claimed that has no job yet.
        reruns: failed backups run again in a row.
        rerun: one is to be run again.
        reconcile: the cluster is to be looked at, since a job's failure says so.
        handled: ids of jobs that have been counted.
        outbox: events that the topic hasn't taken yet.
        past: days that are over, as long as a late job may be counted into them.
    """

    instance_id: str
    cluster_id: str
    version: int = 1
    policy: str = ""
    protection_state: str = ""
    since: float = 0.0
    last_point: float = 0.0
    last_success: float = 0.0
    last_job: Job | None = None
    last_failure: Job | None = None
    streak: int = 0
    overdue: bool = False
    running: str = ""
    running_since: float = 0.0
    on_demand: list[float] = field(default_factory=list)
    starting: float = 0.0
    reruns: int = 0
    rerun: bool = False
    reconcile: bool = False
    handled: list[str] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    today: Day = field(default_factory=Day)
    past: list[Day] = field(default_factory=list)
    outbox: list[Event] = field(default_factory=list)

    @property
    def failing(self) -> bool:
        """Whether the newest backup failed."""
        return self.streak > 0


_COUNTERS = {
    "completed": "completed",
    "completedwithwarnings": "warned",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}


def note_state(status: BackupStatus, state: str) -> None:
    """Take the protection state that Azure shows.

    No event of the cluster tells that somebody stopped, broke or deleted what was configured: a pass has to look.
    """
    if status.protection_state == _PROTECTED and state not in _WELL:
        status.reconcile = True
    status.protection_state = state
    if state == DELETED:  # nothing of it is due any more
        status.overdue = status.rerun = False
        status.streak, status.running = 0, ""


def apply_job(status: BackupStatus, job: Job, policy: str) -> None:
    """Take a job into account, once."""
    key = job.id.casefold().rpartition("/")[2]
    if key in status.handled or job.kind is Kind.OTHER:
        return
    if job.running:
        status.running, status.running_since = job.id, job.start
        _note_on_demand(status, job)
        return
    status.handled = [*status.handled, key][-HANDLED:]
    if status.running.casefold() == job.id.casefold():
        status.running, status.running_since = "", 0.0
    if job.kind is Kind.RESTORE:
        status.restores = [*status.restores, Restore(job.id, job.status, job.start, job.seconds)][-RESTORES:]
        return
    _note_on_demand(status, job)
    _count(status, job)
    if status.last_job is None or job.end >= status.last_job.end:
        status.last_job = job
    outcome = _COUNTERS.get(job.status.casefold(), "failed")
    if outcome == "completed":
        _completed(status, job, policy)
    elif outcome == "warned":
        status.last_point = max(status.last_point, job.end)
        status.outbox.append(_told(EventType.WARNED, status, job, policy, "look at the warnings"))
    elif outcome == "failed":
        _failed(status, job, policy)


def _completed(status: BackupStatus, job: Job, policy: str) -> None:
    if status.failing:
        status.outbox.append(_told(EventType.RECOVERED, status, job, policy, ""))
    status.last_point = max(status.last_point, job.end)
    status.last_success = max(status.last_success, job.end)
    status.streak = status.reruns = 0
    status.rerun = False
    status.last_failure = None


def _failed(status: BackupStatus, job: Job, policy: str) -> None:
    if job.end < status.last_success:
        return  # word of an old failure, after a success: counted, no news
    action = action_for(job)
    status.streak += 1
    status.last_failure = job
    status.rerun = action is Action.RERUN and status.reruns < RERUNS
    status.reconcile = status.reconcile or action is Action.RECONCILE
    status.outbox.append(_told(EventType.FAILED, status, job, policy, action))


def _note_on_demand(status: BackupStatus, job: Job) -> None:
    """Remember an on-demand backup, whoever started it; our own start is known already, a minute to and fro."""
    if job.kind is Kind.ON_DEMAND and not any(abs(job.start - known) < 60 for known in status.on_demand):  # noqa: PLR2004
        status.on_demand.append(job.start)
    if job.kind is Kind.ON_DEMAND and abs(job.start - status.starting) < 60:  # noqa: PLR2004  # as above
        status.starting = 0.0  # the claimed start has its job now
    status.on_demand = [moment for moment in status.on_demand if moment > job.start - DAY]


def on_demand_today(status: BackupStatus, now: float) -> int:
    """On-demand backups of the current day, UTC: Azure's limit is 10 a day."""
    return sum(moment >= now - now % DAY for moment in status.on_demand)


def _count(status: BackupStatus, job: Job) -> None:
    """Count a job into its own day, which a late one finds among the past: a day is always written whole."""
    date = iso(job.end)[:10]
    if date > status.today.date:
        if status.today.date:
            status.past.append(status.today)
        status.today = Day(date)
    day = next((item for item in (status.today, *status.past) if item.date == date), None)
    if day is None:
        day = Day(date)
        status.past.append(day)
    counter = _COUNTERS.get(job.status.casefold(), "failed")
    setattr(day, counter, getattr(day, counter) + 1)
    day.seconds += job.seconds
    day.rolled_up = False


def rolled_up(status: BackupStatus) -> None:
    """The past days have been written down; those that a late job may still be counted into are kept beside."""
    for day in status.past:
        day.rolled_up = True
    newest = epoch(f"{status.today.date}T00:00:00Z")
    status.past = [day for day in status.past if day.date >= iso(newest - KEPT_DAYS * DAY)[:10]]


def too_old(status: BackupStatus, now: float, rpo: float) -> bool:
    """Whether the newest recovery point is older than it may get.

    While protection isn't configured nothing is due: whoever stopped it knows, and the cluster's own events tell of it.
    """
    configured = status.protection_state.casefold() == "protectionconfigured"
    return configured and now - (status.last_point or status.since) > rpo


def assess(status: BackupStatus, now: float, rpo: float, due: float | None) -> None:
    """Say once when the newest recovery point has become too old, and once when there is a fresh one again.

    Args:
        status: changed in place.
        now: Azure's time.
        rpo: how old the newest point may get, in seconds.
        due: when the next scheduled backup is due, or None.
    """
    if too_old(status, now, rpo) == status.overdue:
        return
    status.overdue = not status.overdue
    if not status.overdue:
        job = status.last_job
        if job is not None and not any(item.type is EventType.RECOVERED for item in status.outbox):
            status.outbox.append(_told(EventType.RECOVERED, status, job, status.policy, ""))
        return
    reference = status.last_point or status.since
    data = OverdueData(
        cluster_id=status.cluster_id,
        backup_instance_id=status.instance_id,
        policy=status.policy,
        age_seconds=round(now - reference),
        rpo_target_seconds=round(rpo),
        last_recovery_point=iso(status.last_point) if status.last_point else None,
        next_due=iso(due) if due else None,
    )
    fact = f"{status.instance_id} {reference:.0f}"
    status.outbox.append(event(EventType.OVERDUE, status.cluster_id, fact, now, data))


def _told(kind: EventType, status: BackupStatus, job: Job, policy: str, action: str) -> Event:
    data = BackupData(
        cluster_id=status.cluster_id,
        backup_instance_id=status.instance_id,
        policy=policy,
        job_id=job.id,
        status=job.status,
        code=job.code,
        message=told(job),
        action=action,
        failures_in_a_row=status.streak,
        last_recovery_point=iso(status.last_point) if status.last_point else None,
    )
    return event(kind, status.cluster_id, job.id, job.end, data)
