"""Backup instances and validateForBackup (dp_backup_and_restore_aks.json)."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterator

from local.azure.data_protection import dialect, documents, guards, requirements, snapshots
from local.azure.data_protection.candidate import Candidate, datasource_id
from local.azure.data_protection.deleted import keep_deleted
from local.azure.data_protection.dialect import AKS, INSTANCES, POINTS, invalid_input, not_found, user_error, vault_of
from local.azure.data_protection.states import CHANGES, configure_protection, require_idle, set_state
from local.azure.data_protection.vaults import soft_delete
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")
_MAX_INSTANCES = 5000
_BROKEN = ("ProtectionError", "ConfiguringProtectionFailed")
_READS, _WRITES = provider_budget(2000), provider_budget(200)


def _validate(call: Call) -> Reply:
    """Start a validation; it judges at its end."""
    vault = vault_of(call)
    properties = documents.requested(call.body.get("backupInstance"))
    cloud = call.cloud

    def succeed(operation: Operation) -> None:
        requirements.judge(Candidate(cloud, vault, properties, operation.ends))

    operation = call.start(
        "validateForBackup",
        datasource_id(properties),
        operation_id=dialect.new_operation_id(call, vault),
        succeed=succeed,
    )
    return dialect.accepted(call, vault, operation)


def _put(call: Call) -> Reply:
    vault = vault_of(call)
    if not _NAME.fullmatch(call.arguments["instance"]):
        raise invalid_input("An instance's name has at most 150 letters, digits, hyphens, dots and underscores.")
    properties = documents.requested(call.body.get("properties"))
    policy_id = properties["policyInfo"]["policyId"]
    if call.stored(policy_id) is None or not policy_id.lower().startswith(vault.id.lower() + "/"):
        raise invalid_input(f"The backup policy {policy_id} doesn't exist in the vault.")
    existing = call.stored()
    refuse_second(call, vault, properties)
    if existing:
        return _change(call, vault, existing, properties)
    if sum(1 for _ in call.cloud.store.of_type(INSTANCES, vault.id)) >= _MAX_INSTANCES:
        raise user_error("UserErrorMaxBackupInstanceLimitReached", f"A vault holds at most {_MAX_INSTANCES} instances.")
    instance = call.cloud.store.put(
        Resource(call.id, INSTANCES, documents.instance(call.id, properties, call.body.get("tags")))
    )
    operation = _write(call, vault, instance)
    configure_protection(call, vault, instance)
    return dialect.created(call, vault, operation, instance.body, 201)


def _write(call: Call, vault: Resource, instance: Resource) -> Operation:
    """The operation of the write itself; protection goes on being configured after it (wire facts)."""
    instance.properties["provisioningState"] = "Provisioning"

    def end(state: str) -> None:
        instance.properties["provisioningState"] = state

    return call.start(
        "backupInstanceWrite",
        instance.id,
        operation_id=dialect.new_operation_id(call, vault),
        succeed=lambda _: end("Succeeded"),
        fail=lambda _, __: end("Failed"),
    )


def _change(call: Call, vault: Resource, instance: Resource, properties: Json) -> Reply:
    """A PUT on an instance that exists: a new policy or configuration, or the same again. Not recorded."""
    have = {name: instance.properties.get(name) for name in properties}
    same = have == properties
    state = instance.properties["currentProtectionState"]
    if not same or state in _BROKEN:
        require_idle(call, instance)
    if datasource_id(instance.properties).lower() != datasource_id(properties).lower():
        raise invalid_input("The datasource of a backup instance can't be changed.")
    if instance.properties["policyInfo"]["policyId"].lower() != properties["policyInfo"]["policyId"].lower():
        agreed = call.body["properties"].get("resourceGuardOperationRequests")
        guards.require_agreement(call, vault, guards.CHANGE_POLICY, agreed)
    instance.properties.update(copy.deepcopy(properties))
    if "tags" in call.body:
        instance.body["tags"] = call.body["tags"]
    operation = _write(call, vault, instance)
    if state in _BROKEN:
        configure_protection(call, vault, instance)
    elif not same and state == "ProtectionConfigured":
        configure_protection(call, vault, instance, updating=True)
    return dialect.created(call, vault, operation, instance.body, 200)


def _others(call: Call, vault: Resource, properties: Json) -> Iterator[Resource]:
    """Instances that keep a datasource from being protected under the asked name.

    An AKS cluster may have several instances with different vaults or policies; anything else only one.
    """
    source = datasource_id(properties).lower()
    is_aks = str(properties["dataSourceInfo"].get("datasourceType") or "").lower() == AKS.lower()
    policy = properties["policyInfo"]["policyId"].lower()
    for other in call.cloud.store.of_type(INSTANCES):
        if other.id.lower() == call.target.addressed().lower() or datasource_id(other.properties).lower() != source:
            continue
        same_policy = str(other.properties["policyInfo"]["policyId"]).lower() == policy
        if not is_aks or (other.id.lower().startswith(vault.id.lower() + "/") and same_policy):
            yield other


def refuse_second(call: Call, vault: Resource, properties: Json) -> None:
    """Refuse to protect a datasource twice (dp_backup_instance_softdelete.json).

    Raises:
        ArmError: UserErrorDppDatasourceAlreadyHasBackupInstance.
    """
    for other in _others(call, vault, properties):
        there = other.id.rsplit("/backupInstances/", 1)[0]
        name = other.properties.get("friendlyName") or other.name
        advice = f"Delete the backup instance {name} from the Backup vault {there} to re-protect the datasource in any "
        raise user_error(
            "UserErrorDppDatasourceAlreadyHasBackupInstance",
            f"Datasource is already associated with the backup instance {name} in the Backup vault {there} with the "
            f"protection status as {other.properties['currentProtectionState']}.",
            recommended=[advice + "other vault"],
        )


def _get(call: Call) -> Reply:
    instance = call.stored()
    if instance is None:
        raise not_found()
    return Reply(200, instance.body)


def _list(call: Call) -> Reply:
    vault = vault_of(call)
    return Reply(200, {"value": [instance.body for instance in call.cloud.store.of_type(INSTANCES, vault.id)]})


def _list_of_cluster(call: Call) -> Reply:
    """Instances of a datasource by extension routing, in whatever vault they are. Not recorded."""
    cluster = call.target.scope.lower()
    found = [
        instance.body
        for instance in call.cloud.store.of_type(INSTANCES)
        if datasource_id(instance.properties).lower() == cluster
    ]
    return Reply(200, {"value": found})


def _delete(call: Call) -> Reply:
    instance = call.stored()
    if instance is None:
        return Reply(204)
    vault, cloud = vault_of(call), call.cloud
    guards.require_unlocked(call, vault, instance)
    if next(cloud.operations.running(instance.id, "backupInstanceDelete"), None):
        raise dialect.busy(instance.id)
    # recorded: an instance can be deleted while its protection is being configured
    for operation in cloud.operations.running(instance.id, *CHANGES):
        cloud.operations.cancel(operation, call.at)
    kept, days = soft_delete(vault)
    before = instance.properties["currentProtectionState"]
    if kept:
        set_state(instance, "SoftDeleting")

    def succeed(operation: Operation) -> None:
        points = cloud.store.children(instance.id, POINTS)
        cloud.remove(instance.id, operation.ends, operation)
        if kept:
            keep_deleted(cloud, instance, points, operation.ends, dt.timedelta(days=days))
        else:
            snapshots.discard_all(cloud, instance.properties, points, operation.ends)

    def fail(_: Operation, __: ArmError) -> None:
        set_state(instance, before)

    operation = call.start(
        "backupInstanceDelete",
        instance.id,
        operation_id=dialect.new_operation_id(call, vault),
        succeed=succeed,
        fail=fail,
    )
    return dialect.accepted(call, vault, operation)


_INSTANCE = "backupVaults/{vault}/backupInstances/{instance}"

ROUTES = (
    Route("POST", "backupVaults/{vault}/validateForBackup", _validate),
    Route("PUT", _INSTANCE, _put, _WRITES),
    Route("GET", _INSTANCE, _get, _READS),
    Route("DELETE", _INSTANCE, _delete, _WRITES),
    Route("GET", "backupVaults/{vault}/backupInstances", _list, _READS),
    Route("GET", "backupInstances", _list_of_cluster, _READS),
)
