"""Checks of a cluster: that it runs, and what of a target differs from the source."""

from __future__ import annotations

import re

from shared.errors import ArmError
from shared.onboarding.cluster import Cluster
from shared.onboarding.readings import Vault
from shared.readiness.ask import OPERATIONAL
from shared.readiness.checks.finding import Finding, aks, az, failed, passed, unread, warned
from shared.readiness.checks.vaults import UPDATE
from shared.readiness.facts import Fact, Facts, Side, absent

_NOT_RUNNING = frozenset({"Creating", "Deleting", "Failed"})
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})")


def running(facts: Facts) -> Finding:
    """The cluster that was backed up is there and runs."""
    found = _running(facts.source)
    if found.status == "fail" and facts.target is not None:
        message = f"{found.message}; a restore to {facts.target.id.name} needs only that one, but no backup is made"
        return warned(found.reason, message, found.fix, **found.evidence)
    return found


def target_running(facts: Facts) -> Finding:
    """The target of the restore is there and runs."""
    return _running(facts.restored_to)


def _running(side: Side) -> Finding:
    cluster, name = side.cluster, side.id.name
    if absent(cluster):
        message = f"cluster {name} doesn't exist"
        return failed("ClusterMissing", message, "name another cluster to restore to", clusterId=str(side.id))
    if isinstance(cluster, ArmError):
        return unread(f"cluster {name}", cluster, clusterId=str(side.id))
    evidence = {
        "clusterId": str(side.id),
        "powerState": cluster.power_state,
        "provisioningState": cluster.provisioning_state,
    }
    if cluster.power_state != "Running":
        message = f"cluster {name} is {cluster.power_state}; backup and restore need it running"
        return failed("ClusterStopped", message, aks(side.id, "start"), **evidence)
    if cluster.provisioning_state in _NOT_RUNNING:
        message = f"cluster {name} is {cluster.provisioning_state}"
        return failed(f"Cluster{cluster.provisioning_state}", message, aks(side.id, "update"), **evidence)
    return passed("Running", f"cluster {name} runs", **evidence)


def drivers(facts: Facts) -> Finding:
    """The restored-to cluster can attach Azure disks and make them from snapshots."""
    side = facts.restored_to
    if isinstance(side.cluster, ArmError):
        return unread(f"cluster {side.id.name}", side.cluster, clusterId=str(side.id))
    off = _drivers_off(side.cluster)
    if not off:
        return passed("DriversOn", "Azure Disk driver and snapshot controller are on", clusterId=str(side.id))
    words = " and ".join(what for what, _ in off)
    message = f"{words} of cluster {side.id.name} off: its volumes can't be backed up or restored"
    return failed("DriversOff", message, aks(side.id, "update", *(option for _, option in off)), clusterId=str(side.id))


def _drivers_off(cluster: Cluster) -> list[tuple[str, str]]:
    parts = (
        (cluster.disk_driver, "the Azure Disk driver", "--enable-disk-driver"),
        (cluster.snapshot_controller, "the snapshot controller", "--enable-snapshot-controller"),
    )
    return [(what, option) for on, what, option in parts if not on]


def target_region(facts: Facts) -> Finding:
    """Snapshots stay in their region; copies in the vault reach the paired one where that is switched on."""
    target, home = facts.restored_to.cluster, facts.places.location
    if isinstance(target, ArmError):
        return unread("the target's region", target)
    if not home:
        return unread("the source's region", ArmError("the source wasn't found", code="NotAsked"))
    evidence = {"sourceRegion": home, "targetRegion": target.location, "tier": facts.ask.tier}
    if target.location == home:
        return passed("SameRegion", f"both clusters are in {home}", **evidence)
    if facts.ask.tier == OPERATIONAL:
        message = f"the snapshots are in {home}, the target is in {target.location}"
        return failed("OtherRegion", message, f"choose a target in {home}, or ask with tier=VaultStore", **evidence)
    return _across(facts.vault, home, target.location, evidence)


def _across(vault: Fact[Vault], home: str, wanted: str, evidence: dict[str, str]) -> Finding:
    if isinstance(vault, ArmError):
        return unread("the vault's regions", vault, **evidence)
    if vault.cross_region_restore and wanted in vault.replicated:
        message = f"a copy reaches {wanted} up to 12 hours after it was made; only a deep check knows whether it has"
        return warned("PairedRegion", message, "ask with deep=true", **evidence)
    message = f"the vault keeps its copies in {home} and can't restore to {wanted}"
    fix = f"choose a target in {home}; a vault profile with crossRegionRestore: true reaches the paired region"
    return failed("OtherRegion", message, fix, **evidence)


def target_subscription(facts: Facts) -> Finding:
    """The vault lets restores go to another subscription, which it does unless somebody has switched that off."""
    here, there, vault = facts.source.id.subscription, facts.restored_to.id.subscription, facts.vault
    evidence = {"sourceSubscription": here, "targetSubscription": there}
    if here == there:
        return passed("SameSubscription", "both clusters are in one subscription", **evidence)
    if isinstance(vault, ArmError):
        return unread("whether the vault restores to other subscriptions", vault, **evidence)
    if vault.cross_subscription_restore:
        return passed("OtherSubscription", "the vault restores to other subscriptions", **evidence)
    fix = az(*UPDATE, facts.places.vault, "--cross-subscription-restore-state", "Enabled")
    return failed("OtherSubscription", "the vault doesn't restore to other subscriptions", fix, **evidence)


def target_versions(facts: Facts) -> Finding:
    """Objects of a newer Kubernetes may not be known to an older one."""
    source, target = facts.source.cluster, facts.restored_to.cluster
    if isinstance(source, ArmError) or isinstance(target, ArmError):
        error = source if isinstance(source, ArmError) else target
        return unread("the Kubernetes versions", error if isinstance(error, ArmError) else ArmError(""))
    old, new = _minor(source.kubernetes_version), _minor(target.kubernetes_version)
    evidence = {"sourceVersion": source.kubernetes_version, "targetVersion": target.kubernetes_version}
    if old is None or new is None or new >= old:
        return passed("VersionsFit", "the target's Kubernetes isn't older than the source's", **evidence)
    message = f"the target runs Kubernetes {target.kubernetes_version}, the source {source.kubernetes_version}"
    fix = aks(facts.restored_to.id, "upgrade", "--kubernetes-version", source.kubernetes_version)
    return warned("OlderKubernetes", message, fix, **evidence)


def _minor(version: str) -> tuple[int, int] | None:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else None
