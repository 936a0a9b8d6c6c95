"""What must be in place so that a vault can protect an AKS cluster, and what Azure Backup says when it isn't.

Codes are Azure's documented ones where there is one for the case; cases for which none is known say so. Everything is
judged at one moment, the end of a validation or of configuring protection: a role counts once it has propagated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from local.azure import locks, paths, regions
from local.azure.data_protection import reachability, schedules
from local.azure.data_protection.candidate import Candidate, is_aks, principal_of
from local.azure.data_protection.dialect import AKS, user_error
from local.azure.data_protection.policies import vault_tier_not_supported
from local.azure.errors import ArmError
from local.azure.store import Resource

BINDINGS = f"{AKS}/trustedAccessRoleBindings"
BACKUP_OPERATOR = "microsoft.dataprotection/backupvaults/backup-operator"

_OWNER, _CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
_BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
_SNAPSHOTS = "7efff54f-a5b4-42b5-a1c5-5411624893ce"
_DISK_DATA = "959f8984-c045-4866-89c7-12bf9737be2e"

READS = frozenset({_READER, _CONTRIBUTOR, _OWNER})
MANAGES = frozenset({_CONTRIBUTOR, _OWNER})
WRITES_BLOBS = frozenset({_BLOB_CONTRIBUTOR, BLOB_OWNER})
READS_BLOBS = WRITES_BLOBS | {_BLOB_READER}
TAKES_SNAPSHOTS = MANAGES | {_SNAPSHOTS}
READS_DISKS = frozenset({_DISK_DATA})
"""Roles that serve for each need: the documented one and the stronger ones that include it."""


def missing_role(principal_id: str, action: str, scope: str) -> ArmError:
    """A role that has no code of its own: ARM's refusal of the service's own call. Not recorded."""
    return user_error(
        "AuthorizationFailed",
        f"The client '{principal_id}' with object id '{principal_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        recommended=["Assign the missing role and wait until it has propagated."],
    )


def same_region(one: Resource, other: Resource, code: str, what: str) -> None:
    """Judge whether something is in a cluster's region.

    Raises:
        ArmError: It isn't.
    """
    if regions.find(one.location) != regions.find(other.location):
        raise user_error(code, f"{what} {one.name} is in {one.location}, the cluster is in {other.location}.")


def _policy_fits(candidate: Candidate) -> None:
    if not paths.is_within(candidate.policy.id, candidate.vault.id):
        raise user_error("UserErrorGenericResourceNotFound", "The backup policy doesn't belong to the vault.")


def _vault_reads_cluster(candidate: Candidate) -> None:
    candidate.found(candidate.cluster_id, "cluster")
    if not candidate.holds(candidate.vault_identity, READS, candidate.cluster_id):
        raise user_error(
            "KubernetesBackupListExtensionsError",
            "The vault's identity can't list the extensions of the cluster.",
            recommended=["Assign the Reader role on the cluster to the vault's identity."],
        )


def runs(cluster: Resource) -> bool:
    """Whether a cluster is there and running."""
    power = (cluster.properties.get("powerState") or {}).get("code", "Running")
    return power == "Running" and cluster.properties.get("provisioningState") not in {"Creating", "Deleting", "Failed"}


def _cluster_is_near(candidate: Candidate) -> None:
    """Known of the service; the code isn't."""
    same_region(candidate.vault, candidate.cluster, "UserErrorDatasourceRegionMismatch", "The Backup vault")


def _cluster_runs(candidate: Candidate) -> None:
    """Known of the service; the code isn't."""
    cluster = candidate.cluster
    if not runs(cluster):
        raise user_error("UserErrorKubernetesClusterNotRunning", f"The cluster {cluster.name} is not running.")


def _extension_is_healthy(candidate: Candidate) -> None:
    extension = candidate.extension
    state = extension.properties.get("provisioningState")
    if state == "Failed":
        raise user_error(
            "UserErrorKubernetesBackupExtensionHasErrors",
            "The Backup extension of the cluster has errors.",
            recommended=["Delete the Backup extension and install it again."],
        )
    if state != "Succeeded":
        raise user_error(
            "UserErrorKubernetesBackupExtensionUnhealthy", "The Backup extension of the cluster isn't ready yet."
        )
    if not _extension_identity(candidate):
        raise user_error(
            "UserErrorKubernetesBackupExtensionIdentityNotFound",
            "The identity of the Backup extension was not found.",
            recommended=["Delete the Backup extension and install it again."],
        )


def _extension_identity(candidate: Candidate) -> str:
    identity = candidate.extension.properties.get("aksAssignedIdentity") or {}
    return str(identity.get("principalId") or "")


def _vault_is_trusted(candidate: Candidate) -> None:
    """Trusted access is required; the code for its absence isn't known."""
    for binding in candidate.cloud.store.children(candidate.cluster_id, BINDINGS):
        source = str(binding.properties.get("sourceResourceId") or "").rstrip("/").lower()
        roles = {str(role).lower() for role in binding.properties.get("roles") or []}
        ready = binding.properties.get("provisioningState") in {None, "Succeeded"}
        if ready and source == candidate.vault.id.lower() and BACKUP_OPERATOR in roles:
            return
    raise user_error(
        "UserErrorTrustedAccessNotEnabled",
        f"The Backup vault {candidate.vault.name} has no trusted access to the cluster {candidate.cluster.name}.",
        recommended=["Create a trusted access role binding of the backup-operator role for the vault."],
    )


def _storage_location_exists(candidate: Candidate) -> None:
    account, _ = candidate.account, candidate.container
    # same region and subscription as the cluster: known of the service; the codes aren't
    same_region(account, candidate.cluster, "UserErrorStorageAccountRegionMismatch", "The storage account")
    if paths.parse(account.id).subscription != paths.parse(candidate.cluster_id).subscription:
        raise user_error(
            "UserErrorStorageAccountSubscriptionMismatch",
            f"The storage account {account.name} is not in the cluster's subscription.",
        )


def _extension_writes_blobs(candidate: Candidate) -> None:
    extension_writes(candidate, candidate.account)


def extension_writes(candidate: Candidate, account: Resource) -> None:
    """Judge whether the cluster's extension can write to a storage account.

    Raises:
        ArmError: It can't.
    """
    identity = _extension_identity(candidate)
    keyless = account.properties.get("allowSharedKeyAccess") is False
    if keyless and candidate.setting("useAAD").lower() != "true":
        raise user_error(
            "UserErrorStorageAccountKeyAccessDisallowed",
            "The storage account does not support key based authentication",
            recommended=["Let the extension use Microsoft Entra ID (useAAD), or allow access by key."],
        )
    if candidate.holds(identity, WRITES_BLOBS, account.id):
        reachability.check(candidate.cluster, account)
        return
    later = candidate.cloud.access.holds(identity, WRITES_BLOBS, account.id, candidate.at + dt.timedelta(days=1))
    code = (
        "UserErrorBackupStorageLocationNotReady"
        if later
        else "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation"
    )
    raise user_error(
        code,
        "The identity of the Backup extension has no access to the backup storage location.",
        recommended=[
            "Assign Storage Blob Data Contributor on the storage account to it, and wait until it has propagated."
        ],
    )


def snapshots_can_be_kept(candidate: Candidate) -> None:
    """Judge whether vault and cluster can use the snapshot group.

    Raises:
        ArmError: They can't.
    """
    group, cluster = candidate.snapshot_group, candidate.cluster
    if any(locks.over(candidate.cloud.store, group.id)):
        raise user_error(
            "UserErrorSnapshotResourceGroupHasLocks",
            f"The snapshot resource group {group.name} has locks.",
            recommended=["Remove the locks of the snapshot resource group and of its subscription."],
        )
    # the code for another region isn't known
    same_region(group, cluster, "UserErrorSnapshotResourceGroupRegionMismatch", "The snapshot resource group")
    if not candidate.holds(principal_of(cluster), MANAGES, group.id):
        raise missing_role(principal_of(cluster), "Microsoft.Compute/snapshots/write", group.id)
    if not candidate.holds(candidate.vault_identity, READS, group.id):
        action = "Microsoft.Resources/subscriptions/resourceGroups/read"
        raise missing_role(candidate.vault_identity, action, group.id)


def _vault_tier_can_be_filled(candidate: Candidate) -> None:
    if not schedules.uses_vault_tier(candidate.policy.properties):
        return
    region = regions.find(candidate.cluster.location)
    if region and not region.vault_tier:
        raise vault_tier_not_supported(region.display)
    group, account, identity = candidate.snapshot_group, candidate.account, candidate.vault_identity
    needs = (
        (TAKES_SNAPSHOTS, group, "Microsoft.Compute/snapshots/beginGetAccess/action"),
        (READS_DISKS, group, "Microsoft.Compute/snapshots/download/action"),
        (READS_BLOBS, account, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
    )
    for roles, scope, action in needs:
        if not candidate.holds(identity, roles, scope.id):
            raise missing_role(identity, action, scope.id)


CHECKS: tuple[Callable[[Candidate], None], ...] = (
    _policy_fits,
    _vault_reads_cluster,
    _cluster_is_near,
    _cluster_runs,
    _extension_is_healthy,
    _vault_is_trusted,
    _storage_location_exists,
    _extension_writes_blobs,
    snapshots_can_be_kept,
    _vault_tier_can_be_filled,
)
"""In the order in which they are judged; the first that fails is told. Azure's own order isn't known."""

REACHES_CLUSTER = (_vault_reads_cluster, _cluster_runs, _extension_is_healthy, _vault_is_trusted)
"""What a vault needs to work in a cluster at all, for a restore as for a backup."""


def judge(candidate: Candidate) -> None:
    """Judge whether a cluster can be protected; other datasources than AKS clusters only need to exist.

    Raises:
        ArmError: It can't.
    """
    if not is_aks(candidate.properties):
        return
    for check in CHECKS:
        check(candidate)
