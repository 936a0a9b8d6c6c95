"""What is wanted for one cluster: every id and body, computed without asking anybody."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from shared.arm.ids import group_id, group_of, name_of, subscription_of
from shared.catalog.model import Catalog, Policy, VaultProfile
from shared.catalog.rendering import DATASOURCE_TYPE, arm_name, bucket_of, render, render_contents
from shared.fleet.records import Places, Storage
from shared.onboarding.cluster import Cluster
from shared.onboarding.guards import guard_requests
from shared.onboarding.names import Namer, binding
from shared.onboarding.network import OPEN, Network, network
from shared.onboarding.vault_tier import fitting
from shared.settings import Isolation, Settings

EXTENSION_NAME = "azure-aks-backup"
EXTENSION_TYPE = "microsoft.dataprotection.kubernetes"
BACKUP_OPERATOR = "Microsoft.DataProtection/backupVaults/backup-operator"
OWNER_TAG = "managed-by"


@dataclass(frozen=True, slots=True)
class Desired:
    """Ids and ARM bodies of everything that protecting one cluster takes.

    Attributes:
        owner: value of the tag that says whose a resource is.
        tags: that tag and what the catalog adds, for the resources of this cluster alone.
        location: region of what the clusters of a region share.
        adopted: account and container are those of an extension that somebody else installed: used, never changed.
        account_given: the account is one that the catalog names: used, never changed; the container in it is ours.
        vault_given: the vault is one that the catalog names: used, never changed.
        policy_given: so is the backup policy.
        regional: group and account are the deployment's, shared by a region.
        on_removal: keep, suspend or stop: what the policy says about a removed tag.
        resume_stopped: protection that a person suspended or stopped is resumed.
        network: from where the account is reached, if it is one that the app makes for this cluster.
        guard_requests: of the Resource Guard that protects the vault, if the settings name one.
        limits: of the backup extension's pods, `cpu` and `memory`.
        storage_suffix: end of the account's host name.
        stop_previous: what an earlier vault of ours still protects of this cluster is to be stopped.
    """

    cluster: Cluster
    policy_name: str
    vault_tier: bool
    owner: str
    tags: dict[str, str]
    location: str
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
    account_sku: str
    regional: bool
    adopted: bool
    account_given: bool
    vault_given: bool
    policy_given: bool
    stop_previous: bool
    on_removal: str
    resume_stopped: bool
    storage_suffix: str
    limits: dict[str, str]
    guard_requests: tuple[str, ...]
    network: Network

    @property
    def fingerprint(self) -> str:
        """Of all that is wanted: while it stays, what an onboarding observed so far still counts."""
        wanted = [self.instance, self.vault_body, self.policy_body, self.instance_body, self.account, self.container]
        wanted += [more for more in (self.limits, self.network.rules, self.network.subnet) if more]
        return sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def owned(self) -> dict[str, str]:
        """The tag that says whose a resource is."""
        return {OWNER_TAG: self.owner}

    @property
    def shared_place(self) -> tuple[str, str]:
        """Subscription and region of what many clusters share: it has one writer at a time."""
        return subscription_of(self.vault), self.location


def _vault_body(profile: VaultProfile, location: str) -> dict[str, Any]:
    security: dict[str, Any] = {
        "softDeleteSettings": {
            "state": profile.soft_delete,
            "retentionDurationInDays": float(profile.soft_delete_days),
        }
    }
    if profile.immutability != "Disabled":
        security["immutabilitySettings"] = {"state": profile.immutability}
    properties: dict[str, Any] = {
        "storageSettings": [{"datastoreType": "VaultStore", "type": profile.redundancy}],
        "securitySettings": security,
    }
    if profile.cross_region_restore:
        properties["featureSettings"] = {"crossRegionRestoreSettings": {"state": "Enabled"}}
    return {"location": location, "identity": {"type": "SystemAssigned"}, "properties": properties}


def _tags(policy: Policy, cluster: Cluster, owner: str) -> dict[str, str]:
    own = {name.casefold(): (name, value) for name, value in cluster.tags.items()}
    copied = dict(own[name.casefold()] for name in policy.tags.copied if name.casefold() in own)
    return {**policy.tags.fixed, **copied, OWNER_TAG: owner}


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
        f"{prefix}.config.subscriptionId": subscription_of(desired.account),
        f"{prefix}.config.useAAD": "true",
        f"{prefix}.config.storageAccountURI": f"https://{account}.blob.{desired.storage_suffix}/",
        "credentials.tenantId": tenant,
        **limit_settings(desired),
    }


def limit_settings(desired: Desired) -> dict[str, str]:
    """Those of the extension's settings that limit its pods."""
    return {f"resources.limits.{name}": limit for name, limit in desired.limits.items()}


def desired_protection(
    cluster: Cluster,
    selected: tuple[str, Policy],
    catalog: Catalog,
    settings: Settings,
    *,
    storage: Storage | None = None,
    no_vault_tier: bool = False,
) -> Desired:
    """Compute what is wanted.

    Args:
        cluster: for which cluster.
        selected: name and policy of the catalog.
        catalog: the policy's.
        settings: the deployment's.
        storage: that of a foreign extension on the cluster, used in place of ours.
        no_vault_tier: Azure has said that the region has none.
    """
    policy_name, policy = selected[0], fitting(selected[1], cluster.location, settings, learned=no_vault_tier)
    profile, bucket = catalog.profile_of(policy), bucket_of(policy, cluster.id.key)
    namer = Namer(
        naming=catalog.naming,
        deployment=settings.deployment_id,
        cluster=cluster.id,
        location=cluster.location,
        profile=policy.vault_profile,
        redundancy=profile.redundancy,
    )
    regional = settings.isolation is Isolation.REGION
    group = namer.regional_group() if regional else namer.backup_group()
    central = (profile.subscription or cluster.id.subscription).lower()
    given = policy.existing
    vault = given.vault or namer.vault(central)
    policy_id = given.policy or f"{vault}/backupPolicies/{arm_name(policy_name, policy, bucket)}"
    owner = f"aks-backup-autopilot/{settings.deployment_id}"
    return Desired(
        cluster=cluster,
        policy_name=policy_name,
        vault_tier=policy.vault_tier is not None,
        owner=owner,
        tags=_tags(policy, cluster, owner),
        location=cluster.location,
        vault_group=group_id(subscription_of(vault), group_of(vault)),
        vault=vault,
        vault_body=_vault_body(profile, cluster.location),
        policy=policy_id,
        policy_body={"properties": render(policy, bucket)},
        group=group,
        account=storage.account_id if storage else given.storage_account or namer.storage_account(group),
        container=storage.container if storage else namer.container(),
        binding=binding(cluster.id, vault),
        instance=namer.instance(vault),
        instance_body=_instance_body(cluster, policy, policy_id, group),
        account_sku=policy.account_sku,
        regional=regional,
        adopted=storage is not None,
        account_given=storage is None and given.storage_account is not None,
        vault_given=given.vault is not None,
        policy_given=given.policy is not None,
        stop_previous=policy.on_move == "stop",
        on_removal=policy.on_removal,
        resume_stopped=settings.resume_stopped,
        storage_suffix=settings.storage_suffix,
        limits=dict(settings.extension_limits),
        network=OPEN if regional or storage or given.storage_account else network(settings, cluster.location),
        guard_requests=guard_requests(settings.resource_guards, policy.vault_profile, cluster.location),
    )


def places_of(desired: Desired) -> Places:
    """Where everything is that protects a cluster, once it does."""
    cluster = desired.cluster
    return Places(
        location=desired.location,
        policy=desired.policy,
        vault=desired.vault,
        instance=desired.instance,
        group=desired.group,
        account=desired.account,
        container=desired.container,
        binding=desired.binding,
        node_group=group_id(cluster.id.subscription, cluster.node_group) if cluster.node_group else "",
    )
