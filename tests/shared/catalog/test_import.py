"""Policies made with the public client become catalog entries, or are refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import tz_win

from shared.catalog.__main__ import main
from shared.catalog.importing import import_policy
from shared.catalog.loading import load, loads
from shared.catalog.model import Policy, Schedule, VaultTier
from shared.catalog.rendering import render
from shared.errors import CatalogError

ROOT = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("WIRE_DIR") or ROOT.parent / "shared" / "wire")
SHIPPED = load(ROOT / "backup-policies.yaml")
PROFILE = "vaultProfiles:\n  standard: {redundancy: LocallyRedundant}\n"
SAME = "# From backup policy 'p.json'; it renders to the same ARM policy.\n"

Json = dict[str, Any]


def imported(printed: str, name: str = "imported") -> Policy:
    """The policy that an entry is, read as the app reads it."""
    return loads(printed + PROFILE, "c.yaml").policies[name]


def gold() -> Json:
    """The properties of a policy with a vault tier, to be changed."""
    return render(SHIPPED.policies["gold"])


def part(properties: Json, *path: str | int) -> Any:
    """A part of a policy."""
    found: Any = properties
    for step in path:
        found = found[step]
    return found


DURATIONS = st.none() | st.builds("P{}{}".format, st.integers(1, 9999), st.sampled_from("DWMY"))
TIERS = st.tuples(DURATIONS, DURATIONS, DURATIONS, DURATIONS).map(lambda kept: VaultTier(*kept) if any(kept) else None)
SCHEDULES = st.builds(
    Schedule,
    every=st.sampled_from(("PT4H", "PT6H", "PT8H", "PT12H", "P1D")),
    start=st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    time_zone=st.sampled_from(sorted(name for name in tz_win if name)),
)
POLICIES = st.builds(
    Policy,
    vault_profile=st.just("standard"),
    schedule=SCHEDULES,
    operational_retention=st.integers(1, 360).map("P{}D".format),
    vault_tier=TIERS,
)


@given(policy=POLICIES)
def test_what_a_policy_renders_to_is_imported_as_it_was(policy: Policy) -> None:
    """For each schedule, time zone and retention the entry renders to the same ARM policy, and says so."""
    printed = import_policy(json.dumps(render(policy)), "p.json")
    assert printed.startswith(SAME)
    assert render(imported(printed)) == render(policy)


@pytest.mark.parametrize("name", SHIPPED.policies)
def test_the_shipped_policies_survive_the_round_trip(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line, in the form in which the public client shows a policy."""
    policy = SHIPPED.policies[name]
    file = tmp_path / "p.json"
    shown = {
        "id": "/x",
        "name": name,
        "properties": render(policy),
        "resourceGroup": "g",
        "systemData": None,
        "type": "t",
    }
    file.write_text(json.dumps(shown))
    assert main(["import", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"# From backup policy '{name}'; it renders to the same ARM policy.\npolicies:\n  {name}:\n"
    )
    assert render(imported(printed, name)) == render(policy)


def recorded(form: str) -> list[tuple[str, Json]]:
    """Recorded policies, as sent or as answered, with the names of their files and datasources."""
    found = []
    for file in sorted(WIRE.glob("dp_backup_policy_*.json")):
        for entry in json.loads(file.read_text()):
            body = entry[form]
            if entry["method"] == "PUT" and "/backupPolicies/" in entry["path"]:
                found.append((f"{file.name} {body['properties']['datasourceTypes'][0]}", body))
    return found


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"no recordings at {WIRE}")
@pytest.mark.parametrize("form", ["request_body", "response_body"])
def test_recorded_policies_are_imported_or_refused_by_their_datasource(form: str) -> None:
    """The recorded AKS policy is expressed exactly; those of disks, blobs and databases are named as such."""
    outcomes = {}
    for what, body in recorded(form):
        try:
            outcomes[what] = import_policy(json.dumps(body), "p.json")
        except CatalogError as error:
            outcomes[what] = error.faults[0]
    aks = outcomes.pop("dp_backup_policy_create_and_delete.json Microsoft.ContainerService/managedClusters")
    assert "; it renders to the same ARM policy.\n" in aks.splitlines(keepends=True)[0]
    assert "daily: P84D" in aks
    assert len(outcomes) == 4
    for what, fault in outcomes.items():
        assert f"it protects {what.split()[1]}; wanted: Microsoft.ContainerService/managedClusters" in fault


def test_name_and_profile_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And must be such as a catalog takes."""
    file = tmp_path / "p.json"
    file.write_text(json.dumps(gold()))
    assert main(["import", str(file), "--name", "platinum", "--profile", "geo"]) == 0
    assert "  platinum:\n    vaultProfile: geo\n" in capsys.readouterr().out
    assert main(["import", str(file), "--name", "Platinum"]) == 1
    assert "policies.Platinum: is 'Platinum'; wanted: 1 to 32 lower-case letters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Prod_Policy 1", "prod-policy-1"),
        ("none", "imported"),
        ("1st", "imported"),
        ("a" * 40, "a" * 32),
        (7, "imported"),
    ],
)
def test_a_name_becomes_one_that_the_catalog_takes(name: object, entry: str) -> None:
    """What the policy's name can't become is called imported."""
    printed = import_policy(json.dumps({"name": name, "properties": gold()}), "p.json")
    assert imported(printed, entry).vault_tier == VaultTier(daily="P90D")


def test_windows_time_zones_become_iana_ones() -> None:
    """The start is the local time of day, whatever the season of the first backup and its offset."""
    policy = gold()
    schedule = part(policy, "policyRules", 0, "trigger", "schedule")
    schedule |= {"repeatingTimeIntervals": ["R/2024-07-01T01:30:00+02:00/PT24H"], "timeZone": "W. Europe Standard Time"}
    found = imported(import_policy(json.dumps(policy), "p.json")).schedule
    assert (found.every, found.start, found.time_zone) == ("P1D", "01:30", "Europe/Berlin")


def test_an_offset_that_is_not_the_zones_is_said() -> None:
    """The moment counts; its time of day in the zone is written."""
    policy = gold()
    schedule = part(policy, "policyRules", 0, "trigger", "schedule")
    schedule |= {"repeatingTimeIntervals": ["R/2023-01-04T09:00:00+00:00/PT4H"], "timeZone": "India Standard Time"}
    printed = import_policy(json.dumps(policy), "p.json")
    assert "2023-01-04T09:00:00+00:00 is written as 14:30 Asia/Calcutta" in printed


def _set(*path: Any) -> Any:
    """A change that sets a part of a policy."""

    def change(policy: Json) -> Json:
        part(policy, *path[:-2])[path[-2]] = path[-1]
        return policy

    return change


SCHEDULE = ("policyRules", 0, "trigger", "schedule")
REFUSED = {
    "a weekly schedule": (
        _set(*SCHEDULE, "repeatingTimeIntervals", ["R/2023-01-04T09:00:00+00:00/P1W"]),
        "schedule of BackupHourly: R/2023-01-04T09:00:00+00:00/P1W; wanted: R/start/frequency, one of PT4H, PT6H",
    ),
    "no interval": (
        _set(*SCHEDULE, "repeatingTimeIntervals", []),
        "schedule of BackupHourly: nothing; wanted: R/start",
    ),
    "no time": (
        _set(*SCHEDULE, "repeatingTimeIntervals", ["R/soon/PT4H"]),
        "schedule of BackupHourly: Invalid isoformat string: 'soon'",
    ),
    "an unknown time zone": (
        _set(*SCHEDULE, "timeZone", "Europe Standard Time"),
        "'Europe Standard Time' is no time zone of Windows; did you mean",
    ),
    "no schedule": (
        _set("policyRules", 0, "trigger", {"objectType": "AdhocBasedTriggerContext"}),
        "no AzureBackupRule with",
    ),
    "too long a retention": (
        _set("policyRules", 1, "lifecycles", 0, "deleteAfter", "duration", "P2Y"),
        "the default retention rule keeps backups for P2Y in the operational tier; wanted: 1 to 360 days",
    ),
    "no default rule": (_set("policyRules", 1, "isDefault", False), "the default retention rule is missing"),
    "a rule that is text": (_set("policyRules", 1, "Default"), "properties.policyRules[1]: wanted: an object"),
    "rules that are none": (_set("policyRules", {}), "properties.policyRules: wanted: a list"),
    "a name that is a list": (_set("policyRules", 2, "name", ["Daily"]), "policyRules[2].name: wanted: a plain value"),
    "another datasource": (
        _set("datasourceTypes", ["Microsoft.Compute/disks"]),
        "it protects Microsoft.Compute/disks; wanted: Microsoft.ContainerService/managedClusters",
    ),
    "two datasources": (_set("datasourceTypes", ["a", "b"]), "it protects a and b; wanted:"),
    "no datasource": (_set("datasourceTypes", None), "it protects nothing that it names; wanted:"),
}


@pytest.mark.parametrize(("change", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_catalog_cannot_express_at_all_is_refused(change: Any, fault: str) -> None:
    """With the part of the policy, and what is wanted there."""
    with pytest.raises(CatalogError) as caught:
        import_policy(json.dumps(change(gold())), "p.json")
    assert fault in caught.value.faults[0]
    assert caught.value.faults[0].startswith("p.json: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "p.json: no JSON: "),
        ("[]", "p.json: wanted: one backup policy as a JSON object"),
        ('{"properties": []}', "p.json: properties: wanted: an object"),
        ('{"properties": null}', "p.json: properties: wanted: an object"),
        ("{}", "p.json: properties.datasourceTypes: it protects nothing that it names"),
    ],
)
def test_what_is_no_policy_is_refused(
    text: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other JSON, or none, is a fault with exit status 1."""
    file = tmp_path / "p.json"
    file.write_text(text)
    assert main(["import", str(file)]) == 1
    assert fault in capsys.readouterr().err


@given(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["FirstOfDay", "P7D", "Daily"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    place=st.integers(0, 10_000),
)
def test_any_policy_is_imported_or_refused(value: Any, place: int) -> None:
    """Whatever stands at whatever place of a policy, there is an entry that passes the check, or a fault."""
    policy = gold()
    holders: list[tuple[Any, Any]] = []

    def walk(holder: Any) -> None:
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            holders.append((holder, key))
            if isinstance(holder[key], dict | list):
                walk(holder[key])

    walk(policy)
    holder, key = holders[place % len(holders)]
    holder[key] = value
    try:
        printed = import_policy(json.dumps(policy), "p.json")
    except CatalogError as error:
        printed, faults = "", error.faults
    assert imported(printed).vault_profile == "standard" if printed else faults
