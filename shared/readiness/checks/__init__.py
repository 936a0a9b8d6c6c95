"""The checks, as a table: pure functions of the facts. An answer lists them in this order.

Some decide whether a restore works; the others say what was promised and isn't kept. What the source needs for itself
doesn't decide about a restore to another cluster, nor what snapshots need about one from the vault.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from shared.readiness.ask import VAULT
from shared.readiness.checks import (
    access,
    clusters,
    jobs,
    points,
    protection,
    snapshots,
    staging,
    storage,
    vaults,
    volumes,
)
from shared.readiness.checks.finding import Finding
from shared.readiness.facts import Facts
from shared.readiness.model import Check
from shared.readiness.needs import needs


class Decides(Enum):
    """Whether a restore depends on it."""

    ALWAYS = auto()
    HERE = auto()
    """When it goes to the source itself."""

    SNAPSHOTS = auto()
    """When it is from the operational store: one from the vault needs nothing that lies in the operator's groups."""

    SNAPSHOTS_HERE = auto()
    NEVER = auto()

    def holds(self, facts: Facts) -> bool:
        """Whether it does for what was asked."""
        here, snapshots = facts.target is None, facts.ask.tier != VAULT
        return {
            Decides.ALWAYS: True,
            Decides.HERE: here,
            Decides.SNAPSHOTS: snapshots,
            Decides.SNAPSHOTS_HERE: here and snapshots,
            Decides.NEVER: False,
        }[self]


class When(Enum):
    """Which questions a check belongs to."""

    ALWAYS = auto()
    TARGET = auto()
    """Another cluster is restored to."""

    VOLUMES = auto()
    """The cluster itself is asked for its volumes."""

    VAULT = auto()
    """The restore is from the vault."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One check of the table."""

    id: str
    decides: Decides
    run: Callable[[Facts], Finding]
    when: When = When.ALWAYS


TABLE = (
    Entry("cluster-running", Decides.ALWAYS, clusters.running),
    Entry("instance-protected", Decides.ALWAYS, protection.protected),
    Entry("policy-as-tagged", Decides.NEVER, protection.policy),
    Entry("recovery-point", Decides.ALWAYS, points.restorable),
    Entry("recovery-point-age", Decides.NEVER, points.young),
    Entry("points-retained", Decides.NEVER, points.retained),
    Entry("vault-tier-copy", Decides.NEVER, points.copied),
    Entry("snapshots-there", Decides.SNAPSHOTS, snapshots.present),
    Entry("recent-jobs", Decides.NEVER, jobs.recent),
    Entry("extension-healthy", Decides.HERE, access.extension),
    Entry("trusted-access", Decides.HERE, access.trusted),
    Entry("storage-account", Decides.SNAPSHOTS, storage.account),
    Entry("storage-container", Decides.SNAPSHOTS, storage.container),
    Entry("storage-network", Decides.SNAPSHOTS, storage.network),
    Entry("snapshot-group", Decides.SNAPSHOTS, storage.group),
    Entry("snapshot-group-unlocked", Decides.SNAPSHOTS, storage.unlocked),
    Entry("vault-ready", Decides.ALWAYS, vaults.ready),
    Entry("vault-unlocked", Decides.ALWAYS, vaults.unlocked),
    Entry("vault-as-profile", Decides.NEVER, vaults.as_profile),
    Entry("restore-quota", Decides.ALWAYS, jobs.quota),
    Entry("csi-drivers", Decides.ALWAYS, clusters.drivers),
    Entry("target-running", Decides.ALWAYS, clusters.target_running, When.TARGET),
    Entry("target-region", Decides.ALWAYS, clusters.target_region, When.TARGET),
    Entry("target-subscription", Decides.ALWAYS, clusters.target_subscription, When.TARGET),
    Entry("target-versions", Decides.NEVER, clusters.target_versions, When.TARGET),
    Entry("target-extension-healthy", Decides.ALWAYS, access.target_extension, When.TARGET),
    Entry("target-trusted-access", Decides.ALWAYS, access.target_trusted, When.TARGET),
    Entry("staging", Decides.ALWAYS, staging.staging, When.VAULT),
    Entry("volumes-supported", Decides.NEVER, volumes.supported),
    Entry("volumes-in-cluster", Decides.NEVER, volumes.in_cluster, When.VOLUMES),
    Entry("restore-tried", Decides.NEVER, jobs.tried),
)

ROLE_CHECKS = {
    # id -> whether a restore depends on the role
    "role-cluster-snapshots": Decides.SNAPSHOTS_HERE,
    "role-extension-blobs": Decides.SNAPSHOTS_HERE,
    "role-vault-reads-cluster": Decides.HERE,
    "role-vault-reads-snapshots": Decides.SNAPSHOTS,
    "role-vault-takes-snapshots": Decides.NEVER,
    "role-vault-reads-disks": Decides.NEVER,
    "role-vault-reads-blobs": Decides.NEVER,
    "target-role-cluster-snapshots": Decides.SNAPSHOTS,
    "target-role-extension-blobs": Decides.SNAPSHOTS,
    "target-role-vault-reads-cluster": Decides.ALWAYS,
    "staging-role-group": Decides.ALWAYS,
    "staging-role-account": Decides.ALWAYS,
    "staging-role-blobs": Decides.ALWAYS,
    "staging-role-cluster": Decides.ALWAYS,
    "staging-role-extension": Decides.ALWAYS,
}

VALIDATION = "validate-restore"
"""Id of the deep check: Azure's own validateRestore."""


def run_checks(facts: Facts, only: Container[str] | None = None) -> list[Check]:
    """Run all that belong to the question; `only` those of the table with these ids, when the facts have no more."""
    if only is not None:
        return list(_of_table(facts, only))
    return [*_of_table(facts), *_of_roles(facts)]


def _of_table(facts: Facts, only: Container[str] | None = None) -> Iterator[Check]:
    applies = {
        When.ALWAYS: True,
        When.TARGET: facts.target is not None,
        When.VAULT: facts.ask.tier == VAULT,
        When.VOLUMES: facts.volumes is not None,
    }
    for entry in TABLE:
        if applies[entry.when] and (only is None or entry.id in only):
            yield _check(facts, entry.id, entry.decides, entry.run(facts))


def _of_roles(facts: Facts) -> Iterator[Check]:
    for need in needs(facts):
        yield _check(facts, need.check, ROLE_CHECKS[need.check], access.role(facts, need))


def _check(facts: Facts, check_id: str, decides: Decides, finding: Finding) -> Check:
    return Check(
        id=check_id,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        decides=decides.holds(facts),
        evidence=finding.evidence,
        fix=finding.fix,
    )
