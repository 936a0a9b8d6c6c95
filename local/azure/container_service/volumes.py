"""Kubernetes' own view of a cluster's volumes: what `kubectl get pv,pvc,sc -o json` prints.

Derived from the disks of the node resource group and from what the control endpoint was told of other volumes. Objects
have the fields that the Kubernetes API documents for them, as far as volumes are concerned.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from local.azure import paths

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import Json
    from local.azure.store import Resource

DISK_DRIVER = "disk.csi.azure.com"
FILE_DRIVER = "file.csi.azure.com"

_CLAIM, _NAMESPACE = "kubernetes.io-created-for-pvc-name", "kubernetes.io-created-for-pvc-namespace"
_CLASS_OF_SKU = {"standardssd_lrs": "managed-csi", "premium_lrs": "managed-csi-premium"}
_CLASSES = (
    ("azurefile-csi", FILE_DRIVER, "fileCSIDriver", {"skuName": "Standard_LRS"}),
    ("azurefile-csi-premium", FILE_DRIVER, "fileCSIDriver", {"skuName": "Premium_LRS"}),
    ("default", DISK_DRIVER, "diskCSIDriver", {"skuname": "StandardSSD_LRS"}),
    ("managed-csi", DISK_DRIVER, "diskCSIDriver", {"skuname": "StandardSSD_LRS"}),
    ("managed-csi-premium", DISK_DRIVER, "diskCSIDriver", {"skuname": "Premium_LRS"}),
)
"""The storage classes that AKS makes, and the driver of the cluster's storage profile that each belongs to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """A persistent volume, with its claim.

    Attributes:
        name: Of the persistent volume.
        claim: Of its claim.
        namespace: The claim's.
        source: Name of a CSI driver, or a source of Kubernetes' own: `nfs`, `hostPath`, `azureDisk`, `azureFile`,
            `local`.
        handle: Id of what is behind it: a disk's resource id, a share, a path, `server:/path` for NFS.
        storage_class: Name of its class.
        size: Kubernetes quantity, e.g. `8Gi`.
    """

    name: str
    claim: str
    namespace: str = "default"
    source: str = DISK_DRIVER
    handle: str = ""
    storage_class: str = "managed-csi"
    size: str = "8Gi"


def of(cloud: Cloud, cluster: Resource) -> list[Volume]:
    """All volumes of a cluster: those on disks of its node resource group, and those that were told."""
    told: tuple[Volume, ...] = cluster.notes.get("volumes", ())
    return [*_on_disks(cloud, cluster), *told]


def _on_disks(cloud: Cloud, cluster: Resource) -> Iterator[Volume]:
    subscription, group = paths.parse(cluster.id).subscription, cluster.properties.get("nodeResourceGroup")
    for disk in cloud.store.children(
        f"/subscriptions/{subscription}/resourceGroups/{group}", "Microsoft.Compute/disks"
    ):
        tags = disk.body.get("tags") or {}
        if tags.get(_CLAIM):
            sku = str((disk.body.get("sku") or {}).get("name") or "")
            yield Volume(
                disk.name,
                str(tags[_CLAIM]),
                str(tags.get(_NAMESPACE) or "default"),
                handle=disk.id,
                storage_class=_CLASS_OF_SKU.get(sku.lower(), sku.lower().replace("_", "-")),
                size=f"{disk.properties.get('diskSizeGB') or 1}Gi",
            )


def persistent_volume(volume: Volume) -> Json:
    """The object of a volume."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume.name, "annotations": {"pv.kubernetes.io/provisioned-by": volume.source}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": volume.size},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": volume.claim,
                "namespace": volume.namespace,
            },
            **_source(volume),
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": volume.storage_class,
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    }


def _source(volume: Volume) -> Json:
    if "." in volume.source:
        return {"csi": {"driver": volume.source, "volumeHandle": volume.handle or volume.name}}
    server, _, path = volume.handle.partition(":")
    own: Mapping[str, Json] = {
        "nfs": {"server": server, "path": path or "/"},
        "hostPath": {"path": volume.handle, "type": ""},
        "local": {"path": volume.handle},
        "azureDisk": {"diskName": volume.name, "diskURI": volume.handle, "kind": "Managed"},
        "azureFile": {"secretName": "azure-storage", "shareName": volume.handle},
    }
    return {volume.source: own.get(volume.source, {})}


def claim(volume: Volume) -> Json:
    """The object of a volume's claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume.claim, "namespace": volume.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": volume.size}},
            "storageClassName": volume.storage_class,
            "volumeMode": "Filesystem",
            "volumeName": volume.name,
        },
        "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": volume.size}},
    }


def storage_classes(cluster: Resource) -> Iterator[Json]:
    """The classes that AKS makes for the drivers that the cluster's storage profile has."""
    profile: Mapping[str, Any] = cluster.properties.get("storageProfile") or {}
    for name, provisioner, driver, parameters in _CLASSES:
        if (profile.get(driver) or {}).get("enabled") is not False:
            yield {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": name},
                "provisioner": provisioner,
                "parameters": dict(parameters),
                "reclaimPolicy": "Delete",
                "allowVolumeExpansion": True,
                "volumeBindingMode": "WaitForFirstConsumer" if driver == "diskCSIDriver" else "Immediate",
            }
