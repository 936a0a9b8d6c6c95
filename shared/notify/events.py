"""The catalogue of events: what they are called, when they are sent, and the shape of their data.

Every event has an id computed from the fact that it tells, so a repeat after a crash has the same id and the receiver
can drop it. `subject` is the cluster's id, `source` names the deployment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct, to_builtins

_NAMESPACE = UUID("0a3d2a57-6f0e-5f0b-8f5e-0f3c8f6f2b11")  # ours; ids of events are UUIDs


class EventType(StrEnum):
    """The types of events."""

    PROTECTED = "AksBackupAutopilot.ClusterProtected"
    BLOCKED = "AksBackupAutopilot.OnboardingBlocked"
    REJECTED = "AksBackupAutopilot.ClusterRejected"
    LOST = "AksBackupAutopilot.ProtectionLost"
    RELEASED = "AksBackupAutopilot.ClusterReleased"
    REPAIRED = "AksBackupAutopilot.DriftRepaired"
    RELEASE_PENDING = "AksBackupAutopilot.ReleasePending"
    HALTED = "AksBackupAutopilot.ReleasesHalted"
    ORPHANED = "AksBackupAutopilot.ClusterOrphaned"
    FAILED = "AksBackupAutopilot.BackupFailed"
    WARNED = "AksBackupAutopilot.BackupCompletedWithWarnings"
    RECOVERED = "AksBackupAutopilot.BackupRecovered"
    OVERDUE = "AksBackupAutopilot.RecoveryPointOverdue"
    READINESS = "AksBackupAutopilot.ReadinessChanged"


class Event(Struct, frozen=True):
    """One event, ready to be sent. `time` is ISO 8601."""

    id: str
    type: EventType
    subject: str
    time: str
    data: dict[str, Any]


class ClusterData(Struct, frozen=True, rename="camel"):
    """Data of the events about a cluster's protection."""

    cluster_id: str
    policy: str
    state: str
    reason: str
    message: str
    who_can_act: str


class RepairData(Struct, frozen=True, rename="camel"):
    """Data of the event about what was put back.

    Attributes:
        repaired: one entry a thing: the step's name and what was found.
    """

    cluster_id: str
    policy: str
    repaired: list[str]


class HaltData(Struct, frozen=True, rename="camel"):
    """Data of the event about releases that were halted.

    Attributes:
        cluster_id: the cluster that was one too many.
        fleet: clusters that the app protects.
        allowed: how many of them may lose their protection within an hour.
    """

    cluster_id: str
    fleet: int
    allowed: int
    message: str


class OrphanData(Struct, frozen=True, rename="camel"):
    """Data of the event about a cluster that is gone.

    Attributes:
        backup_instance_id: keeps its recovery points.
        leftovers: ids of the container and the snapshots that stay until somebody removes them.
    """

    cluster_id: str
    policy: str
    reason: str
    message: str
    backup_instance_id: str
    leftovers: list[str]


class BackupData(Struct, frozen=True, rename="camel"):
    """Data of the events about a backup job. Times are ISO 8601, null when unknown."""

    cluster_id: str
    backup_instance_id: str
    policy: str
    job_id: str
    status: str
    code: str
    message: str
    action: str
    failures_in_a_row: int
    last_recovery_point: str | None


class OverdueData(Struct, frozen=True, rename="camel"):
    """Data of the event about a recovery point that is too old. Ages are in seconds."""

    cluster_id: str
    backup_instance_id: str
    policy: str
    age_seconds: int
    rpo_target_seconds: int
    last_recovery_point: str | None
    next_due: str | None


class ReadinessData(Struct, frozen=True, rename="camel"):
    """Data of the event about a cluster's restore readiness.

    Attributes:
        checks: ids of the checks that failed, are in doubt or warn, the worst first.
        validated_at: when Azure's own validateRestore ended last; null for never.
        expected_data_loss_seconds: age of the newest recovery point; null when there is none.
        expected_duration_seconds: of a restore; null when nothing says.
    """

    cluster_id: str
    verdict: str
    previous_verdict: str
    reason: str
    checks: list[str]
    checked_at: str
    validated_at: str | None
    expected_data_loss_seconds: int | None
    expected_duration_seconds: int | None


DATA: dict[EventType, type[Struct]] = {
    EventType.PROTECTED: ClusterData,
    EventType.BLOCKED: ClusterData,
    EventType.REJECTED: ClusterData,
    EventType.LOST: ClusterData,
    EventType.RELEASED: ClusterData,
    EventType.REPAIRED: RepairData,
    EventType.RELEASE_PENDING: ClusterData,
    EventType.HALTED: HaltData,
    EventType.ORPHANED: OrphanData,
    EventType.FAILED: BackupData,
    EventType.WARNED: BackupData,
    EventType.RECOVERED: BackupData,
    EventType.OVERDUE: OverdueData,
    EventType.READINESS: ReadinessData,
}
"""Event type -> shape of its data; the JSON Schemas in schemas/events are made from it."""


def iso(moment: float) -> str:
    """Epoch seconds as ISO 8601."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(kind: EventType, subject: str, fact: str, at: float, data: Struct) -> Event:
    """Make an event.

    Args:
        kind: its type.
        subject: the cluster's id.
        fact: what makes this fact the one that it is, such as a job's id; the event's id is computed from it.
        at: epoch seconds.
        data: of the type's shape.
    """
    identity = uuid5(_NAMESPACE, f"{kind}|{subject}|{fact}".casefold())
    return Event(str(identity), kind, subject, iso(at), to_builtins(data))
