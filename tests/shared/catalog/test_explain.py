"""What a policy is said to mean: words, ARM JSON, recovery points over time, and warnings."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.__main__ import main
from shared.catalog.loading import load
from shared.catalog.model import OnDemand, PlannedWindow, Policy, Schedule, VaultTier, minutes
from shared.catalog.rendering import render, render_contents
from shared.catalog.timeline import held, timeline

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "backup-policies.yaml"

GUID = "00000000-0000-0000-0000-00000000000a"
VAULT = f"/subscriptions/{GUID}/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/vault1"


def write(folder: Path, policy: str = "", profile: str = "redundancy: LocallyRedundant") -> Path:
    """A catalog with one policy, `one`; the policy's text stands in line 6."""
    file = folder / "c.yaml"
    lines = "vaultProfiles:\n  standard: {%s}\npolicies:\n  one:\n    vaultProfile: standard\n%s"
    file.write_text(lines % (profile, f"    {policy}\n" if policy else ""))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What a command prints when all is well."""
    assert main([str(item) for item in arguments]) == 0
    printed = capsys.readouterr()
    assert not printed.err
    return printed.out


def explained(capsys: pytest.CaptureFixture[str], file: Path, name: str = "one") -> str:
    """The explanation of a policy, all blanks and line breaks as one blank."""
    return " ".join(run(capsys, "explain", name, "--file", file).split())


SAID = {
    "the default schedule": ("", "a backup every 4 hours, counted from 09:00 UTC; Azure starts it within 2 hours"),
    "a daily schedule": ("schedule: {every: P1D}", "a backup every day, counted from 09:00 UTC"),
    "its times": ("schedule: {every: PT8H}", "09:00 17:00 01:00"),
    "another time zone": (
        'schedule: {every: PT12H, start: "00:30", timeZone: Europe/Berlin}',
        "00:30 12:30 23:30 11:30 22:30 10:30",
    ),
    "a zone without summer time": (
        "schedule: {every: P1D, timeZone: Asia/Tokyo}",
        "ARM policy Asia/Tokyo UTC in January one-",
    ),
    "buckets": (
        "schedule: {every: P1D, spread: PT1H, buckets: 2}",
        "clusters are spread over 1 hour by a hash of their id: 2 start times, always the same one for a cluster",
    ),
    "operational retention": (
        "operationalRetention: P14D",
        "beside the cluster: each backup for 14 days",
    ),
    "no vault tier": ("", "vault tier: nothing"),
    "a vault rule": ("vaultTier: {monthly: P12M}", "vault tier: the first backup of each month for 12 months"),
    "all namespaces": ("", "namespaces: all never: kube-system, kube-node-lease, kube-public"),
    "some namespaces": ("contents: {includedNamespaces: [a, b, c]}", "namespaces: only a, b and c"),
    "but some namespaces": ("contents: {excludedNamespaces: [a]}", "namespaces: all but a"),
    "resource types": ("contents: {excludedResourceTypes: [events]}", "resource types: all but events"),
    "labels": ("contents: {labelSelectors: [app=shop]}", "only what is labeled app=shop"),
    "cluster-scope resources": ("contents: {clusterScopeResources: false}", "cluster-scope resources: no"),
    "volumes": ("", "volumes: Azure disks; others are skipped, and the backup still succeeds"),
    "file shares": (
        "contents: {volumeTypes: [AzureDisk, AzureFileShareSMB]}",
        "volumes: Azure disks and Azure file shares (SMB); others are skipped",
    ),
    "no volumes": ("contents: {volumeSnapshots: false}", "volumes: none"),
    "hooks": ("contents: {hooks: [{name: freeze, namespace: shop}]}", "hooks: freeze in shop"),
    "a target": ("rpoTarget: P1D", "the newest recovery point is at most 1 day old"),
    "no target": ("", "no rpoTarget: the age of the newest recovery point is judged by the schedule"),
    "no on-demand backups": ("", "on demand: nothing by itself"),
    "on-demand backups": (
        'onDemand: {afterProtection: true, every: P1D, before: [{day: Monday, time: "06:00"}], reserve: 5}',
        "on demand: once protected, every day, 2 hours before Monday 06:00 UTC and 5 of the 10 a day left to people",
    ),
    "a target for restores": (
        "rtoTarget: PT4H",
        "a restore takes at most 4 hours: restore readiness holds past ones against it",
    ),
    "catching up": ("rpoTarget: P1D\n    onDemand: {catchUp: true}", "on demand: when rpoTarget isn't kept"),
    "keep": ("", "when the tag is removed (keep): protection goes on as it is"),
    "suspend": (
        "onRemoval: suspend",
        "(suspend): no more backups; points expire as before",
    ),
    "stop": ("onRemoval: stop", "(stop): no more backups; all points are kept for ever"),
    "a move": ("onMove: stop", "(stop): the old backup instance is stopped, with all its points kept"),
    "a move that keeps": ("", "(keep): the old backup instance goes on beside the new one"),
    "a ceiling": ("costCeiling: 12.5", "a cluster costs at most 12.5 a month"),
    "an existing vault": (f"existing: {{vault: {VAULT}}}", f"In place of ours {VAULT}"),
}


@pytest.mark.parametrize(("policy", "said"), SAID.values(), ids=SAID.keys())
def test_each_part_of_a_policy_is_said(
    policy: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is written, and what isn't written and so holds by itself."""
    assert said in explained(capsys, write(tmp_path, policy))


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("redundancy: ZoneRedundant", "ZoneRedundant: copies in three zones of the region"),
        ("redundancy: GeoRedundant, crossRegionRestore: true", "restore in the paired region: yes"),
        ("redundancy: LocallyRedundant", "soft delete On, 14 days; immutability Disabled"),
        ("redundancy: LocallyRedundant", "vaults in the subscription of each cluster"),
        (f"redundancy: LocallyRedundant, subscription: {GUID}", f"vaults in subscription {GUID}"),
    ],
)
def test_the_vault_profile_is_said(profile: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What belongs to the vault stands with each policy in it."""
    assert said in explained(capsys, write(tmp_path, profile=profile))


def test_an_explanation_holds_the_arm_policy_and_the_contents(capsys: pytest.CaptureFixture[str]) -> None:
    """What is sent to Azure, next to the words."""
    said = explained(capsys, SHIPPED, "gold")
    gold = load(SHIPPED).policies["gold"]
    assert " ".join(json.dumps(render(gold), indent=2).split()) in said
    assert " ".join(json.dumps(render_contents(gold), indent=2).split()) in said


@pytest.mark.parametrize("bucket", [0, 3])
def test_json_is_only_the_arm_policy(bucket: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the start time that is asked for; ready for the public client's --policy."""
    printed = run(capsys, "explain", "gold", "--json", "--bucket", str(bucket), "--file", SHIPPED)
    assert json.loads(printed) == render(load(SHIPPED).policies["gold"], bucket)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["gld"], "c.yaml: no policy 'gld'; known: one"),
        (["ones"], "c.yaml: no policy 'ones'; did you mean 'one'?"),
        (["one", "--json", "--bucket", "1"], "one has no bucket 1; from 0 to 0"),
    ],
)
def test_what_cannot_be_explained_is_a_fault(
    arguments: list[str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown policy or start time names the known ones, and the exit status is 1."""
    assert main(["explain", *arguments, "--file", str(write(tmp_path))]) == 1
    printed = capsys.readouterr()
    assert fault in printed.err
    assert not printed.out


def test_an_existing_policy_is_not_explained_by_what_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither times nor points of the catalog's own schedule, no ARM JSON that would never be sent."""
    file = write(tmp_path, f"existing: {{vault: {VAULT}, policy: {VAULT}/backupPolicies/theirs}}")
    said = explained(capsys, file)
    assert f"{VAULT}/backupPolicies/theirs" in said
    assert "counted from" not in said
    assert "over time" not in said
    assert main(["explain", "one", "--json", "--file", str(file)]) == 1
    assert "one is an existing policy, not made of the catalog" in capsys.readouterr().err


CHART = """\
Recovery points of one cluster over time
                   operational tier                            vault tier
  after 1 day                     7  #                                  2  #
  after 1 week                   43  ######                             8  ##
  after 1 month                 180  ########################          32  #####
  from 90 days on               180  ########################          90  ############
"""


def test_the_chart_shows_points_over_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Every four hours for 30 days beside the cluster, the first of a day for 90 days in the vault."""
    assert CHART in run(capsys, "explain", "gold", "--file", SHIPPED)


POINTS = {
    "a week of daily backups": (Policy("p", schedule=Schedule("P1D")), 7, 0),
    "a week of six a day": (Policy("p"), 42, 0),
    "the longest retention": (Policy("p", schedule=Schedule("P1D"), operational_retention="P360D"), 360, 0),
    "copies by day": (Policy("p", vault_tier=VaultTier(daily="P90D")), 42, 90),
    "copies by week": (Policy("p", vault_tier=VaultTier(weekly="P12W")), 42, 12),
    "copies by month": (Policy("p", vault_tier=VaultTier(monthly="P12M")), 42, 12),
    "copies by year": (Policy("p", vault_tier=VaultTier(yearly="P10Y")), 42, 10),
    # of 12 first days of months, January's is the year's copy and counts there
    "the rarest rule wins": (Policy("p", vault_tier=VaultTier(monthly="P12M", yearly="P10Y")), 42, 11 + 10),
    "one copy a day": (Policy("p", vault_tier=VaultTier(daily="P30D", weekly="P30D", monthly="P30D")), 42, 30),
    "on-demand backups": (Policy("p", on_demand=OnDemand(every="P1D")), 42 + 7, 0),
    "on-demand backups before an upgrade": (
        Policy("p", operational_retention="P28D", on_demand=OnDemand(before=(PlannedWindow("Monday", "06:00"),))),
        6 * 28 + 4,
        0,
    ),
    "on-demand backups with a copy": (
        Policy("p", vault_tier=VaultTier(daily="P30D"), on_demand=OnDemand(every="P1D", retention="Daily")),
        42 + 7,
        30 + 30,
    ),
}


@pytest.mark.parametrize(("policy", "operational", "vault"), POINTS.values(), ids=POINTS.keys())
def test_points_in_the_long_run(policy: Policy, operational: int, vault: int) -> None:
    """As many as are made within the retention; of a day the vault holds one scheduled copy."""
    last = timeline(policy)[-1]
    assert (last.operational, last.vault) == (operational, vault)


def test_the_first_points() -> None:
    """The first backup is the first of its day, week, month and year."""
    policy = Policy("p", vault_tier=VaultTier(yearly="P10Y"))
    assert (held(policy, "P1D").operational, held(policy, "P1D").vault) == (7, 1)
    assert held(policy, "P1Y").vault == 2


def test_a_retention_of_ages_ends_the_chart_at_a_hundred_years(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last row then says `after`: the number still grows."""
    said = explained(capsys, write(tmp_path, "vaultTier: {yearly: P9999Y}"))
    assert "after 100 years 42 ########## 101 ########################" in said
    assert "from 100 years on" not in said


@given(
    every=st.sampled_from(("PT4H", "PT6H", "PT8H", "PT12H", "P1D")),
    days=st.integers(1, 360),
    tier=st.builds(
        VaultTier,
        daily=st.integers(1, 400).map("P{}D".format),
        weekly=st.none() | st.integers(1, 60).map("P{}W".format),
        monthly=st.none() | st.integers(1, 24).map("P{}M".format),
    ),
)
def test_points_never_exceed_what_is_made(every: str, days: int, tier: VaultTier) -> None:
    """In the operational tier exactly retention by frequency; in the vault at most a copy a day, never none."""
    policy = Policy("p", schedule=Schedule(every), operational_retention=f"P{days}D", vault_tier=tier)  # type: ignore[arg-type]
    rows = timeline(policy)
    assert rows[-1].operational == days * minutes("P1D") // minutes(every)
    kept = max(minutes(kept) for kept in (tier.daily, tier.weekly, tier.monthly) if kept) // minutes("P1D")
    assert all(1 <= row.vault <= kept + 24 for row in rows)
