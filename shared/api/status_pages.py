"""How a cluster and the fleet stand, as pages for people."""

from __future__ import annotations

from collections.abc import Iterator

from shared.api.pages import Block, Facts, Table, Title, Words, duration
from shared.api.views import BackupView, ClusterView, FleetView, JobView, ResyncView
from shared.arm.ids import name_of


def cluster(view: ClusterView) -> Iterator[Block]:
    """One cluster: state, then each backup instance."""
    yield Title(f"{name_of(view.cluster_id)}: {view.state}")
    yield Words(view.message)
    yield Facts(
        (
            ("cluster", view.cluster_id),
            ("policy", view.policy),
            ("reason", view.reason),
            ("who can act", view.who_can_act),
        )
    )
    for backup in view.backups:
        yield Title(f"Backups of {name_of(backup.backup_instance_id)}", 2)
        yield Facts(_backup_facts(backup))
    rows = tuple((item.type, item.status, item.reason, item.last_transition, item.message) for item in view.conditions)
    yield Title("Conditions", 2)
    yield Table(("condition", "status", "reason", "since", "message"), rows)


def fleet(view: FleetView) -> Iterator[Block]:
    """Counts, and the clusters, the worst first."""
    yield Title(f"{view.clusters} clusters")
    states = ", ".join(f"{count} {state}" for state, count in sorted(view.by_state.items()))
    yield Facts(
        (
            ("states", states),
            ("backups fresh", view.fresh),
            ("backups overdue", view.overdue),
            ("backups failing", view.failing),
            *_resync_facts(view.resync),
        )
    )
    yield Table(
        ("state", "cluster", "policy", "reason", "newest point", "trouble"),
        tuple(_fleet_row(item) for item in view.items),
    )


def _resync_facts(view: ResyncView) -> Iterator[tuple[str, object]]:
    found = ", ".join(f"{count} {reason}" for reason, count in view.by_reason.items()) or "nothing"
    yield "last comparison", f"{view.at}, found {found}; {view.converged} as wanted" if view.at else "none yet"
    if view.postponed:
        yield "waiting for their turn", view.postponed
    if view.unread_subscriptions:
        yield "subscriptions not read", ", ".join(view.unread_subscriptions)


def _fleet_row(view: ClusterView) -> tuple[object, ...]:
    ages = [backup.age_seconds for backup in view.backups if backup.age_seconds is not None]
    newest = f"{duration(min(ages))} old" if ages else ""
    overdue = "overdue" if any(backup.overdue for backup in view.backups) else ""
    failing = max((backup.failures_in_a_row for backup in view.backups), default=0)
    trouble = ", ".join(filter(None, [overdue, f"{failing} failed in a row" if failing else ""]))
    return view.state, view.cluster_id, view.policy, view.reason, newest, trouble


def _backup_facts(view: BackupView) -> tuple[tuple[str, object], ...]:
    age = f"{duration(view.age_seconds)} old" if view.age_seconds is not None else "none"
    target = f", target {duration(view.rpo_target_seconds)}" if view.rpo_target_seconds else ""
    overdue = ", OVERDUE" if view.overdue else ""
    return (
        ("protection", view.protection_state),
        ("newest recovery point", f"{view.last_recovery_point or ''} ({age}{target}{overdue})".strip()),
        ("last success", view.last_success or "never"),
        ("failures in a row", view.failures_in_a_row),
        ("last failure", _failure(view.last_failure)),
        ("next due", view.next_due),
        ("on demand today", view.on_demand_today),
    )


def _failure(job: JobView | None) -> str:
    return f"{job.end_time or ''} {job.error_code}: {job.error_message}" if job else ""
