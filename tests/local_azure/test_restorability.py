from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure import backup, restoring
from tests.local_azure.backup import ACCOUNT, CLUSTER, CONTAINER, GOLD, GROUP, VAULT
from tests.local_azure.client import OTHER_SUBSCRIPTION
from tests.local_azure.ondemand import DAY, advance, all_points, run_one
from tests.local_azure.restoring import (
    STAGING,
    STAGING_ACCOUNT,
    TARGET,
    TARGET_BINDING,
    TARGET_EXTENSION,
    backed_up,
    place_staging,
    place_target,
    restore,
    staging_grants,
    target_grants,
    validate,
    verdict,
    wanted,
    wanted_from_vault,
)
from tests.local_azure.test_compute import NODES, seed_disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_azure.client import Client

type Breakage = Callable[[Client], object]


def _change(resource_id: str, **properties: Any) -> Breakage:
    def change(azure: Client) -> None:
        resource = azure.cloud.store.get(resource_id)
        assert resource
        resource.properties.update(properties)

    return change


def _move(resource_id: str, region: str = "eastus") -> Breakage:
    def move(azure: Client) -> None:
        resource = azure.cloud.store.get(resource_id)
        assert resource
        resource.body["location"] = region

    return move


def _gone(resource_id: str) -> Breakage:
    return lambda azure: azure.cloud.store.remove(resource_id)


def _locked(azure: Client) -> None:
    azure.cloud.seed(f"{GROUP}/providers/Microsoft.Authorization/locks/keep", {"properties": {"level": "CanNotDelete"}})


_REACHED: dict[str, tuple[Callable[[str], Breakage], str]] = {
    "cluster": (_gone, "UserErrorGenericResourceNotFound"),
    "stopped": (
        lambda cluster: _change(cluster, powerState={"code": "Stopped"}),
        "UserErrorKubernetesClusterNotRunning",
    ),
    "region": (_move, "UserErrorDatasourceRegionMismatch"),
    "extension": (
        lambda cluster: _gone(TARGET_EXTENSION.replace(TARGET, cluster)),
        "UserErrorKubernetesBackupExtensionNotFoundError",
    ),
    "broken extension": (
        lambda cluster: _change(TARGET_EXTENSION.replace(TARGET, cluster), provisioningState="Failed"),
        "UserErrorKubernetesBackupExtensionHasErrors",
    ),
    "unready extension": (
        lambda cluster: _change(TARGET_EXTENSION.replace(TARGET, cluster), provisioningState="Creating"),
        "UserErrorKubernetesBackupExtensionUnhealthy",
    ),
    "identity": (
        lambda cluster: _change(TARGET_EXTENSION.replace(TARGET, cluster), aksAssignedIdentity=None),
        "UserErrorKubernetesBackupExtensionIdentityNotFound",
    ),
    "binding": (lambda cluster: _gone(TARGET_BINDING.replace(TARGET, cluster)), "UserErrorTrustedAccessNotEnabled"),
}
"""How a target is broken, by its id, and the code of it: for both tiers."""

_SNAPSHOTS: dict[str, tuple[Breakage, str]] = {
    "locks": (_locked, "UserErrorSnapshotResourceGroupHasLocks"),
    "container": (_gone(CONTAINER), "UserErrorNoDefaultBackupStorageLocationFound"),
    "account": (_gone(ACCOUNT), "UserErrorNoDefaultBackupStorageLocationFound"),
}
_STAGED: dict[str, tuple[Breakage, str]] = {
    "group": (_gone(STAGING), "UserErrorGenericResourceNotFound"),
    "account": (_gone(STAGING_ACCOUNT), "UserErrorGenericResourceNotFound"),
    "group's region": (_move(STAGING), "UserErrorStagingLocationRegionMismatch"),
    "account's region": (_move(STAGING_ACCOUNT), "UserErrorStagingLocationRegionMismatch"),
    "private": (
        _change(STAGING_ACCOUNT, publicNetworkAccess="Disabled"),
        "UserErrorStagingStorageAccountNotPublic",
    ),
    "firewall": (
        _change(STAGING_ACCOUNT, networkAcls={"defaultAction": "Deny"}),
        "UserErrorStagingStorageAccountNotPublic",
    ),
    "one tenant": (
        _change(STAGING_ACCOUNT, allowCrossTenantReplication=False),
        "UserErrorStagingStorageAccountCrossTenantReplicationDisabled",
    ),
}


@pytest.mark.parametrize("what", sorted(_REACHED))
async def test_the_cluster_itself_must_be_reached(azure: Client, what: str) -> None:
    """Each thing that is missing of the backed-up cluster has its code, and nothing else is told."""
    point = await backed_up(azure)
    assert await verdict(azure, wanted(point)) == ""
    breakage, code = _REACHED[what]
    breakage(CLUSTER)(azure)
    assert await verdict(azure, wanted(point)) == code


@pytest.mark.parametrize("what", sorted(_REACHED))
async def test_another_target_must_be_reached(azure: Client, what: str) -> None:
    """Likewise of a second cluster; the source's own state doesn't matter then."""
    point = await backed_up(azure)
    place_target(azure.cloud)
    restoring.give(azure.cloud, *target_grants(azure.cloud))
    _REACHED[what][0](CLUSTER)(azure)
    assert await verdict(azure, wanted(point, TARGET)) == ""
    breakage, code = _REACHED[what]
    breakage(TARGET)(azure)
    assert await verdict(azure, wanted(point, TARGET)) == code


@pytest.mark.parametrize("what", sorted(_SNAPSHOTS))
async def test_the_operational_store_is_the_operators_own(azure: Client, what: str) -> None:
    """Snapshots and blobs lie where anybody can delete or lock them."""
    point = await backed_up(azure)
    breakage, code = _SNAPSHOTS[what]
    breakage(azure)
    assert await verdict(azure, wanted(point)) == code


async def test_a_point_needs_its_own_snapshots(azure: Client) -> None:
    """One that somebody deleted can't be restored from; the next backup's can."""
    await backed_up(azure)
    cluster = azure.cloud.store.get(CLUSTER)
    assert cluster
    cluster.properties["nodeResourceGroup"] = NODES.rsplit("/", 1)[-1]
    seed_disk(azure, "pvc-1")
    await run_one(azure)
    point = str((await all_points(azure))[0]["recoveryPointId"])
    assert await verdict(azure, wanted(point)) == ""
    (snapshot,) = azure.cloud.store.of_type("Microsoft.Compute/snapshots")
    azure.cloud.store.remove(snapshot.id)
    assert await verdict(azure, wanted(point)) == "UserErrorSnapshotNotFound"
    await run_one(azure)
    assert await verdict(azure, wanted(str((await all_points(azure))[0]["recoveryPointId"]))) == ""


async def test_without_the_snapshot_group_there_are_no_snapshots(azure: Client) -> None:
    """The group of another name that the instance keeps its snapshots in is gone."""
    point = await backed_up(azure)
    instance = azure.cloud.store.get(backup.INSTANCE)
    assert instance
    stores = instance.properties["policyInfo"]["policyParameters"]["dataStoreParametersList"]
    stores[0]["resourceGroupId"] = f"{GROUP}-gone"
    assert await verdict(azure, wanted(point)) == "UserErrorGenericResourceNotFound"


@pytest.mark.parametrize("index", range(3))
async def test_another_target_needs_every_role(azure: Client, index: int) -> None:
    """Reader of the vault on it, Contributor of it on the snapshot group, its extension's role on the account."""
    point = await backed_up(azure)
    place_target(azure.cloud)
    grants = target_grants(azure.cloud)
    restoring.give(azure.cloud, *grants[:index], *grants[index + 1 :])
    codes = {
        0: "KubernetesBackupListExtensionsError",
        1: "AuthorizationFailed",
        2: "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation",
    }
    assert await verdict(azure, wanted(point, TARGET)) == codes[index]
    restoring.give(azure.cloud, grants[index])
    assert await verdict(azure, wanted(point, TARGET)) == ""
    assert (await restore(azure, wanted(point, TARGET)))["extendedInfo"]["recoveryDestination"] == TARGET


@pytest.mark.parametrize(("state", "code"), [(None, ""), ("Disabled", "UserErrorCrossSubscriptionRestoreDisabled")])
async def test_another_subscription_is_for_the_vault_to_allow(azure: Client, state: str | None, code: str) -> None:
    """Allowed unless the vault's setting says no."""
    point = await backed_up(azure)
    there = TARGET.replace(TARGET.partition("/resourceGroups")[0], OTHER_SUBSCRIPTION)
    place_target(azure.cloud, there)
    restoring.give(azure.cloud, *target_grants(azure.cloud, there))
    if state:
        _change(VAULT, featureSettings={"crossSubscriptionRestoreSettings": {"state": state}})(azure)
    assert await verdict(azure, wanted(point, there)) == code


async def test_the_target_must_be_meant_twice(azure: Client) -> None:
    """Datasource and set must agree, and the restore location with the cluster's region."""
    point = await backed_up(azure)
    place_target(azure.cloud)
    other = wanted(point)
    other["restoreTargetInfo"]["datasourceSetInfo"]["resourceId"] = TARGET
    assert await verdict(azure, other) == "ScenarioPluginInvalidWorkflowDataRequest"
    elsewhere = wanted(point)
    elsewhere["restoreTargetInfo"]["restoreLocation"] = "northeurope"
    assert await verdict(azure, elsewhere) == "UserErrorDatasourceRegionMismatch"


async def test_an_expired_point_cannot_be_restored(azure: Client) -> None:
    """Nor one that never was, nor one that isn't in the store that is asked for."""
    point = await backed_up(azure)
    assert await verdict(azure, wanted("0" * 32)) == "UserErrorRecoveryPointNotFound"
    assert await verdict(azure, wanted_from_vault(point)) == "UserErrorRecoveryPointNotFound"
    await advance(azure, 9 * DAY)
    assert point not in {kept["recoveryPointId"] for kept in await all_points(azure)}
    assert await verdict(azure, wanted(point)) == "UserErrorRecoveryPointNotFound"


async def test_a_point_past_its_expiry_is_gone_before_a_backup_removes_it(azure: Client) -> None:
    """Unless nothing expires, as while protection is stopped."""
    point = await backed_up(azure)
    instance = azure.cloud.store.get(backup.INSTANCE)
    assert instance
    instance.properties["currentProtectionState"] = "ProtectionStopped"
    await advance(azure, 8 * DAY)
    assert await verdict(azure, wanted(point)) == ""
    instance.properties["currentProtectionState"] = "ProtectionError"  # in which nothing is backed up
    assert point in {kept["recoveryPointId"] for kept in await all_points(azure)}
    assert await verdict(azure, wanted(point)) == "UserErrorRecoveryPointNotFound"


@pytest.fixture
async def vaulted(azure: Client) -> str:
    """The name of a recovery point that is in both stores, with a staging location and its roles in place."""
    point = await backed_up(azure, GOLD, retentionTagOverride="Daily")
    place_staging(azure.cloud)
    restoring.give(azure.cloud, *staging_grants(azure.cloud))
    return point


@pytest.mark.parametrize("what", sorted(_STAGED))
async def test_a_restore_from_the_vault_needs_a_place_for_staging(azure: Client, vaulted: str, what: str) -> None:
    """In the target's region, open to the service's own tenant; the operational store needs none of it."""
    assert await verdict(azure, wanted_from_vault(vaulted)) == ""
    breakage, code = _STAGED[what]
    breakage(azure)
    assert await verdict(azure, wanted_from_vault(vaulted)) == code
    assert await verdict(azure, wanted(vaulted)) == ""


async def test_staging_lies_in_the_targets_subscription(azure: Client, vaulted: str) -> None:
    """Documented beside the region."""
    staging = STAGING.replace(STAGING.partition("/resourceGroups")[0], OTHER_SUBSCRIPTION)
    azure.cloud.seed(staging, {"location": "westeurope"})
    there = wanted_from_vault(vaulted, stagingResourceGroupId=staging)
    assert await verdict(azure, there) == "UserErrorStagingLocationSubscriptionMismatch"


@pytest.mark.parametrize("index", range(5))
async def test_staging_needs_every_role(azure: Client, index: int) -> None:
    """Three of the vault, one of the target cluster, one of its extension."""
    point = await backed_up(azure, GOLD, retentionTagOverride="Daily")
    place_staging(azure.cloud)
    grants = staging_grants(azure.cloud)
    restoring.give(azure.cloud, *(grant for number, grant in enumerate(grants) if number != index))
    last = "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation"
    status = (await validate(azure, wanted_from_vault(point))).body
    assert status["error"]["code"] == ("AuthorizationFailed" if index < 4 else last)
    restoring.give(azure.cloud, grants[index])
    assert await verdict(azure, wanted_from_vault(point)) == ""


async def test_the_vault_restores_what_is_left_of_nothing(azure: Client, vaulted: str) -> None:
    """Source cluster, snapshots and account are gone: the vault tier still restores to another cluster."""
    place_target(azure.cloud)
    vault = restoring.vault_identity(azure.cloud)
    identities = (restoring.TARGET_IDENTITY, restoring.TARGET_EXTENSION_IDENTITY)
    restoring.give(azure.cloud, (backup.READER, vault, TARGET), *staging_grants(azure.cloud, *identities))
    for gone in (CLUSTER, ACCOUNT):
        azure.cloud.store.remove(gone)
    assert await verdict(azure, wanted(vaulted, TARGET)) != ""
    job = await restore(azure, wanted_from_vault(vaulted, TARGET))
    assert (job["status"], job["sourceDataStoreType"]) == ("Completed", "VaultStore")
