"""What another catalog would do to the clusters that use it, as `diff` says it."""

from pathlib import Path

import pytest

from shared.catalog.__main__ import main
from shared.catalog.diff import NO_CHANGE
from shared.catalog.loading import loads
from shared.catalog.rendering import arm_name

GUID = "00000000-0000-0000-0000-00000000000a"
VAULT = f"/subscriptions/{GUID}/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/vault1"
ACCOUNT = f"/subscriptions/{GUID}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account1"

OLD = """\
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
  geo: {redundancy: GeoRedundant}
policies:
  one:
    vaultProfile: standard
    schedule: {every: PT4H, start: "02:00", spread: PT1H, buckets: 2}
    operationalRetention: P7D
  two:
    vaultProfile: standard
"""


def compared(capsys: pytest.CaptureFixture[str], folder: Path, new: str, old: str = OLD) -> str:
    """What diff prints of two catalogs; all is well with both."""
    before, after = folder / "old.yaml", folder / "new.yaml"
    before.write_text(old)
    after.write_text(new)
    assert main(["diff", str(before), str(after)]) == 0
    printed = capsys.readouterr()
    assert not printed.err
    return printed.out


def names(text: str, policy: str) -> list[str]:
    """The ARM names of a policy of a catalog, by bucket."""
    found = loads(text, "c.yaml").policies[policy]
    return [arm_name(policy, found, bucket) for bucket in range(found.schedule.buckets if found.schedule.spread else 1)]


QUIET = {
    "nothing": ("", ""),
    "a comment": ("policies:", "policies:  # by name"),
    "a default written out": ("operationalRetention: P7D", "operationalRetention: P7D\n    onMove: keep"),
    "a description": ("operationalRetention: P7D", "operationalRetention: P7D\n    description: new"),
    "a ceiling": ("operationalRetention: P7D", "operationalRetention: P7D\n    costCeiling: 5"),
    "another profile": ("  geo:", "  zone: {redundancy: ZoneRedundant}\n  geo:"),
    "buckets without a spread": (
        "  two:\n    vaultProfile: standard",
        "  two: {vaultProfile: standard, schedule: {buckets: 3}}",
    ),
}


@pytest.mark.parametrize("change", QUIET.values(), ids=QUIET.keys())
def test_what_no_cluster_notices(change: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, last."""
    new = OLD.replace(*change) if change[0] else OLD
    assert compared(capsys, tmp_path, new).endswith(f"{NO_CHANGE}\n")


def test_what_is_quiet_is_still_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new description is named, and that it reaches nobody."""
    printed = compared(capsys, tmp_path, OLD.replace("P7D", "P7D\n    description: new"))
    assert printed == f"policy one: changed\n  description: nothing -> new\n\n{NO_CHANGE}\n"


def test_a_new_retention_replaces_the_arm_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each start time has its pair of names, instances are written again, and old points keep what they have."""
    new = OLD.replace("P7D", "P14D")
    old_names, new_names = names(OLD, "one"), names(new, "one")
    printed = compared(capsys, tmp_path, new)
    assert printed == (
        "policy one: changed\n"
        "  operationalRetention: P7D -> P14D\n"
        f"  => ARM policy {old_names[0]} (from 02:00 UTC) -> {new_names[0]} (from 02:00 UTC)\n"
        f"  => ARM policy {old_names[1]} (from 02:30 UTC) -> {new_names[1]} (from 02:30 UTC)\n"
        "  => instances are moved by being written again whole; an old ARM policy of ours is deleted once unused\n"
        "  => operational tier: points made before keep 7 days; new ones are kept 14 days\n"
    )
    assert not set(old_names) & set(new_names)


CHANGES = {
    "a start": (
        ('start: "02:00"', 'start: "03:00"'),
        ["schedule.start: 02:00 -> 03:00", "(from 02:30 UTC) -> one-", "(from 03:30 UTC)"],
    ),
    "more buckets": (
        ("buckets: 2", "buckets: 3"),
        ["=> 2 start times -> 3 start times: clusters may get another start time", "(from 02:20 UTC)"],
    ),
    "a vault tier": (
        ("P7D", "P7D\n    vaultTier: {daily: P30D}"),
        [
            'vaultTier: nothing -> {"daily":"P30D"}',
            "=> vault tier, daily: nothing was kept there; new ones are kept 30 days",
            "=> the vault is given the roles that copies need",
        ],
    ),
    "contents": (
        ("P7D", "P7D\n    contents: {excludedNamespaces: [tmp]}"),
        [
            'contents.excludedNamespaces: nothing -> ["tmp"]',
            "=> contents: instances are changed in place; the next backups hold what is said now",
        ],
    ),
    "a target for restores": (
        ("P7D", "P7D\n    rtoTarget: PT6H"),
        ["=> rtoTarget: restore readiness holds past restores against it from now on"],
    ),
    "a target": (("P7D", "P7D\n    rpoTarget: PT6H"), ["=> rpoTarget: newest points are judged by it from now on"]),
    "on-demand backups": (
        ("P7D", "P7D\n    onDemand: {afterProtection: true}"),
        ["=> onDemand: on-demand backups are started by it from now on"],
    ),
    "what a removed tag means": (
        ("P7D", "P7D\n    onRemoval: stop"),
        ["onRemoval: keep -> stop", "=> onRemoval: counts for tags that are removed from now on"],
    ),
    "what a move means": (
        ("P7D", "P7D\n    onMove: stop"),
        ["=> onMove: old instances of earlier moves that still run are stopped, with all their points kept"],
    ),
    "tags": (
        ("P7D", "P7D\n    tags: {copied: [owner]}"),
        ['tags.copied: nothing -> ["owner"]', "=> tags: for what is made from now on"],
    ),
    "an account's SKU": (
        ("P7D", "P7D\n    accountSku: Standard_ZRS"),
        ["=> accountSku: for storage accounts made from now on; those that are there keep theirs"],
    ),
    "an account": (
        ("P7D", f"P7D\n    existing: {{storageAccount: {ACCOUNT}}}"),
        ["=> existing.storageAccount: for clusters protected from now on"],
    ),
    "another profile": (
        ("vaultProfile: standard\n    schedule", "vaultProfile: geo\n    schedule"),
        [
            "=> vault MOVES: from those of profile standard to those of geo",
            "=> each cluster gets a new backup instance; the old one beside it goes on, with its points (onMove: keep)",
        ],
    ),
    "another profile, stopping the old": (
        ("vaultProfile: standard\n    schedule", "onMove: stop\n    vaultProfile: geo\n    schedule"),
        ["the old one beside it is stopped, with all its points kept (onMove: stop)"],
    ),
    "another redundancy of the profile": (
        ("redundancy: LocallyRedundant", "redundancy: ZoneRedundant"),
        [
            "vault profile standard: changed\n  redundancy: LocallyRedundant -> ZoneRedundant: NEW vaults",
            "=> vault MOVES: redundancy LocallyRedundant -> ZoneRedundant",
        ],
    ),
    "a central subscription": (
        ("redundancy: LocallyRedundant", f"redundancy: LocallyRedundant, subscription: {GUID}"),
        [f"subscription: nothing -> {GUID}: NEW vaults", f"=> vault MOVES: subscription nothing -> {GUID}"],
    ),
    "what else a profile says": (
        ("redundancy: LocallyRedundant", "redundancy: LocallyRedundant, softDeleteDays: 30"),
        ["softDeleteDays: 14 -> 30: for vaults made from now on; those that are there stay as they are"],
    ),
    "an existing vault": (
        ("P7D", f"P7D\n    existing: {{vault: {VAULT}}}"),
        [f"=> vault MOVES: from ours to {VAULT}"],
    ),
    "an existing policy": (
        ("P7D", f"P7D\n    existing: {{vault: {VAULT}, policy: {VAULT}/backupPolicies/theirs}}"),
        [f"{VAULT}/backupPolicies/theirs"],
    ),
    "a policy that is gone": (
        ("  two:\n    vaultProfile: standard\n", ""),
        [
            "policy two: REMOVED\n  clusters whose tag names it are rejected, visibly; what protects them stays",
            "their recovery points keep the retention that they were made with",
        ],
    ),
    "a new policy": (
        ("  two:", "  three: {vaultProfile: geo}\n  two:"),
        ["policy three: added\n  clusters whose tag names it are protected; until now they were rejected"],
    ),
    "a pattern": (
        ("policies:", 'naming: {container: "c-{cluster}"}\npolicies:'),
        [
            "NAMING CHANGES: names are computed, so other names mean other resources",
            "container: {cluster} -> c-{cluster}: a NEW container for each cluster to come",
            "what is there under the old names stays, is billed and is left alone; nothing is moved or renamed",
        ],
    ),
    "a vault's pattern": (
        ("policies:", 'naming: {vault: "v-{region}"}\npolicies:'),
        ["vault: bv-{profile}-{region} -> v-{region}: NEW vaults; each cluster gets a new backup instance"],
    ),
    "a pattern of one region": (
        ("policies:", 'naming: {overrides: [{region: westeurope, vault: "v"}]}\npolicies:'),
        ["overrides: nothing -> ", "westeurope", "the same, where they apply"],
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_what_clusters_notice(
    change: tuple[str, str], said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The field, and what its change does."""
    new = OLD.replace(*change)
    assert new != OLD
    printed = compared(capsys, tmp_path, new)
    for text in said:
        assert text in printed
    assert NO_CHANGE not in printed


def test_contents_alone_keep_the_arm_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They belong to the instance, which is changed where it is."""
    printed = compared(capsys, tmp_path, OLD.replace("P7D", "P7D\n    contents: {volumeSnapshots: false}"))
    assert "ARM policy" not in printed
    assert "vault MOVES" not in printed


def test_a_pattern_written_out_as_it_was_moves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default pattern said aloud is the default pattern."""
    new = OLD.replace("policies:", 'naming: {container: "{cluster}"}\npolicies:')
    assert compared(capsys, tmp_path, new).endswith(f"{NO_CHANGE}\n")


def test_a_vault_tier_that_ends_keeps_its_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both retentions are shown, the old points' and that no new ones come."""
    old = OLD.replace("P7D", "P7D\n    vaultTier: {weekly: P12W}")
    printed = compared(capsys, tmp_path, OLD, old)
    assert "=> vault tier, weekly: points made before keep 12 weeks; no new ones are made" in printed


@pytest.mark.parametrize("broken", ["old.yaml", "new.yaml"])
def test_a_broken_catalog_is_a_fault(broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is compared with what isn't a catalog; its faults are listed."""
    for name in ("old.yaml", "new.yaml"):
        (tmp_path / name).write_text(OLD.replace("PT4H", "4h") if name == broken else OLD)
    assert main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]) == 1
    printed = capsys.readouterr()
    assert f"{broken}:7: policies.one.schedule.every: is '4h'" in printed.err
    assert not printed.out
