"""A backup or restore job, read from ARM or from Resource Graph, and what its failure means.

Durations aren't read: Azure spells them in two ways (ISO 8601 and .NET time spans) and leaves them at zero while a job
runs; the end minus the start says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from shared.arm.failures import FailureClass, classify
from shared.errors import ArmError

RUNNING = frozenset({"inprogress", "cancelling"})


class Kind(StrEnum):
    """What a job does, and who started it."""

    SCHEDULED = "scheduled"
    ON_DEMAND = "on-demand"
    RESTORE = "restore"
    OTHER = "other"


class Job(Struct, frozen=True):
    """One job. Times are Azure's, in epoch seconds; `end` is 0 while it runs. Ids are as Azure spells them."""

    id: str
    instance_id: str
    cluster_id: str
    kind: Kind
    status: str
    start: float
    end: float
    code: str = ""
    message: str = ""
    retention_tag: str = ""

    @property
    def running(self) -> bool:
        """Whether it hasn't ended."""
        return self.status.casefold() in RUNNING

    @property
    def seconds(self) -> float:
        """How long it took, or 0 while it runs."""
        return max(0.0, self.end - self.start) if self.end else 0.0


def epoch(text: str | None) -> float:
    """Epoch seconds of Azure's times, which have up to seven decimals; 0 for none and for the year 1."""
    if not text or text.startswith("0001-"):
        return 0.0
    trimmed = text.replace("Z", "+00:00")
    head, dot, rest = trimmed.partition(".")
    if dot:
        digits = rest[: len(rest) - 6] if "+" in rest or rest[-6:-5] == "-" else rest
        trimmed = f"{head}.{digits[:6]}{rest[len(digits) :]}"
    moment = datetime.fromisoformat(trimmed)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _kind(properties: Mapping[str, Any]) -> Kind:
    category = str(properties.get("operationCategory") or properties.get("operation") or "").casefold()
    if category.startswith("restore"):
        return Kind.RESTORE
    if not category.startswith("backup"):
        return Kind.OTHER
    by_user = str(properties.get("isUserTriggered")).casefold() == "true"  # a text in some answers of the graph
    return Kind.ON_DEMAND if by_user else Kind.SCHEDULED


def read_job(item: Mapping[str, Any]) -> Job:
    """Read a job: `properties` as recorded for backupJobs, from the vault or from Resource Graph."""
    properties = item.get("properties") or {}
    errors = properties.get("errorDetails") or ()
    first = errors[0] if isinstance(errors, list) and errors else errors if isinstance(errors, Mapping) else {}
    extended = properties.get("extendedInfo") or {}
    warnings = extended.get("warningDetails") or ()
    warning = (warnings[0].get("warning") or {}) if isinstance(warnings, list) and warnings else {}
    cause = first or warning
    return Job(
        id=str(item.get("id", "")),
        instance_id=str(properties.get("backupInstanceId") or ""),
        cluster_id=str(properties.get("dataSourceId") or ""),
        kind=_kind(properties),
        status=str(properties.get("status") or ""),
        start=epoch(properties.get("startTime")),
        end=epoch(properties.get("endTime")),
        code=str(cause.get("code") or ""),
        message=str(cause.get("message") or "")[:1000],
        retention_tag=str((extended.get("additionalDetails") or {}).get("RetentionTag") or ""),
    )


class Action(StrEnum):
    """What a failed backup asks for."""

    RERUN = "run again"
    RECONCILE = "repair"
    OWNER = "cluster owner"
    OPERATOR = "operator"


_ACTIONS = {
    FailureClass.RERUN: Action.RERUN,
    FailureClass.RETRY: Action.RERUN,
    FailureClass.REPAIR: Action.RECONCILE,
    FailureClass.ACCESS: Action.RECONCILE,
    FailureClass.REGISTER: Action.RECONCILE,
    FailureClass.OWNER: Action.OWNER,
}


def action_for(job: Job) -> Action:
    """Who or what can put a failed job right: Azure by another run, a pass of ours, or a person."""
    failure = classify(ArmError(job.message, status=200, code=job.code))
    return _ACTIONS.get(failure, Action.OPERATOR)


def told(job: Job) -> str:
    """What is told of a job: Azure's words, and what to do where they don't say it."""
    failure = classify(ArmError(job.message, status=200, code=job.code)) if job.code else None
    return f"{job.message} {_MORE_MEMORY}".strip() if failure is FailureClass.MEMORY else job.message


_MORE_MEMORY = "The backup extension ran out of memory: raise AUTOPILOT_EXTENSION_MEMORY, or the extension's own limit."
