"""The table of Microsoft.ContainerService."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure.container_service import agent_pools, clusters, operations, run_command, trusted_access, versions
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply
from local.azure.routing import Provider, ResourceType, Route

if TYPE_CHECKING:
    from local.azure.exchange import Call

_NAMESPACE = "Microsoft.ContainerService"
_CLUSTER = "managedClusters/{cluster}"
_POOL = f"{_CLUSTER}/agentPools/{{pool}}"
_BINDING = f"{_CLUSTER}/trustedAccessRoleBindings/{{binding}}"
_LOCATION = "locations/{location}"
_VERSIONS = (
    "2025-10-01",
    "2025-07-01",
    "2025-05-01",
    "2025-02-01",
    "2024-09-01",
    "2024-08-01",
    "2024-07-02-preview",
    "2024-05-01",
    "2023-08-01",
)


def _kubernetes_versions(_: Call) -> Reply:
    """The versions that can be asked for; not recorded."""
    values = [
        {
            "version": minor,
            "capabilities": {"supportPlan": ["KubernetesOfficial"]},
            "isDefault": minor == versions.DEFAULT,
            "isPreview": False,
            "patchVersions": {patch: {"upgrades": []}},
        }
        for minor, patch in versions.PATCHES.items()
    ]
    return Reply(200, {"values": values}, content_type=CONTENT_TYPE)


PROVIDER = Provider(
    namespace=_NAMESPACE,
    routes=(
        Route("GET", "managedClusters", clusters.list_all),
        Route("GET", _CLUSTER, clusters.get),
        Route("PUT", _CLUSTER, clusters.put),
        Route("PATCH", _CLUSTER, clusters.patch),
        Route("DELETE", _CLUSTER, clusters.delete),
        Route("POST", f"{_CLUSTER}/start", clusters.start),
        Route("POST", f"{_CLUSTER}/stop", clusters.stop),
        Route("POST", f"{_CLUSTER}/runCommand", run_command.run),
        Route("GET", f"{_CLUSTER}/commandResults/{{command}}", run_command.result),
        Route("GET", f"{_CLUSTER}/agentPools", agent_pools.list_all),
        Route("GET", _POOL, agent_pools.get),
        Route("PUT", _POOL, agent_pools.put),
        Route("DELETE", _POOL, agent_pools.delete),
        Route("GET", f"{_CLUSTER}/trustedAccessRoleBindings", trusted_access.list_bindings),
        Route("GET", _BINDING, trusted_access.get),
        Route("PUT", _BINDING, trusted_access.put),
        Route("DELETE", _BINDING, trusted_access.delete),
        Route("GET", f"{_LOCATION}/trustedAccessRoles", trusted_access.list_roles),
        Route("GET", f"{_LOCATION}/kubernetesVersions", _kubernetes_versions),
        Route("GET", f"{_LOCATION}/operations/{{operation}}", operations.status),
        Route("GET", f"{_LOCATION}/operationresults/{{operation}}", operations.result),
    ),
    versions=("2016-03-30", "2026-12-31"),
    types=(
        ResourceType("managedClusters", _VERSIONS, "SystemAssignedResourceIdentity, SupportsTags, SupportsLocation"),
        ResourceType("managedClusters/agentPools", _VERSIONS),
        ResourceType("managedClusters/trustedAccessRoleBindings", _VERSIONS),
        ResourceType("locations", _VERSIONS),
        ResourceType("locations/operations", ("2017-08-31", operations.VERSION)),
        ResourceType("locations/operationresults", ("2017-08-31", operations.VERSION)),
        ResourceType("locations/trustedAccessRoles", _VERSIONS),
        ResourceType("locations/kubernetesVersions", _VERSIONS),
    ),
)
