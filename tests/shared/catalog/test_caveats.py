"""What check and explain warn about: limits of Azure that a policy meets, and blocks without effect."""

from pathlib import Path

import pytest

from shared.catalog.__main__ import main

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


WARNED = {
    "500 snapshots": (
        "operationalRetention: P90D",
        (
            "c.yaml:6: policies.one.operationalRetention: warning: 540 snapshots of each disk (one every 4 hours for "
            "90 days); a disk takes 500, then backups go on without it (UserErrorPVSnapshotLimitReached)"
        ),
    ),
    "500 snapshots with those on demand": (
        "operationalRetention: P80D\n    onDemand: {every: P1D}",
        "560 snapshots of each disk (one every 4 hours for 80 days and those on demand)",
    ),
    "a retention that ends before the next backup": (
        "operationalRetention: P1D\n    schedule: {every: P1D}",
        (
            "c.yaml:6: policies.one.operationalRetention: warning: a point expires after 1 day, and the next may come "
            "26 hours after it"
        ),
    ),
    "a copy that ends before the next": (
        "vaultTier: {weekly: P7D}",
        (
            "c.yaml:6: policies.one.vaultTier.weekly: warning: a copy expires after 7 days, and the next may be in the "
            "vault 1 week and a day after it"
        ),
    ),
    "a rarer copy that is kept shorter": (
        "vaultTier: {daily: P30D, weekly: P14D}",
        (
            "policies.one.vaultTier.weekly: warning: the rarer rule wins: the weekly copy is kept for 14 days, shorter "
            "than the daily ones around it (30 days)"
        ),
    ),
    "one copy a day": (
        "vaultTier: {daily: P30D}",
        "policies.one.vaultTier: warning: one scheduled copy a day goes to the vault: up to 24 hours old there",
    ),
    "disks that are left out": (
        "vaultTier: {daily: P30D}",
        "disks over 1 TB are left out of the copy without a word, and so is what is above 100 disks",
    ),
    "regions without the vault tier": (
        "vaultTier: {daily: P30D}",
        (
            "not available in China, US Gov, Israel Central, Poland Central and Spain Central "
            "(DppUserErrorVaultTierPolicyNotSupported)"
        ),
    ),
    "a target below the schedule": (
        "rpoTarget: PT5H",
        (
            "c.yaml:6: policies.one.rpoTarget: warning: 5 hours is below what the schedule keeps: a backup every "
            "4 hours, started up to 2 hours late, so up to 6 hours apart"
        ),
    ),
    "a target that catching up has to keep": (
        "rpoTarget: PT5H\n    onDemand: {catchUp: true, reserve: 4}",
        "so up to 6 hours apart; catchUp fills in with at most 6 on-demand backups a day",
    ),
    "more on-demand backups than Azure starts": (
        'onDemand: {every: PT4H, before: [{day: Monday, time: "01:00"}, {day: Sunday, time: "20:00"}]}',
        (
            "c.yaml:6: policies.one.onDemand: warning: 8 on-demand backups on a Sunday; Azure allows 10 a day and 3 of "
            "them are kept for people, so 1 backup won't be started"
        ),
    ),
    "no volumes": (
        "contents: {volumeSnapshots: false}",
        "policies.one.contents.volumeSnapshots: warning: no data of volumes is backed up, only Kubernetes resources",
    ),
    "file shares alone": (
        "contents: {volumeTypes: [AzureFileShareSMB]}",
        "policies.one.contents.volumeTypes: warning: Azure disks aren't named, so they aren't backed up",
    ),
    "an existing vault": (
        f"existing: {{vault: {VAULT}}}",
        "policies.one.existing.vault: warning: the vault profile has no effect on the existing vault",
    ),
    "an existing policy": (
        f"existing: {{vault: {VAULT}, policy: {VAULT}/backupPolicies/theirs}}",
        "policies.one.existing.policy: warning: the existing policy's schedule and retention count",
    ),
}


@pytest.mark.parametrize(("policy", "warning"), WARNED.values(), ids=WARNED.keys())
def test_check_and_explain_warn(policy: str, warning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning names file, line and field, and doesn't change the exit status; explain says it too."""
    file = write(tmp_path, policy)
    assert warning in run(capsys, "check", file)
    assert warning.rpartition("warning: ")[2] in explained(capsys, file)


PROFILES = {
    "soft delete off": (
        "redundancy: LocallyRedundant, softDelete: 'Off'",
        (
            "c.yaml:2: vaultProfiles.standard.softDelete: warning: with soft delete off, the points of a deleted "
            "backup instance are gone at once"
        ),
    ),
    "soft delete for ever": (
        "redundancy: LocallyRedundant, softDelete: AlwaysOn, confirmIrreversible: true",
        "vaultProfiles.standard.softDelete: warning: AlwaysOn can't be taken back in a vault that has it",
    ),
    "a lock": (
        "redundancy: LocallyRedundant, immutability: Locked, confirmIrreversible: true",
        "vaultProfiles.standard.immutability: warning: Locked can't be taken back",
    ),
    "redundancy of nothing": (
        "redundancy: GeoRedundant, crossRegionRestore: true",
        (
            "c.yaml:5: policies.one.vaultProfile: warning: redundancy GeoRedundant and crossRegionRestore of the "
            "profile is for copies in the vault, and without vaultTier there are none"
        ),
    ),
}


@pytest.mark.parametrize(("profile", "warning"), PROFILES.values(), ids=PROFILES.keys())
def test_profiles_are_warned_about(
    profile: str, warning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be undone, and what protects nothing."""
    file = write(tmp_path, profile=profile)
    assert warning in run(capsys, "check", file)
    assert warning.rpartition("warning: ")[2] in explained(capsys, file)


def test_the_paired_region_is_older(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With cross-region restore, a copy reaches the paired region later."""
    file = write(tmp_path, "vaultTier: {daily: P30D}", "redundancy: GeoRedundant, crossRegionRestore: true")
    assert "up to 24 hours old there, about 36 hours in the paired region" in run(capsys, "check", file)


FINE = {
    "the default": "",
    "just 500 snapshots": "schedule: {every: PT12H}\n    operationalRetention: P250D",
    "a target with room for a late start": "rpoTarget: PT6H",
    "a target that on-demand backups keep": "rpoTarget: PT4H\n    onDemand: {every: PT4H}",
    "two days of daily backups": "schedule: {every: P1D}\n    operationalRetention: P2D",
    "both kinds of volumes": "contents: {volumeTypes: [AzureDisk, AzureFileShareSMB]}",
    "as many on-demand backups as are left": 'onDemand: {every: PT4H, before: [{day: Monday, time: "06:00"}]}',
}


@pytest.mark.parametrize("policy", FINE.values(), ids=FINE.keys())
def test_what_is_within_the_limits_is_not_warned_about(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Warnings are for what needs a thought; check prints one line then."""
    file = write(tmp_path, policy)
    assert run(capsys, "check", file) == f"{file}: 1 policies, 1 vault profiles, no faults\n"


def test_longer_rarer_copies_are_not_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A usual ladder of retentions has only the limits of the vault tier."""
    file = write(tmp_path, "vaultTier: {daily: P30D, weekly: P12W, monthly: P12M, yearly: P10Y}")
    printed = run(capsys, "check", file)
    assert printed.count("warning: ") == 3
    assert printed.count("policies.one.vaultTier: warning: ") == 3
