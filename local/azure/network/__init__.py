"""Microsoft.Network: private endpoints of storage accounts, and nothing else.

Nothing of it is recorded; shapes are those of the published API (2024-05-01). Networks and subnets aren't served: their
ids are taken as they are.
"""

from local.azure.network import endpoints
from local.azure.routing import Provider, ResourceType, Route

_ENDPOINT = "privateEndpoints/{endpoint}"
_VERSIONS = ("2024-07-01", "2024-05-01", "2024-01-01", "2023-11-01", "2022-07-01", "2021-05-01")

PROVIDER = Provider(
    "Microsoft.Network",
    (
        Route("GET", "privateEndpoints", endpoints.list_all),
        Route("GET", _ENDPOINT, endpoints.get),
        Route("PUT", _ENDPOINT, endpoints.put),
        Route("DELETE", _ENDPOINT, endpoints.delete),
        Route("GET", "locations/{location}/operations/{operation}", endpoints.status),
    ),
    ("2015-05-01-preview", "2026-12-31"),
    (
        ResourceType("privateEndpoints", _VERSIONS, "SupportsTags, SupportsLocation"),
        ResourceType("locations/operations", _VERSIONS),
    ),
)
