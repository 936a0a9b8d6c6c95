"""Microsoft.Storage, management plane: accounts and blob containers. Their data is Azurite's business."""

from local.azure.storage.provider import PROVIDER

__all__ = ["PROVIDER"]
