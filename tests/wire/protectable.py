"""An AKS cluster that can be protected without the vault tier, for replaying its protection."""

from local.azure.cloud import Cloud
from tests.wire.scenarios import SUBSCRIPTION, Body, assigned, group, resource

GROUP = "clitest-dpp-rg"
_VAULT = f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/clitest-bkp-vault-aks-donotdelete"
_CLUSTER = "Microsoft.ContainerService/managedClusters/clitest-cluster1-donotdelete"
_CLUSTER_GROUP = "oss-clitest-rg"
REGION = "eastus2euap"
_IDS = {
    name: f"{number:08d}-1111-4111-8111-111111111111"
    for number, name in enumerate(("vault", "cluster", "extension"), start=1)
}
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_CLUSTER_ID = f"{SUBSCRIPTION}/resourceGroups/{_CLUSTER_GROUP}/providers/{_CLUSTER}"
_VAULT_ID = f"{SUBSCRIPTION}/resourceGroups/{_VAULT}"
ACCOUNT = "Microsoft.Storage/storageAccounts/clitestsadonotdelete"
_POLICY: Body = {
    "datasourceTypes": ["Microsoft.ContainerService/managedClusters"],
    "objectType": "BackupPolicy",
    "policyRules": [
        {
            "backupParameters": {"backupType": "Incremental", "objectType": "AzureBackupParams"},
            "dataStore": {"dataStoreType": "OperationalStore", "objectType": "DataStoreInfoBase"},
            "name": "BackupHourly",
            "objectType": "AzureBackupRule",
            "trigger": {
                "objectType": "ScheduleBasedTriggerContext",
                "schedule": {"repeatingTimeIntervals": ["R/2023-01-04T09:00:00+00:00/PT4H"]},
                "taggingCriteria": [
                    {
                        "isDefault": True,
                        "tagInfo": {"id": "Default_", "tagName": "Default"},
                        "taggingPriority": 99,
                    },
                ],
            },
        },
        {
            "isDefault": True,
            "lifecycles": [
                {
                    "deleteAfter": {"duration": "P7D", "objectType": "AbsoluteDeleteOption"},
                    "sourceDataStore": {"dataStoreType": "OperationalStore", "objectType": "DataStoreInfoBase"},
                },
            ],
            "name": "Default",
            "objectType": "AzureRetentionRule",
        },
    ],
}


def protectable(cloud: Cloud) -> None:
    """The roles of a cluster that can be protected without the vault tier."""
    snapshots = f"{SUBSCRIPTION}/resourceGroups/{GROUP}"
    account = f"{snapshots}/providers/{ACCOUNT}"
    for who, role, scope in (
        ("cluster", _CONTRIBUTOR, snapshots),
        ("extension", _BLOB_CONTRIBUTOR, account),
        ("vault", _READER, _CLUSTER_ID),
        ("vault", _READER, snapshots),
    ):
        assigned(_IDS[who], role, scope)(cloud)


SEEDS = (
    group(GROUP, REGION),
    group(_CLUSTER_GROUP, REGION),
    resource(
        GROUP,
        ACCOUNT,
        REGION,
        sku={"name": "Standard_LRS", "tier": "Standard"},
        kind="StorageV2",
        properties={"provisioningState": "Succeeded"},
    ),
    resource(GROUP, f"{ACCOUNT}/blobServices/default/containers/testcontainer"),
    resource(
        _CLUSTER_GROUP,
        _CLUSTER,
        REGION,
        identity={"type": "SystemAssigned", "principalId": _IDS["cluster"]},
        properties={"provisioningState": "Succeeded", "powerState": {"code": "Running"}, "agentPoolProfiles": []},
    ),
    resource(
        _CLUSTER_GROUP,
        f"{_CLUSTER}/trustedAccessRoleBindings/backup",
        properties={
            "provisioningState": "Succeeded",
            "sourceResourceId": _VAULT_ID,
            "roles": ["Microsoft.DataProtection/backupVaults/backup-operator"],
        },
    ),
    resource(
        _CLUSTER_GROUP,
        f"{_CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup",
        properties={
            "extensionType": "microsoft.dataprotection.kubernetes",
            "provisioningState": "Succeeded",
            "aksAssignedIdentity": {"principalId": _IDS["extension"], "tenantId": None, "type": None},
            "configurationSettings": {
                "configuration.backupStorageLocation.bucket": "testcontainer",
                "configuration.backupStorageLocation.config.storageAccount": "clitestsadonotdelete",
                "configuration.backupStorageLocation.config.resourceGroup": GROUP,
                "configuration.backupStorageLocation.config.subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
                "configuration.backupStorageLocation.config.useAAD": "true",
            },
        },
    ),
    (
        _VAULT_ID,
        {
            "location": REGION,
            "identity": {"type": "SystemAssigned", "principalId": _IDS["vault"]},
            "properties": {
                "provisioningState": "Succeeded",
                "storageSettings": [{"datastoreType": "VaultStore", "type": "LocallyRedundant"}],
                "securitySettings": {"softDeleteSettings": {"state": "Off", "retentionDurationInDays": 14.0}},
            },
        },
    ),
    (f"{_VAULT_ID}/backupPolicies/akspolicy", {"properties": _POLICY}),
)
