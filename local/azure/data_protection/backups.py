"""Backup jobs: how they run, and what they leave behind."""

from __future__ import annotations

import datetime as dt

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents, recovery_points, requirements
from local.azure.data_protection.candidate import Candidate, datasource_id
from local.azure.data_protection.dialect import JOBS, user_error
from local.azure.durations import duration
from local.azure.errors import ArmError
from local.azure.faults import Fault
from local.azure.operations import Operation
from local.azure.store import Resource

KIND = "backup"
"""Kind of the operations that backup jobs are; their resource is the instance."""

_CODES = {
    "Failed": ("KubernetesBackupCustomResourcesTrackingTimeOutError", "The backup failed, as was ordered."),
    "CompletedWithWarnings": ("KubernetesBackupGenericWarning", "The backup has warnings, as was ordered."),
    "Cancelled": ("", ""),
}
"""Code and message of an ordered outcome that names none; the codes are documented ones."""


def running(cloud: Cloud, instance: Resource) -> Operation | None:
    """The backup job of an instance that is under way, if there is one."""
    return next(cloud.operations.running(instance.id, KIND), None)


def start(
    cloud: Cloud,
    instance: Resource,
    tag: str,
    at: dt.datetime,
    *,
    user_triggered: bool,
    failure: ArmError | None = None,
) -> Resource:
    """Start a backup and return its job; whether it succeeds is judged at its end.

    Args:
        cloud: The simulated Azure.
        instance: The backup instance.
        tag: Retention tag of the recovery point to be.
        at: Virtual start.
        user_triggered: Whether someone asked for it.
        failure: A failure that was ordered for this very job.
    """
    guid, activity = cloud.new_guid(), cloud.new_guid()
    vault_id = instance.id.rsplit("/backupInstances/", 1)[0]
    extended = {"additionalDetails": {"RetentionTag": tag}}
    body = job_documents.started(
        f"{vault_id}/backupJobs/{guid}",
        instance,
        at,
        category="Backup",
        activity=activity,
        user_triggered=user_triggered,
        extended=extended,
    )
    job = cloud.store.put(Resource(body["id"], JOBS, body))
    fault = cloud.faults.for_job("Backup", instance.id, datasource_id(instance.properties))
    order = fault.details if fault else {}

    def succeed(operation: Operation) -> None:
        _judge(cloud, instance.id, operation.ends, fault)
        point = recovery_points.make(cloud, _existing(cloud, instance.id), tag, at, operation.ends)
        warning = _ordered(fault) if fault and order.get("status") == "CompletedWithWarnings" else None
        job_documents.end_backup(job.body, operation.ends, point.name, warning)
        cloud.store.touch(job.id)

    def fail(operation: Operation, error: ArmError) -> None:
        cancelled = order.get("status") == "Cancelled" or cloud.store.get(instance.id) is None
        status = "Cancelled" if cancelled else "Failed"
        job_documents.end_without(job.body, operation.ends, status, [error] if error.code else [])
        cloud.store.touch(job.id)

    def cancel(operation: Operation) -> None:
        job_documents.end_without(job.body, operation.ends, "Cancelled")
        cloud.store.touch(job.id)

    operation = cloud.operations.start(
        KIND,
        instance.id,
        operation_id=guid,
        at=at,
        seconds=float(order.get("seconds") or duration(cloud.options.seed, KIND, job.id)),
        succeed=succeed,
        fail=fail,
        ordered_failure=failure,
    )
    operation.cancelled = cancel
    return job


def _existing(cloud: Cloud, instance_id: str) -> Resource:
    instance = cloud.store.get(instance_id)
    if instance is None:
        raise ArmError(404, "", "The backup instance is gone.")
    return instance


def _judge(cloud: Cloud, instance_id: str, at: dt.datetime, fault: Fault | None) -> None:
    """What keeps a backup from succeeding: an order, or something that protection needs.

    Raises:
        ArmError: What the job's errorDetails tell; without a code there is nothing to tell.
    """
    if fault and fault.details.get("status", "Failed") in {"Failed", "Cancelled"}:
        raise _ordered(fault)
    instance = _existing(cloud, instance_id)
    vault = cloud.store.get(instance.id.rsplit("/backupInstances/", 1)[0])
    if vault is not None:
        requirements.judge(Candidate(cloud, vault, instance.properties, at))


def _ordered(fault: Fault) -> ArmError:
    code, message = _CODES[str(fault.details.get("status", "Failed"))]
    return user_error(
        str(fault.details.get("code") or code),
        str(fault.details.get("message") or message),
        recommended=[str(one) for one in fault.details.get("recommended") or []],
    )
