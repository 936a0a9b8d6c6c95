from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.data_protection.dialect import JOBS
from tests.local_azure import backup, restoring
from tests.local_azure.backup import CLUSTER, CONTAINER, INSTANCE, VAULT
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Client
from tests.local_azure.ondemand import DAY, advance, all_jobs, run_one
from tests.local_azure.restoring import TARGET, backed_up, restore, validate, wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.conftest import Start


async def test_a_validation_runs_as_recorded(azure: Client) -> None:
    """202 with both headers, 41 s, then an empty result; it makes no job."""
    point = await backed_up(azure)
    accepted = await azure.arm("POST", f"{INSTANCE}/validateRestore", {"restoreRequestObject": wanted(point)})
    assert (accepted.status, accepted.body) == (202, "")
    await advance(azure, 40)
    assert (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body["status"] == "Inprogress"
    assert (await azure.arm("GET", accepted.headers["Location"])).status == 202
    await advance(azure, 2)
    assert (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    result = await azure.arm("GET", accepted.headers["Location"])
    assert (result.status, result.body) == (200, {"objectType": "OperationJobExtendedInfo"})
    assert [job["operation"] for job in await all_jobs(azure)] == ["Backup"]


async def test_a_restore_is_a_job_with_its_point_and_its_destination(azure: Client) -> None:
    """In the vault's list, alone and in Resource Graph; 212-216 s."""
    point = await backed_up(azure)
    running = await restore(azure, wanted(point), seconds=210)
    assert (running["status"], running["operationCategory"]) == ("InProgress", "Restore")
    assert running["sourceDataStoreType"] == "OperationalStore"
    assert running["extendedInfo"]["recoveryDestination"] == CLUSTER
    assert running["extendedInfo"]["sourceRecoverPoint"]["recoveryPointID"] == point
    await advance(azure, 8)
    ended = (await all_jobs(azure))[-1]
    assert (ended["status"], ended["isUserTriggered"], ended["errorDetails"]) == ("Completed", True, None)
    listed = (await azure.arm("GET", f"{VAULT}/backupJobs")).body["value"][-1]
    assert listed["properties"]["operation"] == "Restore"
    query = "RecoveryServicesResources | where type endswith 'backupjobs' and properties.operationCategory == 'Restore'"
    body = {"subscriptions": [SUBSCRIPTION.rsplit("/", 1)[-1]], "query": query}
    found = await azure.arm(
        "POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01", body, version=""
    )
    assert [row["properties"]["status"] for row in found.body["data"]] == ["Completed"]


def _without(**changes: Any) -> dict[str, Any]:
    return {**wanted("0" * 32), **changes}


def _target(**changes: Any) -> dict[str, Any]:
    return _without(restoreTargetInfo={**wanted("0" * 32)["restoreTargetInfo"], **changes})


_SOURCE = wanted("x")["restoreTargetInfo"]["datasourceInfo"]


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        _without(objectType="AzureBackupRecoveryTimeBasedRestoreRequest"),
        _without(recoveryPointId=None),
        _without(recoveryPointId=7),
        _without(sourceDataStoreType="ArchiveStore"),
        _without(sourceDataStoreType="VaultStore"),
        _without(restoreTargetInfo=None),
        _target(objectType="RestoreTargetInfo"),
        _target(recoveryOption="Overwrite"),
        _target(restoreLocation="atlantis"),
        _target(datasourceInfo=None),
        _target(datasourceInfo={**_SOURCE, "objectType": "DatasourceSet"}),
        _target(datasourceInfo={**_SOURCE, "datasourceType": "Microsoft.Compute/disks"}),
        _target(datasourceInfo={**_SOURCE, "resourceId": VAULT}),
        _target(datasourceInfo={**_SOURCE, "resourceId": None}),
        _target(datasourceSetInfo=None),
        _target(restoreCriteria=[]),
        _target(restoreCriteria=[{"objectType": "KubernetesClusterVaultTierRestoreCriteria"}]),
        wanted("0" * 32, includeClusterScopeResources=None),
        wanted("0" * 32, includedNamespaces="web"),
        wanted("0" * 32, namespaceMappings=["web:web2"]),
        wanted("0" * 32, conflictPolicy="Overwrite"),
        wanted("0" * 32, persistentVolumeRestoreMode="Maybe"),
        restoring.wanted_from_vault("0" * 32, stagingResourceGroupId=None),
        restoring.wanted_from_vault("0" * 32, stagingResourceGroupId=restoring.STAGING_ACCOUNT),
        restoring.wanted_from_vault("0" * 32, stagingStorageAccountId=restoring.STAGING),
        restoring.wanted_from_vault("0" * 32, objectType="KubernetesClusterRestoreCriteria"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_at_once(azure: Client, request_: dict[str, Any] | None) -> None:
    """By both calls; nothing is started."""
    await backup.everything(azure)
    azure.cloud.seed(INSTANCE, {"properties": {**backup.instance(), "currentProtectionState": "ProtectionConfigured"}})
    for action, body in (("validateRestore", {"restoreRequestObject": request_}), ("restore", request_ or {})):
        answer = await azure.arm("POST", f"{INSTANCE}/{action}", body)
        assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters"), action
    assert await all_jobs(azure) == []


async def test_an_absent_instance_cannot_be_restored(azure: Client) -> None:
    """404 of the service."""
    await backup.make_vault(azure)
    for action in ("validateRestore", "restore"):
        answer = await azure.arm("POST", f"{INSTANCE}/{action}", wanted("0" * 32))
        assert (answer.status, answer.code) == (404, "UserErrorGenericResourceNotFound")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("ConfiguringProtection", 400),
        ("SoftDeleting", 400),
        ("ProtectionStopped", 202),
        ("BackupSchedulesSuspended", 202),
        ("ProtectionError", 202),
    ],
)
async def test_what_is_kept_can_be_restored_whatever_became_of_protection(
    azure: Client, state: str, status: int
) -> None:
    """Only an instance that isn't configured yet or is being deleted refuses."""
    point = await backed_up(azure)
    instance = azure.cloud.store.get(INSTANCE)
    assert instance
    instance.properties["currentProtectionState"] = state
    for action, body in (("validateRestore", {"restoreRequestObject": wanted(point)}), ("restore", wanted(point))):
        assert (await azure.arm("POST", f"{INSTANCE}/{action}", body)).status == status


async def test_ten_restores_a_day(azure: Client) -> None:
    """The eleventh of a day in UTC is refused, and can still be validated; backups don't count."""
    point = await backed_up(azure)
    for _ in range(10):
        await restore(azure, wanted(point))
    refused = await azure.arm("POST", f"{INSTANCE}/restore", wanted(point))
    assert (refused.status, refused.code) == (400, "UserErrorMaxRestoresPerDayReached")
    assert (await validate(azure, wanted(point))).body["status"] == "Succeeded"
    assert (await run_one(azure))["status"] == "Completed"
    await advance(azure, DAY)
    assert (await azure.arm("POST", f"{INSTANCE}/restore", wanted(point))).status == 202


async def test_the_caller_must_read_both_clusters(start: Start, tmp_path: Path) -> None:
    """LinkedAuthorizationFailed, which names the cluster and the action that is missing."""
    needed = ["Microsoft.DataProtection/backupVaults/backupInstances/*/action", "Microsoft.Resources/*"]
    role = tmp_path / "role.json"
    role.write_text(json.dumps({"roleName": "Restorer", "actions": needed}), encoding="utf-8")
    ids = tuple(path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
    async with start(role_file=role, condition_file=tmp_path / "none", subscriptions=ids, time_scale=0.001) as azure:
        cloud = azure.cloud
        await backup.make_vault(azure)
        backup.place_cluster(azure)
        restoring.place_target(cloud)
        configured = {**backup.instance(), "currentProtectionState": "ProtectionConfigured"}
        cloud.seed(INSTANCE, {"properties": configured})
        app = azure.azure.ready["app_principal_id"]
        for cluster in (CLUSTER, TARGET):
            body = {"restoreRequestObject": wanted("0" * 32, TARGET)}
            refused = await azure.arm("POST", f"{INSTANCE}/validateRestore", body, caller="app")
            assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
            for part in (cluster, "backupInstances/validateRestore/action", "managedClusters/read"):
                assert part in refused.body["error"]["message"]
            restoring.give(cloud, (backup.READER, app, cluster))
        assert (await azure.arm("POST", f"{INSTANCE}/validateRestore", body, caller="app")).status == 202


async def test_the_app_may_validate_a_restore_and_not_start_one(azure: Client) -> None:
    """Its role has the one action and not the other."""
    point = await backed_up(azure)
    body = {"restoreRequestObject": wanted(point)}
    assert (await azure.arm("POST", f"{INSTANCE}/validateRestore", body, caller="app")).status == 202
    refused = await azure.arm("POST", f"{INSTANCE}/restore", wanted(point), caller="app")
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert "backupInstances/restore/action" in refused.body["error"]["message"]


async def test_ordered_outcomes_of_restore_jobs(azure: Client) -> None:
    """`fail_job` with operation Restore strikes restores and leaves backups alone."""
    point = await backed_up(azure)
    for order in (
        {"status": "Failed", "code": "UserErrorBackupPluginPodRestartedDuringRestore", "message": "memory"},
        {"status": "CompletedWithWarnings", "code": "UserErrorHookExecutionFailed", "message": "hook"},
        {"status": "Cancelled"},
    ):
        fault = {"match": {"operation": "Restore", "resource": "k1"}, "action": "fail_job", **order}
        await azure.control("POST", "/faults", fault)
        assert (await run_one(azure))["status"] == "Completed"
        job = await restore(azure, wanted(point))
        assert job["status"] == order["status"]
        told = [error["code"] for error in job["errorDetails"] or []]
        told += [one["warning"]["code"] for one in job["extendedInfo"]["warningDetails"] or []]
        assert told == ([order["code"]] if "code" in order else [])


async def test_late_failures_strike_the_request_or_its_job(azure: Client) -> None:
    """Kind `restore` strikes the job; without it the request's own operation fails and there is no job."""
    point = await backed_up(azure)
    order = {"match": {"path": "/restore$"}, "action": "fail_late", "code": "Late", "message": "too late"}
    await azure.control("POST", "/faults", {**order, "kind": "restore"})
    assert (await restore(azure, wanted(point)))["errorDetails"][0]["code"] == "Late"
    await azure.control("POST", "/faults", order)
    accepted = await azure.arm("POST", f"{INSTANCE}/restore", wanted(point))
    await advance(azure, 1)
    status = (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "Late")
    assert len(await all_jobs(azure)) == 2


async def test_a_restore_finds_out_at_its_end_what_is_missing(azure: Client) -> None:
    """What a validation would tell; and data that somebody deleted, which only the restore itself sees."""
    point = await backed_up(azure)
    azure.cloud.store.remove(backup.EXTENSION)
    job = await restore(azure, wanted(point))
    assert job["status"] == "Failed"
    assert job["errorDetails"][0]["code"] == "UserErrorKubernetesBackupExtensionNotFoundError"
    azure.cloud.seed(backup.EXTENSION, {"properties": backup.installed(backup.EXTENSION_IDENTITY)})
    assert (await restore(azure, wanted(point)))["status"] == "Completed"
    azure.cloud.store.remove(CONTAINER)
    azure.cloud.seed(CONTAINER, {})
    assert (await validate(azure, wanted(point))).body["status"] == "Succeeded"
    assert (await restore(azure, wanted(point)))["errorDetails"][0]["code"] == "UserErrorBackupDataNotFound"


async def test_a_restore_of_a_point_that_is_not_there_makes_no_job(azure: Client) -> None:
    """Its operation fails."""
    await backed_up(azure)
    accepted = await azure.arm("POST", f"{INSTANCE}/restore", wanted("0" * 32))
    await advance(azure, 1)
    status = (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "UserErrorRecoveryPointNotFound")
    assert [job["operation"] for job in await all_jobs(azure)] == ["Backup"]


async def test_a_namespace_that_was_not_backed_up_is_a_warning(azure: Client) -> None:
    """The documented code; the restore completes with what there is."""
    point = await backed_up(azure)
    instance = azure.cloud.store.get(INSTANCE)
    assert instance
    parameters = instance.properties["policyInfo"]["policyParameters"]["backupDatasourceParametersList"][0]
    parameters["includedNamespaces"] = ["web"]
    job = await restore(azure, wanted(point, includedNamespaces=["web", "shop"]))
    assert job["status"] == "CompletedWithWarnings"
    assert job["extendedInfo"]["warningDetails"][0]["warning"]["code"] == "UserErrorNamespaceNotFound"
    assert (await restore(azure, wanted(point, includedNamespaces=["web"])))["status"] == "Completed"


async def test_an_instance_deleted_during_a_restore_cancels_its_job(azure: Client) -> None:
    """The job stays readable and ends Cancelled."""
    point = await backed_up(azure)
    await azure.arm("POST", f"{INSTANCE}/restore", wanted(point))
    await advance(azure, 10)
    await azure.arm("DELETE", INSTANCE)
    await advance(azure, 110)
    assert [job["status"] for job in await all_jobs(azure)] == ["Completed", "Cancelled"]
    assert all(job.properties["endTime"] for job in azure.cloud.store.of_type(JOBS))


async def test_the_official_client_validates_and_restores(azure: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-mgmt-dataprotection sends `resourceID`, polls to the end, and reads the job."""
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415  (costs every other test of this file)
    from azure.mgmt.dataprotection import models  # noqa: PLC0415
    from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient  # noqa: PLC0415

    point = await backed_up(azure)
    ready = azure.azure.ready
    monkeypatch.setenv("IDENTITY_ENDPOINT", ready["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", ready["identity_header_owner"])
    async with (
        ManagedIdentityCredential() as credential,
        DataProtectionMgmtClient(
            credential,
            SUBSCRIPTION.rsplit("/", 1)[-1],
            base_url=ready["arm"],
            credential_scopes=["https://management.azure.com/.default"],
            api_version="2025-07-01",
            connection_verify=ready["ca_file"],
            polling_interval=0,
        ) as client,
    ):
        kind = "Microsoft.ContainerService/managedClusters"
        request = models.AzureBackupRecoveryPointBasedRestoreRequest(
            recovery_point_id=point,
            source_data_store_type="OperationalStore",
            restore_target_info=models.ItemLevelRestoreTargetInfo(
                recovery_option="FailIfExists",
                restore_location="westeurope",
                restore_criteria=[
                    models.KubernetesClusterRestoreCriteria(
                        include_cluster_scope_resources=True, conflict_policy="Skip"
                    )
                ],
                datasource_info=models.Datasource(datasource_type=kind, resource_id=CLUSTER),
                datasource_set_info=models.DatasourceSet(datasource_type=kind, resource_id=CLUSTER),
            ),
        )
        where = ("backup", "vault1", "k1-k1-1")
        asked = models.ValidateRestoreRequestObject(restore_request_object=request)
        validation = await client.backup_instances.begin_validate_for_restore(*where, asked)
        await advance(azure, 42)
        assert (await validation.result()).job_id is None
        started = await client.backup_instances.begin_trigger_restore(*where, request)
        await advance(azure, 218)
        job_id = (await started.result()).job_id
        assert job_id
        job = (await client.jobs.get("backup", "vault1", job_id.rsplit("/", 1)[-1])).properties
        assert job
        assert job.extended_info
        assert (job.status, job.operation_category) == ("Completed", "Restore")
        assert job.extended_info.recovery_destination == CLUSTER
