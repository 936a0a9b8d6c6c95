"""What is kept of a cluster's readiness from night to night, and which change of it is news. Pure.

Azure's own word (validateRestore) comes later than the checks beside it, often in another run, and holds until it is
asked again: while it says no, no other check makes the cluster Ready. Times are Azure's, epoch seconds; 0 is never.
"""

from __future__ import annotations

from msgspec import Struct, field

from shared.backups.jobs import epoch
from shared.notify.events import Event, EventType, ReadinessData, event, iso
from shared.readiness.model import Readiness, Status, Verdict

DOUBTS = 2
"""Checks in a row that have to end Unknown before that is told: a bad night of Azure is no news of a cluster."""


class Checked(Struct, frozen=True):
    """What the last check said, without Azure's own word.

    Attributes:
        failing: ids of the checks that failed, are in doubt or warn, the worst first.
        data_loss: age of the newest recovery point at that time, seconds; None when there was none.
        duration: how long a restore is expected to take, seconds; None when nothing says.
    """

    verdict: Verdict
    reason: str
    at: float
    failing: list[str] = field(default_factory=list)
    data_loss: int | None = None
    duration: int | None = None


class Validated(Struct, frozen=True):
    """How validateRestore ended. `code` and `message` are Azure's, "" when it passed."""

    passed: bool
    at: float
    recovery_point: str
    code: str = ""
    message: str = ""


class Validating(Struct, frozen=True):
    """A validateRestore that was started and whose end nobody has seen yet; `url` is where Azure says how it stands."""

    url: str
    started: float
    recovery_point: str


class ReadinessRow(Struct):
    """The row of a cluster.

    Attributes:
        asked: when validateRestore was started last, whatever became of it.
        doubts: checks in a row that ended Unknown.
        told: the verdict that was told last; Ready before the first one, since only the contrary is news.
        announcements: how many were told; part of their ids.
        outbox: events that the topic hasn't taken yet.
    """

    cluster_id: str
    checked: Checked | None = None
    validated: Validated | None = None
    validating: Validating | None = None
    asked: float = 0.0
    doubts: int = 0
    told: Verdict = Verdict.READY
    announcements: int = 0
    outbox: list[Event] = field(default_factory=list)


def verdict_of(row: ReadinessRow) -> tuple[Verdict, str]:
    """The verdict over both, and why in one sentence."""
    refused = row.validated
    if refused is not None and not refused.passed:
        return Verdict.NOT_READY, f"Azure refused to validate a restore: {refused.code}: {refused.message}"
    if row.checked is None:
        return Verdict.UNKNOWN, "it hasn't been checked yet"
    return row.checked.verdict, row.checked.reason


_WORST = (Status.FAIL, Status.UNKNOWN, Status.WARN)


def keep(row: ReadinessRow, answer: Readiness) -> None:
    """Take the answer of a check.

    Args:
        row: changed in place; news of it goes into its outbox.
        answer: of a check that didn't ask Azure's own validation.
    """
    at = epoch(answer.checked_at)
    failing = [check.id for status in _WORST for check in answer.checks if check.status is status]
    row.checked = Checked(
        answer.verdict, answer.reason, at, failing, answer.expected_data_loss_seconds, answer.expected_duration_seconds
    )
    row.doubts = row.doubts + 1 if answer.verdict is Verdict.UNKNOWN else 0
    _announce(row, at)


def start(row: ReadinessRow, operation: Validating) -> None:
    """Remember a validateRestore that has been started."""
    row.validating, row.asked = operation, operation.started


def end(row: ReadinessRow, result: Validated | None, at: float) -> None:
    """Take the end of a validateRestore; None: it can't be learned any more, and the next night asks again."""
    row.validating = None
    if result is not None:
        row.validated = result
        _announce(row, at)


def _announce(row: ReadinessRow, at: float) -> None:
    verdict, reason = verdict_of(row)
    doubted = verdict is Verdict.UNKNOWN and row.doubts < DOUBTS
    if verdict is row.told or doubted or row.checked is None:
        return
    previous, row.told = row.told, verdict
    row.announcements += 1
    data = ReadinessData(
        cluster_id=row.cluster_id,
        verdict=verdict,
        previous_verdict=previous,
        reason=reason,
        checks=row.checked.failing,
        checked_at=iso(row.checked.at),
        validated_at=iso(row.validated.at) if row.validated else None,
        expected_data_loss_seconds=row.checked.data_loss,
        expected_duration_seconds=row.checked.duration,
    )
    row.outbox.append(event(EventType.READINESS, row.cluster_id, f"{verdict} {row.announcements}", at, data))
