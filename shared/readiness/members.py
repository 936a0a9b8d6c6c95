"""What is known of a fleet's clusters without asking about each, and the checks over that. Pure.

Resource Graph may be behind by minutes: what it doesn't show isn't proven to be gone. What it can't show (roles,
trusted access, network rules, recovery points one by one) was seen by the last check of the cluster itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct, field
from msgspec.structs import replace

from shared.arm.ids import ClusterId
from shared.backups.jobs import Job
from shared.backups.status import Restore
from shared.catalog.selection import Selection
from shared.errors import ArmError
from shared.fleet.records import Places, State
from shared.notify.events import iso
from shared.onboarding.cluster import Cluster
from shared.onboarding.desired import EXTENSION_NAME
from shared.onboarding.readings import Instance
from shared.readiness.ask import OPERATIONAL, Ask
from shared.readiness.checks import VALIDATION, run_checks
from shared.readiness.checks.finding import app, extension_command
from shared.readiness.facts import Facts, Graph, Point, Points, Side, Stored, Wanted
from shared.readiness.kept import ReadinessRow
from shared.readiness.model import Check, Status, Verdict
from shared.readiness.restore_tests import Restoration
from shared.resync.inventory import SeenExtension

STALE = 50 * 3600.0
"""Seconds after which the last check of a cluster says nothing any more: two nights and a late start."""

EXTENSION = "extension-healthy"
_UNSEEN = ArmError("Resource Graph doesn't show it, which proves nothing", code="NotInGraph")
_GONE = ArmError("the cluster is gone", status=404, code="ResourceNotFound")
_NOT_SWEPT = ArmError("the sweep hasn't seen them yet", code="NotSwept")
_NOWHERE = Places(location="", policy="", vault="", instance="", group="", account="", container="", binding="")


class Standing(Struct, frozen=True, gc=False):
    """What of a cluster's row counts here; the rest isn't even decoded."""

    cluster_id: str
    state: State = State.NEW
    reason: str = ""
    message: str = ""
    who: str = ""
    policy: str = ""
    fingerprint: str = ""
    places: Places | None = None


class Backups(Struct, frozen=True, gc=False):
    """What of the row of a backup instance counts here."""

    instance_id: str
    cluster_id: str
    policy: str = ""
    last_point: float = 0.0
    last_job: Job | None = None
    restores: list[Restore] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Member:
    """One cluster of the fleet.

    Attributes:
        row: of its onboarding; None for one that the app has never looked at.
        seen: as Resource Graph shows it; None when it doesn't; likewise `instance` and `extension`.
        whole: whether the graph's answer about instances was whole for the cluster's subscription.
        policy: the catalog's name of the instance's policy, "" for one that isn't ours.
        status: what the sweep knows of its backups.
        rpo: how old its newest recovery point may get, seconds; None when nothing says.
        kept: what the nightly check keeps.
        past: real restores, the newest first.
    """

    id: ClusterId
    row: Standing | None = None
    seen: Cluster | None = None
    instance: Instance | None = None
    whole: bool = True
    extension: SeenExtension | None = None
    policy: str = ""
    status: Backups | None = None
    rpo: float | None = None
    kept: ReadinessRow | None = None
    past: Sequence[Restoration] = ()


def newest_point(member: Member) -> float:
    """When the newest recovery point was made that the sweep or the last check of the cluster knows of; 0 for none."""
    checked = member.kept.checked if member.kept else None
    seen = checked.at - checked.data_loss if checked and checked.data_loss is not None else 0.0
    return max(seen, member.status.last_point if member.status else 0.0)


def findings(member: Member, now: float) -> list[Check]:
    """What each check finds. `now` is Azure's time, epoch seconds."""
    own = (*_extension(member), *_onboarding(member), *_last_check(member, now), *_validated(member, now))
    return [*run_checks(_facts(member, now), _answerable(member)), *own]


def _answerable(member: Member) -> frozenset[str]:
    """Checks of the table for which there are facts."""
    names = {"cluster-running", "instance-protected", "recovery-point-age", "recent-jobs", "restore-tried"}
    names |= {"policy-as-tagged"} if member.instance and member.row and member.row.policy else set()
    return frozenset(names)


def _facts(member: Member, now: float) -> Facts:
    """The facts of the table's checks, as far as the graph and the tables have them."""
    row, status = member.row, member.status
    places = row.places if row and row.places else _NOWHERE
    if member.instance:
        places = replace(places, instance=member.instance.id)
    gone = row is not None and row.reason == "ClusterNotFound"
    expected = not member.whole or (row is not None and row.state is State.PROTECTED)
    instances = [member.instance] if member.instance else _UNSEEN if expected else []
    job = status.last_job if status else None
    return Facts(
        at=now,
        ask=Ask(),
        places=places,
        source=Side(
            id=member.id,
            cluster=member.seen or (_GONE if gone else _UNSEEN),
            extensions=_UNSEEN,
            bindings=_UNSEEN,
            grants=_UNSEEN,
        ),
        instances=instances,
        points=_points(member),
        graph=Graph((job,) if job else (), (), (), {}, {}, 0.0),
        wanted=_wanted(member),
        used_name=member.policy,
        rpo=member.rpo,
        past=member.past,
    )


def _points(member: Member) -> Points | ArmError:
    """The newest recovery point; its id isn't known."""
    made = newest_point(member)
    if not made:
        return Points((), more=False) if member.status else _NOT_SWEPT
    return Points((Point("", made, "", (Stored(OPERATIONAL, made, 0.0, ""),)),), more=True)


def _wanted(member: Member) -> Wanted | ArmError:
    """What the last pass read from the tags, those included that a cluster inherits."""
    if member.row is None or member.instance is None:
        return _UNSEEN
    name = member.row.policy
    arm_policy = member.instance.policy_id if name == member.policy else ""
    return Wanted(Selection.POLICY, name, None, None, arm_policy)


def _extension(member: Member) -> Iterator[Check]:
    """Extensions aren't sure to be in the graph: without a row, what the last check of the cluster saw has to do."""
    found = member.extension
    if found is None:
        return
    evidence = {"state": found.state}
    if found.state == "Succeeded":
        message = "the backup extension is installed"
        yield Check(EXTENSION, Status.PASS, "ExtensionHealthy", message, decides=True, evidence=evidence)
        return
    message = f"the backup extension is {found.state}"
    fix = extension_command(member.id, "show", "--name", EXTENSION_NAME)
    yield Check(EXTENSION, Status.FAIL, "ExtensionUnhealthy", message, decides=True, evidence=evidence, fix=fix)


def _onboarding(member: Member) -> Iterator[Check]:
    """What keeps the cluster from being protected, in the words of its onboarding."""
    row = member.row
    if row is None or row.state in (State.PROTECTED, State.RELEASED):
        return
    fix = f"{row.who}: see Reasons in docs/operations.md" if row.who else "it goes on by itself"
    message = f"the onboarding is {row.state}: {row.reason}: {row.message}"
    yield Check("onboarded", Status.WARN, row.reason or str(row.state), message, decides=False, fix=fix)


_OF_VERDICT = {
    Verdict.READY: Status.PASS,
    Verdict.AT_RISK: Status.WARN,
    Verdict.NOT_READY: Status.FAIL,
    Verdict.UNKNOWN: Status.UNKNOWN,
}


def _last_check(member: Member, now: float) -> Iterator[Check]:
    """What the last check of the cluster itself said; an old one is no evidence."""
    checked = member.kept.checked if member.kept else None
    fix = app(member.id, "GET", "/restore-readiness")
    if checked is None:
        message = "the cluster itself hasn't been checked yet: roles, network, points"
        yield Check("last-check", Status.UNKNOWN, "NeverChecked", message, decides=True, fix=fix)
        return
    evidence, age = {**_aged(checked.at, now), "checks": checked.failing}, _hours(now - checked.at)
    if now - checked.at > STALE:
        message = f"the last check of the cluster itself is {age} old"
        yield Check("last-check", Status.UNKNOWN, "CheckTooOld", message, decides=True, evidence=evidence, fix=fix)
        return
    message = f"{age} ago the cluster itself was {checked.verdict}: {checked.reason}"
    status = _OF_VERDICT[checked.verdict]
    yield Check("last-check", status, checked.verdict, message, decides=True, evidence=evidence, fix=fix)


def _validated(member: Member, now: float) -> Iterator[Check]:
    """Azure's own word, as long as it hasn't been asked again."""
    validated = member.kept.validated if member.kept else None
    if validated is None:
        return
    evidence = {**_aged(validated.at, now), "recoveryPointId": validated.recovery_point}
    age = _hours(now - validated.at)
    if validated.passed:
        message = f"{age} ago Azure validated a restore"
        yield Check(VALIDATION, Status.PASS, "Validated", message, decides=True, evidence=evidence)
        return
    message = f"{age} ago Azure refused to validate a restore: {validated.code}: {validated.message}"
    fix = "put right what the message names; it is asked again each night"
    yield Check(VALIDATION, Status.FAIL, validated.code or "Refused", message, decides=True, evidence=evidence, fix=fix)


def _aged(at: float, now: float) -> dict[str, object]:
    return {"at": iso(at), "ageSeconds": round(now - at)}


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
