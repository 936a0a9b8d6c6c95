"""Validating and starting restores (dp_backup_and_restore_aks.json)."""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A restore that is asked for.

    Attributes:
        vault: The vault.
        instance: The backup instance.
        request: The request.
        pair: The paired region, when it restores.
    """

    vault: Resource
    instance: Resource
    request: RestoreRequest
    pair: str = ""

    def at(self, cloud: Cloud, moment: dt.datetime) -> Restoration:
        """What is judged; points that have expired by then are gone, even if no backup has removed them yet."""
        recovery_points.expire(cloud, self.instance, moment)
        return Restoration(cloud, self.vault, self.instance, self.request, moment, self.pair)


def validate(call: Call, asked: Asked) -> Reply:
    """Start a validation; it judges at its end. Whether the day's restores are used up isn't part of it (chosen)."""
    cloud, vault = call.cloud, asked.vault

    def succeed(operation: Operation) -> None:
        restorability.judge(asked.at(cloud, operation.ends))

    operation = call.start(
        "validateRestore", asked.instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed
    )
    return dialect.accepted(call, vault, operation, asked.pair or None)


def restore(call: Call, asked: Asked) -> Reply:
    """Start a restore. Its operation makes the job when the point is there; everything else is judged at the job's end.

    That several restores may run side by side is chosen.
    """
    _refuse_too_many(call, asked)
    cloud, vault, instance, failure = call.cloud, asked.vault, asked.instance, call.failure_of(_KIND)

    def finish(job: Json, ends: dt.datetime, warning: ArmError | None) -> None:
        restoration = asked.at(cloud, ends)
        restorability.judge(restoration)
        restorability.judge_contents(restoration)
        job_documents.end_restore(job, ends, warning or _absent_namespace(asked))

    def succeed(operation: Operation) -> None:
        body = _job(asked.at(cloud, operation.ends))
        job = job_runs.start(cloud, instance, body, operation.ends, finish=finish, failure=failure)
        operation.result = {"jobId": job.id, "objectType": "OperationJobExtendedInfo"}

    operation = call.start(
        "restoreTrigger", instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed
    )
    return dialect.accepted(call, vault, operation, asked.pair or None)


def asked(call: Call, vault: Resource, instance: Resource | None, sent: object, pair: str = "") -> Asked:
    """What a call asks for.

    Raises:
        ArmError: The instance isn't there or isn't in a state to restore from, the request is malformed, or the caller
            may not read the clusters.
    """
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
    return Asked(vault, instance, request, pair)


def _here(call: Call, sent: object) -> Asked:
    return asked(call, vault_of(call), call.stored(call.target.addressed()), sent)


def _require_linked_read(call: Call, cluster_id: str) -> None:
    """The caller needs to read both clusters: seen for the source in public issue threads, inferred for the target."""
    action, who = f"{AKS}/read", call.principal
    if not call.cloud.access.may(who.object_id, action, cluster_id, call.at):
        wanted = call.route.rbac_action(dialect.NAMESPACE, call.arguments)
        raise errors.linked_authorization_failed(
            who.name, who.object_id, wanted, call.target.addressed(), linked=(action, cluster_id)
        )


def _refuse_too_many(call: Call, asked: Asked) -> None:
    """The limit is documented, its code isn't: it is chosen; so is that the paired region counts for itself."""
    if adhoc.jobs_today(call, asked.instance, _category(asked.pair)) >= MOST_A_DAY:
        raise user_error(
            "UserErrorMaxRestoresPerDayReached",
            f"The backup instance {asked.instance.name} has had {MOST_A_DAY} restores today.",
            recommended=["Wait until tomorrow (UTC)."],
        )


def _category(pair: str) -> str:
    return "CrossRegionRestore" if pair else "Restore"


def _absent_namespace(asked: Asked) -> ArmError | None:
    """The documented warning for a namespace that the backup doesn't have, as far as the instance's filter tells."""
    parameters = (asked.instance.properties.get("policyInfo") or {}).get("policyParameters") or {}
    kept = [one.get("includedNamespaces") for one in parameters.get("backupDatasourceParametersList") or []]
    absent = [name for name in asked.request.namespaces if kept and kept[0] and name not in kept[0]]
    if not absent:
        return None
    return user_error("UserErrorNamespaceNotFound", f"The namespaces {', '.join(absent)} aren't in the backup.")


def _job(restoration: Restoration) -> Json:
    cloud, point = restoration.cloud, restoration.point
    return job_documents.started(
        f"{restoration.vault.id}/backupJobs/{cloud.new_guid()}",
        restoration.instance,
        restoration.at,
        category=_category(restoration.pair),
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
    Route(
        "POST",
        f"{_INSTANCE}/validateRestore",
        lambda call: validate(call, _here(call, call.body.get("restoreRequestObject"))),
    ),
    Route("POST", f"{_INSTANCE}/restore", lambda call: restore(call, _here(call, call.body))),
)
