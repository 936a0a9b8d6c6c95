"""The requests about clusters: status, jobs, a backup now, the fleet. Nothing of a request reaches Azure unchecked."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from shared.api.problems import Answer, Problem
from shared.api.views import FleetView, backup_view, cluster_view, job_view, worst_first
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.graph import query, quoted
from shared.arm.ids import ClusterId
from shared.backups.jobs import Kind, epoch, read_job
from shared.backups.policies import Policies
from shared.backups.starter import Refused, Starter
from shared.backups.status import BackupStatus, on_demand_today
from shared.backups.store import StatusStore
from shared.errors import ArmError, InvalidResourceId
from shared.fleet.records import ClusterRow, State
from shared.fleet.tables import Key, Rows
from shared.notify.events import iso

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_STATUSES = ("InProgress", "Completed", "CompletedWithWarnings", "Failed", "Cancelled")
_KINDS = (Kind.ON_DEMAND, Kind.SCHEDULED, Kind.RESTORE)
_PAGE, _LARGEST_PAGE = 200, 1000
_EARLIEST, _LATEST = (
    946_684_800.0,
    4_102_444_800.0,
)  # the years 2000 and 2100: no job is outside, and each can be spelled


@dataclass(frozen=True, slots=True)
class ClustersApi:
    """Everything that answering takes."""

    subscriptions: frozenset[str]
    door: Door
    clusters: Rows[ClusterRow]
    store: StatusStore
    starter: Starter
    policies: Policies

    async def status(self, route: Mapping[str, str]) -> Answer:
        """`GET /api/clusters/{subscriptionId}/{resourceGroup}/{clusterName}`."""
        cluster = self._cluster(route)
        row = await self._row(cluster)
        now = self.door.clock.now().timestamp()
        backups = [self._view(stored.value, now) for stored in await self.store.of_cluster(cluster)]
        return Answer(200, to_builtins(cluster_view(row, backups)))

    async def fleet(self, params: Mapping[str, str]) -> Answer:
        """`GET /api/fleet?state=&top=&skip=`: counts of all, and a page of the clusters, worst first."""
        top = _number(params, "top", _PAGE, _LARGEST_PAGE)
        skip = _number(params, "skip", 0, 1_000_000)
        state = _choice(params, "state", tuple(State))
        now = self.door.clock.now().timestamp()
        by_cluster: dict[str, list[BackupStatus]] = defaultdict(list)
        statuses = [stored.value for stored in (await self.store.all()).values()]
        for status in statuses:
            by_cluster[status.cluster_id.casefold()].append(status)
        rows = [stored.value async for stored in self.clusters.all()]
        views = [
            cluster_view(row, [self._view(status, now) for status in by_cluster[row.cluster_id.casefold()]])
            for row in rows
            if state in (None, row.state)
        ]
        views.sort(key=worst_first)
        fleet = FleetView(
            clusters=len(rows),
            by_state=dict(Counter(str(row.state) for row in rows)),
            fresh=sum(bool(item.last_point) and not item.overdue and not item.failing for item in statuses),
            overdue=sum(item.overdue for item in statuses),
            failing=sum(item.failing for item in statuses),
            items=views[skip : skip + top],
        )
        return Answer(200, to_builtins(fleet))

    async def back_up(self, route: Mapping[str, str], body: Any) -> Answer:
        """`POST .../backups` with `{"retentionTag": "...", "dryRun": false}`: 202 and where to look for the job."""
        cluster = self._cluster(route)
        tag, dry_run = _options(body)
        await self._row(cluster)
        started = await self._azure(self.starter.back_up_now(cluster, tag, dry_run=dry_run))
        if isinstance(started, Refused):
            raise Problem(started.status, started.reason, started.message)
        answer = {"backupInstanceId": started.instance_id, "ruleName": started.rule, "dryRun": dry_run}
        if dry_run:
            return Answer(200, answer)
        path = f"/api/clusters/{cluster.subscription}/{cluster.group}/{cluster.name}/jobs"
        job = started.job_id.rpartition("/")[2]
        return Answer(202, {**answer, "jobId": job or None}, f"{path}/{job}" if job else path)

    async def jobs(self, route: Mapping[str, str], params: Mapping[str, str]) -> Answer:
        """`GET .../jobs?operation=&status=&since=&until=`: the jobs of the last 14 days, newest first."""
        cluster = self._cluster(route)
        kind = _choice(params, "operation", _KINDS)
        status = _choice(params, "status", _STATUSES)
        since, until = _moment(params, "since"), _moment(params, "until")
        await self._row(cluster)
        filters = [
            "| where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'",
            f"| where properties.dataSourceId =~ {quoted(str(cluster))}",
            f"| where properties.status =~ {quoted(status)}" if status else "",
            f"| where todatetime(properties.startTime) >= datetime({iso(since)})" if since else "",
            f"| where todatetime(properties.startTime) <= datetime({iso(until)})" if until else "",
            "| project id, properties | order by id asc",
        ]
        kql = "\n".join(["RecoveryServicesResources", *filter(None, filters)])
        rows = await self._azure(query(self.door, [*self.subscriptions], kql))
        found = [job for job in map(read_job, rows) if kind in (None, job.kind)]
        found.sort(key=lambda job: job.start, reverse=True)
        return Answer(200, {"value": [to_builtins(job_view(job)) for job in found]})

    async def job(self, route: Mapping[str, str]) -> Answer:
        """`GET .../jobs/{jobId}`: one job, as its vault says."""
        cluster = self._cluster(route)
        job_id = route.get("jobId", "")
        if not _GUID.fullmatch(job_id):
            raise Problem(400, "InvalidJobId", "a job's id is a UUID")
        await self._row(cluster)
        instances = [stored.value.instance_id for stored in await self.store.of_cluster(cluster)]
        vaults = {instance.rpartition("/backupInstances/")[0] for instance in instances}
        for vault in sorted(vaults):
            found = await self._azure(self.door.find(f"{vault}/backupJobs/{job_id}", DATA_PROTECTION_API))
            job = read_job(found) if not isinstance(found, ArmError) else None
            if job is not None and job.cluster_id.casefold() == str(cluster).casefold():
                return Answer(200, to_builtins(job_view(job)))
        raise Problem(404, "JobNotFound", f"no job {job_id} of this cluster")

    def _cluster(self, route: Mapping[str, str]) -> ClusterId:
        text = (
            f"/subscriptions/{route.get('subscriptionId', '')}/resourceGroups/{route.get('resourceGroup', '')}"
            f"/providers/Microsoft.ContainerService/managedClusters/{route.get('clusterName', '')}"
        )
        try:
            cluster = ClusterId.parse(text)
        except InvalidResourceId as error:
            raise Problem(400, "InvalidCluster", str(error)) from error
        if cluster.subscription not in self.subscriptions:
            message = f"subscription {cluster.subscription} isn't one of this deployment's"
            raise Problem(403, "SubscriptionNotAllowed", message)
        return cluster

    async def _row(self, cluster: ClusterId) -> ClusterRow:
        stored = await self.clusters.read(Key(cluster.subscription, cluster.key), lambda: ClusterRow(str(cluster)))
        if stored.etag is None:
            raise Problem(404, "ClusterNotFound", f"cluster {cluster.name} isn't known here")
        return stored.value

    def _view(self, status: BackupStatus, now: float) -> Any:
        return backup_view(status, self.policies, now, on_demand_today(status, now))

    async def _azure(self, asked: Any) -> Any:
        """Wait for Azure's word; its refusals become answers, not failures of ours."""
        try:
            return await asked
        except ArmError as error:
            status = 503 if error.status in (0, 429) or error.status >= 500 else 502  # noqa: PLR2004  # HTTP borders
            raise Problem(status, error.code or "AzureUnreachable", f"Azure: {error.message}") from error


def _options(body: Any) -> tuple[str | None, bool]:
    if not isinstance(body, dict) or not body.keys() <= {"retentionTag", "dryRun"}:
        raise Problem(400, "InvalidBody", 'wanted: {"retentionTag": "Default", "dryRun": false}, both optional')
    tag, dry_run = body.get("retentionTag"), body.get("dryRun", False)
    if tag is not None and not (isinstance(tag, str) and _TAG.fullmatch(tag)):
        raise Problem(400, "InvalidRetentionTag", "retentionTag is the name of a tag of the policy, such as Default")
    if not isinstance(dry_run, bool):
        raise Problem(400, "InvalidBody", "dryRun is true or false")
    return tag, dry_run


def _choice[T: str](params: Mapping[str, str], name: str, allowed: tuple[T, ...]) -> T | None:
    value = params.get(name)
    if value is None:
        return None
    found = next((item for item in allowed if item.casefold() == value.casefold()), None)
    if found is None:
        raise Problem(400, "InvalidQuery", f"{name} is one of {', '.join(allowed)}")
    return found


def _moment(params: Mapping[str, str], name: str) -> float:
    value = params.get(name)
    if value is None:
        return 0.0
    try:
        moment = epoch(value)
    except ValueError:
        moment = 0.0
    if not _EARLIEST < moment < _LATEST:
        raise Problem(400, "InvalidQuery", f"{name} is a time such as 2026-01-31T08:00:00Z")
    return moment


def _number(params: Mapping[str, str], name: str, default: int, largest: int) -> int:
    value = params.get(name, str(default))
    if not re.fullmatch(r"\d{1,7}", value) or int(value) > largest:
        raise Problem(400, "InvalidQuery", f"{name} is a number from 0 to {largest}")
    return int(value)
