"""The operations of extensions: where they are polled and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure import errors, paths
from local.azure.exchange import Reply

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation
    from local.azure.store import Resource

POLL_AFTER = 30.0
"""Virtual seconds between two looks, as recorded for clients; the header itself was lost."""

# Kind of operation -> how its status reads while it runs; `Creating` is recorded.
_RUNNING = {"extensionWrite": "Creating", "extensionUpdate": "Updating", "extensionDelete": "Deleting"}

# Recorded: operation URLs spell the parent in their own way, whatever the request said.
_HOST_TYPES = {"connectedclusters": "ConnectedClusters", "managedclusters": "managedClusters"}


def accepted(call: Call, operation: Operation, cluster: Resource) -> dict[str, str]:
    """Headers of an answer that started an operation.

    `location` points at another host, which a client must not follow with its token (recorded).
    """
    path = _extension_path(call)
    region = cluster.location or "eastus"
    return {
        "azure-asyncoperation": call.url(f"{path}/operations/{operation.id}"),
        "location": f"https://{region}.rp.kubernetesconfiguration.azure.com{path}",
    }


def status(call: Call) -> Reply:
    """GET of an operation: no times, only where it stands (recorded)."""
    operation = call.cloud.operations.get(call.arguments["operation"])
    if operation is None:
        raise errors.ArmError(404, "NotFound", f"The operation '{call.arguments['operation']}' was not found.")
    body: Json = {
        "id": call.id,
        "name": operation.id,
        "status": _RUNNING[operation.kind] if operation.running else operation.status,
    }
    if operation.error:
        body["error"] = operation.error.fields()
    return Reply(200, body, retry_after=POLL_AFTER if operation.running else None)


def _extension_path(call: Call) -> str:
    host = paths.parse(call.target.scope)
    kind, name = host.tail.split("/", maxsplit=1)
    parent = f"{host.scope}/providers/{host.namespace}/{_HOST_TYPES.get(kind.lower(), kind)}/{name}"
    return f"{parent}/providers/Microsoft.KubernetesConfiguration/extensions/{call.target.name}"
