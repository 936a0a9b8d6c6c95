"""Restores of the one protected cluster: requests, a second cluster to restore to, a place for staging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from tests.local_azure import backup
from tests.local_azure.backup import ACCOUNT, CLUSTER, CLUSTER_GROUP, GROUP, INSTANCE, POLICY, VAULT
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.ondemand import advance, all_points, run_one

if TYPE_CHECKING:
    from tests.local_azure.client import Answer, Client

TARGET = f"{CLUSTER_GROUP}/providers/Microsoft.ContainerService/managedClusters/k2"
TARGET_BINDING = f"{TARGET}/trustedAccessRoleBindings/vault1"
TARGET_EXTENSION = f"{TARGET}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
TARGET_IDENTITY, TARGET_EXTENSION_IDENTITY = (f"00000000-0000-0000-0000-0000000000{end}" for end in ("c2", "e2"))
STAGING = f"{SUBSCRIPTION}/resourceGroups/staging"
STAGING_ACCOUNT = f"{SUBSCRIPTION}/resourceGroups/staging-blobs/providers/Microsoft.Storage/storageAccounts/staging1"
ACCOUNT_CONTRIBUTOR, BLOB_OWNER = "17d1049b-9a84-46fb-8f53-869881c3d3ab", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"

type Grant = tuple[str, str, str]
"""Role, principal and scope."""


def wanted(point: str, target: str = CLUSTER, **criteria: Any) -> dict[str, Any]:
    """A request for a restore from the operational store, as the recorded client sends it."""
    source = {
        "datasourceType": "Microsoft.ContainerService/managedClusters",
        "objectType": "Datasource",
        "resourceId": target,
        "resourceLocation": "westeurope",
        "resourceName": target.rsplit("/", 1)[-1],
        "resourceType": "Microsoft.ContainerService/managedclusters",
        "resourceUri": target,
    }
    filters = ("excludedNamespaces", "excludedResourceTypes", "includedNamespaces", "includedResourceTypes")
    usual = {
        "objectType": "KubernetesClusterRestoreCriteria",
        "conflictPolicy": "Skip",
        "includeClusterScopeResources": True,
        "persistentVolumeRestoreMode": "RestoreWithVolumeData",
        "namespaceMappings": None,
        **dict.fromkeys(filters),
    }
    return {
        "objectType": "AzureBackupRecoveryPointBasedRestoreRequest",
        "recoveryPointId": point,
        "sourceDataStoreType": "OperationalStore",
        "restoreTargetInfo": {
            "objectType": "ItemLevelRestoreTargetInfo",
            "recoveryOption": "FailIfExists",
            "restoreLocation": "westeurope",
            "datasourceInfo": source,
            "datasourceSetInfo": {**source, "objectType": "DatasourceSet"},
            "restoreCriteria": [{**usual, **criteria}],
        },
    }


def wanted_from_vault(point: str, target: str = CLUSTER, **criteria: Any) -> dict[str, Any]:
    """A request for a restore from the vault tier by way of the staging location."""
    staged = {
        "objectType": "KubernetesClusterVaultTierRestoreCriteria",
        "stagingResourceGroupId": STAGING,
        "stagingStorageAccountId": STAGING_ACCOUNT,
    }
    return {**wanted(point, target, **{**staged, **criteria}), "sourceDataStoreType": "VaultStore"}


async def backed_up(azure: Client, policy: str = POLICY, **trigger: Any) -> str:
    """A protected cluster with one recovery point; the point's name. With the policy `GOLD` ask for the tag `Daily`."""
    await backup.protected(azure, policy)
    assert (await run_one(azure, **trigger))["status"] == "Completed"
    if trigger:
        await advance(azure, 5400)  # the copy in the vault
    return str((await all_points(azure))[0]["recoveryPointId"])


async def validate(azure: Client, request: dict[str, Any]) -> Answer:
    """Validate a restore to its end; the operation's status."""
    accepted = await azure.arm("POST", f"{INSTANCE}/validateRestore", {"restoreRequestObject": request})
    assert accepted.status == 202, accepted
    await advance(azure, 42)
    return await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])


async def verdict(azure: Client, request: dict[str, Any]) -> str:
    """The code that a validation fails with, or "" when the restore is possible."""
    status = (await validate(azure, request)).body
    return str(status["error"]["code"]) if status["status"] == "Failed" else ""


async def restore(azure: Client, request: dict[str, Any], seconds: float = 218) -> dict[str, Any]:
    """Start a restore and wait; the properties of its job, read alone."""
    accepted = await azure.arm("POST", f"{INSTANCE}/restore", request)
    assert accepted.status == 202, accepted
    await advance(azure, seconds)
    status = await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])
    properties: dict[str, Any] = (await azure.arm("GET", status.body["properties"]["jobId"])).body["properties"]
    return properties


def vault_identity(cloud: Cloud) -> str:
    """Object id of the vault's identity."""
    vault = cloud.store.get(VAULT)
    assert vault
    return str(vault.body["identity"]["principalId"])


def give(cloud: Cloud, *grants: Grant) -> None:
    """Assign roles with effect at once."""
    for role, principal_id, scope in grants:
        definition = cloud.roles.get(role)
        assert definition
        principal = cloud.directory.get(principal_id) or Principal(principal_id, principal_id)
        cloud.assign(cloud.directory.add(principal), definition, scope)


def place_target(cloud: Cloud, target: str = TARGET) -> None:
    """Put a second cluster with extension and binding as they stand; without a single role."""
    running = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
    identity = {"type": "SystemAssigned", "principalId": TARGET_IDENTITY}
    cloud.seed(target.partition("/providers/")[0], {"location": "westeurope"})
    cloud.seed(target, {"location": "westeurope", "identity": identity, "properties": running})
    cloud.seed(TARGET_BINDING.replace(TARGET, target), {"properties": backup.trusted()})
    cloud.seed(TARGET_EXTENSION.replace(TARGET, target), {"properties": backup.installed(TARGET_EXTENSION_IDENTITY)})


def target_grants(cloud: Cloud, target: str = TARGET) -> list[Grant]:
    """What a restore from the operational store to the second cluster needs beside what protection needs."""
    return [
        (backup.READER, vault_identity(cloud), target),
        (backup.CONTRIBUTOR, TARGET_IDENTITY, GROUP),
        (backup.BLOB_CONTRIBUTOR, TARGET_EXTENSION_IDENTITY, ACCOUNT),
    ]


def place_staging(cloud: Cloud) -> None:
    """Put a staging group and account as a restore from the vault tier needs them; without a single role."""
    for group in (STAGING, STAGING_ACCOUNT.partition("/providers/")[0]):
        cloud.seed(group, {"location": "westeurope"})
    open_account = {"allowCrossTenantReplication": True, "publicNetworkAccess": "Enabled"}
    cloud.seed(STAGING_ACCOUNT, {"location": "westeurope", "properties": open_account})


def staging_grants(
    cloud: Cloud, cluster: str = backup.CLUSTER_IDENTITY, extension: str = backup.EXTENSION_IDENTITY
) -> list[Grant]:
    """What a restore from the vault tier needs on the staging location; identities of the target cluster."""
    return staging_grants_of(vault_identity(cloud), cluster, extension)


def staging_grants_of(vault: str, cluster: str, extension: str) -> list[Grant]:
    """The same for the identities of another vault."""
    return [
        (backup.CONTRIBUTOR, vault, STAGING),
        (ACCOUNT_CONTRIBUTOR, vault, STAGING_ACCOUNT),
        (BLOB_OWNER, vault, STAGING_ACCOUNT),
        (backup.CONTRIBUTOR, cluster, STAGING),
        (backup.BLOB_CONTRIBUTOR, extension, STAGING_ACCOUNT),
    ]
