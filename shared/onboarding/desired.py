"""What is wanted for one cluster: every id and body, computed without asking anybody."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from shared.arm.ids import group_of, name_of
from shared.catalog.model import Catalog, Policy
from shared.catalog.rendering import DATASOURCE_TYPE, arm_name, render, render_contents
from shared.fleet.records import Storage
from shared.onboarding import names
from shared.onboarding.cluster import Cluster
from shared.settings import Isolation, Settings

EXTENSION_NAME = "azure-aks-backup"
EXTENSION_TYPE = "microsoft.dataprotection.kubernetes"
BACKUP_OPERATOR = "Microsoft.DataProtection/backupVaults/backup-operator"
OWNER_TAG = "managed-by"


@dataclass(frozen=True, slots=True)
class Desired:
    """Ids and ARM bodies of everything that protecting one cluster takes.

    `adopted` says that account and container are those of an extension that somebody else installed: they are used,
    never changed. `regional` says that group and account are the deployment's, shared by a region.
    """

    cluster: Cluster
    policy_name: str
    vault_tier: bool
    owner: str
    vault_group: str
    vault: str
    vault_body: dict[str, Any]
    policy: str
    policy_body: dict[str, Any]
    group: str
    account: str
    container: str
    binding: str
    instance: str
    instance_body: dict[str, Any]
    regional: bool
    adopted: bool

    @property
    def fingerprint(self) -> str:
        """Of all that is wanted: while it stays, what an onboarding observed so far still counts."""
        wanted = [self.instance, self.vault_body, self.policy_body, self.instance_body, self.account, self.container]
        return sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def owned(self) -> dict[str, str]:
        """The tag that says whose a resource is."""
        return {OWNER_TAG: self.owner}


def _vault_body(catalog: Catalog, policy: Policy, location: str) -> dict[str, Any]:
    profile = catalog.profile_of(policy)
    soft_delete = {"state": "On", "retentionDurationInDays": float(profile.soft_delete_days)}
    return {
        "location": location,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "storageSettings": [{"datastoreType": "VaultStore", "type": profile.redundancy}],
            "securitySettings": {"softDeleteSettings": soft_delete},
        },
    }


def _instance_body(cluster: Cluster, policy: Policy, policy_id: str, group: str) -> dict[str, Any]:
    # dataSourceSetInfo must equal dataSourceInfo but for its objectType, else the instance ends in ProtectionError
    source = {
        "datasourceType": DATASOURCE_TYPE,
        "resourceID": str(cluster.id),
        "resourceUri": str(cluster.id),
        "resourceName": cluster.id.name,
        "resourceType": "Microsoft.ContainerService/managedclusters",
        "resourceLocation": cluster.location,
    }
    snapshots = {
        "dataStoreType": "OperationalStore",
        "objectType": "AzureOperationalStoreParameters",
        "resourceGroupId": group,
    }
    return {
        "friendlyName": cluster.id.name,
        "objectType": "BackupInstance",
        "dataSourceInfo": source | {"objectType": "Datasource"},
        "dataSourceSetInfo": source | {"objectType": "DatasourceSet"},
        "policyInfo": {
            "policyId": policy_id,
            "policyParameters": {
                "dataStoreParametersList": [snapshots],
                "backupDatasourceParametersList": [render_contents(policy)],
            },
        },
    }


def extension_settings(desired: Desired, tenant: str) -> dict[str, str]:
    """Configuration of the backup extension, in the form that goes on the wire.

    With useAAD the extension reaches its storage by its own identity; account keys stay off.
    """
    prefix = "configuration.backupStorageLocation"
    account = name_of(desired.account)
    return {
        f"{prefix}.bucket": desired.container,
        f"{prefix}.config.storageAccount": account,
        f"{prefix}.config.resourceGroup": group_of(desired.account),
        f"{prefix}.config.subscriptionId": desired.cluster.id.subscription,
        f"{prefix}.config.useAAD": "true",
        f"{prefix}.config.storageAccountURI": f"https://{account}.blob.core.windows.net/",
        "credentials.tenantId": tenant,
    }


def desired_protection(
    cluster: Cluster,
    selected: tuple[str, Policy],
    catalog: Catalog,
    settings: Settings,
    *,
    storage: Storage | None = None,
) -> Desired:
    """Compute what is wanted. `storage` is that of a foreign extension on the cluster, used in place of ours."""
    policy_name, policy = selected
    deployment = settings.deployment_id
    subscription, location = cluster.id.subscription, cluster.location
    regional = settings.isolation is Isolation.REGION
    group = (
        names.regional_group(subscription, location, deployment)
        if regional
        else names.backup_group(cluster.id, deployment)
    )
    vault = names.vault(subscription, location, policy.vault_profile, deployment)
    policy_id = f"{vault}/backupPolicies/{arm_name(policy_name, policy)}"
    return Desired(
        cluster=cluster,
        policy_name=policy_name,
        vault_tier=policy.vault_tier is not None,
        owner=f"aks-backup-autopilot/{deployment}",
        vault_group=names.vault_group(subscription, location, deployment),
        vault=vault,
        vault_body=_vault_body(catalog, policy, location),
        policy=policy_id,
        policy_body={"properties": render(policy)},
        group=group,
        account=storage.account_id if storage else names.storage_account(group, deployment),
        container=storage.container if storage else names.container(cluster.id),
        binding=names.binding(cluster.id, vault),
        instance=names.instance(cluster.id, vault),
        instance_body=_instance_body(cluster, policy, policy_id, group),
        regional=regional,
        adopted=storage is not None,
    )
