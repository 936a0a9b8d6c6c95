"""What a cluster is doing, and which operations exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure.container_service import refusals

if TYPE_CHECKING:
    from local.azure.errors import ArmError
    from local.azure.exchange import Call
    from local.azure.operations import Ending, Failing, Operation
    from local.azure.store import Resource

EXCLUSIVE = {
    "managedClusterWrite": "Creating",
    "managedClusterUpdate": "Updating",
    "managedClusterUpgrade": "Upgrading",
    "managedClusterDelete": "Deleting",
    "managedClusterStart": "Starting",
    "managedClusterStop": "Stopping",
    "agentPoolWrite": "Updating",
    "agentPoolDelete": "Updating",
    "trustedAccessWrite": "Updating",
    "trustedAccessDelete": "Updating",
}
"""Kind of operation -> how the conflict names it, and the cluster's state during it where it is the cluster's own.

Which writes exclude each other is inferred, no recording shows it.
"""


def _unharmed(_: Operation, __: ArmError) -> None:
    """A failure that leaves everything as it was."""


def is_stopped(cluster: Resource) -> bool:
    """Whether the cluster is stopped."""
    power = cluster.properties.get("powerState") or {}
    return str(power.get("code") or "").lower() == "stopped"


def runs(cluster: Resource) -> bool:
    """Whether the cluster can run something new: not stopped, not being created or deleted."""
    state = cluster.properties.get("provisioningState")
    return not is_stopped(cluster) and state not in {"Creating", "Deleting", "Failed"}


def pending(cluster: Resource) -> Operation | None:
    """The operation that excludes others at the moment."""
    operation: Operation | None = cluster.notes.get("operation")
    return operation if operation and operation.running else None


def require_free(call: Call, cluster: Resource, *, may_be_stopped: bool = False) -> None:
    """Refuse while another operation works on the cluster.

    Raises:
        ArmError: 409 OperationNotAllowed.
    """
    operation = pending(cluster)
    if operation:
        raise refusals.busy(EXCLUSIVE.get(operation.kind, "Updating"))
    if call.cloud.options.extension_blocks_cluster and _installs(call, cluster):
        raise refusals.busy("Updating")
    if is_stopped(cluster) and not may_be_stopped:
        raise refusals.stopped()


def occupy(
    call: Call, cluster: Resource, kind: str, resource_id: str, *, succeed: Ending, fail: Failing = _unharmed
) -> Operation:
    """Start an operation that excludes others on the cluster."""
    operation = call.start(kind, resource_id, succeed=succeed, fail=fail)
    cluster.notes["operation"] = operation
    return operation


def _installs(call: Call, cluster: Resource) -> bool:
    extensions = call.cloud.store.of_type("Microsoft.KubernetesConfiguration/extensions", cluster.id)
    return any(operation for extension in extensions for operation in call.cloud.operations.running(extension.id))
