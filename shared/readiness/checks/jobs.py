"""Checks of the jobs: the recent backups, the restores left today, and past restores."""

from __future__ import annotations

from shared.backups.jobs import Job, Kind
from shared.backups.status import DAY, TOO_LONG
from shared.errors import ArmError
from shared.notify.events import iso
from shared.readiness.checks.finding import Finding, az, failed, passed, unread, warned
from shared.readiness.facts import Facts
from shared.readiness.restore_tests import Source, expected_seconds, last_success

RESTORES_A_DAY = 10
"""Restores of an instance a day ("AKS backup support matrix"); a day is one of UTC."""

_FEW_LEFT = 2
_SHOW = ("dataprotection", "job", "show", "--ids")


def recent(facts: Facts) -> Finding:
    """The newest backup job went well."""
    if isinstance(facts.graph, ArmError):
        return unread("the jobs", facts.graph)
    backups = [job for job in facts.graph.jobs if job.kind in (Kind.SCHEDULED, Kind.ON_DEMAND)]
    ended = next((job for job in backups if not job.running), None)
    stuck = next((job for job in backups if job.running and facts.at - job.start > TOO_LONG), None)
    if stuck is not None:
        message = f"backup job {_name(stuck)} runs since {iso(stuck.start)}"
        return warned("RunningLong", message, az(*_SHOW, stuck.id), **_evidence(stuck))
    if ended is None:
        return passed("NoJobs", "no backup job has ended in the last 14 days", jobs=len(backups))
    if ended.status.casefold() == "completed":
        return passed("Completed", f"the newest backup completed at {iso(ended.end)}", **_evidence(ended))
    message = f"the newest backup ended {ended.status} at {iso(ended.end)}: {ended.code}: {ended.message}"
    return warned(f"Backup{ended.status}", message, az(*_SHOW, ended.id), **_evidence(ended))


def _evidence(job: Job) -> dict[str, object]:
    return {"jobId": job.id, "status": job.status, "startTime": iso(job.start), "code": job.code}


def _name(job: Job) -> str:
    return job.id.rpartition("/")[2]


def quota(facts: Facts) -> Finding:
    """A restore can still be started today."""
    if isinstance(facts.graph, ArmError):
        return unread("today's restores", facts.graph)
    midnight = facts.at - facts.at % DAY
    today = {_name(job).casefold() for job in facts.graph.jobs if job.kind is Kind.RESTORE and job.start >= midnight}
    today |= {item.id.casefold() for item in facts.past if item.source is Source.JOB and item.at >= midnight}
    evidence = {"restoresToday": len(today), "limit": RESTORES_A_DAY}
    left = RESTORES_A_DAY - len(today)
    if left <= 0:
        message = f"{len(today)} restores were started today, which is all that Azure allows"
        return failed("QuotaUsed", message, f"wait until {iso(midnight + DAY)}", **evidence)
    if left <= _FEW_LEFT:
        return warned(
            "QuotaShort", f"{left} restores are left today", f"more from {iso(midnight + DAY)} on", **evidence
        )
    return passed("QuotaLeft", f"{left} restores are left today", **evidence)


def tried(facts: Facts) -> Finding:
    """When a real restore last worked, and whether it was quick enough."""
    success, expected = last_success(facts.past), expected_seconds(facts.past)
    newest = next(iter(facts.past), None)
    evidence = {
        "lastRestore": iso(newest.at) if newest else None,
        "lastSuccess": iso(success.at) if success else None,
        "secondsSinceSuccess": round(facts.at - success.at) if success else None,
        "expectedSeconds": None if expected is None else round(expected),
        "rtoTargetSeconds": None if facts.rto is None else round(facts.rto),
    }
    fix = "restore into a test cluster and record it: POST .../restore-tests"
    if newest is not None and newest is not success and (success is None or newest.at > success.at):
        message = f"the newest real restore, of {iso(newest.at)}, ended {newest.outcome.value}"
        return warned("LastRestoreFailed", message, fix, **evidence)
    if success is None or expected is None:
        if facts.rto is None:
            return passed("NeverTried", "no real restore is known; no target asks for one", **evidence)
        return warned(
            "NeverTried", "no real restore is known, so nothing shows that the RTO target holds", fix, **evidence
        )
    if facts.rto is not None and expected > facts.rto:
        message = f"past restores took {expected:.0f} s, the RTO target is {facts.rto:.0f} s"
        return warned("SlowerThanTarget", message, "restore fewer namespaces at once, or change rtoTarget", **evidence)
    days = (facts.at - success.at) / DAY
    return passed("Tried", f"the last real restore worked {days:.0f} days ago, at {iso(success.at)}", **evidence)
