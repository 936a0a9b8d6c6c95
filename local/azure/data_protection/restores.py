"""Validating and starting restores (dp_backup_and_restore_aks.json)."""

from __future__ import annotations

import datetime as dt

from local.azure import errors
from local.azure.cloud import Cloud
from local.azure.data_protection import (
    adhoc,
    dialect,
    job_documents,
    job_runs,
    recovery_points,
    restorability,
    restore_requests,
)
from local.azure.data_protection.candidate import datasource_id, is_aks
from local.azure.data_protection.dialect import AKS, invalid_input, not_found, user_error, vault_of
from local.azure.data_protection.restorability import Restoration
from local.azure.data_protection.restore_requests import RestoreRequest
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Route
from local.azure.store import Resource

MOST_A_DAY = 10
"""Restores of an instance in a day, as documented; that a day is one of UTC is chosen."""

_KIND = "restore"
_UNREADY = frozenset({"NotProtected", "ConfiguringProtection", "ConfiguringProtectionFailed", "SoftDeleting"})
"""Protection states in which nothing can be restored; chosen. Stopped and broken protection keep their points."""


def _validate(call: Call) -> Reply:
    """Start a validation; it judges at its end. Whether the day's restores are used up isn't part of it (chosen)."""
    vault, instance, request = _asked(call, call.body.get("restoreRequestObject"))
    cloud = call.cloud

    def succeed(operation: Operation) -> None:
        restorability.judge(_at_its_end(cloud, vault, instance, request, operation.ends))

    operation = call.start(
        "validateRestore", instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed
    )
    return dialect.accepted(call, vault, operation)


def _restore(call: Call) -> Reply:
    """Start a restore. Its operation makes the job when the point is there; everything else is judged at the job's end.

    That several restores may run side by side is chosen.
    """
    vault, instance, request = _asked(call, call.body)
    _refuse_too_many(call, instance)
    cloud, failure = call.cloud, call.failure_of(_KIND)

    def succeed(operation: Operation) -> None:
        body = _job(_at_its_end(cloud, vault, instance, request, operation.ends))

        def finish(job: Json, ends: dt.datetime, warning: ArmError | None) -> None:
            restoration = _at_its_end(cloud, vault, instance, request, ends)
            restorability.judge(restoration)
            restorability.judge_contents(restoration)
            job_documents.end_restore(job, ends, warning or _absent_namespace(instance, request))

        job = job_runs.start(cloud, instance, body, operation.ends, finish=finish, failure=failure)
        operation.result = {"jobId": job.id, "objectType": "OperationJobExtendedInfo"}

    operation = call.start(
        "restoreTrigger", instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed
    )
    return dialect.accepted(call, vault, operation)


def _at_its_end(
    cloud: Cloud, vault: Resource, instance: Resource, request: RestoreRequest, at: dt.datetime
) -> Restoration:
    """What is judged; points that have expired by then are gone, even if no backup has removed them yet."""
    recovery_points.expire(cloud, instance, at)
    return Restoration(cloud, vault, instance, request, at)


def _asked(call: Call, sent: object) -> tuple[Resource, Resource, RestoreRequest]:
    """Vault, instance and request of a call.

    Raises:
        ArmError: The instance isn't there or isn't in a state to restore from, the request is malformed, or the caller
            may not read the clusters.
    """
    vault, instance = vault_of(call), call.stored(call.target.addressed())
    if instance is None:
        raise not_found()
    if not is_aks(instance.properties):
        raise invalid_input(f"Only restores of {AKS} are simulated.")
    request = restore_requests.read(sent)
    for cluster in (datasource_id(instance.properties), request.target_id):
        _require_linked_read(call, cluster)
    state = instance.properties.get("currentProtectionState")
    if state in _UNREADY:
        raise invalid_input(f"A restore isn't possible while the protection state is {state}.")
    return vault, instance, request


def _require_linked_read(call: Call, cluster_id: str) -> None:
    """The caller needs to read both clusters: seen for the source in public issue threads, inferred for the target."""
    action, who = f"{AKS}/read", call.principal
    if not call.cloud.access.may(who.object_id, action, cluster_id, call.at):
        asked = call.route.rbac_action(dialect.NAMESPACE, call.arguments)
        raise errors.linked_authorization_failed(
            who.name, who.object_id, asked, call.target.addressed(), linked=(action, cluster_id)
        )


def _refuse_too_many(call: Call, instance: Resource) -> None:
    """The limit is documented, its code isn't: it is chosen."""
    if adhoc.jobs_today(call, instance, "Restore") >= MOST_A_DAY:
        raise user_error(
            "UserErrorMaxRestoresPerDayReached",
            f"The backup instance {instance.name} has had {MOST_A_DAY} restores today.",
            recommended=["Wait until tomorrow (UTC)."],
        )


def _absent_namespace(instance: Resource, request: RestoreRequest) -> ArmError | None:
    """The documented warning for a namespace that the backup doesn't have, as far as the instance's filter tells."""
    parameters = (instance.properties.get("policyInfo") or {}).get("policyParameters") or {}
    kept = [one.get("includedNamespaces") for one in parameters.get("backupDatasourceParametersList") or []]
    absent = [name for name in request.namespaces if kept and kept[0] and name not in kept[0]]
    if not absent:
        return None
    return user_error("UserErrorNamespaceNotFound", f"The namespaces {', '.join(absent)} aren't in the backup.")


def _job(restoration: Restoration) -> Json:
    cloud, point = restoration.cloud, restoration.point
    return job_documents.started(
        f"{restoration.vault.id}/backupJobs/{cloud.new_guid()}",
        restoration.instance,
        restoration.at,
        category="Restore",
        activity=cloud.new_guid(),
        user_triggered=True,
        source_store=restoration.request.store,
        extended={
            "sourceRecoverPoint": {
                "recoveryPointID": point.name,
                "recoveryPointTime": point.properties.get("recoveryPointTime"),
            },
            "recoveryDestination": restoration.request.target_id,
        },
    )


_INSTANCE = "backupVaults/{vault}/backupInstances/{instance}"

ROUTES = (
    Route("POST", f"{_INSTANCE}/validateRestore", _validate),
    Route("POST", f"{_INSTANCE}/restore", _restore),
)
