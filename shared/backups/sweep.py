"""The sweep: what the fleet's backups did since the last one, in a handful of requests.

Resource Graph answers for everything; where it says that a recovery point has become too old, the vault's own list of
jobs is asked first, since the graph may be behind. A sweep may die anywhere: the watermark moves last, jobs are counted
once by their ids, and a row is written only if nobody else has written it in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode

from shared import logs
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.graph import query
from shared.arm.ids import name_of
from shared.backups.jobs import Job, read_job
from shared.backups.policies import Policies
from shared.backups.status import DELETED, TOO_LONG, BackupStatus, apply_job, assess, note_state, too_old
from shared.backups.store import StatusStore
from shared.errors import ArmError, RowChanged
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.events import iso

OVERLAP = 2 * 3600.0
"""Seconds by which sweeps look back over the last one's end: how far Resource Graph may be behind."""

FIRST_LOOK = 24 * 3600.0
_VAULTS_ASKED = 3  # in a sweep, each up to `_PAGES` pages
_PAGES = 3
_MARK = Key("sweep", "jobs")

_AKS = "'Microsoft.ContainerService/managedClusters'"
_INSTANCES = f"""RecoveryServicesResources
| where type =~ 'microsoft.dataprotection/backupvaults/backupinstances'
| where properties.dataSourceInfo.datasourceType =~ {_AKS}
| project id, cluster = tostring(properties.dataSourceInfo.resourceID),
  state = tostring(properties.currentProtectionState), policy = tostring(properties.policyInfo.policyId)
| order by id asc"""

_JOBS = f"""RecoveryServicesResources
| where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'
| where properties.dataSourceType =~ {_AKS}
| where properties.status =~ 'InProgress' or todatetime(properties.endTime) > datetime(SINCE)
| project id, properties
| order by id asc"""


class SweepRow(Struct):
    """Up to when jobs have been counted, Azure's epoch seconds."""

    watermark: float = 0.0


@dataclass(slots=True)
class Report:
    """What a sweep saw and did; `at` is Azure's time by which it judged, epoch seconds."""

    at: float = 0.0
    clusters: int = 0
    fresh: int = 0
    overdue: int = 0
    failing: int = 0
    running_long: int = 0
    jobs: int = 0
    events: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Everything that a sweep takes."""

    scope: Scope
    door: Door
    policies: Policies
    store: StatusStore
    marks: Rows[SweepRow]

    async def sweep(self) -> Report:
        """Look at all backup instances of the allowed subscriptions once.

        Raises:
            ArmError: Azure didn't answer; the next sweep sees it all.
        """
        mark = await self.marks.read(_MARK, SweepRow)
        subscriptions = await self.scope.subscriptions()
        instances = await query(self.door, subscriptions, _INSTANCES)
        now = self.door.clock.now().timestamp()
        since = mark.value.watermark - OVERLAP if mark.value.watermark else now - FIRST_LOOK
        found = await query(self.door, subscriptions, _JOBS.replace("SINCE", iso(since)))
        before = await self.store.all()
        after = self._known(instances, before, now)
        report = Report(at=now, clusters=len(instances), jobs=len(found))
        _apply(after, map(read_job, found))
        await self._ask_vaults(after, now, since)
        for status in after.values():
            self._assess(status, now)
            _tally(status, now, report)
        written = await self._write(before, after)
        report.conflicts = len(after) - len(written)
        report.events = await self.store.settle(written)
        if not report.conflicts:
            await self._advance(mark, now)
        _log(report)
        return report

    def _known(
        self, instances: Iterable[Mapping[str, Any]], before: Mapping[str, Stored[BackupStatus]], now: float
    ) -> dict[str, BackupStatus]:
        """The status of each instance as it was, with what the graph says of the instance itself."""
        after: dict[str, BackupStatus] = {}
        for row in instances:
            instance, cluster = str(row["id"]), str(row["cluster"])
            stored = before.get(instance.casefold())
            # a copy by way of its own encoding, many times quicker than deepcopy
            status = decode(encode(stored.value), type=BackupStatus) if stored else None
            status = status or BackupStatus(instance, cluster, since=now)
            status.cluster_id = cluster
            note_state(status, str(row["state"]))
            status.policy = self.policies.name_of_arm(str(row["policy"]))
            after[instance.casefold()] = status
        for key, stored in before.items():
            # a new instance isn't in the graph yet
            if key not in after and stored.value.protection_state != DELETED and now - stored.value.since > OVERLAP:
                after[key] = decode(encode(stored.value), type=BackupStatus)
                note_state(after[key], DELETED)
        return after

    def _assess(self, status: BackupStatus, now: float) -> None:
        rpo = self.policies.rpo(status)
        if rpo is not None:
            assess(status, now, rpo, self.policies.next_due(status, now))

    async def _ask_vaults(self, after: Mapping[str, BackupStatus], now: float, since: float) -> None:
        """Before a point is called overdue, the vault's own list is asked: the graph may be behind.

        What ended before this sweep's time was counted long ago, and its id may be forgotten: it isn't counted again.
        """
        suspicious = {
            status.instance_id.rpartition("/backupInstances/")[0]
            for status in after.values()
            if not status.overdue and (rpo := self.policies.rpo(status)) is not None and too_old(status, now, rpo)
        }
        for vault in sorted(suspicious)[:_VAULTS_ASKED]:
            try:
                jobs = await self._vault_jobs(vault)
                _apply(after, (job for job in jobs if job.running or job.end > since))
            except ArmError as error:
                logs.warning("vault_not_asked", vault=name_of(vault), code=error.code, status=error.status)

    async def _vault_jobs(self, vault: str) -> list[Job]:
        items = await self.door.list(f"{vault}/backupJobs", DATA_PROTECTION_API, pages=_PAGES)
        return [read_job(item) for item in items]

    async def _write(
        self, before: Mapping[str, Stored[BackupStatus]], after: Mapping[str, BackupStatus]
    ) -> list[Stored[BackupStatus]]:
        """Write the rows that changed; all rows as they stand now, without those that somebody else wrote meanwhile."""
        same: list[Stored[BackupStatus]] = []
        changed: list[Stored[BackupStatus]] = []
        for key, status in after.items():
            stored = before.get(key)
            if stored is not None and encode(stored.value) == encode(status):
                same.append(stored)
            else:
                changed.append(Stored(status, stored.etag if stored else None))
        results = await asyncio.gather(*(self.store.write(stored) for stored in changed))
        return same + [stored for stored in results if stored is not None]

    async def _advance(self, mark: Stored[SweepRow], now: float) -> None:
        mark.value.watermark = now
        try:
            await self.marks.write(_MARK, mark)
        except RowChanged:
            logs.info("sweep_overlapped")


def _apply(after: Mapping[str, BackupStatus], jobs: Iterable[Job]) -> None:
    """Count jobs in the order in which they ended; running ones come last."""
    for job in sorted(jobs, key=lambda item: (item.end or float("inf"), item.id)):
        status = after.get(job.instance_id.casefold())
        if status is not None:
            apply_job(status, job, status.policy)


def _tally(status: BackupStatus, now: float, report: Report) -> None:
    report.overdue += status.overdue
    report.failing += status.failing
    report.running_long += bool(status.running) and now - status.running_since > TOO_LONG
    report.fresh += not status.overdue and not status.failing and status.last_point > 0


def _log(report: Report) -> None:
    logs.info(
        "sweep",
        **{
            "aks_backup.clusters": report.clusters,
            "aks_backup.clusters.fresh": report.fresh,
            "aks_backup.clusters.overdue": report.overdue,
            "aks_backup.clusters.failing": report.failing,
            "aks_backup.jobs.running_long": report.running_long,
            "aks_backup.jobs": report.jobs,
            "aks_backup.events": report.events,
            "aks_backup.conflicts": report.conflicts,
        },
    )
