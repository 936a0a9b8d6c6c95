"""The verdict on a cluster from what Resource Graph and the app's tables know: each piece of evidence counts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm.ids import ClusterId
from shared.backups.jobs import Job, Kind
from shared.fleet.records import Places, State
from shared.onboarding.cluster import read_cluster
from shared.onboarding.readings import Instance
from shared.readiness.fleet import judge
from shared.readiness.kept import Checked, ReadinessRow, Validated
from shared.readiness.members import STALE, Backups, Member, Standing
from shared.readiness.model import Status, Verdict
from shared.readiness.restore_tests import Outcome, Restoration, Source
from shared.resync.inventory import SeenExtension

NOW = 1_800_000_000.0
HOUR = 3600.0
CLUSTER = ClusterId("00000000-0000-0000-0000-000000000001", "rg", "web")
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
INSTANCE = f"{VAULT}/backupInstances/web"
PLACES = Places("westeurope", f"{VAULT}/backupPolicies/gold-1", VAULT, INSTANCE, "g", "a", "c", "b")


def seen(power: str = "Running", state: str = "Succeeded") -> Any:
    """The cluster in the graph."""
    properties = {"powerState": {"code": power}, "provisioningState": state}
    return read_cluster(CLUSTER, {"location": "westeurope", "properties": properties})


def instance(state: str = "ProtectionConfigured") -> Instance:
    """Its backup instance in the graph."""
    return Instance(INSTANCE, state, PLACES.policy, "", {}, None)


def status(point_age: float = HOUR, outcome: str = "Completed") -> Backups:
    """What the sweep knows."""
    end = NOW - point_age
    job = Job("/vault/backupJobs/1", INSTANCE, str(CLUSTER), Kind.SCHEDULED, outcome, end - 180, end, code="UserErrorX")
    return Backups(INSTANCE, str(CLUSTER), policy="gold", last_point=end, last_job=job)


def kept(verdict: Verdict = Verdict.READY, age: float = 10 * HOUR, validated: Validated | None = None) -> ReadinessRow:
    """What the nightly check keeps."""
    checked = Checked(verdict, f"it was {verdict}", NOW - age, ["role-cluster-snapshots"])
    return ReadinessRow(str(CLUSTER), checked=checked, validated=validated)


def row(state: State = State.PROTECTED, reason: str = "ProtectionConfigured", who: str = "") -> Standing:
    """What the onboarding says."""
    return Standing(str(CLUSTER), state=state, reason=reason, who=who, policy="gold", places=PLACES)


WELL = Member(
    id=CLUSTER,
    row=row(),
    seen=seen(),
    instance=instance(),
    extension=SeenExtension("Succeeded", "principal"),
    policy="gold",
    status=status(),
    rpo=7 * HOUR,
    kept=kept(),
)


def test_a_cluster_about_which_all_is_known_and_well_is_ready() -> None:
    """With the ages of what that rests on."""
    said = judge(replace(WELL, kept=kept(validated=Validated(True, NOW - 5 * HOUR, "p"))), NOW)
    assert (said.verdict, said.policy, said.expected_data_loss_seconds) == (Verdict.READY, "gold", 3600)
    ages = {check.id: check.evidence["ageSeconds"] for check in said.checks if "ageSeconds" in check.evidence}
    assert ages == {"recovery-point-age": 3600, "last-check": 36000, "validate-restore": 18000}


REFUSED = Validated(False, NOW - HOUR, "p", "UserErrorMissingPermissions", "no role")
FAILED_TEST = Restoration(NOW - HOUR, 60.0, Outcome.FAILED, Source.TEST, "t")

BREAKAGES: dict[str, tuple[dict[str, Any], Verdict, str]] = {
    "stopped": ({"seen": seen("Stopped")}, Verdict.NOT_READY, "cluster-running"),
    "deleting": ({"seen": seen(state="Deleting")}, Verdict.NOT_READY, "cluster-running"),
    "not in the graph": ({"seen": None}, Verdict.UNKNOWN, "cluster-running"),
    "gone": (
        {"seen": None, "row": row(State.RELEASED, "ClusterNotFound")},
        Verdict.NOT_READY,
        "cluster-running",
    ),
    "instance not in the graph": ({"instance": None}, Verdict.UNKNOWN, "instance-protected"),
    "never protected": (
        {"instance": None, "row": row(State.BLOCKED, "WindowsOnly", "cluster owner")},
        Verdict.NOT_READY,
        "instance-protected",
    ),
    "instances unread": ({"instance": None, "row": None, "whole": False}, Verdict.UNKNOWN, "instance-protected"),
    "protection in error": ({"instance": instance("ProtectionError")}, Verdict.NOT_READY, "instance-protected"),
    "protection stopped": ({"instance": instance("ProtectionStopped")}, Verdict.AT_RISK, "instance-protected"),
    "another policy": ({"policy": "bronze"}, Verdict.AT_RISK, "policy-as-tagged"),
    "an old point": ({"status": status(8 * HOUR)}, Verdict.AT_RISK, "recovery-point-age"),
    "not swept": ({"status": None}, Verdict.AT_RISK, "recovery-point-age"),
    "a failed backup": ({"status": status(outcome="Failed")}, Verdict.AT_RISK, "recent-jobs"),
    "a failed extension": (
        {"extension": SeenExtension("Failed", "")},
        Verdict.NOT_READY,
        "extension-healthy",
    ),
    "never checked": ({"kept": None}, Verdict.UNKNOWN, "last-check"),
    "checked long ago": ({"kept": kept(age=STALE + 1)}, Verdict.UNKNOWN, "last-check"),
    "a role was missing": ({"kept": kept(Verdict.NOT_READY)}, Verdict.NOT_READY, "last-check"),
    "in doubt": ({"kept": kept(Verdict.UNKNOWN)}, Verdict.UNKNOWN, "last-check"),
    "at risk": ({"kept": kept(Verdict.AT_RISK)}, Verdict.AT_RISK, "last-check"),
    "refused by Azure": ({"kept": kept(validated=REFUSED)}, Verdict.NOT_READY, "validate-restore"),
    "a failed restore": ({"past": (FAILED_TEST,)}, Verdict.AT_RISK, "restore-tried"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_breakage_turns_its_own_check(name: str) -> None:
    """And no other one but the onboarding's word; the reason names it, what can be done about it stands beside."""
    changes, verdict, check = BREAKAGES[name]
    said = judge(replace(WELL, **changes), NOW)
    bad = {found.id for found in said.checks if found.status is not Status.PASS}
    assert (said.verdict, bad - {"onboarded"}) == (verdict, {check})
    assert said.reason.startswith(check)
    assert all(found.fix for found in said.checks if found.status is not Status.PASS)


def test_an_extension_that_the_graph_does_not_show_is_left_to_the_last_check() -> None:
    """The graph isn't sure to hold extensions of clusters: neither a proof nor a doubt."""
    said = judge(replace(WELL, extension=None), NOW)
    assert said.verdict is Verdict.READY
    assert "extension-healthy" not in {check.id for check in said.checks}


@pytest.mark.parametrize("known", [None, Backups(INSTANCE, str(CLUSTER), policy="gold")], ids=["no row", "no point"])
def test_a_point_that_the_last_check_saw_is_known_before_the_sweep(known: Backups | None) -> None:
    """Its age at the time of the check says when it was made; a younger one of the sweep counts more."""
    checked = Checked(Verdict.READY, "r", NOW - 600, [], data_loss=1800)
    member = replace(WELL, status=known, kept=ReadinessRow(str(CLUSTER), checked=checked))
    assert (judge(member, NOW).verdict, judge(member, NOW).expected_data_loss_seconds) == (Verdict.READY, 2400)
    assert judge(replace(member, status=status(60)), NOW).expected_data_loss_seconds == 60


def test_what_the_onboarding_waits_for_is_told() -> None:
    """Whoever sees a cluster that isn't protected sees why, and who can act."""
    member = replace(WELL, instance=None, row=row(State.BLOCKED, "WindowsOnly", "cluster owner"))
    (told,) = (check for check in judge(member, NOW).checks if check.id == "onboarded")
    assert told.reason == "WindowsOnly"
    assert told.fix.startswith("cluster owner")


DECISIVE = {Verdict.NOT_READY: 0, Verdict.UNKNOWN: 1, Verdict.AT_RISK: 2, Verdict.READY: 3}


@given(st.sets(st.sampled_from(sorted(BREAKAGES)), max_size=6))
def test_several_breakages_are_never_better_than_the_worst_of_them(names: set[str]) -> None:
    """Over all combinations whose parts don't undo each other: never Ready with one, and the worst is said first."""
    fields: dict[str, Any] = {}
    verdicts = [Verdict.READY]
    for name in sorted(names):
        changes, verdict, _ = BREAKAGES[name]
        if not changes.keys() & fields.keys() and not (fields.keys() | changes.keys()) >= {"row", "instance"}:
            fields |= changes
            verdicts.append(verdict)
    if "policy" in fields and "instance" in fields:
        return  # without an instance there is no policy to compare
    said = judge(replace(WELL, **fields), NOW)
    assert said.verdict is min(verdicts, key=DECISIVE.__getitem__)
