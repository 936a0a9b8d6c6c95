"""The JSON of a job (dp_backup_and_restore_aks.json, dp_job_list_and_show.json)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from local.azure import paths
from local.azure.data_protection.candidate import datasource_id
from local.azure.data_protection.dialect import AKS, JOBS, facing
from local.azure.data_protection.moments import iso_duration, parse, time_span, trimmed
from local.azure.errors import ArmError, Json
from local.azure.store import Resource

_WRITTEN = dt.timedelta(milliseconds=240)  # between a moment and the etag that tells of it, about as recorded
_ZERO_DATE = "0001-01-01T00:00:00Z"
_SIZES = {AKS.lower(): "1", "microsoft.compute/disks": "4294967296"}  # recorded: a cluster's size is 1 byte
_STORES = {
    "microsoft.compute/disks": "OperationalTierStore",
    "microsoft.storage/storageaccounts/blobservices": "VaultStore",
}
"""`destinationDataStoreName` of a finished backup by its datasource's type, as recorded; a cluster has none."""


def started(
    job_id: str,
    instance: Resource,
    at: dt.datetime,
    *,
    category: str,
    activity: str,
    user_triggered: bool,
    extended: Json,
    source_store: str | None = None,
) -> Json:
    """A job that has just started.

    Args:
        job_id: Its id, below the vault.
        instance: The backup instance.
        at: When it starts.
        category: Backup, Restore or CrossRegionRestore.
        activity: Its activity id.
        user_triggered: Whether someone asked for it.
        extended: Fields of `extendedInfo` that aren't null.
        source_store: The store that a restore reads from.
    """
    properties = instance.properties
    source, group = properties.get("dataSourceInfo") or {}, properties.get("dataSourceSetInfo") or {}
    source_id, policy_id = datasource_id(properties), str((properties.get("policyInfo") or {}).get("policyId") or "")
    vault_id = instance.id.rsplit("/backupInstances/", 1)[0]
    where = paths.parse(source_id)
    operation = category.removeprefix("CrossRegion")
    task = {"taskId": 1, "taskName": f"Trigger {operation}", "taskStatus": "InProgress"}
    return {
        "properties": {
            "activityID": activity,
            "subscriptionId": paths.parse(vault_id).subscription,
            "backupInstanceId": instance.id,
            "policyId": policy_id,
            "dataSourceId": source_id,
            "vaultName": vault_id.rsplit("/", 1)[-1],
            "backupInstanceFriendlyName": properties.get("friendlyName") or source.get("resourceName"),
            "policyName": policy_id.rsplit("/", 1)[-1],
            "sourceResourceGroup": where.group,
            "dataSourceSetName": group.get("resourceName"),
            "dataSourceName": source.get("resourceName"),
            "sourceDataStoreName": None,
            "sourceDataStoreType": source_store,
            "destinationDataStoreName": None,
            "progressEnabled": False,
            "etag": _etag(at),
            "sourceSubscriptionID": where.subscription,
            "dataSourceLocation": source.get("resourceLocation"),
            "startTime": trimmed(at),
            "endTime": None,
            "dataSourceType": source.get("datasourceType"),
            "operationCategory": category,
            "operation": operation,
            "status": "InProgress",
            "restoreType": None,
            "isUserTriggered": user_triggered,
            "rehydrationPriority": None,
            "supportedActions": [""] if user_triggered else [],
            "duration": "PT0S",
            "progressUrl": None,
            "isCrossRegionRestore": None,
            "errorDetails": None,
            "extendedInfo": {
                "backupInstanceState": None,
                "dataTransferredInBytes": None,
                "targetRecoverPoint": None,
                "sourceRecoverPoint": None,
                "recoveryDestination": None,
                "subTasks": [{**task, "taskProgress": None, "additionalDetails": None}],
                "additionalDetails": None,
                "warningDetails": None,
                **extended,
            },
        },
        "id": job_id,
        "name": job_id.rsplit("/", 1)[-1],
        "type": JOBS,
    }


def end(job: Json, at: dt.datetime, status: str) -> Json:
    """Write the end of a job into it; return its `extendedInfo`."""
    properties = job["properties"]
    begun = parse(properties["startTime"]) or at
    properties.update(endTime=trimmed(at), duration=iso_duration(begun, at), status=status, etag=_etag(at))
    extended: Json = properties["extendedInfo"]
    for task in extended["subTasks"]:
        task["taskStatus"] = status
    return extended


def end_backup(job: Json, at: dt.datetime, point_id: str, warning: ArmError | None = None) -> None:
    """A backup that has made a recovery point, maybe with a warning.

    No recording shows a warning; its fields are those of the service's published model.
    """
    properties = job["properties"]
    extended = end(job, at, "CompletedWithWarnings" if warning else "Completed")
    kind = str(properties["dataSourceType"])
    extended["targetRecoverPoint"] = {"recoveryPointID": point_id, "recoveryPointTime": _ZERO_DATE}
    properties["destinationDataStoreName"] = _STORES.get(kind.lower())
    _tell_details(job, {"OriginalDatasourceSizeInBytes": _SIZES.get(kind.lower(), "0")}, warning)


def end_restore(job: Json, at: dt.datetime, warning: ArmError | None = None) -> None:
    """A restore that has ended, maybe with a warning; a cluster's transfers no bytes (recorded)."""
    end(job, at, "CompletedWithWarnings" if warning else "Completed")
    _tell_details(job, {"DataTransferredInBytes": "0"}, warning)


def _tell_details(job: Json, details: Json, warning: ArmError | None) -> None:
    properties = job["properties"]
    extended = properties["extendedInfo"]
    kind = properties["dataSourceType"]
    extended["subTasks"][0]["additionalDetails"] = {
        **details,
        "TaskId": properties["activityID"],
        "DatasourceType": kind,
    }
    if warning:
        extended["warningDetails"] = [{"resourceName": properties["dataSourceName"], "warning": facing(warning)}]


def end_without(job: Json, at: dt.datetime, status: str, errors: Sequence[ArmError] = ()) -> None:
    """A job that failed or was cancelled.

    No recording shows one; the fields of an error are those of UserFacingError in the service's published model, as
    they are recorded beside other errors (errors.json).
    """
    end(job, at, status)
    if errors:
        job["properties"]["errorDetails"] = [facing(error) for error in errors]


def listed(job: Json) -> Json:
    """A job as lists have it."""
    properties: Json = job.get("properties") or {}
    span = time_span(str(properties.get("duration") or "PT0S"))
    return {**job, "properties": {**properties, "duration": span, "extendedInfo": None}}


def is_in_pair(job: Json) -> bool:
    """Whether the paired region tells of a job and the vault's own calls don't; that they don't is chosen."""
    return bool((job.get("properties") or {}).get("operationCategory") == "CrossRegionRestore")


def in_pair(job: Json, vault_id: str, *, whole: bool) -> Json:
    """A job as the paired region tells it: without nulls, below the vault as it was asked for (recorded).

    Args:
        job: Its document.
        vault_id: The vault's id, as the request spells it.
        whole: Whether it is read alone; lists have no `extendedInfo`.
    """
    shown: Json = _without_nulls(job if whole else listed(job))
    return {
        **shown,
        "id": f"{vault_id}/backupJobs/{job['name']}",
        "type": "Microsoft.DataProtection/BackupVaults/backupJobs",
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _etag(at: dt.datetime) -> str:
    return f"W/\"datetime'{quote(trimmed(at + _WRITTEN))}'\""
