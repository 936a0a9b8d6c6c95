"""The table of Microsoft.Storage."""

from __future__ import annotations

from local.azure.routing import Provider, ResourceType, Route
from local.azure.storage import accounts, containers, network

_ACCOUNT = "storageAccounts/{account}"
_CONNECTION = f"{_ACCOUNT}/privateEndpointConnections/{{connection}}"
_SERVICE = f"{_ACCOUNT}/blobServices/{{service}}"
_CONTAINER = f"{_SERVICE}/containers/{{container}}"
_VERSIONS = ("2025-06-01", "2025-01-01", "2024-01-01", "2023-05-01", "2023-01-01", "2022-09-01", "2021-09-01")

PROVIDER = Provider(
    namespace="Microsoft.Storage",
    routes=(
        Route("GET", "storageAccounts", accounts.list_all),
        Route("GET", _ACCOUNT, accounts.get),
        Route("PUT", _ACCOUNT, accounts.put),
        Route("PATCH", _ACCOUNT, accounts.patch),
        Route("DELETE", _ACCOUNT, accounts.delete),
        Route("POST", f"{_ACCOUNT}/listKeys", accounts.list_keys),
        Route(
            "POST", "checkNameAvailability", accounts.check_name, action="Microsoft.Storage/checknameavailability/read"
        ),
        Route("GET", "locations/{location}/asyncoperations/{operation}", accounts.poll),
        Route("GET", f"{_ACCOUNT}/privateEndpointConnections", network.list_all),
        Route("GET", _CONNECTION, network.get),
        Route("PUT", _CONNECTION, network.put),
        Route("DELETE", _CONNECTION, network.delete),
        Route("GET", _SERVICE, containers.service),
        Route("GET", f"{_SERVICE}/containers", containers.list_all),
        Route("GET", _CONTAINER, containers.get),
        Route("PUT", _CONTAINER, containers.put),
        Route("PATCH", _CONTAINER, containers.patch),
        Route("DELETE", _CONTAINER, containers.delete),
    ),
    versions=("2015-06-15", "2026-12-31"),
    types=(
        ResourceType("storageAccounts", _VERSIONS, "SystemAssignedResourceIdentity, SupportsTags, SupportsLocation"),
        ResourceType("storageAccounts/blobServices", _VERSIONS),
        ResourceType("storageAccounts/blobServices/containers", _VERSIONS),
        ResourceType("storageAccounts/privateEndpointConnections", _VERSIONS),
        ResourceType("checkNameAvailability", _VERSIONS),
        ResourceType("locations", _VERSIONS),
        ResourceType("locations/asyncoperations", _VERSIONS),
    ),
    implicit=frozenset({"locations", "storageaccounts/blobservices"}),
)
