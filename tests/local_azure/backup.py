"""A cluster with everything in place that Azure Backup needs, for tests of protection."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from tests.local_azure.client import SUBSCRIPTION

if TYPE_CHECKING:
    from tests.local_azure.client import Answer, Client

GROUP = f"{SUBSCRIPTION}/resourceGroups/backup"
CLUSTER_GROUP = f"{SUBSCRIPTION}/resourceGroups/clusters"
VAULT = f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/vault1"
POLICY, GOLD = f"{VAULT}/backupPolicies/bronze", f"{VAULT}/backupPolicies/gold"
INSTANCE = f"{VAULT}/backupInstances/k1-k1-1"
CLUSTER = f"{CLUSTER_GROUP}/providers/Microsoft.ContainerService/managedClusters/k1"
BINDING = f"{CLUSTER}/trustedAccessRoleBindings/vault1"
EXTENSION = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/acc1"
CONTAINER = f"{ACCOUNT}/blobServices/default/containers/backups"
CLUSTER_IDENTITY, EXTENSION_IDENTITY = "00000000-0000-0000-0000-0000000000c1", "00000000-0000-0000-0000-0000000000e1"

READER, CONTRIBUTOR = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "b24988ac-6180-42a0-ab88-20f7382dd24c"
BLOB_CONTRIBUTOR, BLOB_READER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
SNAPSHOTS, DISK_DATA = "7efff54f-a5b4-42b5-a1c5-5411624893ce", "959f8984-c045-4866-89c7-12bf9737be2e"

_SETTINGS = "configuration.backupStorageLocation"
_SETS = {
    f"{_SETTINGS}.bucket": "backups",
    f"{_SETTINGS}.config.storageAccount": "acc1",
    f"{_SETTINGS}.config.resourceGroup": "backup",
    f"{_SETTINGS}.config.subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
    f"{_SETTINGS}.config.useAAD": "true",
}


def vault(**properties: Any) -> dict[str, Any]:
    """A request for a vault."""
    return {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {"storageSettings": [{"datastoreType": "VaultStore", "type": "LocallyRedundant"}], **properties},
    }


def _store(name: str) -> dict[str, str]:
    return {"dataStoreType": name, "objectType": "DataStoreInfoBase"}


def lifecycle(store: str, duration: str, *copies: str) -> dict[str, Any]:
    """A lifecycle of a retention rule, with copies to other stores."""
    return {
        "deleteAfter": {"objectType": "AbsoluteDeleteOption", "duration": duration},
        "sourceDataStore": _store(store),
        "targetDataStoreCopySettings": [
            {"copyAfter": {"objectType": "ImmediateCopyOption"}, "dataStore": _store(copy)} for copy in copies
        ],
    }


def policy(*, vault_tier: bool = False, frequency: str = "P1D") -> dict[str, Any]:
    """A request for a policy, with or without a daily copy to the vault tier."""
    tags: list[dict[str, Any]] = [
        {"isDefault": True, "tagInfo": {"id": "Default_", "tagName": "Default"}, "taggingPriority": 99}
    ]
    rules: list[dict[str, Any]] = [
        {
            "objectType": "AzureBackupRule",
            "name": "BackupHourly",
            "backupParameters": {"backupType": "Incremental", "objectType": "AzureBackupParams"},
            "dataStore": _store("OperationalStore"),
            "trigger": {
                "objectType": "ScheduleBasedTriggerContext",
                "schedule": {"repeatingTimeIntervals": [f"R/2023-01-04T09:00:00+00:00/{frequency}"]},
                "taggingCriteria": tags,
            },
        },
        {
            "objectType": "AzureRetentionRule",
            "name": "Default",
            "isDefault": True,
            "lifecycles": [lifecycle("OperationalStore", "P7D")],
        },
    ]
    if vault_tier:
        daily = {"objectType": "ScheduleBasedBackupCriteria", "absoluteCriteria": ["FirstOfDay"]}
        info = {"id": "Daily_", "tagName": "Daily"}
        tags.append({"isDefault": False, "tagInfo": info, "taggingPriority": 25, "criteria": [daily]})
        cycles = [lifecycle("OperationalStore", "P7D", "VaultStore"), lifecycle("VaultStore", "P84D")]
        rules.append({"objectType": "AzureRetentionRule", "name": "Daily", "isDefault": False, "lifecycles": cycles})
    kinds = ["Microsoft.ContainerService/managedClusters"]
    return {"properties": {"objectType": "BackupPolicy", "datasourceTypes": kinds, "policyRules": rules}}


def instance(policy_id: str = POLICY, cluster: str = CLUSTER) -> dict[str, Any]:
    """Properties of a backup instance as a client sends them."""
    source = {
        "objectType": "Datasource",
        "datasourceType": "Microsoft.ContainerService/managedClusters",
        "resourceID": cluster,
        "resourceLocation": "westeurope",
        "resourceName": cluster.rsplit("/", 1)[-1],
        "resourceType": "Microsoft.ContainerService/managedclusters",
        "resourceUri": cluster,
    }
    configuration = {
        "objectType": "KubernetesClusterBackupDatasourceParameters",
        "snapshotVolumes": True,
        "includeClusterScopeResources": True,
    }
    snapshots = {"dataStoreType": "OperationalStore", "objectType": "AzureOperationalStoreParameters"}
    return {
        "objectType": "BackupInstance",
        "friendlyName": "k1",
        "dataSourceInfo": source,
        "dataSourceSetInfo": {**source, "objectType": "DatasourceSet"},
        "policyInfo": {
            "policyId": policy_id,
            "policyParameters": {
                "dataStoreParametersList": [{**snapshots, "resourceGroupId": GROUP}],
                "backupDatasourceParametersList": [configuration],
            },
        },
    }


async def make_vault(azure: Client, **properties: Any) -> str:
    """Create group, vault and both policies; return the object id of the vault's identity."""
    await azure.group("backup")
    made = await azure.arm("PUT", VAULT, vault(**properties))
    assert made.status == 201
    await azure.control("POST", "/clock", {"advance": 1})
    assert (await azure.arm("PUT", POLICY, policy())).status == 200
    assert (await azure.arm("PUT", GOLD, policy(vault_tier=True))).status == 200
    return str(made.body["identity"]["principalId"])


def trusted() -> dict[str, Any]:
    """Properties of a finished trusted access binding of the vault."""
    operator = "Microsoft.DataProtection/backupVaults/backup-operator"
    return {"sourceResourceId": VAULT, "roles": [operator], "provisioningState": "Succeeded"}


def installed(identity: str) -> dict[str, Any]:
    """Properties of an installed backup extension with an identity."""
    return {
        "extensionType": "microsoft.dataprotection.kubernetes",
        "provisioningState": "Succeeded",
        "aksAssignedIdentity": {"type": "UserAssigned", "principalId": identity},
        "configurationSettings": copy.deepcopy(_SETS),
    }


def place_cluster(azure: Client) -> None:
    """Put the cluster with extension and binding, and the storage, as they stand when they are ready."""
    azure.cloud.seed(CLUSTER_GROUP, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    running = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
    identity = {"type": "SystemAssigned", "principalId": CLUSTER_IDENTITY}
    azure.cloud.seed(CLUSTER, {"location": "westeurope", "identity": identity, "properties": running})
    azure.cloud.seed(BINDING, {"properties": trusted()})
    azure.cloud.seed(EXTENSION, {"properties": installed(EXTENSION_IDENTITY)})
    azure.cloud.seed(ACCOUNT, {"location": "westeurope", "properties": {"allowSharedKeyAccess": False}})
    azure.cloud.seed(CONTAINER, {"properties": {}})


def grants(vault_identity: str, *, vault_tier: bool = False) -> list[tuple[str, str, str]]:
    """Role, principal and scope of every grant that protection needs."""
    needed = [
        (CONTRIBUTOR, CLUSTER_IDENTITY, GROUP),
        (BLOB_CONTRIBUTOR, EXTENSION_IDENTITY, ACCOUNT),
        (READER, vault_identity, CLUSTER),
        (READER, vault_identity, GROUP),
    ]
    if vault_tier:
        needed += [
            (SNAPSHOTS, vault_identity, GROUP),
            (DISK_DATA, vault_identity, GROUP),
            (BLOB_READER, vault_identity, ACCOUNT),
        ]
    return needed


async def grant(azure: Client, role: str, principal: str, scope: str) -> str:
    """Assign a role and return the assignment's id."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, role + principal + scope)
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    wanted = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
    assert (await azure.arm("PUT", path, {"properties": wanted}, caller="app")).status in {200, 201}
    return path


async def everything(azure: Client, *, vault_tier: bool = False) -> str:
    """Put everything in place, with all grants in effect; return the vault's identity."""
    identity = await make_vault(azure)
    place_cluster(azure)
    for role, principal, scope in grants(identity, vault_tier=vault_tier):
        await grant(azure, role, principal, scope)
    await azure.control("POST", "/clock", {"advance": 91})
    return identity


async def protected(azure: Client, policy_id: str = POLICY) -> None:
    """Put everything in place and wait until the cluster is protected with a policy."""
    await everything(azure, vault_tier=policy_id == GOLD)
    made = await azure.arm("PUT", INSTANCE, {"properties": instance(policy_id)})
    assert made.status == 201
    await azure.control("POST", "/clock", {"advance": 72})


async def validate(azure: Client, properties: dict[str, Any] | None = None, seconds: float = 45) -> Answer:
    """Validate for backup, wait that many virtual seconds, and return the operation's status."""
    body = {"backupInstance": properties or instance()}
    accepted = await azure.arm("POST", f"{VAULT}/validateForBackup", body, caller="app")
    assert accepted.status == 202
    await azure.control("POST", "/clock", {"advance": seconds})
    return await azure.arm("GET", accepted.headers["Azure-AsyncOperation"], caller="app")
