"""What may be asked: query parameters and bodies. Types, bounds and descriptions; the OpenAPI document shows the same.

Parameters without a value have a default. Words are compared without case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.fleet.records import State

type Moment = Annotated[datetime, Meta(tz=True)]
Top = Annotated[int, Meta(ge=0, le=1000, description="how many to show, 0 to 1000")]
Skip = Annotated[int, Meta(ge=0, le=1_000_000, description="how many to leave out before those")]


class FleetQuery(Struct, frozen=True, rename="camel"):
    """A page of the fleet."""

    state: Annotated[State | None, Meta(description="only clusters in this state")] = None
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


class BackupOptions(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How to back up."""

    retention_tag: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$(?!\n)")] | None,
        Meta(description="a retention tag of the cluster's policy, such as Default; null for the policy's own choice"),
    ] = None
    dry_run: Annotated[bool, Meta(description="true: say what stands in the way, start nothing")] = False
