"""Disks and blobs that are backed up, for replaying what was recorded of them: jobs and recovery points."""

import datetime as dt

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents
from local.azure.store import Resource
from tests.wire.player import Player
from tests.wire.scenarios import SUBSCRIPTION, Body, Step, group

GROUP, REGION = "clitest-dpp-rg", "centraluseuap"
_GROUP_ID = f"{SUBSCRIPTION}/resourceGroups/{GROUP}"
_VAULTS = f"{_GROUP_ID}/providers/Microsoft.DataProtection/backupVaults"
ONE_VAULT, OTHER_VAULT = (
    f"{_VAULTS}/clitest-bkp-vault-donotdelete",
    f"{_VAULTS}/clitest-bkp-vault-persistent-bi-donotdelete",
)
_DISK = "clitest-disk-persistent-bi-donotdelete"
DISK_INSTANCE = f"{OTHER_VAULT}/backupInstances/{_DISK}-{_DISK}-0000001d-0000-4000-8000-00000000001d"
_BLOBS = "clitestsavltdonotdelete"
BLOB_INSTANCE = f"{OTHER_VAULT}/backupInstances/{_BLOBS}-{_BLOBS}-00000020-0000-4000-8000-000000000020"
_JOB = f"{OTHER_VAULT}/backupJobs/0000002a-0000-4000-8000-00000000002a"


def vault(vault_id: str, soft_delete: str = "Off") -> tuple[str, Body]:
    """A vault, with or without soft delete."""
    return vault_id, {
        "location": REGION,
        "identity": {"type": "SystemAssigned", "principalId": "00000001-1111-4111-8111-111111111111"},
        "properties": {
            "provisioningState": "Succeeded",
            "storageSettings": [{"datastoreType": "VaultStore", "type": "LocallyRedundant"}],
            "securitySettings": {"softDeleteSettings": {"state": soft_delete, "retentionDurationInDays": 14.0}},
        },
    }


def policy(vault_id: str, name: str, kind: str, interval: str) -> tuple[str, Body]:
    """A policy that keeps recovery points for seven days."""
    operational = {"dataStoreType": "OperationalStore", "objectType": "DataStoreInfoBase"}
    tag = {"isDefault": True, "tagInfo": {"id": "Default_", "tagName": "Default"}, "taggingPriority": 99}
    rules = [
        {
            "backupParameters": {"backupType": "Incremental", "objectType": "AzureBackupParams"},
            "dataStore": operational,
            "name": "BackupHourly",
            "objectType": "AzureBackupRule",
            "trigger": {
                "objectType": "ScheduleBasedTriggerContext",
                "schedule": {"repeatingTimeIntervals": [interval]},
                "taggingCriteria": [tag],
            },
        },
        {
            "isDefault": True,
            "lifecycles": [
                {
                    "deleteAfter": {"duration": "P7D", "objectType": "AbsoluteDeleteOption"},
                    "sourceDataStore": operational,
                },
            ],
            "name": "Default",
            "objectType": "AzureRetentionRule",
        },
    ]
    return f"{vault_id}/backupPolicies/{name}", {
        "properties": {"datasourceTypes": [kind], "objectType": "BackupPolicy", "policyRules": rules},
    }


def instance(
    instance_id: str, source: str, kind: str, policy_name: str, *, grouped: bool, **more: Body
) -> tuple[str, Body]:
    """An instance whose protection is configured, named after its datasource."""
    name = source.rsplit("/", 1)[-1]
    info = {
        "resourceID": f"{_GROUP_ID}/providers/{source}",
        "resourceUri": f"{_GROUP_ID}/providers/{source}",
        "datasourceType": kind,
        "resourceName": name,
        "resourceType": source.rsplit("/", 1)[0],
        "resourceLocation": REGION,
        "objectType": "Datasource",
    }
    vault_id = instance_id.rsplit("/backupInstances/", 1)[0]
    together = {"dataSourceSetInfo": {**info, "objectType": "DatasourceSet"}} if grouped else {}
    return instance_id, {
        "tags": {"Owner": "dppclitest", "Purpose": "Testing"},
        "properties": {
            "friendlyName": name,
            "dataSourceInfo": info,
            **together,
            "policyInfo": {"policyId": f"{vault_id}/backupPolicies/{policy_name}", **more},
            "protectionStatus": {"status": "ProtectionConfigured"},
            "currentProtectionState": "ProtectionConfigured",
            "provisioningState": "Succeeded",
            "objectType": "BackupInstance",
        },
    }


_DISKS, _BLOB_KIND = "Microsoft.Compute/disks", "Microsoft.Storage/storageAccounts/blobServices"

DAILY_DISK = (
    group(GROUP, REGION),
    vault(OTHER_VAULT),
    policy(OTHER_VAULT, "diskpolicy", _DISKS, "R/2024-04-01T12:00:00+00:00/P1D"),
    instance(DISK_INSTANCE, f"{_DISKS}/{_DISK}", _DISKS, "diskpolicy", grouped=False),
)
"""A disk that is backed up every day at noon."""

BLOBS = instance(
    BLOB_INSTANCE,
    f"Microsoft.Storage/storageAccounts/{_BLOBS}",
    _BLOB_KIND,
    "vaultedblobpolicy",
    grouped=True,
)

_HISTORY = (
    (DISK_INSTANCE, "2024-04-24T11:00:00+00:00", 192),  # older than two weeks: not listed any more
    (DISK_INSTANCE, "2024-04-24T12:00:08+00:00", 192),
    (BLOB_INSTANCE, "2024-04-25T03:30:02+00:00", 821),
    (DISK_INSTANCE, "2024-04-25T12:00:05+00:00", 191),
    (BLOB_INSTANCE, "2024-04-26T03:30:07+00:00", 820),
    (DISK_INSTANCE, "2024-04-26T12:00:11+00:00", 190),
)


def backed_up(cloud: Cloud) -> None:
    """Jobs of two weeks, and a restore that still runs."""
    for resource_id, body in (*DAILY_DISK, BLOBS):
        cloud.seed(resource_id, body)
    for instance_id, text, seconds in _HISTORY:
        at = dt.datetime.fromisoformat(text) + dt.timedelta(microseconds=123457)
        job = _started(cloud, instance_id, at, "Backup", user_triggered=False)
        job_documents.end_backup(job, at + dt.timedelta(seconds=seconds, microseconds=3), "0" * 32)
    at = dt.datetime(2024, 5, 8, 10, 31, 41, 345758, dt.UTC)
    _started(cloud, BLOB_INSTANCE, at, "Restore", user_triggered=True)


def _started(cloud: Cloud, instance_id: str, at: dt.datetime, category: str, *, user_triggered: bool) -> Body:
    owner = cloud.store.get(instance_id)
    assert owner
    job = job_documents.started(
        f"{OTHER_VAULT}/backupJobs/{cloud.new_guid()}",
        owner,
        at,
        category=category,
        activity=cloud.new_guid(),
        user_triggered=user_triggered,
        extended={},
        source_store="VaultStore" if category == "Restore" else None,
    )
    cloud.store.put(Resource(job["id"], job["type"], job))
    return job


def days(number: int) -> Step:
    """Let days pass."""

    async def step(player: Player) -> None:
        await player.advance(number * 86400.0)

    return step


async def a_scheduled_job(player: Player) -> None:
    """Let a day pass, and take its job for the recorded one."""
    await player.advance(86400.0)
    listed = await player.send("GET", f"{player.arm}{OTHER_VAULT}/backupJobs", {"api-version": "2024-04-01"}, None)
    (job,) = listed.body["value"]
    player.follow_as(_JOB, f"{player.arm}{job['id']}?api-version=2024-04-01")


ON_DEMAND = (
    group(GROUP, REGION),
    vault(ONE_VAULT),
    policy(ONE_VAULT, "diskpolicy", _DISKS, "R/2024-04-01T12:00:00+00:00/P1D"),
    instance(
        f"{ONE_VAULT}/backupInstances/clitestsadonotdelete-clitestsadonotdelete-00000051-0000-4000-8000-000000000051",
        "Microsoft.Storage/storageAccounts/clitestsadonotdelete",
        _BLOB_KIND,
        "blobpolicy",
        grouped=False,
        policyParameters={
            "backupDatasourceParametersList": [
                {"objectType": "BlobBackupDatasourceParameters", "containersList": ["testcontainer"]},
            ],
        },
    ),
    instance(
        f"{ONE_VAULT}/backupInstances/clitest-disk-donotdelete-clitest-disk-donotdelete"
        "-00000051-0000-4000-8000-000000000051",
        f"{_DISKS}/clitest-disk-donotdelete",
        _DISKS,
        "diskpolicy",
        grouped=False,
    ),
)
"""A vault with a disk that is protected, and with blobs."""

_SOFT = f"{_VAULTS}/clitest-bkp-vault-sd1-donotdelete"
_SOFT_DISK = "clitest-disk-sd-donotdelete"


def _older(placed: tuple[str, Body]) -> tuple[str, Body]:
    """An instance as older ones are stored: no tags, the datasource's id in another case, an empty URI (wire facts)."""
    instance_id, body = placed
    source = body["properties"]["dataSourceInfo"]
    changed = {"resourceID": source["resourceID"].replace("resourceGroups", "resourcegroups"), "resourceUri": ""}
    properties = {**body["properties"], "dataSourceInfo": {**source, **changed}}
    return instance_id, {"properties": properties}


SOFT_DELETED = (
    group(GROUP, REGION),
    vault(OTHER_VAULT),
    vault(_SOFT, "On"),
    policy(OTHER_VAULT, "diskpolicy", _DISKS, "R/2024-04-01T12:00:00+00:00/P1D"),
    policy(_SOFT, "diskpol", _DISKS, "R/2024-04-01T12:00:00+00:00/P1D"),
    _older(
        instance(
            f"{_SOFT}/backupInstances/{_SOFT_DISK}-{_SOFT_DISK}-00000051-0000-4000-8000-000000000051",
            f"{_DISKS}/{_SOFT_DISK}",
            _DISKS,
            "diskpol",
            grouped=False,
            policyParameters={
                "dataStoreParametersList": [
                    {
                        "dataStoreType": "OperationalStore",
                        "objectType": "AzureOperationalStoreParameters",
                        "resourceGroupId": _GROUP_ID,
                    },
                ],
            },
        ),
    ),
)
"""A disk in a vault with soft delete, and a vault without."""


async def a_second_more(player: Player) -> None:
    """Let a write take up to two seconds: the recorded one was quicker than that of dp_backup_and_restore_aks."""
    await player.advance(1.0)
