"""Replayed queries of Resource Graph: what they find is put in place in ARM's form."""

import datetime as dt
from typing import Any

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents
from local.azure.store import Resource
from tests.wire import disks
from tests.wire.player import Player
from tests.wire.scenarios import SUBSCRIPTION, Body, Scenario, group

_ASKED = tuple(f"{number:08x}-0000-4000-8000-{number:012x}" for number in (0xA4, 0xA5, 0xA6))
_GROUPS = f"/subscriptions/{_ASKED[0]}/resourceGroups"
_OPTIONS: Body = {"subscriptions": _ASKED}
_API = {"api-version": "2021-03-01"}
_PAGE = 3
_TOTAL = 2994
_NETWORK = "providers/Microsoft.Network"
_NOW = dt.datetime(2024, 5, 5, 11, tzinfo=dt.UTC)


def _users(name: str) -> Body:
    """A provider of custom resource types."""
    endpoint = "https://customprovidersrprunnersfunctionsapp.azurewebsites.net/api/resources/users"
    schema = "https://raw.githubusercontent.com/Azure/azure-custom-providers/master/RunnerSwagger/userresource.json"
    return {
        "name": name,
        "location": "westus2",
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "resourceTypes": [{"name": "users", "endpoint": endpoint, "routingType": "Proxy"}],
            "validations": [{"validationType": "Swagger", "specification": schema}],
        },
    }


def _actions(name: str) -> Body:
    """A provider of custom actions."""
    endpoint = "https://customprovidersrprunnersfunctionsapp.azurewebsites.net/api/actions/testaction"
    return {
        "name": name,
        "location": "eastus2euap",
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "actions": [{"name": "TestAction", "endpoint": endpoint, "routingType": "Proxy"}],
        },
    }


def _custom(group_name: str, name: str) -> str:
    return f"{_GROUPS}/{group_name}/providers/Microsoft.CustomProviders/resourceProviders/{name}"


_CUSTOM = (
    (_custom("TestRG--202104281734-6FDC6EFE-westus2", "Resource--17F133E0"), _users("Resource--17F133E0")),
    (_custom("TestRG--202104281735-0C2F1EC0-eastus2euap", "Resource--7ADB3EEC"), _actions("Resource--7ADB3EEC")),
    (_custom("TestRG--202104281736-ABCDEF00-westus2", "Resource--00000000"), _actions("Resource--00000000")),
)


def _a_page_and_more(cloud: Cloud) -> None:
    """As many resources as the recorded answer counts; its page is the second one."""
    second = (
        f"{_GROUPS}/17989uu_group/{_NETWORK}/virtualNetworks/17989uu_group-vnet",
        f"{_GROUPS}/ACCSystem/providers/Microsoft.KeyVault/vaults/ACC00df9fbfc7",
        f"{_GROUPS}/ACCSystem/{_NETWORK}/loadBalancers/LB-osimagetest1-kst",
    )
    others = [f"{_GROUPS}/others/{_NETWORK}/virtualNetworks/n{number}" for number in range(_TOTAL - len(second))]
    for resource_id in (*others[:_PAGE], *second, *others[_PAGE:]):
        cloud.seed(resource_id, {"location": "eastus", "properties": {}})


async def _first_page(player: Player) -> None:
    """Read the page before, which gives the skip token."""
    body = {"subscriptions": list(_ASKED), "query": "project id", "options": {"$top": _PAGE}}
    answer = await player.send("POST", f"{player.arm}/providers/Microsoft.ResourceGraph/resources", _API, body)
    assert answer.status == 200, answer


def _vault(vault_id: str, **body: Any) -> tuple[str, Body]:
    identity = {"type": "SystemAssigned", "principalId": "00000001-1111-4111-8111-111111111111", "tenantId": _ASKED[0]}
    return vault_id, {"location": disks.REGION, "identity": identity, **body}


def _vault_properties(state: str, days: float, redundancy: str, **more: Any) -> Body:
    return {
        "provisioningState": "Succeeded",
        "storageSettings": [{"datastoreType": "VaultStore", "type": redundancy}],
        "isVaultProtectedByResourceGuard": False,
        "securitySettings": {"softDeleteSettings": {"state": state, "retentionDurationInDays": days}},
        "secureScore": "None",
        "bcdrSecurityLevel": "Poor",
        "replicatedRegions": [],
        **more,
    }


_PLAIN_VAULT = _vault(
    disks.OTHER_VAULT,
    tags={"Owner": "owner1", "Purpose": "Testing", "MABUsed": "yes"},
    properties=_vault_properties("Off", 0.0, "LocallyRedundant"),
)
_PAIRED_VAULT = _vault(
    disks.OTHER_VAULT.replace("persistent-bi", "crr"),
    location="eastus2euap",
    properties=_vault_properties(
        "On",
        14.0,
        "GeoRedundant",
        replicatedRegions=["centraluseuap"],
        featureSettings={"crossRegionRestoreSettings": {"state": "Enabled"}},
    ),
)


def _disk_instance() -> tuple[str, Body]:
    """A disk's instance with what older ones have: a group of sources, and no URI."""
    seed_id, body = next(seed for seed in disks.DAILY_DISK if seed[0] == disks.DISK_INSTANCE)
    properties = body["properties"]
    source = {**properties["dataSourceInfo"], "resourceUri": ""}
    store = {
        "dataStoreType": "OperationalStore",
        "objectType": "AzureOperationalStoreParameters",
        "resourceGroupId": f"{SUBSCRIPTION}/resourceGroups/{disks.GROUP}",
    }
    changed = {
        "dataSourceInfo": source,
        "dataSourceSetInfo": {**source, "objectType": "DatasourceSet"},
        "policyInfo": {**properties["policyInfo"], "policyParameters": {"dataStoreParametersList": [store]}},
    }
    return seed_id, {"properties": {**properties, **changed}}


_DISK_SEEDS = (*(seed for seed in disks.DAILY_DISK if seed[0] != disks.DISK_INSTANCE), _disk_instance())


def _jobs(cloud: Cloud) -> None:
    """Two weeks of a disk's jobs, a restore among them, and one of another datasource."""
    for resource_id, body in (*disks.DAILY_DISK, disks.BLOBS):
        cloud.seed(resource_id, body)
    noon = dt.datetime(2024, 5, 4, 12, 0, 12, 481041, dt.UTC)
    recorded = (0, None, 8, 11, 6, 4)  # days before the newest; None: the restore
    others = (1, 2, 3, 5, 7, 9, 10, 1.25, 2.25, 3.25, 5.25, 7.25, 9.25)
    for days in (*recorded, *others):
        if days is None:
            _restore(cloud, dt.datetime(2024, 4, 22, 9, 55, 51, 36036, dt.UTC))
        else:
            _backup(cloud, disks.DISK_INSTANCE, noon - dt.timedelta(days=days))
    _backup(cloud, disks.BLOB_INSTANCE, noon)


def _started(cloud: Cloud, instance_id: str, at: dt.datetime, category: str, extended: Body) -> Body:
    owner = cloud.store.get(instance_id)
    assert owner
    restores = category == "Restore"
    job = job_documents.started(
        f"{disks.OTHER_VAULT}/backupJobs/{cloud.new_guid()}",
        owner,
        at,
        category=category,
        activity=cloud.new_guid(),
        user_triggered=restores,
        extended=extended,
        source_store="OperationalStore" if restores else None,
    )
    return cloud.store.put(Resource(job["id"], job["type"], job)).body


def _backup(cloud: Cloud, instance_id: str, at: dt.datetime) -> None:
    job = _started(cloud, instance_id, at, "Backup", {"additionalDetails": {"RetentionTag": "Default"}})
    job_documents.end_backup(
        job, at + dt.timedelta(seconds=193, microseconds=741320), "0000002b00004000800000000000002b"
    )


def _restore(cloud: Cloud, at: dt.datetime) -> None:
    target = f"{SUBSCRIPTION}/resourceGroups/{disks.GROUP}/providers/Microsoft.Compute/disks/clitest-disk-restored"
    point = {
        "recoveryPointID": "0000002e00004000800000000000002e",
        "recoveryPointTime": "2024-04-21T12:02:40.7424797Z",
    }
    extended = {"recoveryDestination": target, "sourceRecoverPoint": point}
    job = _started(cloud, disks.DISK_INSTANCE, at, "Restore", extended)
    done = job_documents.end(job, at + dt.timedelta(seconds=247, microseconds=740668), "Completed")
    done["subTasks"][0]["additionalDetails"] = {
        "DatasourceType": "Microsoft.Compute/disks",
        "TaskId": job["properties"]["activityID"],
        "DataTransferredInBytes": "0",
    }


SCENARIOS = (
    Scenario("resource_graph_query", (0,), _CUSTOM, options=_OPTIONS),
    Scenario("resource_graph_query_error", (0,), options=_OPTIONS),
    Scenario(
        "resource_graph_skip_token_query",
        (0,),
        prepare=_a_page_and_more,
        steps={0: _first_page},
        options=_OPTIONS,
    ),
    Scenario("dp_backup_vault_list_resource_graph", (0,), (group(disks.GROUP, disks.REGION), _PLAIN_VAULT)),
    Scenario("dp_backup_instance_list_resource_graph", (0,), _DISK_SEEDS, start=_NOW),
    Scenario("dp_job_list_and_show", (1,), prepare=_jobs, start=_NOW),
    Scenario("dp_job_list_and_show", (3, 5), (group(disks.GROUP, disks.REGION), _PAIRED_VAULT, _PLAIN_VAULT)),
)
