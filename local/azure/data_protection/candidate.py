"""A cluster that is to be protected, and where everything is that its protection needs."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from local.azure.cloud import Cloud
from local.azure.data_protection.dialect import AKS, user_error
from local.azure.errors import ArmError, Json
from local.azure.store import Resource

EXTENSIONS = "Microsoft.KubernetesConfiguration/extensions"
EXTENSION_TYPE = "microsoft.dataprotection.kubernetes"

_LOCATION = "configuration.backupStorageLocation"


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A cluster that is to be protected, as a request describes it, at the moment of judgment.

    Attributes:
        cloud: The simulated Azure.
        vault: The vault.
        properties: Properties of the backup instance.
        at: Virtual time of the judgment.
    """

    cloud: Cloud
    vault: Resource
    properties: Json
    at: dt.datetime

    @property
    def cluster_id(self) -> str:
        """Id of the datasource; `resourceId` is accepted beside `resourceID` (wire facts)."""
        return datasource_id(self.properties)

    @property
    def cluster(self) -> Resource:
        """The cluster; only after `_cluster_exists`."""
        return self.found(self.cluster_id, "cluster")

    @property
    def policy(self) -> Resource:
        """The policy."""
        return self.found(str((self.properties.get("policyInfo") or {}).get("policyId") or ""), "backup policy")

    @property
    def snapshot_group(self) -> Resource:
        """The resource group for snapshots."""
        return self.found(snapshot_group_id(self.properties), "snapshot resource group")

    @property
    def extension(self) -> Resource:
        """The backup extension of the cluster."""
        for extension in self.cloud.store.children(self.cluster_id, EXTENSIONS):
            if str(extension.properties.get("extensionType")).lower() == EXTENSION_TYPE:
                return extension
        raise user_error(
            "UserErrorKubernetesBackupExtensionNotFoundError",
            f"The Backup extension was not found in the cluster {self.cluster.name}.",
            recommended=["Install the Backup extension in the cluster and try again."],
        )

    @property
    def account(self) -> Resource:
        """The storage account that the extension writes to."""
        group, name = self.setting("resourceGroup"), self.setting("storageAccount")
        base = f"/subscriptions/{self.setting('subscriptionId')}/resourceGroups/{group}"
        account = self.cloud.store.get(f"{base}/providers/Microsoft.Storage/storageAccounts/{name}")
        if account is None:
            raise no_storage_location()
        return account

    @property
    def container(self) -> Resource:
        """The blob container that the extension writes to."""
        container = self.cloud.store.get(f"{self.account.id}/blobServices/default/containers/{self.setting('bucket')}")
        if container is None:
            raise no_storage_location()
        return container

    def setting(self, name: str) -> str:
        """A setting of the extension's backup storage location, in its long or its short form."""
        settings: Mapping[str, Any] = self.extension.properties.get("configurationSettings") or {}
        long, short = _SETTINGS[name]
        return str(settings.get(long) or settings.get(short) or "")

    def found(self, resource_id: str, what: str) -> Resource:
        """A resource that must exist.

        Raises:
            ArmError: It doesn't; the code is recorded for a missing resource in general.
        """
        resource = self.cloud.store.get(resource_id) if resource_id else None
        if resource is None:
            raise user_error(
                "UserErrorGenericResourceNotFound",
                "Azure resource does not exist. Please make sure required resources exist. "
                "If the issue persists, contact Microsoft support.",
                recommended=[f"Make sure that the {what} {resource_id} exists."],
            )
        return resource

    def holds(self, principal_id: str, roles: frozenset[str], scope: str) -> bool:
        """Whether an identity holds one of the roles, with effect."""
        return bool(principal_id) and self.cloud.access.holds(principal_id, roles, scope, self.at)

    @property
    def vault_identity(self) -> str:
        """Object id of the vault's identity."""
        return principal_of(self.vault)


_SETTINGS = {
    "bucket": (f"{_LOCATION}.bucket", "blobContainer"),
    "storageAccount": (f"{_LOCATION}.config.storageAccount", "storageAccount"),
    "resourceGroup": (f"{_LOCATION}.config.resourceGroup", "storageAccountResourceGroup"),
    "subscriptionId": (f"{_LOCATION}.config.subscriptionId", "storageAccountSubscriptionId"),
    "useAAD": (f"{_LOCATION}.config.useAAD", "useAAD"),
}


def datasource_id(properties: Json) -> str:
    """Id of an instance's datasource."""
    source = properties.get("dataSourceInfo") or {}
    return str(source.get("resourceID") or source.get("resourceId") or "")


def snapshot_group_id(properties: Json) -> str:
    """Id of the resource group for an instance's snapshots."""
    stores = ((properties.get("policyInfo") or {}).get("policyParameters") or {}).get("dataStoreParametersList")
    return next((str(store.get("resourceGroupId") or "") for store in stores or []), "")


def is_aks(properties: Json) -> bool:
    """Whether an instance's datasource is an AKS cluster."""
    source = properties.get("dataSourceInfo") or {}
    return str(source.get("datasourceType") or "").lower() == AKS.lower()


def principal_of(resource: Resource) -> str:
    """Object id of a resource's identity: the system-assigned one, else the first user-assigned one."""
    identity = resource.body.get("identity") or {}
    if identity.get("principalId"):
        return str(identity["principalId"])
    assigned = (identity.get("userAssignedIdentities") or {}).values()
    return next((str(one["principalId"]) for one in assigned if one.get("principalId")), "")


def no_storage_location() -> ArmError:
    """The account or the container of the extension is gone; the code is documented, the wording isn't recorded."""
    return user_error(
        "UserErrorNoDefaultBackupStorageLocationFound",
        "No default backup storage location was found: its storage account or its blob container doesn't exist.",
        recommended=["Install the Backup extension again with an existing storage account and blob container."],
    )
