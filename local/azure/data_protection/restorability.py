"""What must be in place so that a recovery point can be restored, and what Azure Backup says when it isn't.

Sources: "Restore Azure Kubernetes Service using Azure CLI" (roles, extension, trusted access, staging), the overview
and the support matrix of AKS backup (regions, subscriptions). Codes are Azure's documented ones where there is one for
the case; cases for which none is known say so. Everything is judged at one moment, the end of a validation or of a job.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from local.azure import paths, regions
from local.azure.cloud import Cloud
from local.azure.data_protection import recovery_points, requirements, snapshots
from local.azure.data_protection.candidate import Candidate, datasource_id, no_storage_location, principal_of
from local.azure.data_protection.dialect import user_error
from local.azure.data_protection.requirements import BLOB_OWNER, MANAGES, missing_role, same_region
from local.azure.data_protection.restore_requests import RestoreRequest
from local.azure.data_protection.schedules import VAULT
from local.azure.store import Resource

_ACCOUNT_CONTRIBUTOR = "17d1049b-9a84-46fb-8f53-869881c3d3ab"
_MANAGES_ACCOUNTS = MANAGES | {_ACCOUNT_CONTRIBUTOR}
_OWNS_BLOBS = frozenset({BLOB_OWNER})


@dataclasses.dataclass(frozen=True, slots=True)
class Restoration:
    """A restore that is asked for, at the moment of judgment.

    Attributes:
        cloud: The simulated Azure.
        vault: The vault.
        instance: The backup instance.
        request: What is asked.
        at: Virtual time of the judgment.
        pair: The paired region, when it is the one that restores, from its copies.
    """

    cloud: Cloud
    vault: Resource
    instance: Resource
    request: RestoreRequest
    at: dt.datetime
    pair: str = ""

    @property
    def target(self) -> Candidate:
        """The target cluster, with the instance's policy and so its snapshot group."""
        properties = {"dataSourceInfo": self.request.target, "policyInfo": self.instance.properties.get("policyInfo")}
        return Candidate(self.cloud, self.vault, properties, self.at)

    @property
    def source(self) -> Candidate:
        """The cluster that was backed up."""
        return Candidate(self.cloud, self.vault, self.instance.properties, self.at)

    @property
    def point(self) -> Resource:
        """The recovery point, in the store that is asked for.

        Raises:
            ArmError: It has expired, never was, or isn't in that store; the code isn't known.
        """
        point = self.cloud.store.get(f"{self.instance.id}/recoveryPoints/{self.request.point}")
        if point is None or not self._holds(point):
            raise user_error(
                "UserErrorRecoveryPointNotFound",
                f"The recovery point {self.request.point} isn't in the {self.request.store} of the backup instance "
                f"{self.instance.name}.",
                recommended=["Choose a recovery point and a store out of the list of the instance's recovery points."],
            )
        return point

    def _holds(self, point: Resource) -> bool:
        copied = not self.pair or recovery_points.in_pair(self.cloud, point, self.at)
        return copied and self.request.store in recovery_points.stores(point)


def _point_exists(restoration: Restoration) -> None:
    _ = restoration.point


def _target_is_meant(restoration: Restoration) -> None:
    """The target's two descriptions and the asked region must agree; both inferred, as for a backup instance."""
    request = restoration.request
    one, other = (
        {key: value for key, value in source.items() if key != "objectType"}
        for source in (request.target, request.target_set)
    )
    if one != other:
        raise user_error(
            "ScenarioPluginInvalidWorkflowDataRequest",
            "Invalid workflow data request: datasourceSetInfo is not the datasource's.",
        )


def _target_is_near(restoration: Restoration) -> None:
    """In the region that restores, and in the one that the request names; the code isn't known."""
    cluster = restoration.target.found(restoration.request.target_id, "cluster")
    home = restoration.pair or restoration.vault.location
    for what, region in (("The restoring region", home), ("The restore location", restoration.request.location)):
        if regions.find(region) != regions.find(cluster.location):
            raise user_error(
                "UserErrorDatasourceRegionMismatch",
                f"{what} is {region}, the cluster {cluster.name} is in {cluster.location}.",
                recommended=["Only what is in the vault tier can be restored to the paired region, by a call to it."],
            )


def _target_is_reached(restoration: Restoration) -> None:
    for check in requirements.REACHES_CLUSTER:
        check(restoration.target)


def _target_is_allowed(restoration: Restoration) -> None:
    """Another subscription is documented for both tiers, unless the vault forbids it; the code isn't known."""
    cluster = restoration.target.cluster
    features = restoration.vault.properties.get("featureSettings") or {}
    state = (features.get("crossSubscriptionRestoreSettings") or {}).get("state")
    here, there = (
        paths.parse(one).subscription for one in (datasource_id(restoration.instance.properties), cluster.id)
    )
    if here != there and state in {"Disabled", "PermanentlyDisabled"}:
        raise user_error(
            "UserErrorCrossSubscriptionRestoreDisabled",
            f"Cross-subscription restore of the Backup vault {restoration.vault.name} is {state}.",
            recommended=["Restore to a cluster in the source's subscription, or enable cross-subscription restore."],
        )


def _snapshots_are_there(restoration: Restoration) -> None:
    """Snapshots and the cluster's resources lie in the operator's own subscription, where anybody can delete them.

    That the snapshot group must not be locked is documented for backups; that a restore refuses it too is inferred. The
    code for missing snapshots isn't known.
    """
    requirements.snapshots_can_be_kept(restoration.target)
    missing = snapshots.missing(restoration.cloud, restoration.point)
    if missing:
        raise user_error(
            "UserErrorSnapshotNotFound",
            f"Snapshots of the recovery point {restoration.request.point} don't exist: {', '.join(missing)}.",
            recommended=["Choose another recovery point, or the vault tier."],
        )
    container = _container(restoration)
    if restoration.cloud.store.get(container.id) is None:
        raise no_storage_location()
    account = restoration.target.found(container.id.split("/blobServices/")[0], "storage account")
    requirements.extension_writes(restoration.target, account)


def _container(restoration: Restoration) -> Resource:
    """Where the backup put the cluster's resources; a point that was seeded has them where its cluster's next go."""
    noted: Resource | None = restoration.point.notes.get("container")
    return noted or restoration.source.container


def _staging_is_ready(restoration: Restoration) -> None:
    """Group and account of the staging location, in region and subscription of the target; no code is known."""
    request, target = restoration.request, restoration.target
    group = target.found(request.staging_group, "staging resource group")
    account = target.found(request.staging_account, "staging storage account")
    for place, what in ((group, "The staging resource group"), (account, "The staging storage account")):
        same_region(place, target.cluster, "UserErrorStagingLocationRegionMismatch", what)
        if paths.parse(place.id).subscription != paths.parse(target.cluster_id).subscription:
            raise user_error(
                "UserErrorStagingLocationSubscriptionMismatch",
                f"{what} {place.name} is not in the subscription of the target cluster.",
            )
    _account_is_open(account)


def _account_is_open(account: Resource) -> None:
    """The data comes from Microsoft's own tenant, over the public network; documented, the codes aren't."""
    properties = account.properties
    rules = properties.get("networkAcls") or {}
    if properties.get("publicNetworkAccess", "Enabled") != "Enabled" or rules.get("defaultAction", "Allow") != "Allow":
        raise user_error(
            "UserErrorStagingStorageAccountNotPublic",
            f"The staging storage account {account.name} has no public network access.",
            recommended=["Enable public network access from all networks on the staging storage account."],
        )
    if properties.get("allowCrossTenantReplication") is not True:
        raise user_error(
            "UserErrorStagingStorageAccountCrossTenantReplicationDisabled",
            f"The staging storage account {account.name} doesn't allow cross-tenant replication.",
            recommended=["Set allowCrossTenantReplication of the staging storage account to true."],
        )


def _staging_can_be_used(restoration: Restoration) -> None:
    """The documented roles.

    The target cluster's own is documented for "the snapshot resource group", which is how the portal calls the staging
    group of a restore from the vault tier.
    """
    request, target = restoration.request, restoration.target
    vault, cluster = target.vault_identity, principal_of(target.cluster)
    needs = (
        (vault, MANAGES, request.staging_group, "Microsoft.Compute/disks/write"),
        (vault, _MANAGES_ACCOUNTS, request.staging_account, "Microsoft.Storage/storageAccounts/write"),
        (
            vault,
            _OWNS_BLOBS,
            request.staging_account,
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
        ),
        (cluster, MANAGES, request.staging_group, "Microsoft.Compute/snapshots/read"),
    )
    for identity, roles, scope, action in needs:
        if not target.holds(identity, roles, scope):
            raise missing_role(identity, action, scope)
    requirements.extension_writes(target, target.found(request.staging_account, "staging storage account"))


type Check = Callable[[Restoration], None]

_ALWAYS: tuple[Check, ...] = (
    _point_exists,
    _target_is_meant,
    _target_is_near,
    _target_is_reached,
    _target_is_allowed,
)
_OPERATIONAL: tuple[Check, ...] = (_snapshots_are_there,)
_FROM_VAULT: tuple[Check, ...] = (_staging_is_ready, _staging_can_be_used)


def judge(restoration: Restoration) -> None:
    """Judge whether a restore is possible; the first thing that is missing is told. Azure's own order isn't known.

    Raises:
        ArmError: It isn't.
    """
    for check in (*_ALWAYS, *(_FROM_VAULT if restoration.request.store == VAULT else _OPERATIONAL)):
        check(restoration)


def judge_contents(restoration: Restoration) -> None:
    """Judge whether the backup's data is there, which only a restore itself finds out (chosen).

    Raises:
        ArmError: The container was deleted after the backup, even if there is one of its name again; no code is known.
    """
    if restoration.request.store == VAULT:
        return
    container = _container(restoration)
    if restoration.cloud.store.get(container.id) is not container:
        raise user_error(
            "UserErrorBackupDataNotFound",
            f"The container {container.name} doesn't hold the backup {restoration.request.point}.",
            recommended=["Choose a recovery point that is also in the vault tier."],
        )
