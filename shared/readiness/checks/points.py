"""Checks of the recovery points: one to restore, young enough, enough of them, copied where that was promised."""

from __future__ import annotations

from shared.arm.ids import name_of
from shared.catalog.model import minutes
from shared.errors import ArmError
from shared.notify.events import iso
from shared.onboarding.readings import Instance
from shared.readiness.ask import OPERATIONAL, VAULT
from shared.readiness.checks.finding import Finding, app, failed, passed, unread, warned
from shared.readiness.facts import Facts, Points

_DAY = 86400.0
_HELD = 0.8  # share of the points that the schedule makes; some jobs fail without anything being wrong for long
_COPY_SLACK = 12 * 3600.0  # a copy takes hours, and the day's first backup may slip
_PERIODS = (("daily", _DAY), ("weekly", 7 * _DAY), ("monthly", 31 * _DAY), ("yearly", 366 * _DAY))


def restorable(facts: Facts) -> Finding:
    """There is a recovery point of the tier, and it hasn't expired."""
    points, point, tier = facts.points, facts.point, facts.ask.tier
    if isinstance(points, ArmError) or isinstance(point, ArmError):
        return unread("the recovery points", points if isinstance(points, ArmError) else ArmError(""))
    if point is None:
        return _no_point(facts, points)
    copy = point.copy_in(tier)
    evidence = {"recoveryPointId": point.id, "time": iso(point.time), "tier": tier}
    if copy is None:
        stores = ", ".join(item.store for item in point.copies)
        message = f"recovery point {point.id} isn't in {tier}, only in {stores}"
        return failed(
            "NotInTier", message, f"ask with tier={point.copies[0].store if point.copies else tier}", **evidence
        )
    if copy.expires and copy.expires <= facts.at:
        message = f"recovery point {point.id} expired at {iso(copy.expires)}"
        return failed("PointExpired", message, "choose a younger recovery point", **evidence)
    message = f"recovery point {point.id} of {iso(point.time)} can be restored from {tier}"
    return passed("PointThere", message, **evidence, expiryTime=iso(copy.expires) if copy.expires else None)


def _no_point(facts: Facts, points: Points) -> Finding:
    asked = facts.ask.recovery_point
    if asked and points.more:
        message = f"recovery point {asked} isn't among the newest {len(points.items)}; older ones weren't asked for"
        return unread(message, ArmError("more pages", code="OlderPoint"))
    if asked:
        return failed(
            "PointMissing", f"there is no recovery point {asked}", "choose one that is there", tier=facts.ask.tier
        )
    message = f"there is no recovery point in {facts.ask.tier}"
    return failed("NoRecoveryPoint", message, backup_now(facts), tier=facts.ask.tier, points=len(points.items))


def backup_now(facts: Facts) -> str:
    """The call that starts a backup."""
    return app(facts.source.id, "POST", "/backups")


def young(facts: Facts) -> Finding:
    """The newest point is within the RPO target."""
    if isinstance(facts.points, ArmError):
        return unread("the recovery points", facts.points)
    newest = next(iter(facts.points.items), None)
    if newest is None:
        return failed("NoRecoveryPoint", "there is no recovery point", backup_now(facts))
    age = facts.at - newest.time
    evidence = {
        "newest": iso(newest.time),
        "ageSeconds": round(age),
        "rpoTargetSeconds": facts.rpo and round(facts.rpo),
    }
    if facts.rpo is None:
        return passed(
            "NoTarget", f"the newest point is {_span(age)} old; no policy of the catalog says more", **evidence
        )
    if age <= facts.rpo:
        return passed(
            "WithinTarget", f"the newest point is {_span(age)} old, {_span(facts.rpo)} are allowed", **evidence
        )
    message = f"the newest recovery point is {_span(age)} old, {_span(facts.rpo)} are allowed"
    return failed("OlderThanTarget", message, backup_now(facts), **evidence)


def retained(facts: Facts) -> Finding:
    """As many points are there as the schedule should have made within the retention."""
    if isinstance(facts.points, ArmError):
        return unread("the recovery points", facts.points)
    if facts.used is None:
        return passed("NoPromise", "the policy isn't of the catalog; nothing was promised")
    times = [point.time for point in facts.points.items if point.copy_in(OPERATIONAL)]
    retention = minutes(facts.used.operational_retention) * 60.0
    start = max(facts.at - retention, _begun(facts, facts.points))
    expected = int((facts.at - start) // (minutes(facts.used.schedule.every) * 60.0))
    within = sum(time >= start for time in times)
    evidence = {
        "points": within,
        "expected": expected,
        "oldest": iso(min(times)) if times else None,
        "retention": facts.used.operational_retention,
    }
    span = _span(facts.at - start)
    if within >= int(expected * _HELD) or (facts.points.more and within == len(facts.points.items)):
        return passed("Retained", f"{within} points of the last {span} are there", **evidence)
    message = f"{within} points of the last {span} are there, the schedule should have made {expected}"
    return warned("PointsMissing", message, "look at the failed jobs: GET .../jobs?status=Failed", **evidence)


def _begun(facts: Facts, points: Points) -> float:
    """Since when the instance has had its present policy, as far as its points and the app's tables tell."""
    instance = facts.instance
    present = name_of(instance.policy_id).casefold() if isinstance(instance, Instance) else ""
    ours = [point.time for point in points.items if point.policy.casefold() in (present, "")]
    oldest = min(ours, default=facts.at)
    moved = len(ours) < len(points.items)  # points of an earlier policy keep that one's promises
    return oldest if moved else min(facts.since or oldest, oldest)


def copied(facts: Facts) -> Finding:
    """Where the policy promises copies in the vault, there is a young one."""
    if isinstance(facts.points, ArmError):
        return unread("the recovery points", facts.points)
    tier = facts.used.vault_tier if facts.used else None
    every = next((seconds for name, seconds in _PERIODS if getattr(tier, name, None)), None)
    if every is None:
        return passed("NotPromised", "the policy copies nothing to the vault")
    newest = max((copy.created for point in facts.points.items if (copy := point.copy_in(VAULT))), default=0.0)
    evidence = {"newestCopy": iso(newest) if newest else None, "everySeconds": round(every)}
    if newest and facts.at - newest <= every + _COPY_SLACK:
        return passed("Copied", f"the newest copy in the vault is of {iso(newest)}", **evidence)
    begun = _begun(facts, facts.points)
    if not newest and facts.at - begun <= every + _COPY_SLACK:
        return passed("NotDueYet", "the first copy to the vault isn't due yet", **evidence)
    words = f"the newest copy in the vault is of {iso(newest)}" if newest else "there is no copy in the vault"
    fix = "look at the roles of the vault's identity and at the disks: over 1 TB or without public access isn't copied"
    return warned("CopyMissing", f"{words}, one is promised every {_span(every)}", fix, **evidence)


def _span(seconds: float) -> str:
    """A duration in words."""
    for name, unit in (("d", _DAY), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
