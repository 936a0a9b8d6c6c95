"""The clusters that extensions are on: which kinds there are, and when one can take a change."""

from __future__ import annotations

from local.azure import errors, paths
from local.azure.errors import ArmError
from local.azure.exchange import Call
from local.azure.operations import Operation
from local.azure.store import Resource

_AKS = "microsoft.containerservice/managedclusters"
_TYPES = frozenset({_AKS, "microsoft.kubernetes/connectedclusters"})
_UNREADY = frozenset({"Creating", "Deleting", "Failed"})


def cluster_of(call: Call) -> Resource:
    """The cluster that a call's extension is on.

    Raises:
        ArmError: There is none, or the resource is no cluster.
    """
    scope = call.target.scope
    if paths.full_type(scope).lower() not in _TYPES:
        raise errors.bad_request("InvalidClusterResource", f"Extensions can't be installed on '{scope}'.")
    cluster = call.stored(scope)
    if cluster is None:
        host = paths.parse(scope)
        raise errors.resource_not_found(f"{host.namespace}/{host.tail}", host.group or "")
    return cluster


def is_aks(cluster: Resource) -> bool:
    """Whether it is a managed cluster, not one connected through Azure Arc."""
    return cluster.type.lower() == _AKS


def is_stopped(cluster: Resource) -> bool:
    """Whether it is a managed cluster that is stopped."""
    power = (cluster.body.get("properties") or {}).get("powerState") or {}
    return is_aks(cluster) and str(power.get("code") or "").lower() == "stopped"


def refusal(call: Call, cluster: Resource) -> ArmError | None:
    """Why the cluster can't take a change now; not recorded.

    Whether an updating cluster takes one is inferred, so an option decides it.
    """
    if not is_aks(cluster):
        return None
    condition = str(cluster.properties.get("provisioningState"))
    if is_stopped(cluster):
        condition = "stopped"
    elif condition not in _UNREADY and not (call.cloud.options.extension_blocks_cluster and _is_busy(cluster)):
        return None
    return ArmError(
        409,
        "OperationNotAllowed",
        f"The extension operation is not allowed: the managed cluster '{cluster.name}' is {condition}.",
    )


def _is_busy(cluster: Resource) -> bool:
    operation: Operation | None = cluster.notes.get("operation")
    return operation is not None and operation.running
