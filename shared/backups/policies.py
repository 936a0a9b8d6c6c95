"""What the catalog says about backup instances, found by the ARM policy that they have."""

from __future__ import annotations

from dataclasses import dataclass

from shared.arm.ids import ClusterId, name_of
from shared.backups.schedule import next_due, policies_by_arm_name, rpo_seconds
from shared.backups.status import BackupStatus
from shared.catalog.model import Catalog, Policy
from shared.catalog.rendering import bucket_of
from shared.errors import InvalidResourceId


@dataclass(frozen=True, slots=True)
class Policies:
    """The catalog, seen from a backup instance."""

    catalog: Catalog
    by_arm_name: dict[str, str]

    @classmethod
    def of(cls, catalog: Catalog) -> Policies:
        """Index a catalog."""
        named = {arm: name for arm, (name, _, _) in policies_by_arm_name(catalog).items()}
        given = {
            name_of(policy.existing.policy): name
            for name, policy in catalog.policies.items()
            if policy.existing.policy is not None
        }
        return cls(catalog, {**given, **named})

    def name_of_arm(self, policy_id: str) -> str:
        """The catalog's name of an ARM policy, or ""."""
        return self.by_arm_name.get(name_of(policy_id), "")

    def policy(self, status: BackupStatus) -> Policy | None:
        """The policy of an instance; None for one that isn't in the catalog."""
        return self.catalog.policies.get(status.policy)

    def rpo(self, status: BackupStatus) -> float | None:
        """How old the newest recovery point may get, in seconds; None when nothing says."""
        policy = self.policy(status)
        return rpo_seconds(policy) if policy else None

    def next_due(self, status: BackupStatus, now: float) -> float | None:
        """When the next scheduled backup is due, epoch seconds; None when nothing says."""
        policy = self.policy(status)
        if policy is None:
            return None
        try:
            key = ClusterId.parse(status.cluster_id).key
        except InvalidResourceId:
            return None
        return next_due(policy, bucket_of(policy, key), now)
