from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure import backup
from tests.local_azure.backup import (
    ACCOUNT,
    BINDING,
    CLUSTER,
    CONTAINER,
    EXTENSION,
    GOLD,
    GROUP,
    INSTANCE,
    POLICY,
    VAULT,
    everything,
    grant,
    instance,
    make_vault,
    place_cluster,
    validate,
)
from tests.local_azure.client import SUBSCRIPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_azure.client import Answer, Client

_STOPPED = {"powerState": {"code": "Stopped"}}


def _change(resource_id: str, **properties: Any) -> Callable[[Client], object]:
    def change(azure: Client) -> None:
        resource = azure.cloud.store.get(resource_id)
        assert resource
        resource.properties.update(properties)

    return change


def _move(resource_id: str) -> Callable[[Client], object]:
    def move(azure: Client) -> None:
        resource = azure.cloud.store.get(resource_id)
        assert resource
        resource.body["location"] = "eastus"

    return move


def _gone(resource_id: str) -> Callable[[Client], object]:
    return lambda azure: azure.cloud.store.remove(resource_id)


_KEY_ONLY = "configuration.backupStorageLocation.config.useAAD"

_MISSING: dict[str, tuple[Callable[[Client], object], str]] = {
    "the policy": (_gone(POLICY), "UserErrorGenericResourceNotFound"),
    "the cluster": (_gone(CLUSTER), "UserErrorGenericResourceNotFound"),
    "a running cluster": (_change(CLUSTER, **_STOPPED), "UserErrorKubernetesClusterNotRunning"),
    "a finished cluster": (_change(CLUSTER, provisioningState="Creating"), "UserErrorKubernetesClusterNotRunning"),
    "the region": (_move(CLUSTER), "UserErrorDatasourceRegionMismatch"),
    "the extension": (_gone(EXTENSION), "UserErrorKubernetesBackupExtensionNotFoundError"),
    "a working extension": (
        _change(EXTENSION, provisioningState="Failed"),
        "UserErrorKubernetesBackupExtensionHasErrors",
    ),
    "a finished extension": (
        _change(EXTENSION, provisioningState="Creating"),
        "UserErrorKubernetesBackupExtensionUnhealthy",
    ),
    "the extension's identity": (
        _change(EXTENSION, aksAssignedIdentity=None),
        "UserErrorKubernetesBackupExtensionIdentityNotFound",
    ),
    "trusted access": (_gone(BINDING), "UserErrorTrustedAccessNotEnabled"),
    "the right trusted role": (_change(BINDING, roles=["Microsoft.X/y/z"]), "UserErrorTrustedAccessNotEnabled"),
    "trust in this vault": (_change(BINDING, sourceResourceId=f"{VAULT}x"), "UserErrorTrustedAccessNotEnabled"),
    "finished trusted access": (_change(BINDING, provisioningState="Updating"), "UserErrorTrustedAccessNotEnabled"),
    "the account": (_gone(ACCOUNT), "UserErrorNoDefaultBackupStorageLocationFound"),
    "the container": (_gone(CONTAINER), "UserErrorNoDefaultBackupStorageLocationFound"),
    "the account's region": (_move(ACCOUNT), "UserErrorStorageAccountRegionMismatch"),
    "a way to the blobs": (
        lambda azure: azure.cloud.store.get(EXTENSION).properties["configurationSettings"].pop(_KEY_ONLY),  # type: ignore[union-attr]
        "UserErrorStorageAccountKeyAccessDisallowed",
    ),
    "the snapshot group's region": (_move(GROUP), "UserErrorSnapshotResourceGroupRegionMismatch"),
}


@pytest.mark.parametrize("what", sorted(_MISSING))
async def test_a_validation_tells_what_is_missing(azure: Client, what: str) -> None:
    """HTTP 200, status Failed, and the code of what isn't in place; configuring protection ends with the same."""
    await everything(azure)
    break_it, code = _MISSING[what]
    break_it(azure)
    status = await validate(azure)
    assert status.status == 200
    assert (status.body["status"], status.body["error"]["code"]) == ("Failed", code)
    assert status.body["error"]["additionalInfo"][0]["info"]["code"] == code


@pytest.mark.parametrize("index", range(7))
async def test_every_grant_is_needed_and_counts_when_it_has_propagated(azure: Client, index: int) -> None:
    """Without one of the seven grants validation fails; soon after it is made, too; when it has propagated, not."""
    identity = await make_vault(azure)
    place_cluster(azure)
    grants = backup.grants(identity, vault_tier=True)
    for role, principal, scope in grants[:index] + grants[index + 1 :]:
        await grant(azure, role, principal, scope)
    await azure.control("POST", "/clock", {"advance": 91})
    codes = {
        1: "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation",
        2: "KubernetesBackupListExtensionsError",
    }
    status = await validate(azure, instance(GOLD))
    assert status.body["error"]["code"] == codes.get(index, "AuthorizationFailed")
    await grant(azure, *grants[index])
    await azure.control("POST", "/clock", {"advance": 91})
    assert (await validate(azure, instance(GOLD))).body["status"] == "Succeeded"


async def test_a_grant_that_has_not_propagated_is_told_apart(azure: Client) -> None:
    """The extension's role on the account: NotReady while it propagates, judged at the validation's end."""
    identity = await make_vault(azure)
    place_cluster(azure)
    (role, principal, scope), *others = sorted(
        backup.grants(identity), key=lambda one: one[1] != backup.EXTENSION_IDENTITY
    )
    for other in others:
        await grant(azure, *other)
    await azure.control("POST", "/clock", {"advance": 91})
    assignment = azure.cloud.store.get(await grant(azure, role, principal, scope))
    assert assignment
    assignment.notes["effective_from"] = azure.cloud.clock.now() + dt.timedelta(hours=1)
    assert (await validate(azure)).body["error"]["code"] == "UserErrorBackupStorageLocationNotReady"


async def test_a_validation_is_judged_at_its_end(azure: Client) -> None:
    """What comes into place while it runs counts."""
    await everything(azure)
    azure.cloud.store.remove(CONTAINER)
    accepted = await azure.arm("POST", f"{VAULT}/validateForBackup", {"backupInstance": instance()}, caller="app")
    await azure.control("POST", "/clock", {"advance": 30})
    running = await azure.arm("GET", accepted.headers["Azure-AsyncOperation"], caller="app")
    assert running.body["status"] == "Inprogress"
    assert (await azure.arm("GET", accepted.headers["Location"])).status == 202
    azure.cloud.seed(CONTAINER, {})
    await azure.control("POST", "/clock", {"advance": 20})
    assert (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    result = await azure.arm("GET", accepted.headers["Location"])
    assert (result.status, result.body) == (200, {"objectType": "OperationJobExtendedInfo"})
    assert "/subscriptions/" in result.headers["Azure-AsyncOperation"]


async def test_stronger_and_inherited_roles_serve(azure: Client) -> None:
    """Contributor in place of Reader, and grants on the subscription."""
    identity = await make_vault(azure)
    place_cluster(azure)
    everyone = [
        (backup.CONTRIBUTOR, backup.CLUSTER_IDENTITY, SUBSCRIPTION),
        (backup.BLOB_CONTRIBUTOR, backup.EXTENSION_IDENTITY, GROUP),
        (backup.CONTRIBUTOR, identity, SUBSCRIPTION),
    ]
    for role, principal, scope in everyone:
        await grant(azure, role, principal, scope)
    await azure.control("POST", "/clock", {"advance": 91})
    assert (await validate(azure)).body["status"] == "Succeeded"


async def test_the_vault_may_be_in_another_subscription_of_the_tenant(azure: Client) -> None:
    """Region counts, subscription doesn't."""
    await everything(azure)
    moved = CLUSTER.replace("000000000000/resourceGroups", "000000000002/resourceGroups")
    for resource in list(azure.cloud.store.within(CLUSTER)):
        azure.cloud.store.put(
            type(resource)(resource.id.replace(CLUSTER, moved), resource.type, resource.body, resource.notes)
        )
    azure.cloud.seed(moved.partition("/providers")[0], {"location": "westeurope"})
    reader = azure.cloud.roles.named("Reader")[0]
    vault = azure.cloud.store.get(VAULT)
    assert vault
    identity = azure.cloud.directory.get(vault.body["identity"]["principalId"])
    assert identity
    azure.cloud.assign(identity, reader, moved)
    status = await validate(azure, instance(cluster=moved))
    assert status.body["error"]["code"] == "UserErrorStorageAccountSubscriptionMismatch"


@pytest.mark.parametrize(
    "change",
    [
        {"objectType": "Something"},
        {"dataSourceInfo": None},
        {"dataSourceInfo": {"objectType": "Datasource"}},
        {"policyInfo": {}},
    ],
)
async def test_requests_that_make_no_sense_are_refused_at_once(azure: Client, change: dict[str, Any]) -> None:
    """No operation is started for them."""
    await make_vault(azure)
    body = {"backupInstance": {**instance(), **change}}
    answer = await azure.arm("POST", f"{VAULT}/validateForBackup", body)
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")
    assert (await azure.arm("PUT", INSTANCE, {"properties": body["backupInstance"]})).status == 400


async def _state(azure: Client) -> str:
    return str((await azure.arm("GET", INSTANCE, caller="app")).body["properties"]["currentProtectionState"])


async def _protect(azure: Client, properties: dict[str, Any] | None = None, path: str = INSTANCE) -> Answer:
    made = await azure.arm("PUT", path, {"properties": properties or instance()}, caller="app")
    await azure.control("POST", "/clock", {"advance": 72})
    return made


async def test_protection_is_configured_after_the_write_has_ended(azure: Client) -> None:
    """Three states side by side, as recorded; ProtectionConfigured comes 37-71 s after the PUT."""
    await everything(azure)
    made = await azure.arm("PUT", INSTANCE, {"properties": instance()}, caller="app")
    assert made.status == 201
    assert "Location" not in made.headers
    assert made.body["properties"]["provisioningState"] == "Provisioning"
    await azure.control("POST", "/clock", {"advance": 3})
    written = await azure.arm("GET", made.headers["Azure-AsyncOperation"], caller="app")
    assert written.body["status"] == "Succeeded"
    read = (await azure.arm("GET", INSTANCE, caller="app")).body["properties"]
    assert (read["provisioningState"], read["currentProtectionState"]) == ("Succeeded", "ConfiguringProtection")
    await azure.control("POST", "/clock", {"advance": 70})
    read = (await azure.arm("GET", INSTANCE, caller="app")).body["properties"]
    assert read["protectionStatus"] == {"status": "ProtectionConfigured"}
    configuring = [one for one in await azure.control("GET", "/operations") if one["kind"] == "protection"]
    assert [one["resource"] for one in configuring] == [INSTANCE]
    assert 37 <= configuring[0]["seconds"] <= 71


async def test_filters_that_were_not_sent_come_back_as_null(azure: Client) -> None:
    """And `resourceId` is taken for `resourceID` (wire facts)."""
    await everything(azure)
    sent = instance()
    sent["dataSourceInfo"]["resourceId"] = sent["dataSourceInfo"].pop("resourceID")
    body = (await azure.arm("PUT", INSTANCE, {"properties": sent})).body["properties"]
    assert body["dataSourceInfo"]["resourceID"] == CLUSTER
    parameters = body["policyInfo"]["policyParameters"]["backupDatasourceParametersList"][0]
    assert parameters["excludedNamespaces"] is None
    assert parameters["snapshotVolumes"] is True


async def test_what_is_missing_at_the_end_is_a_protection_error(azure: Client) -> None:
    """The write succeeds all the same; the state tells why. The same PUT again repairs it."""
    await everything(azure)
    azure.cloud.store.remove(BINDING)
    assert (await _protect(azure)).status == 201
    broken = (await azure.arm("GET", INSTANCE)).body["properties"]
    assert broken["currentProtectionState"] == "ProtectionError"
    assert broken["protectionErrorDetails"]["code"] == "UserErrorTrustedAccessNotEnabled"
    assert broken["provisioningState"] == "Succeeded"
    place_cluster(azure)
    assert (await _protect(azure)).status == 200
    repaired = (await azure.arm("GET", INSTANCE)).body["properties"]
    assert repaired["currentProtectionState"] == "ProtectionConfigured"
    assert "protectionErrorDetails" not in repaired


async def test_a_set_other_than_the_datasource_is_a_protection_error(azure: Client) -> None:
    """The set must equal the datasource except for its objectType."""
    await everything(azure)
    wrong = instance()
    wrong["dataSourceSetInfo"]["resourceName"] = "other"
    await _protect(azure, wrong)
    details = (await azure.arm("GET", INSTANCE)).body["properties"]["protectionErrorDetails"]
    assert details["code"] == "ScenarioPluginInvalidWorkflowDataRequest"


async def test_a_cluster_has_one_instance_per_vault_and_policy(azure: Client) -> None:
    """A second name with the same policy is refused; another policy is another instance; the same PUT is the same."""
    await everything(azure, vault_tier=True)
    await _protect(azure)
    again = await _protect(azure)
    assert again.status == 200
    assert await _state(azure) == "ProtectionConfigured"
    second = await azure.arm("PUT", f"{INSTANCE}-b", {"properties": instance()})
    assert (second.status, second.code) == (400, "UserErrorDppDatasourceAlreadyHasBackupInstance")
    assert f"backup instance k1 in the Backup vault {VAULT} with" in second.body["error"]["message"]
    assert (await azure.arm("PUT", f"{INSTANCE}-c", {"properties": instance(GOLD)})).status == 201
    listed = await azure.arm("GET", f"{VAULT}/backupInstances", caller="app")
    assert [item["name"] for item in listed.body["value"]] == ["k1-k1-1", "k1-k1-1-c"]


async def test_an_instance_moves_to_another_policy(azure: Client) -> None:
    """UpdatingProtection, then ProtectionConfigured; nothing else is taken meanwhile."""
    await everything(azure, vault_tier=True)
    await _protect(azure)
    moved = await azure.arm("PUT", INSTANCE, {"properties": instance(GOLD)}, caller="app")
    assert (moved.status, moved.body["properties"]["currentProtectionState"]) == (200, "UpdatingProtection")
    busy = await azure.arm("PUT", INSTANCE, {"properties": instance(POLICY)}, caller="app")
    assert (busy.status, busy.code) == (409, "AnotherOperationInProgress")
    await azure.control("POST", "/clock", {"advance": 61})
    assert await _state(azure) == "ProtectionConfigured"
    assert (await azure.arm("DELETE", POLICY)).status == 200


async def test_instances_are_found_from_their_cluster(azure: Client) -> None:
    """Extension routing lists them in whatever vault, for whoever may read them on the cluster."""
    await everything(azure)
    await _protect(azure)
    path = f"{CLUSTER}/providers/Microsoft.DataProtection/backupInstances"
    answer = await azure.arm("GET", path, caller="app")
    assert [item["id"] for item in answer.body["value"]] == [INSTANCE]
    other = CLUSTER.replace("/k1", "/k2")
    azure.cloud.seed(other, {"location": "westeurope"})
    assert (await azure.arm("GET", path.replace(CLUSTER, other), caller="app")).body == {"value": []}


@pytest.mark.parametrize(
    ("action", "meanwhile"), [("suspendBackups", "BackupSchedulesSuspended"), ("stopProtection", "ProtectionStopped")]
)
async def test_protection_is_suspended_or_stopped_and_resumed(azure: Client, action: str, meanwhile: str) -> None:
    """Each is an operation; a repeat changes nothing; resuming needs what protection needs."""
    await everything(azure)
    await _protect(azure)

    async def post(name: str) -> Answer:
        answer = await azure.arm("POST", f"{INSTANCE}/{name}")
        await azure.control("POST", "/clock", {"advance": 60})
        return answer

    accepted = await post(action)
    assert accepted.status == 202
    assert (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    assert await _state(azure) == meanwhile
    assert ((await post(action)).status, await _state(azure)) == (200, meanwhile)
    azure.cloud.store.remove(BINDING)
    failed = await post("resumeProtection")
    status = await azure.arm("GET", failed.headers["Azure-AsyncOperation"])
    assert status.body["error"]["code"] == "UserErrorTrustedAccessNotEnabled"
    place_cluster(azure)
    assert (await post("resumeProtection")).status == 202
    assert await _state(azure) == "ProtectionConfigured"
    assert (await post("resumeProtection")).status == 200
    assert (await azure.arm("POST", f"{INSTANCE}x/resumeProtection")).code == "UserErrorGenericResourceNotFound"


async def test_deleted_instances_are_kept_and_can_be_brought_back(azure: Client) -> None:
    """Soft-deleted for 14 days: listed, undeleted as ProtectionStopped, and they keep the vault."""
    await everything(azure)
    await _protect(azure)
    assert (await azure.arm("DELETE", INSTANCE)).status == 202
    assert await _state(azure) == "SoftDeleting"
    assert (await azure.arm("DELETE", INSTANCE)).code == "AnotherOperationInProgress"
    await azure.control("POST", "/clock", {"advance": 110})
    assert (await azure.arm("GET", INSTANCE)).status == 404
    (deleted,) = (await azure.arm("GET", f"{VAULT}/deletedBackupInstances")).body["value"]
    assert deleted["properties"]["objectType"] == "DeletedBackupInstance"
    assert deleted["properties"]["currentProtectionState"] == "SoftDeleted"
    assert (await azure.arm("GET", deleted["id"])).body == deleted
    assert (await azure.arm("DELETE", VAULT)).code == "UserErrorVaultContainsBackupInstances"
    back = await azure.arm("POST", f"{deleted['id']}/undelete")
    assert (back.status, back.body) == (200, "")
    assert await _state(azure) == "ProtectionStopped"
    again = await azure.arm("POST", f"{deleted['id']}/undelete")
    assert (again.status, again.code) == (404, "UserErrorGenericResourceNotFound")
    assert "additionalInfo" not in again.body["error"]
    assert again.headers["Content-Type"] == "application/json"


async def test_soft_deleted_instances_are_purged_in_the_end(azure: Client) -> None:
    """After the retention the vault can go."""
    await everything(azure)
    await _protect(azure)
    await azure.arm("DELETE", INSTANCE)
    await azure.control("POST", "/clock", {"advance": 15 * 86400})
    assert (await azure.arm("GET", f"{VAULT}/deletedBackupInstances")).body == {"value": []}
    assert (await azure.arm("DELETE", VAULT)).status == 202


async def test_without_soft_delete_an_instance_is_gone(azure: Client) -> None:
    """Also one whose protection is still being configured; an absent one is 204."""
    await make_vault(azure, securitySettings={"softDeleteSettings": {"state": "Off"}})
    place_cluster(azure)
    await azure.arm("PUT", INSTANCE, {"properties": instance()})
    assert (await azure.arm("DELETE", INSTANCE)).status == 202
    await azure.control("POST", "/clock", {"advance": 110})
    assert (await azure.arm("GET", f"{VAULT}/deletedBackupInstances")).body == {"value": []}
    absent = await azure.arm("DELETE", INSTANCE)
    assert (absent.status, absent.body) == (204, "")
    assert "Azure-AsyncOperation" not in absent.headers


async def test_a_group_with_protected_clusters_is_not_deleted(azure: Client) -> None:
    """The deletion runs and ends with ResourceGroupDeletionBlocked; the group stays."""
    await everything(azure)
    await _protect(azure)
    accepted = await azure.arm("DELETE", GROUP)
    await azure.control("POST", "/clock", {"advance": 61})
    assert (await azure.arm("GET", accepted.headers["Location"])).code == "ResourceGroupDeletionBlocked"
    assert (await azure.arm("GET", GROUP)).status == 200


async def test_protection_can_be_ordered_to_fail(azure: Client) -> None:
    """A late failure strikes the request's own operation, or by its kind what it starts beside it."""
    await everything(azure)
    match = {"method": "PUT", "path": "backupInstances"}
    order = {"match": match, "action": "fail_late", "kind": "protection", "code": "UserErrorOrdered", "message": "no"}
    await azure.control("POST", "/faults", order)
    made = await _protect(azure)
    assert (await azure.arm("GET", made.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    properties = (await azure.arm("GET", INSTANCE)).body["properties"]
    assert properties["currentProtectionState"] == "ProtectionError"
    assert properties["protectionErrorDetails"]["code"] == "UserErrorOrdered"
