"""A backup because somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.clusters import known, path_of
from shared.api.problems import Problem
from shared.api.views import BackupStarted
from shared.arm.ids import name_of
from shared.backups.starter import Refused

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import BackupOptions
    from shared.services import Services


async def back_up(services: Services, asked: Asked[None, BackupOptions]) -> Answer:
    """Start a backup, or say in a dry run whether one could be started.

    Raises:
        Problem: why none can be started.
        ArmError: Azure didn't take it.
    """
    cluster, options = asked.cluster, asked.body
    await known(services, cluster)
    started = await services.starter.back_up_now(cluster, options.retention_tag, dry_run=options.dry_run)
    if isinstance(started, Refused):
        raise Problem(started.status, started.reason, started.message)
    job = name_of(started.job_id) or None
    view = BackupStarted(started.instance_id, started.rule, options.dry_run, job)
    if options.dry_run:
        return Answer(view)
    jobs = f"{path_of(cluster)}/jobs"
    return Answer(view, 202, f"{jobs}/{job}" if job else jobs)
