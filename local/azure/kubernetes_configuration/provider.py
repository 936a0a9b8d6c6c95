"""The table of Microsoft.KubernetesConfiguration."""

from __future__ import annotations

from local.azure.kubernetes_configuration import extensions, operations
from local.azure.routing import Provider, ResourceType, Route

_EXTENSION = "extensions/{extension}"
_VERSIONS = ("2025-03-01", "2024-11-01", "2023-05-01", "2022-11-01", "2022-07-01", "2022-03-01")

PROVIDER = Provider(
    namespace="Microsoft.KubernetesConfiguration",
    routes=(
        Route("GET", "extensions", extensions.list_all),
        Route("GET", _EXTENSION, extensions.get),
        Route("PUT", _EXTENSION, extensions.put),
        Route("PATCH", _EXTENSION, extensions.patch),
        Route("DELETE", _EXTENSION, extensions.delete),
        # A removed extension's operation can still be looked at.
        Route("GET", f"{_EXTENSION}/operations/{{operation}}", operations.status, parents=False),
    ),
    versions=("2020-07-01", "2026-12-31"),
    types=(
        ResourceType("extensions", _VERSIONS, "SystemAssignedResourceIdentity, SupportsExtension"),
        ResourceType("operations", _VERSIONS),
    ),
)
