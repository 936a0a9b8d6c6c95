"""A database in a vault whose paired region can restore it, for replaying what that region was asked."""

import datetime as dt

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents
from local.azure.data_protection.dialect import INSTANCES
from local.azure.store import Resource
from tests.wire.scenarios import SUBSCRIPTION, Body, Scenario, group

_GROUP, _REGION = "clitest-dpp-rg", "eastus2euap"
_PROVIDERS = f"{SUBSCRIPTION}/resourceGroups/{_GROUP}/providers"
_VAULT = f"{_PROVIDERS}/Microsoft.DataProtection/backupVaults/clitest-bkp-vault-crr-donotdelete"
_INSTANCE = f"{_VAULT}/backupInstances/clitestcrr-ecy-postgres-0000003c-0000-4000-8000-00000000003c"
_SERVER = f"{_PROVIDERS}/Microsoft.DBforPostgreSQL/servers/clitestcrr-ecy"
_POLICY = f"{_VAULT}/backupPolicies/crrclitestbackuppolicy"
_KIND = "Microsoft.DBforPostgreSQL/servers/databases"
_JOB = f"{_VAULT}/backupJobs/0000003d-0000-4000-8000-00000000003d"
_POINT = "0000003e00004000800000000000003e"
_DESTINATION = (
    f"{SUBSCRIPTION}/resourceGroups/cli-dpp-bugbash-oss-rg/providers/Microsoft.DBforPostgreSQL/servers"
    "/cli-dpp-bugbash-server1/databases/postgres-restored"
)
_WEEKS = 12
_ASKED = dt.datetime(2024, 5, 8, 11, 30, tzinfo=dt.UTC)

_PROPERTIES: Body = {
    "friendlyName": "clitestcrr-ecy\\postgres",
    "dataSourceInfo": {
        "resourceID": f"{_SERVER}/databases/postgres",
        "resourceName": "postgres",
        "resourceLocation": _REGION,
        "datasourceType": _KIND,
        "objectType": "Datasource",
    },
    "dataSourceSetInfo": {"resourceID": _SERVER, "resourceName": "clitestcrr-ecy", "objectType": "DatasourceSet"},
    "policyInfo": {"policyId": _POLICY},
    "currentProtectionState": "ProtectionConfigured",
}


def _point(week: int) -> tuple[str, Body]:
    """The point of a week before the last one; in the vault's store only, as all of a database."""
    taken = dt.datetime(2024, 5, 5, 22, 0, 47, 212036, dt.UTC) - dt.timedelta(weeks=week)
    name = _POINT if week == 0 else f"{week:032x}"
    moment, expiry = (f"{at:%Y-%m-%dT%H:%M:%S.%f}3Z" for at in (taken, taken + dt.timedelta(days=92)))
    detail = {
        "id": "00000046-0000-4000-8000-000000000046",
        "type": "VaultStore",
        "creationTime": moment,
        "expiryTime": expiry,
        "metaData": None,
        "visible": True,
        "state": "COMMITTED",
        "rehydrationExpiryTime": None,
        "rehydrationStatus": None,
    }
    properties = {
        "objectType": "AzureBackupDiscreteRecoveryPoint",
        "recoveryPointId": name,
        "recoveryPointTime": moment,
        "recoveryPointType": "Full",
        "friendlyName": name,
        "recoveryPointDataStoresDetails": [detail],
        "retentionTagName": "Default",
        "retentionTagVersion": "638442750778349393",
        "policyName": "crrclitestbackuppolicy",
        "policyVersion": None,
        "expiryTime": expiry,
        "recoveryPointState": None,
    }
    return f"{_INSTANCE}/recoveryPoints/{name}", {"properties": properties}


_SEEDS = (
    group(_GROUP, _REGION),
    (
        _VAULT,
        {
            "location": _REGION,
            "identity": {"type": "SystemAssigned", "principalId": "00000001-1111-4111-8111-111111111111"},
            "properties": {
                "provisioningState": "Succeeded",
                "storageSettings": [{"datastoreType": "VaultStore", "type": "GeoRedundant"}],
                "featureSettings": {"crossRegionRestoreSettings": {"state": "Enabled"}},
            },
        },
    ),
    (_INSTANCE, {"properties": _PROPERTIES}),
    *(_point(week) for week in range(_WEEKS)),
)


def _restored(cloud: Cloud) -> None:
    """A restore in the paired region that still runs; other kinds of datasources have it in parts."""
    point = {"recoveryPointID": _POINT, "recoveryPointTime": "2024-05-05T22:00:47.2120363Z"}
    body = job_documents.started(
        _JOB,
        Resource(_INSTANCE, INSTANCES, {"properties": _PROPERTIES}),
        _ASKED - dt.timedelta(minutes=57, microseconds=257624),
        category="CrossRegionRestore",
        activity="0000003b-0000-4000-8000-00000000003b",
        user_triggered=True,
        extended={"sourceRecoverPoint": point, "recoveryDestination": _DESTINATION},
    )
    body["properties"]["progressEnabled"] = True
    cloud.seed(_JOB, body)


SCENARIOS = (
    Scenario("dp_job_list_and_show", (4,), _SEEDS, _restored, start=_ASKED),
    Scenario("dp_job_list_and_show", (6,), _SEEDS, _restored, start=_ASKED),
    Scenario("dp_recovery_point_list", (7,), _SEEDS, start=_ASKED),
)
