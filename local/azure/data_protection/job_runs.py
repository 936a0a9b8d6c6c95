"""How backup and restore jobs run: from their start to the end that is judged, ordered or cancelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents
from local.azure.data_protection.candidate import datasource_id
from local.azure.data_protection.dialect import JOBS, user_error
from local.azure.durations import duration
from local.azure.errors import ArmError, Json
from local.azure.faults import Fault
from local.azure.operations import Operation
from local.azure.store import Resource

_CODES = {
    "Failed": ("KubernetesBackupCustomResourcesTrackingTimeOutError", "The job failed, as was ordered."),
    "CompletedWithWarnings": ("KubernetesBackupGenericWarning", "The job has warnings, as was ordered."),
    "Cancelled": ("", ""),
}
"""Code and message of an ordered outcome that names none; the codes are documented ones."""

type Finish = Callable[[Json, dt.datetime, ArmError | None], None]
"""What a job does at its end, with its document, the moment and an ordered warning; raises ArmError to fail."""


def start(
    cloud: Cloud,
    instance: Resource,
    body: Json,
    at: dt.datetime,
    *,
    finish: Finish,
    failure: ArmError | None = None,
) -> Resource:
    """Start a job and return it; whether it succeeds is judged at its end.

    It is an operation of kind `backup` or `restore` on its instance.

    Args:
        cloud: The simulated Azure.
        instance: The backup instance.
        body: The job's document.
        at: Virtual start.
        finish: Its end, unless a failure was ordered.
        failure: A failure that was ordered for this very job.
    """
    job = cloud.store.put(Resource(body["id"], JOBS, body))
    category = str(job.properties["operation"])
    kind = category.lower()
    fault = cloud.faults.for_job(category, instance.id, datasource_id(instance.properties))
    order = fault.details if fault else {}

    def succeed(operation: Operation) -> None:
        if fault and order.get("status", "Failed") in {"Failed", "Cancelled"}:
            raise _ordered(fault)
        existing(cloud, instance.id)
        warning = _ordered(fault) if fault and order.get("status") == "CompletedWithWarnings" else None
        finish(job.body, operation.ends, warning)
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
        kind,
        instance.id,
        operation_id=job.name,
        at=at,
        seconds=float(order.get("seconds") or duration(cloud.options.seed, kind, job.id)),
        succeed=succeed,
        fail=fail,
        ordered_failure=failure,
    )
    operation.cancelled = cancel
    return job


def existing(cloud: Cloud, instance_id: str) -> Resource:
    """The instance of a job.

    Raises:
        ArmError: It is gone; there is nothing to tell then.
    """
    instance = cloud.store.get(instance_id)
    if instance is None:
        raise ArmError(404, "", "The backup instance is gone.")
    return instance


def vault_of_instance(cloud: Cloud, instance: Resource) -> Resource:
    """The vault of an instance.

    Raises:
        ArmError: It is gone; there is nothing to tell then.
    """
    return existing(cloud, instance.id.rsplit("/backupInstances/", 1)[0])


def _ordered(fault: Fault) -> ArmError:
    code, message = _CODES[str(fault.details.get("status", "Failed"))]
    return user_error(
        str(fault.details.get("code") or code),
        str(fault.details.get("message") or message),
        recommended=[str(one) for one in fault.details.get("recommended") or []],
    )
