from __future__ import annotations

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
    everything,
    instance,
    make_vault,
    protected,
)
from tests.local_azure.client import SUBSCRIPTION, Client
from tests.local_azure.ondemand import DAY, advance, advance_to, all_jobs, asked, run_one

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_a_backup_on_demand_leads_to_its_job(azure: Client) -> None:
    """202 with both headers; the job's id is in the operation's status and in its result."""
    await protected(azure)
    accepted = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    assert (accepted.status, accepted.body) == (202, "")
    early = await azure.arm("GET", accepted.headers["Location"])
    assert early.status == 202
    await advance(azure, 1)
    status = await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])
    result = await azure.arm("GET", accepted.headers["Location"])
    assert status.body["properties"] == result.body
    job = await azure.arm("GET", result.body["jobId"])
    assert job.body["properties"]["isUserTriggered"] is True
    assert job.body["properties"]["backupInstanceId"] == INSTANCE
    kinds = {one["kind"]: one["resource"] for one in await azure.control("GET", "/operations")}
    assert kinds["backup"] == kinds["backupTrigger"] == INSTANCE


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"backupRuleOptions": {}},
        {"backupRuleOptions": {"ruleName": "BackupHourly"}},
        asked("BackupWeekly"),
        asked("Default"),
        asked(retentionTagOverride="Yearly"),
        asked(retentionTagOverride=7),
    ],
)
async def test_a_request_must_fit_the_policy(azure: Client, body: dict[str, Any]) -> None:
    """The rule is the policy's backup rule, the tag one of its tags; nothing is started otherwise."""
    await protected(azure)
    answer = await azure.arm("POST", f"{INSTANCE}/backup", body)
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")
    assert await all_jobs(azure) == []


async def test_an_absent_instance_cannot_be_backed_up(azure: Client) -> None:
    """404 of the service."""
    await make_vault(azure)
    answer = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    assert (answer.status, answer.code) == (404, "UserErrorGenericResourceNotFound")


async def test_nothing_is_backed_up_before_protection_is_configured(azure: Client) -> None:
    """An instance that is still being configured refuses."""
    await everything(azure)
    await azure.arm("PUT", INSTANCE, {"properties": instance()})
    answer = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")


async def test_one_backup_of_an_instance_at_a_time(azure: Client) -> None:
    """A second one is refused from the first request on until the job has ended."""
    await protected(azure)
    assert (await azure.arm("POST", f"{INSTANCE}/backup", asked())).status == 202
    for seconds in (0, 100):
        await advance(azure, seconds)
        answer = await azure.arm("POST", f"{INSTANCE}/backup", asked())
        assert (answer.status, answer.code) == (400, "UserErrorMaxConcurrentOperationLimitReached")
    await advance(azure, 90)
    assert (await azure.arm("POST", f"{INSTANCE}/backup", asked())).status == 202


async def test_ten_backups_on_demand_a_day(azure: Client) -> None:
    """The eleventh of a day in UTC is refused, the first of the next day isn't; scheduled ones don't count."""
    await protected(azure)
    await advance_to(azure, 12)
    for _ in range(10):
        await run_one(azure)
    refused = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    assert (refused.status, refused.code) == (400, "UserErrorMaxOnDemandBackupsPerDayReached")
    await advance(azure, DAY / 2)
    assert (await azure.arm("POST", f"{INSTANCE}/backup", asked())).status == 202


async def test_a_late_failure_can_be_ordered_for_the_job_of_a_request(azure: Client) -> None:
    """Kind `backup` strikes the job; without it the request's own operation fails and there is no job."""
    await protected(azure)
    order = {"match": {"path": "/backup$"}, "action": "fail_late", "code": "Late", "message": "too late"}
    await azure.control("POST", "/faults", {**order, "kind": "backup"})
    job = await run_one(azure)
    assert (job["status"], job["errorDetails"][0]["code"]) == ("Failed", "Late")
    await azure.control("POST", "/faults", order)
    accepted = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    await advance(azure, 1)
    status = (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "Late")
    assert len(await all_jobs(azure)) == 1


def _change(resource_id: str, **properties: Any) -> Callable[[Client], object]:
    def change(azure: Client) -> None:
        resource = azure.cloud.store.get(resource_id)
        assert resource
        resource.properties.update(properties)

    return change


def _gone(resource_id: str) -> Callable[[Client], object]:
    return lambda azure: azure.cloud.store.remove(resource_id)


def _role_gone(role: str) -> Callable[[Client], object]:
    def revoke(azure: Client) -> None:
        kind = "Microsoft.Authorization/roleAssignments"
        for assignment in azure.cloud.store.of_type(kind):
            if str(assignment.properties["roleDefinitionId"]).endswith(role):
                azure.cloud.store.remove(assignment.id)

    return revoke


def _locked(azure: Client) -> None:
    azure.cloud.seed(f"{GROUP}/providers/Microsoft.Authorization/locks/keep", {"properties": {"level": "CanNotDelete"}})


_BROKEN: dict[str, tuple[Callable[[Client], object], str]] = {
    "the cluster is stopped": (
        _change(CLUSTER, powerState={"code": "Stopped"}),
        "UserErrorKubernetesClusterNotRunning",
    ),
    "the cluster is deleted": (_gone(CLUSTER), "UserErrorGenericResourceNotFound"),
    "the extension is gone": (_gone(EXTENSION), "UserErrorKubernetesBackupExtensionNotFoundError"),
    "the extension has errors": (
        _change(EXTENSION, provisioningState="Failed"),
        "UserErrorKubernetesBackupExtensionHasErrors",
    ),
    "the extension's role is gone": (
        _role_gone(backup.BLOB_CONTRIBUTOR),
        "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation",
    ),
    "the vault's role is gone": (_role_gone(backup.READER), "KubernetesBackupListExtensionsError"),
    "the cluster's role is gone": (_role_gone(backup.CONTRIBUTOR), "AuthorizationFailed"),
    "the container is gone": (_gone(CONTAINER), "UserErrorNoDefaultBackupStorageLocationFound"),
    "the account is gone": (_gone(ACCOUNT), "UserErrorNoDefaultBackupStorageLocationFound"),
    "trusted access is gone": (_gone(BINDING), "UserErrorTrustedAccessNotEnabled"),
    "the snapshot group is locked": (_locked, "UserErrorSnapshotResourceGroupHasLocks"),
}


@pytest.mark.parametrize("what", sorted(_BROKEN))
async def test_what_protection_needs_a_backup_needs(azure: Client, what: str) -> None:
    """A job fails with the code of what isn't there, and leaves no recovery point."""
    await protected(azure)
    break_it, code = _BROKEN[what]
    break_it(azure)
    job = await run_one(azure)
    assert job["status"] == "Failed"
    (error,) = job["errorDetails"]
    assert error["code"] == code
    assert set(error) == {
        "code",
        "details",
        "innerError",
        "isRetryable",
        "isUserError",
        "message",
        "properties",
        "recommendedAction",
        "target",
    }
    assert job["extendedInfo"]["subTasks"][0]["taskStatus"] == "Failed"
    assert job["extendedInfo"]["targetRecoverPoint"] is None
    assert (await azure.arm("GET", f"{INSTANCE}/recoveryPoints")).body == {"value": []}


async def test_a_deleted_snapshot_group_fails_backups(azure: Client) -> None:
    """The instance names a group that isn't there any more."""
    await protected(azure)
    elsewhere = azure.cloud.store.get(INSTANCE)
    assert elsewhere
    stores = elsewhere.properties["policyInfo"]["policyParameters"]["dataStoreParametersList"]
    stores[0]["resourceGroupId"] = f"{SUBSCRIPTION}/resourceGroups/gone"
    assert (await run_one(azure))["errorDetails"][0]["code"] == "UserErrorGenericResourceNotFound"


async def test_a_repaired_cluster_is_backed_up_again(azure: Client) -> None:
    """What failed once says nothing about the next time."""
    await protected(azure)
    _change(CLUSTER, powerState={"code": "Stopped"})(azure)
    assert (await run_one(azure))["status"] == "Failed"
    _change(CLUSTER, powerState={"code": "Running"})(azure)
    assert (await run_one(azure))["status"] == "Completed"


async def test_an_instance_deleted_during_its_backup_cancels_the_job(azure: Client) -> None:
    """The job stays readable and ends Cancelled."""
    await protected(azure)
    await azure.arm("POST", f"{INSTANCE}/backup", asked())
    await advance(azure, 10)
    await azure.arm("DELETE", INSTANCE)
    await advance(azure, 110)
    (job,) = await all_jobs(azure)
    assert job["status"] == "Cancelled"
    assert job["endTime"] is not None


async def test_the_official_client_reads_what_it_started(azure: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-mgmt-dataprotection starts a backup, reads jobs and recovery points, errors included."""
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415  (costs every other test of this file)
    from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient  # noqa: PLC0415
    from azure.mgmt.dataprotection.models import (  # noqa: PLC0415
        AdHocBackupRuleOptions,
        AdhocBackupTriggerOption,
        TriggerBackupRequest,
    )

    await protected(azure, GOLD)
    ready = azure.azure.ready
    monkeypatch.setenv("IDENTITY_ENDPOINT", ready["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", ready["identity_header_owner"])
    subscription = SUBSCRIPTION.rsplit("/", 1)[-1]
    async with (
        ManagedIdentityCredential() as credential,
        DataProtectionMgmtClient(
            credential,
            subscription,
            base_url=ready["arm"],
            credential_scopes=["https://management.azure.com/.default"],
            api_version="2025-07-01",
            connection_verify=ready["ca_file"],
        ) as client,
    ):
        where = ("backup", "vault1", "k1-k1-1")
        rule = AdHocBackupRuleOptions(
            rule_name="BackupHourly", trigger_option=AdhocBackupTriggerOption(retention_tag_override="Daily")
        )
        request = TriggerBackupRequest(backup_rule_options=rule)
        poller = await client.backup_instances.begin_adhoc_backup(*where, request, polling=False)
        assert poller.status()
        await advance(azure, 190)
        (job,) = [one async for one in client.jobs.list("backup", "vault1")]
        assert job.properties
        assert (job.properties.status, job.properties.is_user_triggered) == ("Completed", True)
        alone = (await client.jobs.get("backup", "vault1", str(job.name))).properties
        assert alone
        assert alone.extended_info
        assert (alone.extended_info.sub_tasks or [])[0].task_status == "Completed"
        points = [one async for one in client.recovery_points.list(*where)]
        made = alone.extended_info.target_recover_point
        assert made
        assert [point.name for point in points] == [made.recovery_point_id]
        assert (await client.recovery_points.get(*where, str(points[0].name))).id == points[0].id
        _change(CLUSTER, powerState={"code": "Stopped"})(azure)
        await run_one(azure)
        failed = [one.properties async for one in client.jobs.list("backup", "vault1")][-1]
        assert failed
        assert (failed.error_details or [])[0].code == "UserErrorKubernetesClusterNotRunning"
