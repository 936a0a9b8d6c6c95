"""Snapshots of a cluster's persistent disks: made by a backup, gone with what it left in the operational store.

Known of the service: each backup leaves an incremental snapshot of every disk behind a persistent volume in the
snapshot resource group; disks of kinds that it can't back up are skipped, and the backup succeeds without them. Names
and tags of the snapshots aren't recorded: `snapshot-{guid}` and the disk's own Kubernetes tags are chosen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from local.azure import paths
from local.azure.clock import ticks
from local.azure.cloud import Cloud
from local.azure.data_protection import requirements
from local.azure.data_protection.candidate import datasource_id, snapshot_group_id
from local.azure.errors import Json
from local.azure.store import Resource

_DISKS, _SNAPSHOTS = "Microsoft.Compute/disks", "Microsoft.Compute/snapshots"

_CLAIM, _NAMESPACE = "kubernetes.io-created-for-pvc-name", "kubernetes.io-created-for-pvc-namespace"
"""Tags that the disk driver of Kubernetes puts on the disk of a persistent volume."""

_SKIPPED_SKUS = frozenset({"premiumv2_lrs", "ultrassd_lrs"})
_SKIPPED_NAMESPACES = frozenset({"kube-system", "kube-node-lease", "kube-public"})
"""Documented as never backed up."""


def take(cloud: Cloud, instance: Resource, at: dt.datetime) -> list[str]:
    """Snapshot the cluster's disks that an instance's configuration covers; the snapshots' ids."""
    group = cloud.store.get(snapshot_group_id(instance.properties))
    cluster = cloud.store.get(datasource_id(instance.properties))
    if group is None or cluster is None:
        return []
    return [_snapshot(cloud, group, disk, at) for disk in _covered(cloud, cluster, instance.properties)]


def missing(cloud: Cloud, point: Resource) -> list[str]:
    """Ids of the snapshots that a recovery point needs and that are gone; a seeded point needs none."""
    return [snapshot for snapshot in point.notes.get("snapshots") or () if cloud.store.get(snapshot) is None]


def discard(cloud: Cloud, point: Resource, at: dt.datetime) -> None:
    """Remove the snapshots of a point that leaves the operational store."""
    for snapshot in point.notes.pop("snapshots", ()):
        cloud.remove(snapshot, at)


def discard_all(cloud: Cloud, instance: Json, points: Iterable[Resource], at: dt.datetime) -> None:
    """Remove the snapshots of a deleted instance.

    Only a cluster that runs removes them: those of a deleted cluster have to be removed by hand (documented).

    Args:
        cloud: The simulated Azure.
        instance: Properties of the instance.
        points: Its recovery points.
        at: When it is purged.
    """
    cluster = cloud.store.get(datasource_id(instance))
    if cluster is not None and requirements.runs(cluster):
        for point in points:
            discard(cloud, point, at)


def _covered(cloud: Cloud, cluster: Resource, instance: Json) -> Iterator[Resource]:
    asked = _configuration(instance)
    kinds = asked.get("includedVolumeTypes")
    if asked.get("snapshotVolumes") is False or (kinds and "AzureDisk" not in kinds):
        return
    included, excluded = (_names(asked.get(name)) for name in ("includedNamespaces", "excludedNamespaces"))
    nodes = f"/subscriptions/{paths.parse(cluster.id).subscription}/resourceGroups/"
    for disk in cloud.store.children(f"{nodes}{cluster.properties.get('nodeResourceGroup')}", _DISKS):
        tags = disk.body.get("tags") or {}
        namespace = str(tags.get(_NAMESPACE) or "default").lower()
        wanted = (not included or namespace in included) and namespace not in excluded | _SKIPPED_NAMESPACES
        if _CLAIM in tags and wanted and _sku(disk).lower() not in _SKIPPED_SKUS:
            yield disk


def _configuration(instance: Json) -> Json:
    parameters = (instance.get("policyInfo") or {}).get("policyParameters") or {}
    return next((one for one in parameters.get("backupDatasourceParametersList") or [] if isinstance(one, dict)), {})


def _names(value: object) -> set[str]:
    return {str(name).lower() for name in value} if isinstance(value, list) else set()


def _sku(disk: Resource) -> str:
    return str((disk.body.get("sku") or {}).get("name") or "")


def _snapshot(cloud: Cloud, group: Resource, disk: Resource, at: dt.datetime) -> str:
    name = f"snapshot-{cloud.new_guid()}"
    snapshot_id = f"{group.id}/providers/{_SNAPSHOTS}/{name}"
    inherited = ("diskSizeGB", "networkAccessPolicy", "publicNetworkAccess", "osType")
    body: Json = {
        "name": name,
        "id": snapshot_id,
        "type": _SNAPSHOTS,
        "location": disk.location or group.location,
        "tags": dict(disk.body.get("tags") or {}),
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": disk.id},
            **{key: disk.properties[key] for key in inherited if key in disk.properties},
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "incremental": True,
            "timeCreated": ticks(at),
            "provisioningState": "Succeeded",
            "diskState": "Unattached",
        },
    }
    return cloud.store.put(Resource(snapshot_id, _SNAPSHOTS, body)).id
