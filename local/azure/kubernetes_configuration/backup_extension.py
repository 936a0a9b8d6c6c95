"""What the backup extension (microsoft.dataprotection.kubernetes) needs to come up.

Its settings are verified in its source. That a missing one or an absent container fails the install is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure import paths, regions
from local.azure.errors import ArmError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from local.azure.cloud import Cloud
    from local.azure.store import Resource

EXTENSION_TYPE = "microsoft.dataprotection.kubernetes"

_LOCATION = "configuration.backupStorageLocation"
# Setting on the wire and the short form of it that people type.
_SETTINGS = {
    "container": (f"{_LOCATION}.bucket", "blobContainer"),
    "account": (f"{_LOCATION}.config.storageAccount", "storageAccount"),
    "group": (f"{_LOCATION}.config.resourceGroup", "storageAccountResourceGroup"),
    "subscription": (f"{_LOCATION}.config.subscriptionId", "storageAccountSubscriptionId"),
}


def installation_failed(reason: str) -> ArmError:
    """The failure of an install or update, as its operation and the extension's `errorInfo` tell it."""
    return ArmError(
        400,
        "ExtensionOperationFailed",
        f"The extension operation failed with the following error: {reason}",
    )


def check(cloud: Cloud, cluster: Resource, settings: Mapping[str, Any]) -> None:
    """Judge an install at its end.

    Raises:
        ArmError: A setting is missing, or the account or container isn't where it must be.
    """
    named = {key: _value(settings, *names) for key, names in _SETTINGS.items()}
    missing = [_SETTINGS[key][0] for key, value in named.items() if not value]
    if missing:
        raise installation_failed(f"the configuration settings {', '.join(missing)} are required.")
    account_id = (
        f"/subscriptions/{named['subscription']}/resourceGroups/{named['group']}/providers/Microsoft.Storage/"
        f"storageAccounts/{named['account']}"
    )
    account = cloud.store.get(account_id)
    if account is None:
        raise _not_ready(f"the storage account '{named['account']}' was not found in '{named['group']}'")
    _check_place(cluster, account)
    if cloud.store.get(f"{account.id}/blobServices/default/containers/{named['container']}") is None:
        raise _not_ready(f"the container '{named['container']}' of '{named['account']}' does not exist")


def _check_place(cluster: Resource, account: Resource) -> None:
    subscriptions = {(paths.parse(resource.id).subscription or "").lower() for resource in (cluster, account)}
    if len(subscriptions) > 1:
        raise _not_ready(f"the storage account '{account.name}' is not in the cluster's subscription")
    if regions.find(cluster.location) != regions.find(account.location):
        raise _not_ready(f"the storage account '{account.name}' is not in the cluster's region")


def _not_ready(reason: str) -> ArmError:
    return installation_failed(f"the backup storage location is not ready: {reason}.")


def _value(settings: Mapping[str, Any], *names: str) -> str:
    """A setting by any of its names; names are compared without case."""
    lowered = {key.lower(): value for key, value in settings.items()}
    return next((str(lowered[name.lower()]) for name in names if lowered.get(name.lower())), "")
