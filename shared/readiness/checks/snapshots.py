"""The check of the snapshots that a recovery point stands on: everybody in the subscription can delete them."""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import ArmError
from shared.notify.events import iso
from shared.onboarding.readings import Instance
from shared.readiness.ask import OPERATIONAL, VAULT
from shared.readiness.checks.finding import Finding, failed, passed, unread, warned
from shared.readiness.checks.points import backup_now
from shared.readiness.facts import Disk, Facts, Point

_AROUND = 1800.0  # seconds by which a snapshot's time may differ from its point's
_SKIPPED_SKUS = ("premiumv2", "ultrassd")
_SKIPPED_NAMESPACES = frozenset({"kube-system", "kube-node-lease", "kube-public"})
_FILTERS = ("labelSelectors", "includedResourceTypes", "excludedResourceTypes")


def present(facts: Facts) -> Finding:
    """The snapshot group has a snapshot of each disk that the backup covers, from the point's time."""
    point, graph = facts.point, facts.graph
    if isinstance(point, ArmError) or point is None:
        return unread("the point's snapshots", point or ArmError("there is no recovery point", code="NotAsked"))
    if isinstance(graph, ArmError):
        return unread("the point's snapshots", graph)
    if facts.ask.tier == VAULT:
        return passed("NotNeeded", "a restore from the vault needs no snapshots")
    if facts.at - point.time > graph.window - _AROUND:
        message = f"the snapshots of {iso(point.time)} weren't asked for; a deep check asks Azure about them"
        return warned("NotLookedAt", message, "ask with deep=true", recoveryPointId=point.id)
    begun = _begun(point)
    there = {
        item.source.casefold() for item in graph.snapshots if begun - _AROUND <= item.created <= point.time + _AROUND
    }
    missing = [disk for disk in _covered(facts, point) if disk.id.casefold() not in there]
    return _judged(facts, point, len(there), missing)


def _judged(facts: Facts, point: Point, there: int, missing: list[Disk]) -> Finding:
    evidence = {"recoveryPointId": point.id, "snapshots": there, "missing": [disk.id for disk in missing]}
    if not missing:
        return passed("SnapshotsThere", f"{there} snapshots are there", **evidence)
    names = ", ".join(f"{disk.namespace or 'default'}/{disk.claim}" for disk in missing[:5])
    message = f"the snapshot group has no snapshot of {names} from {iso(point.time)}"
    if any(disk.attached for disk in missing):
        return failed("SnapshotMissing", message, backup_now(facts), **evidence)
    message = f"{message}; no node uses these disks, so they may be left from claims that are gone"
    return warned("SnapshotMissing", message, "delete the disks if they are, else back up now", **evidence)


def _begun(point: Point) -> float:
    copy = point.copy_in(OPERATIONAL)
    return min(copy.created or point.time, point.time) if copy else point.time


def _covered(facts: Facts, point: Point) -> Iterable[Disk]:
    """Disks of which the backup should have snapshots, as far as they tell: labels and resource types they don't."""
    instance, graph = facts.instance, facts.graph
    if not isinstance(instance, Instance) or isinstance(graph, ArmError):
        return ()
    contents = instance.contents
    kinds = contents.get("includedVolumeTypes")
    if contents.get("snapshotVolumes") is False or (kinds and "AzureDisk" not in kinds):
        return ()
    if any(contents.get(name) for name in _FILTERS):
        return ()
    included, excluded = (set(contents.get(name) or ()) for name in ("includedNamespaces", "excludedNamespaces"))
    left_out = excluded | _SKIPPED_NAMESPACES
    return [
        disk
        for disk in graph.disks
        if disk.claim
        and disk.created < _begun(point) - _AROUND
        and not disk.sku.casefold().startswith(_SKIPPED_SKUS)
        and (not included or (disk.namespace or "default") in included)
        and (disk.namespace or "default") not in left_out
    ]
