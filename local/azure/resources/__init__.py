"""Microsoft.Resources: tenants, subscriptions, provider registration, resource groups, tags."""

from local.azure.resources import groups, registration, subscriptions, tags
from local.azure.routing import Provider, ResourceType

PROVIDER = Provider(
    "Microsoft.Resources",
    (*subscriptions.ROUTES, *registration.ROUTES, *groups.ROUTES, *tags.ROUTES),
    ("2014-04-01", "2026-12-31"),
    (
        ResourceType("tenants", ("2022-12-01", "2020-01-01", "2016-06-01")),
        ResourceType("subscriptions", ("2022-12-01", "2020-01-01", "2019-06-01", "2016-06-01")),
        ResourceType("resourceGroups", ("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01", "2016-02-01")),
        ResourceType("tags", ("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01"), "SupportsExtension"),
    ),
    frozenset(),
)
