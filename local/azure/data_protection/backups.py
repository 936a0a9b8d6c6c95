"""Backup jobs: how they run, and what they leave behind."""

from __future__ import annotations

import datetime as dt

from local.azure.cloud import Cloud
from local.azure.data_protection import job_documents, job_runs, recovery_points, requirements
from local.azure.data_protection.candidate import Candidate
from local.azure.errors import ArmError, Json
from local.azure.operations import Operation
from local.azure.store import Resource

KIND = "backup"
"""Kind of the operations that backup jobs are; their resource is the instance."""


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
    body = job_documents.started(
        f"{vault_id}/backupJobs/{guid}",
        instance,
        at,
        category="Backup",
        activity=activity,
        user_triggered=user_triggered,
        extended={"additionalDetails": {"RetentionTag": tag}},
    )

    def finish(job: Json, ends: dt.datetime, warning: ArmError | None) -> None:
        current = job_runs.existing(cloud, instance.id)
        candidate = Candidate(cloud, job_runs.vault_of_instance(cloud, current), current.properties, ends)
        requirements.judge(candidate)
        point = recovery_points.make(cloud, current, tag, at, ends)
        recovery_points.keep_in(point, candidate)
        job_documents.end_backup(job, ends, point.name, warning)

    return job_runs.start(cloud, instance, body, at, finish=finish, failure=failure)
