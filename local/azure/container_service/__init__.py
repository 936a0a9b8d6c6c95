"""Microsoft.ContainerService: managed clusters, agent pools and trusted access."""

from local.azure.container_service.provider import PROVIDER

__all__ = ["PROVIDER"]
