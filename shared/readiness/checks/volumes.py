"""Checks of the volumes: what Azure Backup leaves out without a word. Source: "AKS backup support matrix"."""

from __future__ import annotations

from shared.errors import ArmError
from shared.readiness.checks.finding import Finding, passed, unread, warned
from shared.readiness.facts import Disk, Facts
from shared.readiness.volumes import DISKS, SHARES

_UNSUPPORTED = ("premiumv2", "ultrassd")
_LARGEST = 1024  # GiB; larger disks aren't copied to the vault
_MOST = 100  # disks of an instance that are copied to the vault
_NAMED = 20


def supported(facts: Facts) -> Finding:
    """The disks behind the cluster's volumes are of kinds that a backup takes."""
    if isinstance(facts.graph, ArmError):
        return unread("the cluster's disks", facts.graph, groupId=facts.places.node_group)
    vault_tier = facts.used is not None and facts.used.vault_tier is not None
    disks = [disk for disk in facts.graph.disks if disk.claim]
    left_out = {_named(disk): why for disk in disks if (why := _why_not(disk, vault_tier=vault_tier))}
    evidence = {"disks": len(disks), "leftOut": dict(sorted(left_out.items())[:_NAMED])}
    fix = "move these volumes to a storage class of Standard or Premium SSD, or back them up by other means"
    if left_out:
        some = "; ".join(f"{name}: {why}" for name, why in sorted(left_out.items())[:5])
        return warned(
            "VolumesLeftOut", f"{len(left_out)} of {len(disks)} volumes aren't backed up: {some}", fix, **evidence
        )
    if vault_tier and len(disks) > _MOST:
        message = f"the cluster has {len(disks)} disks; {_MOST} are copied to the vault"
        return warned("TooManyDisks", message, fix, **evidence)
    return passed("VolumesSupported", f"all {len(disks)} volumes on disks are of supported kinds", **evidence)


def _named(disk: Disk) -> str:
    return f"{disk.namespace or 'default'}/{disk.claim}"


def _why_not(disk: Disk, *, vault_tier: bool) -> str:
    """Why a disk is left out; "" when it isn't."""
    reasons = (
        (disk.sku.casefold().startswith(_UNSUPPORTED), f"{disk.sku} disks aren't supported"),
        (vault_tier and disk.size > _LARGEST, f"{disk.size} GiB is over 1 TB, not copied to the vault"),
        (vault_tier and (not disk.public or disk.network == "DenyAll"), "no network access, not copied to the vault"),
    )
    return next((why for wrong, why in reasons if wrong), "")


def in_cluster(facts: Facts) -> Finding:
    """By the cluster's own word, every bound volume is of a kind that the backup takes."""
    told = facts.volumes
    if told is None or isinstance(told, ArmError):
        return unread("the cluster's own list of volumes", told or ArmError("it wasn't asked for", code="NotAsked"))
    taken = {DISKS}
    if facts.used is not None and "AzureFileShareSMB" in facts.used.contents.volume_types:
        taken.add(SHARES)
    others = sorted(f"{item.namespace}/{item.claim} ({item.kind})" for item in told if item.kind not in taken)
    evidence = {"volumes": len(told), "leftOut": others[:_NAMED]}
    if others:
        message = f"{len(others)} of {len(told)} volumes aren't backed up: {', '.join(others[:5])}"
        return warned("VolumesLeftOut", message, "back up what is in them by other means", **evidence)
    return passed("VolumesSupported", f"all {len(told)} volumes are of kinds that the backup takes", **evidence)
