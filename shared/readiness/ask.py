"""What a readiness check is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from shared.arm.ids import ClusterId

OPERATIONAL, VAULT = "OperationalStore", "VaultStore"
TIERS = (OPERATIONAL, VAULT)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    Attributes:
        target: the cluster to restore to; None means the source itself.
        recovery_point: id of the point to restore; None means the newest one of the tier.
        tier: the store to restore from, one of `TIERS`.
        volumes: also ask the cluster itself for its volumes, by run-command; only where the operator allows it.
        staging_group: id of the resource group that a restore from the vault stages in.
        staging_account: id of its storage account.
    """

    target: ClusterId | None = None
    recovery_point: str | None = None
    tier: str = OPERATIONAL
    volumes: bool = False
    staging_group: str | None = None
    staging_account: str | None = None


NEWEST = Ask()
"""The usual question: the newest point, back to where it came from."""
