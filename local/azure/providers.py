"""The resource providers that are served."""

from local.azure import authorization, resources
from local.azure.routing import Provider

PROVIDERS: tuple[Provider, ...] = (
    resources.PROVIDER,
    authorization.PROVIDER,
)
