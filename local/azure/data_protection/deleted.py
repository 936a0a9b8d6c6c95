"""Soft-deleted backup instances (dp_backup_instance_softdelete.json)."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence

from local.azure.clock import ticks
from local.azure.cloud import Cloud
from local.azure.data_protection import snapshots
from local.azure.data_protection.dialect import DELETED_INSTANCES, INSTANCES, not_found, vault_of
from local.azure.data_protection.states import set_state
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

_BUDGET = provider_budget(2000)


def keep_deleted(
    cloud: Cloud, instance: Resource, points: Sequence[Resource], at: dt.datetime, kept: dt.timedelta
) -> None:
    """Put a deleted instance among the deleted ones with its recovery points, until it is purged."""
    deleted_id = instance.id.replace("/backupInstances/", "/deletedBackupInstances/")
    properties = copy.deepcopy(instance.properties)
    properties["objectType"] = "DeletedBackupInstance"
    properties["provisioningState"] = "Succeeded"
    moment = ticks(at)
    info = {
        "deletionTime": moment,
        "billingEndDate": moment,
        "scheduledPurgeTime": ticks(at + kept),
        "deleteActivityID": cloud.new_guid(),
    }
    body = {
        "properties": {"deletionInfo": info, **properties},
        "id": deleted_id,
        "name": instance.name,
        "type": DELETED_INSTANCES,
    }
    deleted = cloud.store.put(Resource(deleted_id, DELETED_INSTANCES, body))
    deleted.notes.update(instance_id=instance.id, points=points)
    set_state(deleted, "SoftDeleted")

    def purge(moment: dt.datetime) -> None:
        if cloud.store.get(deleted_id) is deleted:
            cloud.store.remove(deleted_id)
            snapshots.discard_all(cloud, deleted.properties, points, moment)

    cloud.clock.at(at + kept, purge)


def _list(call: Call) -> Reply:
    found = call.cloud.store.of_type(DELETED_INSTANCES, vault_of(call).id)
    return Reply(200, {"value": [deleted.body for deleted in found]})


def _get(call: Call) -> Reply:
    deleted = call.stored()
    if deleted is None:
        raise not_found()
    return Reply(200, deleted.body)


def _undelete(call: Call) -> Reply:
    """Synchronous; the instance comes back with its protection stopped."""
    deleted = call.stored(call.target.addressed())
    if deleted is None:
        raise not_found()
    vault = vault_of(call)
    properties = copy.deepcopy(deleted.properties)
    del properties["deletionInfo"]
    properties["objectType"] = "BackupInstance"
    instance_id = deleted.notes.get("instance_id") or f"{vault.id}/backupInstances/{deleted.name}"
    body = {"properties": properties, "id": instance_id, "name": deleted.name, "type": INSTANCES}
    call.cloud.store.remove(deleted.id)
    set_state(call.cloud.store.put(Resource(instance_id, INSTANCES, body)), "ProtectionStopped")
    for point in deleted.notes.get("points") or ():
        call.cloud.store.put(point)
    return Reply(200)


ROUTES = (
    Route("GET", "backupVaults/{vault}/deletedBackupInstances", _list, _BUDGET),
    Route("GET", "backupVaults/{vault}/deletedBackupInstances/{instance}", _get, _BUDGET),
    Route("POST", "backupVaults/{vault}/deletedBackupInstances/{instance}/undelete", _undelete, _BUDGET),
)
