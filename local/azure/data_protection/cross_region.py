"""What a vault's paired region does for it: recovery points, restores and their jobs.

dp_recovery_point_list.json and dp_job_list_and_show.json, which are of databases. They have no validation and no
restore: those answer as in the vault's own region, and which refusals there are is chosen.
"""

from __future__ import annotations

from local.azure import regions
from local.azure.data_protection import job_documents, recovery_points, restores
from local.azure.data_protection.dialect import INSTANCES, JOBS, VAULTS, invalid_input, not_found, user_error
from local.azure.data_protection.restores import Asked
from local.azure.data_protection.schedules import VAULT
from local.azure.data_protection.vaults import cross_region
from local.azure.errors import Json
from local.azure.exchange import Call, Reply
from local.azure.paths import full_type
from local.azure.routing import Route
from local.azure.store import Resource


def _vault(call: Call, sent: Json, vault_id: str) -> Resource:
    """The vault that a call to its paired region is about.

    Raises:
        ArmError: It isn't there, isn't where the call says, or can't be restored from in this region.
    """
    vault = call.stored(vault_id) if full_type(vault_id).lower() == VAULTS.lower() else None
    if vault is None:
        raise not_found()
    home, here = regions.find(vault.location), regions.find(call.arguments["location"])
    if home is None or here is None or regions.find(str(sent.get("sourceRegion"))) != home:
        raise invalid_input(f"sourceRegion must be the region of the vault, {vault.location}.")
    if home.pair != here.name or not cross_region(vault.properties.get("featureSettings") or {}):
        raise user_error(
            "UserErrorCrossRegionRestoreNotEnabled",
            f"The Backup vault {vault.name} in {home.name} can't be restored from in {here.name}.",
            recommended=["Enable cross-region restore of a geo-redundant vault, and restore in its paired region."],
        )
    return vault


def _instance(call: Call, sent: Json) -> tuple[Resource, Resource]:
    instance_id = str(sent.get("sourceBackupInstanceId") or "")
    if full_type(instance_id or "/").lower() != INSTANCES.lower():
        raise invalid_input("sourceBackupInstanceId must be the id of a backup instance.")
    vault, instance = _vault(call, sent, instance_id.rsplit("/", 2)[0]), call.stored(instance_id)
    if instance is None:
        raise not_found()
    return vault, instance


def _points(call: Call) -> Reply:
    _, instance = _instance(call, call.body)
    points = recovery_points.asked(call, instance)
    there = [point for point in points if recovery_points.in_pair(call.cloud, point, call.at)]
    return Reply(200, {"value": [_copied(call, point) for point in there]})


def _copied(call: Call, point: Resource) -> Json:
    """A point as the paired region has it: in the vault's store only, under another friendly name (recorded)."""
    details = [one for one in point.properties["recoveryPointDataStoresDetails"] if one.get("type") == VAULT]
    properties = {
        **point.properties,
        "friendlyName": call.cloud.directory.guid("pair", point.id).replace("-", ""),
        "recoveryPointDataStoresDetails": details,
        "expiryTime": details[0].get("expiryTime"),
        "recoveryPointState": "Completed",
    }
    return {**point.body, "properties": properties}


def _asked(call: Call) -> Asked:
    details = call.body.get("crossRegionRestoreDetails")
    if not isinstance(details, dict):
        raise invalid_input("crossRegionRestoreDetails is missing.")
    vault, instance = _instance(call, details)
    asked = restores.asked(call, vault, instance, call.body.get("restoreRequestObject"), call.arguments["location"])
    if asked.request.store != VAULT:
        raise invalid_input("Only what is in the VaultStore can be restored in another region.")
    return asked


def _jobs_of(call: Call) -> tuple[str, list[Resource]]:
    vault_id = str(call.body.get("sourceBackupVaultId") or "/")
    vault = _vault(call, call.body, vault_id)
    jobs = [job for job in call.cloud.store.children(vault.id, JOBS) if job_documents.is_in_pair(job.body)]
    return vault_id, jobs


def _jobs(call: Call) -> Reply:
    vault_id, jobs = _jobs_of(call)
    return Reply(200, {"value": [job_documents.in_pair(job.body, vault_id, whole=False) for job in jobs]})


def _job(call: Call) -> Reply:
    vault_id, jobs = _jobs_of(call)
    job = next((job for job in jobs if job.name == call.body.get("jobId")), None)
    if job is None:
        raise not_found()
    return Reply(200, job_documents.in_pair(job.body, vault_id, whole=True))


_ACTIONS = {
    "fetchSecondaryRecoveryPoints": _points,
    "validateCrossRegionRestore": lambda call: restores.validate(call, _asked(call)),
    "crossRegionRestore": lambda call: restores.restore(call, _asked(call)),
    "fetchCrossRegionRestoreJobs": _jobs,
    "fetchCrossRegionRestoreJob": _job,
}

ROUTES = tuple(
    Route(
        "POST",
        f"locations/{{location}}/{name}",
        handler,
        # as the provider lists them among its operations
        action=f"Microsoft.DataProtection/subscriptions/resourceGroups/providers/locations/{name}/action",
    )
    for name, handler in _ACTIONS.items()
)
