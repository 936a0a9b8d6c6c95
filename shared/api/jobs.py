"""The jobs of a cluster: Resource Graph's list, and one as its vault says."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.clusters import known
from shared.api.problems import Problem
from shared.api.views import JobList, job_view
from shared.arm.door import DATA_PROTECTION_API
from shared.arm.graph import query, quoted
from shared.backups.jobs import read_job
from shared.errors import ArmError
from shared.notify.events import iso

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import JobsQuery
    from shared.services import Services

_FIRST_YEAR, _LAST_YEAR = 2000, 2100  # no job is outside, and Resource Graph can read each time between


async def jobs(services: Services, asked: Asked[JobsQuery, None]) -> Answer:
    """The jobs of the last 14 days, the newest first.

    Raises:
        Problem: a time that no job can have, or a cluster that was never looked at.
        ArmError: Azure didn't answer.
    """
    wanted = asked.query
    since, until = _moment(wanted.since, "since"), _moment(wanted.until, "until")
    await known(services, asked.cluster)
    filters = [
        "| where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'",
        f"| where properties.dataSourceId =~ {quoted(str(asked.cluster))}",
        f"| where properties.status =~ {quoted(wanted.status)}" if wanted.status else "",
        f"| where todatetime(properties.startTime) >= datetime({since})" if since else "",
        f"| where todatetime(properties.startTime) <= datetime({until})" if until else "",
        "| project id, properties | order by id asc",
    ]
    kql = "\n".join(["RecoveryServicesResources", *filter(None, filters)])
    rows = await query(services.door, await services.scope.subscriptions(), kql)
    found = [job for job in map(read_job, rows) if wanted.operation in (None, job.kind)]
    found.sort(key=lambda job: job.start, reverse=True)
    return Answer(JobList([job_view(job) for job in found]))


async def job(services: Services, asked: Asked[None, None]) -> Answer:
    """One job.

    Raises:
        Problem: it isn't this cluster's, or the cluster was never looked at.
        ArmError: Azure didn't answer.
    """
    cluster, job_id = asked.cluster, asked.path["jobId"]
    await known(services, cluster)
    instances = [stored.value.instance_id for stored in await services.store.of_cluster(cluster)]
    vaults = {instance.rpartition("/backupInstances/")[0] for instance in instances}
    for vault in sorted(vaults):
        found = await services.door.find(f"{vault}/backupJobs/{job_id}", DATA_PROTECTION_API)
        this = read_job(found) if not isinstance(found, ArmError) else None
        if this is not None and this.cluster_id.casefold() == str(cluster).casefold():
            return Answer(job_view(this))
    raise Problem(404, "JobNotFound", f"no job {job_id} of this cluster")


def _moment(given: datetime | None, name: str) -> str | None:
    if given is None:
        return None
    if not _FIRST_YEAR <= given.year < _LAST_YEAR:
        raise Problem(400, "InvalidQuery", f"{name} is a time between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return iso(given.timestamp())
