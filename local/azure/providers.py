"""The resource providers that are served."""

from local.azure import (
    authorization,
    compute,
    container_service,
    data_protection,
    event_grid,
    kubernetes_configuration,
    management,
    network,
    resource_graph,
    resources,
    storage,
)
from local.azure.routing import Provider

PROVIDERS: tuple[Provider, ...] = (
    resources.PROVIDER,
    authorization.PROVIDER,
    compute.PROVIDER,
    container_service.PROVIDER,
    kubernetes_configuration.PROVIDER,
    storage.PROVIDER,
    network.PROVIDER,
    data_protection.PROVIDER,
    event_grid.PROVIDER,
    resource_graph.PROVIDER,
    management.PROVIDER,
)
