"""What may be asked: query parameters and bodies. Types, bounds and descriptions; the OpenAPI document shows the same.

Parameters without a value have a default. Words are compared without case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.fleet.records import State
from shared.readiness.model import Verdict


def whole(pattern: str) -> str:
    """A pattern for all of a text; Python's $ also fits before a last line end."""
    return rf"^({pattern})$(?!\n)"


type Moment = Annotated[datetime, Meta(tz=True)]
Top = Annotated[int, Meta(ge=0, le=1000, description="how many to show, 0 to 1000")]
Id = Annotated[str, Meta(min_length=1, max_length=400)]
PointId = Annotated[str, Meta(pattern=whole("[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"))]
Namespace = Annotated[str, Meta(pattern=whole("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"))]
Skip = Annotated[int, Meta(ge=0, le=1_000_000, description="how many to leave out before those")]


class FleetQuery(Struct, frozen=True, rename="camel"):
    """A page of the fleet."""

    state: Annotated[State | None, Meta(description="only clusters in this state")] = None
    top: Top = 200
    skip: Skip = 0


class FleetReadinessQuery(Struct, frozen=True, rename="camel"):
    """A page of the fleet."""

    verdict: Annotated[
        Verdict | None, Meta(description="only clusters with this verdict: Ready, AtRisk, NotReady, Unknown")
    ] = None
    top: Top = 200
    skip: Skip = 0


class JobsQuery(Struct, frozen=True, rename="camel"):
    """Which jobs to show."""

    operation: Annotated[
        Literal["on-demand", "scheduled", "restore"] | None, Meta(description="what the job does, and who started it")
    ] = None
    status: Annotated[
        Literal["InProgress", "Completed", "CompletedWithWarnings", "Failed", "Cancelled"] | None,
        Meta(description="how it stands"),
    ] = None
    since: Annotated[Moment | None, Meta(description="started then or later, such as 2026-01-31T08:00:00Z")] = None
    until: Annotated[Moment | None, Meta(description="started then or before")] = None


class AskQuery(Struct, frozen=True, rename="camel"):
    """Which restore it is about."""

    target: Annotated[
        Id | None, Meta(description="id of the cluster to restore to; without it, the cluster itself")
    ] = None
    recovery_point: Annotated[
        Annotated[str, Meta(pattern=whole("[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"))]
        | None,
        Meta(description="id of the recovery point to restore; without it, the newest one of the tier"),
    ] = None
    tier: Annotated[Literal["OperationalStore", "VaultStore"], Meta(description="OperationalStore or VaultStore")] = (
        "OperationalStore"
    )
    volumes: Annotated[
        bool, Meta(description="also ask the cluster itself for its volumes; only where the operator allows it")
    ] = False
    staging_group: Annotated[
        Id | None, Meta(description="id of the resource group that a restore from VaultStore stages in")
    ] = None
    staging_account: Annotated[Id | None, Meta(description="id of the storage account that it stages in")] = None
    wait: Annotated[
        int, Meta(ge=0, le=200, description="seconds to wait for Azure's validation, 0 to 200; then 202 and a Location")
    ] = 60


class ReadinessQuery(AskQuery, frozen=True, rename="camel"):
    """How deep to check."""

    deep: Annotated[bool, Meta(description="true: also Azure's own validateRestore, the strongest proof")] = False


class RestoreRequestQuery(AskQuery, frozen=True, rename="camel"):
    """What to restore, and how."""

    namespaces: Annotated[
        tuple[Namespace, ...], Meta(max_length=800, description="the namespaces to restore, with commas; without, all")
    ] = ()
    map: Annotated[
        tuple[Annotated[str, Meta(max_length=127)], ...],
        Meta(max_length=800, description="namespaces to restore under other names, as from:to with commas"),
    ] = ()
    validate: Annotated[bool, Meta(description="true: have Azure validate the request")] = False


class PlanQuery(Struct, frozen=True, rename="camel"):
    """The cluster that the cost of a plan is worked out for."""

    namespaces: Annotated[
        int, Meta(ge=0, le=800, description="number of namespaces that are protected, where the policy lists none")
    ] = 10
    disks: Annotated[int, Meta(ge=0, le=10_000, description="number of disks that are snapshotted")] = 10
    gib: Annotated[int, Meta(ge=0, le=1_000_000, description="GiB used on all disks together")] = 500


class PauseOptions(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whether to pause."""

    paused: Annotated[bool, Meta(description="true: nothing writes to Azure from now on; false: go on")]
    reason: Annotated[
        Annotated[str, Meta(max_length=200)], Meta(description="why, for whoever finds clusters that say Paused")
    ] = ""


class FleetSelection(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which clusters to look at; without any of it: those that differ from what is wanted for them."""

    state: Annotated[State | None, Meta(description="all clusters in this state")] = None
    reason: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,100}$(?!\n)")] | None,
        Meta(description="all clusters with this reason, such as ClusterStopped"),
    ] = None


class BackupOptions(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How to back up."""

    retention_tag: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$(?!\n)")] | None,
        Meta(description="a retention tag of the cluster's policy, such as Default; null for the policy's own choice"),
    ] = None
    dry_run: Annotated[bool, Meta(description="true: say what stands in the way, start nothing")] = False


class OffboardOptions(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a cluster is to be off-boarded; without a confirmation it is a dry run."""

    delete_backups: Annotated[
        bool, Meta(description="true: the backup instance is deleted, and with it every recovery point")
    ] = False
    confirmation: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{20,60}$(?!\n)")] | None,
        Meta(description="that of the last dry run with the same options; null for a dry run"),
    ] = None


class Lift(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A person's word that lets halted releases go on."""

    lift: Annotated[bool, Meta(description="true: they go on for a day")]


_LINE = r"^[^\x00-\x1f\x7f]*$(?!\n)"  # no control characters: what is recorded goes into logs and tables


class NewRestoreTest(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a real restore went."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$(?!\n)",
            description="of your own choice, such as the run's: recording it twice is recording it once",
        ),
    ]
    outcome: Annotated[Literal["successful", "failed", "timedOut"], Meta(description="what you found afterwards")]
    at: Annotated[Moment, Meta(description="when the restore began, such as 2026-01-31T08:00:00Z")]
    duration_seconds: Annotated[float, Meta(ge=0, le=2_592_000, description="how long it took")]
    who: Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE, description="a person or a runbook")]
    note: Annotated[str, Meta(max_length=300, pattern=_LINE, description="what was looked at, where to read more")] = ""
    recovery_point: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9-]{0,64}$(?!\n)", description="id of the point that was restored")
    ] = ""
    target: Annotated[
        str,
        Meta(max_length=300, description="ARM id of the cluster that was restored to; without it the cluster itself"),
    ] = ""
    job_id: Annotated[
        str,
        Meta(
            pattern=r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$(?!\n)",
            description="Azure's restore job, which the test then stands for",
        ),
    ] = ""
