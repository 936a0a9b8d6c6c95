from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure import backup, restoring
from tests.local_azure.backup import GOLD, INSTANCE, VAULT
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.ondemand import DAY, advance, all_points
from tests.local_azure.restoring import STAGING, STAGING_ACCOUNT, TARGET, backed_up, wanted, wanted_from_vault

if TYPE_CHECKING:
    from tests.local_azure.client import Answer, Client

_PAIR = "northeurope"
_LOCATION = f"{SUBSCRIPTION}/resourceGroups/backup/providers/Microsoft.DataProtection/locations/{_PAIR}"
_SOURCE = {"sourceRegion": "westeurope", "sourceBackupInstanceId": INSTANCE}
_JOBS = {"sourceRegion": "westeurope", "sourceBackupVaultId": VAULT}


@pytest.fixture
async def point(azure: Client) -> str:
    """A point that is in both stores of a vault whose paired region restores, and all that a restore there needs."""
    name = await backed_up(azure, GOLD, retentionTagOverride="Daily")
    cloud = azure.cloud
    vault = cloud.store.get(VAULT)
    assert vault
    vault.properties["featureSettings"] = {"crossRegionRestoreSettings": {"state": "Enabled"}}
    restoring.place_target(cloud)
    restoring.place_staging(cloud)
    for there in (TARGET, STAGING, STAGING_ACCOUNT):
        resource = cloud.store.get(there)
        assert resource
        resource.body["location"] = _PAIR
    identities = (restoring.TARGET_IDENTITY, restoring.TARGET_EXTENSION_IDENTITY)
    grants = restoring.staging_grants(cloud, *identities)
    restoring.give(cloud, (backup.READER, restoring.vault_identity(cloud), TARGET), *grants)
    return name


def _asked(name: str, target: str = TARGET, **changes: Any) -> dict[str, Any]:
    request = wanted_from_vault(name, target)
    request["restoreTargetInfo"]["restoreLocation"] = _PAIR
    return {"crossRegionRestoreDetails": _SOURCE, "restoreRequestObject": {**request, **changes}}


async def _ended(azure: Client, action: str, body: dict[str, Any], seconds: float) -> Answer:
    accepted = await azure.arm("POST", f"{_LOCATION}/{action}", body)
    assert accepted.status == 202, accepted
    await advance(azure, seconds)
    return await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])


async def test_points_reach_the_paired_region_within_half_a_day(azure: Client, point: str) -> None:
    """Only what is in the vault's store; with a state and a friendly name of its own there."""
    early = await azure.arm("POST", f"{_LOCATION}/fetchSecondaryRecoveryPoints", _SOURCE)
    assert early.body == {"value": []}
    await advance(azure, DAY / 2)
    assert len(await all_points(azure)) >= 1
    found = (await azure.arm("POST", f"{_LOCATION}/fetchSecondaryRecoveryPoints", _SOURCE)).body["value"]
    properties = {item["name"]: item["properties"] for item in found}[point]
    assert [one["type"] for one in properties["recoveryPointDataStoresDetails"]] == ["VaultStore"]
    assert properties["recoveryPointState"] == "Completed"
    assert properties["friendlyName"] != point


async def test_the_paired_region_validates_and_restores(azure: Client, point: str) -> None:
    """Once the point is there; the job is the paired region's, which leaves out what is null."""
    early = (await _ended(azure, "validateCrossRegionRestore", _asked(point), 42)).body
    assert early["error"]["code"] == "UserErrorRecoveryPointNotFound"
    await advance(azure, DAY / 2)
    status = (await _ended(azure, "validateCrossRegionRestore", _asked(point), 42)).body
    assert status["status"] == "Succeeded", status
    assert f"/locations/{_PAIR}/" in status["id"]
    job_id = (await _ended(azure, "crossRegionRestore", _asked(point), 218)).body["properties"]["jobId"]
    assert (await azure.arm("GET", job_id)).status == 404
    (listed,) = (await azure.arm("POST", f"{_LOCATION}/fetchCrossRegionRestoreJobs", _JOBS)).body["value"]
    assert "extendedInfo" not in listed["properties"]
    name = job_id.rsplit("/", 1)[-1]
    job = (await azure.arm("POST", f"{_LOCATION}/fetchCrossRegionRestoreJob", {**_JOBS, "jobId": name})).body
    assert (job["name"], job["properties"]["status"]) == (name, "Completed")
    assert job["properties"]["extendedInfo"]["recoveryDestination"] == TARGET
    assert "errorDetails" not in job["properties"]
    names = [one["name"] for one in (await azure.arm("GET", f"{VAULT}/backupJobs")).body["value"]]
    assert name not in names


async def test_the_vaults_own_region_does_not_restore_to_another(azure: Client, point: str) -> None:
    """Nor the paired one to the vault's; each for the clusters in it."""
    await advance(azure, DAY / 2)
    there = _asked(point)["restoreRequestObject"]
    assert await restoring.verdict(azure, there) == "UserErrorDatasourceRegionMismatch"
    home = {"crossRegionRestoreDetails": _SOURCE, "restoreRequestObject": wanted_from_vault(point)}
    status = (await _ended(azure, "validateCrossRegionRestore", home, 42)).body
    assert status["error"]["code"] == "UserErrorDatasourceRegionMismatch"


@pytest.mark.parametrize(
    ("location", "changes", "code"),
    [
        ("eastus", {}, "UserErrorCrossRegionRestoreNotEnabled"),
        ("atlantis", {}, "DppPluginInvalidInputParameters"),
        (_PAIR, {"sourceRegion": "eastus"}, "DppPluginInvalidInputParameters"),
        (_PAIR, {"sourceBackupInstanceId": VAULT}, "DppPluginInvalidInputParameters"),
        (_PAIR, {"sourceBackupInstanceId": None}, "DppPluginInvalidInputParameters"),
        (_PAIR, {"sourceBackupInstanceId": INSTANCE + "x"}, "UserErrorGenericResourceNotFound"),
        (_PAIR, {"sourceBackupInstanceId": INSTANCE.replace("vault1", "vault2")}, "UserErrorGenericResourceNotFound"),
    ],
)
async def test_who_asks_the_wrong_region_is_refused(
    azure: Client, point: str, location: str, changes: dict[str, Any], code: str
) -> None:
    """A region that isn't the vault's pair, a source that isn't the vault's, an instance that isn't there."""
    url = f"{_LOCATION.replace(_PAIR, location)}/fetchSecondaryRecoveryPoints"
    assert (await azure.arm("POST", url, {**_SOURCE, **changes})).code == code
    assert point


async def test_a_vault_must_let_its_pair_restore(azure: Client, point: str) -> None:
    """Cross-region restore is a setting of the vault; only the vault's store crosses regions."""
    operational = {"crossRegionRestoreDetails": _SOURCE, "restoreRequestObject": wanted(point, TARGET)}
    for body in (operational, {"restoreRequestObject": wanted(point, TARGET)}):
        refused = await azure.arm("POST", f"{_LOCATION}/crossRegionRestore", body)
        assert (refused.status, refused.code) == (400, "DppPluginInvalidInputParameters")
    vault = azure.cloud.store.get(VAULT)
    assert vault
    del vault.properties["featureSettings"]
    refused = await azure.arm("POST", f"{_LOCATION}/crossRegionRestore", _asked(point))
    assert (refused.status, refused.code) == (400, "UserErrorCrossRegionRestoreNotEnabled")
    refused = await azure.arm("POST", f"{_LOCATION}/fetchCrossRegionRestoreJob", {**_JOBS, "jobId": "x"})
    assert refused.code == "UserErrorCrossRegionRestoreNotEnabled"


async def test_each_call_to_the_pair_has_its_own_action(azure: Client, point: str) -> None:
    """As the provider lists it; the app may validate there and start nothing."""
    refused = await azure.arm("POST", f"{_LOCATION}/crossRegionRestore", _asked(point), caller="app")
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert "resourceGroups/providers/locations/crossRegionRestore/action" in refused.body["error"]["message"]
    accepted = await azure.arm("POST", f"{_LOCATION}/validateCrossRegionRestore", _asked(point), caller="app")
    assert accepted.status == 202
    assert (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"], caller="app")).status == 200
