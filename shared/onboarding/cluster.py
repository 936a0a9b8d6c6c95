"""A managed cluster as far as backup cares, and whether it can be backed up at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.arm.ids import ClusterId
from shared.onboarding.outcomes import Blocked, Waiting, Who

_ARM64_SIZE = re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*(_|$)")  # the feature letter p: Arm processors

# of the cluster's properties
_KEPT = ("provisioningState", "powerState", "storageProfile", "resourceUID", "nodeResourceGroup")
_LONG_WAIT = 1800.0  # seconds; starting a cluster sends an event, this is for the lost one
_SETTLE_WAIT = 60.0

_FAILED_STATES = frozenset({"Failed", "Canceled"})
_PASSING_STATES = frozenset({"Creating", "Updating", "Upgrading", "Starting", "Stopping", "Scaling", "Migrating"})


@dataclass(frozen=True, slots=True)
class NodePool:
    """A node pool: `os_type` is Linux or Windows, `subnet` the id of its subnet, "" for the service's own network."""

    name: str
    os_type: str
    vm_size: str
    subnet: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What of a managed cluster decides about its backup.

    `principal_id` is the control plane's identity (system-assigned, else the first user-assigned one), or None;
    `identity` tells this cluster from an earlier one of the same id: AKS gives each a `resourceUID`;
    `node_group` the name of the node resource group; `private` that its API server has no public address.
    """

    id: ClusterId
    location: str
    tags: Mapping[str, str]
    provisioning_state: str
    power_state: str
    principal_id: str | None
    node_pools: tuple[NodePool, ...]
    disk_driver: bool
    snapshot_controller: bool
    identity: str = ""
    kubernetes_version: str = ""
    node_group: str = ""
    private: bool = False


def _principal(identity: Mapping[str, Any]) -> str | None:
    assigned = (identity.get("userAssignedIdentities") or {}).values()
    candidates = [identity.get("principalId"), *(item.get("principalId") for item in assigned)]
    return next((str(candidate) for candidate in candidates if candidate), None)


def _enabled(profile: Mapping[str, Any], part: str) -> bool:
    """Parts of the storage profile are on unless they say otherwise."""
    return (profile.get(part) or {}).get("enabled", True) is not False


def read_cluster(cluster_id: ClusterId, body: Mapping[str, Any]) -> Cluster:
    """Read ARM's answer for a managed cluster; the id is the one that was asked for, since Azure changes its case."""
    properties = body.get("properties") or {}
    pools = properties.get("agentPoolProfiles") or ()
    storage = properties.get("storageProfile") or {}
    principal = _principal(body.get("identity") or {})
    return Cluster(
        id=cluster_id,
        location=str(body.get("location", "")).replace(" ", "").casefold(),
        tags=body.get("tags") or {},
        provisioning_state=str(properties.get("provisioningState", "")),
        power_state=str((properties.get("powerState") or {}).get("code", "Running")),
        principal_id=principal,
        node_pools=tuple(
            NodePool(
                name=str(pool.get("name", "")),
                os_type=str(pool.get("osType", "Linux")),
                vm_size=str(pool.get("vmSize", "")),
                subnet=str(pool.get("vnetSubnetID") or ""),
            )
            for pool in pools
        ),
        disk_driver=_enabled(storage, "diskCSIDriver"),
        snapshot_controller=_enabled(storage, "snapshotController"),
        identity=str(properties.get("resourceUID") or principal or ""),
        kubernetes_version=str(properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or ""),
        node_group=str(properties.get("nodeResourceGroup") or ""),
        private=(properties.get("apiServerAccessProfile") or {}).get("enablePrivateCluster") is True,
    )


def preflight(cluster: Cluster) -> Blocked | Waiting | None:
    """Refuse with a reason what can't work, wait where that helps; None: go on. Nothing has been created before.

    Source: "Azure Kubernetes Service backup support matrix".
    """
    if cluster.power_state != "Running":
        return Waiting("ClusterStopped", f"the cluster is {cluster.power_state}; backup needs it running", _LONG_WAIT)
    if cluster.provisioning_state in _PASSING_STATES:
        return Waiting("ClusterUpdating", f"the cluster is {cluster.provisioning_state}", _SETTLE_WAIT)
    if cluster.provisioning_state in _FAILED_STATES:
        message = f"the cluster's last operation ended {cluster.provisioning_state}; repair it (az aks update)"
        return Waiting("ClusterFailed", message, _LONG_WAIT)
    for refused, reason, message in _refusals(cluster):
        if refused:
            return Blocked(reason, message, Who.CLUSTER_OWNER)
    return None


def _refusals(cluster: Cluster) -> tuple[tuple[bool, str, str], ...]:
    pools = cluster.node_pools
    arm64 = [pool.name for pool in pools if _ARM64_SIZE.match(pool.vm_size)]
    return (
        (
            cluster.provisioning_state == "Deleting",
            "ClusterDeleting",
            "the cluster is being deleted",
        ),
        (
            cluster.principal_id is None,
            "ServicePrincipalCluster",
            "the cluster runs as a service principal; give it an identity (az aks update --enable-managed-identity)",
        ),
        (
            bool(pools) and all(pool.os_type == "Windows" for pool in pools),
            "WindowsOnly",
            "the cluster has Windows node pools only; the backup extension needs a Linux one",
        ),
        (
            bool(arm64),
            "Arm64NodePool",
            f"Azure Backup doesn't support Arm64 node pools; this cluster has {', '.join(arm64)}",
        ),
        (
            not cluster.disk_driver,
            "DiskDriverDisabled",
            "the Azure Disk CSI driver is off; turn it on (az aks update --enable-disk-driver)",
        ),
        (
            not cluster.snapshot_controller,
            "SnapshotControllerDisabled",
            "the snapshot controller is off; turn it on (az aks update --enable-snapshot-controller)",
        ),
    )


def essence(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of the cluster later passes look at: names of tags and parts, no secrets, no logs."""
    properties: Mapping[str, Any] = body.get("properties") or {}
    pools = properties.get("agentPoolProfiles") or ()
    return {
        **{key: body.get(key) for key in ("location", "tags", "identity")},
        "properties": {
            **{key: properties.get(key) for key in _KEPT},
            "agentPoolProfiles": [{key: pool.get(key) for key in ("name", "osType", "vmSize")} for pool in pools],
        },
    }
