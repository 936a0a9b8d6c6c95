"""What a readiness check says: one finding a check, one verdict over all. Times are ISO 8601 in UTC, null for never."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class Status(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105  # the word of the answer, no secret
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """What it needs couldn't be read: not a pass."""


class Verdict(StrEnum):
    """Whether a restore would work."""

    READY = "Ready"
    AT_RISK = "AtRisk"
    """A restore would work, but something that was promised isn't kept, or will soon break."""

    NOT_READY = "NotReady"
    UNKNOWN = "Unknown"
    """Something that decides couldn't be read."""


class Check(Struct, frozen=True, rename="camel"):
    """One check's finding.

    Attributes:
        id: which check, in kebab-case; the same in every answer.
        status: what it found.
        reason: PascalCase, for programs.
        message: a sentence for people, with names and times.
        decides: whether a restore depends on it; a failure then means NotReady, an unknown means Unknown.
        evidence: ids, times and numbers that the finding rests on.
        fix: the command or setting that puts it right; "" when there is nothing to put right.
    """

    id: str
    status: Status
    reason: str
    message: str
    decides: bool
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: str = ""


class Readiness(Struct, frozen=True, rename="camel"):
    """The answer about one cluster.

    Attributes:
        verdict: over all checks.
        reason: why, in one sentence.
        checked_at: Azure's time.
        deep: whether Azure's own validateRestore was asked.
        tier: the store that would be restored from: OperationalStore or VaultStore.
        target: id of the cluster that would be restored to.
        recovery_point: id of the point that would be restored; null when there is none.
        expected_data_loss_seconds: age of that point; null when there is none.
        expected_duration_seconds: median of past restores and restore tests; null when there were none.
    """

    cluster_id: str
    verdict: Verdict
    reason: str
    checked_at: str
    deep: bool
    tier: str
    target: str
    recovery_point: str | None
    expected_data_loss_seconds: int | None
    expected_duration_seconds: int | None
    checks: list[Check]
