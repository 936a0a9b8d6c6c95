"""The catalog: what ships, what is refused and how it renders."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from shared.catalog.__main__ import main
from shared.catalog.loading import load, loads
from shared.catalog.model import Policy, VaultTier
from shared.catalog.rendering import arm_name, render, render_contents
from shared.catalog.selection import Selection, select
from shared.catalog.stamp import is_stamped
from shared.errors import CatalogError

ROOT = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("WIRE_DIR") or ROOT.parent / "shared" / "wire")
SHIPPED = load(ROOT / "backup-policies.yaml")

GOOD = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  one:
    vaultProfile: standard
    schedule: {every: PT4H}
    operationalRetention: P7D
"""


def faults(text: str) -> str:
    """All faults of a catalog as one text."""
    with pytest.raises(CatalogError) as caught:
        loads(text, "c.yaml")
    return "\n".join(caught.value.faults)


def test_the_shipped_catalog_has_the_three_promised_policies() -> None:
    """Bronze is daily for 7 days, silver every four hours for 30, gold the same with the vault tier."""
    bronze, silver, gold = (SHIPPED.policies[name] for name in ("bronze", "silver", "gold"))
    assert (bronze.schedule.every, bronze.operational_retention, bronze.vault_tier) == ("P1D", "P7D", None)
    assert (silver.schedule.every, silver.operational_retention, silver.vault_tier) == ("PT4H", "P30D", None)
    assert (gold.schedule.every, gold.operational_retention) == ("PT4H", "P30D")
    assert gold.vault_tier is not None
    assert {policy.vault_profile for policy in SHIPPED.policies.values()} == {"standard"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("every: PT4H", "every: 4h"), "c.yaml:7: policies.one.schedule.every: is '4h'; wanted: one of PT4H"),
        (("P7D", "P400D"), "at most 360"),
        (("P7D", "7"), "c.yaml:8: policies.one.operationalRetention: is '7'; wanted: a number of days"),
        (("P7D", "no"), "is 'no'"),
        (("{every: PT4H}", "{every: PT4H, start: 9:00}"), "a time of day with two digits"),
        (
            ("vaultProfile: standard", "vaultProfile: gold"),
            "c.yaml:6: policies.one.vaultProfile: no such",
        ),
        (("vaultProfile", "vaultProfil"), "did you mean 'vaultProfile'?"),
        (("one:", "One_Policy:"), "lower-case letters, digits and hyphens"),
        (("LocallyRedundant", "Local"), "wanted: one of LocallyRedundant, ZoneRedundant, GeoRedundant"),
        (("P7D", "P7D\n    vaultTier: {}"), "names no retention"),
        (
            ("P7D", "P7D\n    contents: {includedNamespaces: [a], excludedNamespaces: [b]}"),
            "both includes and excludes",
        ),
        (
            ("P7D", "P7D\n    operationalRetention: P8D"),
            "c.yaml:9: 'operationalRetention' stands twice",
        ),
        (("{every: PT4H}", "&x {every: PT4H}\n    contents: *x"), "anchors and aliases"),
        (("  one:", "\tone:"), "no valid YAML"),
        (("{every: PT4H}", '{start: "02:00\\n"}'), "policies.one.schedule.start: is '02:00\\n'; wanted: one line"),
        (("{every: PT4H}", '{timeZone: ""}'), "an IANA name such as Europe/Berlin is wanted"),
        (("{every: PT4H}", "{timeZone: Europe/Berln}"), "did you mean 'Europe/Berlin'?"),
        (("P7D", "P7D\n    contents: {includedNamespaces: shop}"), "wanted: a list, such as [a, b]"),
        (
            ("P7D", "P7D\n    contents:\n      hooks:\n        - {name: a, namespce: b}"),
            "c.yaml:11: policies.one.contents.hooks.0.namespce: unknown field; did you mean 'namespace'?",
        ),
        (("P7D", "P7D\n    tags: {fixed: {costCenter: 1.5}}"), "policies.one.tags.fixed.costCenter: is '1.5'; wanted:"),
        (("P7D", "P7D\n    tags: {fixed: {'a/b': x}}"), "wanted: a tag's name: 1 to 128 characters"),
        (("P7D", "P7D\n    description: 5"), "is '5'; wanted: text; put it in quotes"),
        (("P7D", "P7D\n    costCeiling: 1e3"), "wanted: an amount of money above 0"),
        (("one:", '"one\\n":'), "lower-case letters, digits and hyphens"),
    ],
)
def test_each_fault_names_line_field_and_what_is_allowed(change: tuple[str, str], fault: str) -> None:
    """A slip is an error at its place, not a surprise later."""
    assert fault in faults(GOOD.replace(*change))


def test_amounts_have_decimals_and_tags_any_name() -> None:
    """Money is no integer, and a tag's name isn't bound to the rules for names of policies."""
    text = (
        GOOD + "    costCeiling: 99.5\n    tags: {fixed: {Cost Center: '4711'}}\n    description: |\n      a\n      b\n"
    )
    policy = loads(text, "c.yaml").policies["one"]
    assert (policy.cost_ceiling, policy.tags.fixed, policy.description) == (99.5, {"Cost Center": "4711"}, "a\nb\n")


def test_all_faults_are_listed_at_once() -> None:
    """A catalog with three slips gives three lines."""
    text = faults(GOOD.replace("PT4H", "4h").replace("P7D", "week").replace("Local", "Loco"))
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("text", ["", "[]", "policies", "a: [" * 3000, "x" * 1_000_001, "{}", "- 1\n- 2"])
def test_what_is_no_catalog_is_refused(text: str) -> None:
    """Empty, scalar, deeply nested or huge files give errors, not crashes."""
    assert faults(text)


def test_the_default_schedule_renders_to_the_default_aks_policy() -> None:
    """Every four hours for seven days is what the public client makes when nothing is said."""
    rendered = render(Policy(vault_profile="standard"))
    rule, retention = rendered["policyRules"]
    assert rule["name"] == "BackupHourly"
    assert rule["trigger"]["schedule"]["repeatingTimeIntervals"] == ["R/2023-01-04T09:00:00+00:00/PT4H"]
    assert rule["trigger"]["taggingCriteria"] == [
        {"isDefault": True, "tagInfo": {"id": "Default_", "tagName": "Default"}, "taggingPriority": 99}
    ]
    assert retention["lifecycles"][0]["deleteAfter"]["duration"] == "P7D"


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"no recordings at {WIRE}")
def test_the_vault_tier_renders_to_the_recorded_policy() -> None:
    """The recorded AKS policy with a vault tier, field by field."""
    recorded = next(
        entry["request_body"]["properties"]
        for entry in json.loads((WIRE / "dp_backup_policy_create_and_delete.json").read_text())
        if "managedClusters" in json.dumps(entry["request_body"])
    )
    policy = Policy(vault_profile="standard", vault_tier=VaultTier(daily="P84D"))
    wanted = copy.deepcopy(recorded)
    del wanted["name"]  # the name of the request is dropped by Azure; it comes from the URL
    assert render(policy) == wanted


def test_a_policy_name_follows_its_content() -> None:
    """An existing AKS policy can't be edited: other content, other name; other description, same name."""
    gold = SHIPPED.policies["gold"]
    described = Policy(**{**{field: getattr(gold, field) for field in gold.__struct_fields__}, "description": "x"})
    assert arm_name("gold", gold) == arm_name("gold", described)
    assert arm_name("gold", gold) != arm_name("gold", SHIPPED.policies["silver"])


def test_every_vault_rule_has_the_tag_that_selects_it() -> None:
    """A retention rule without its tag does nothing."""
    tier = VaultTier(daily="P7D", weekly="P4W", monthly="P12M", yearly="P10Y")
    rendered = render(Policy(vault_profile="standard", vault_tier=tier))
    rules = {rule["name"] for rule in rendered["policyRules"] if rule["objectType"] == "AzureRetentionRule"}
    tagging = rendered["policyRules"][0]["trigger"]["taggingCriteria"]
    assert rules == {tag["tagInfo"]["tagName"] for tag in tagging}
    priorities = [tag["taggingPriority"] for tag in tagging]
    assert len(set(priorities)) == len(priorities)


def test_contents_render_only_what_is_said() -> None:
    """Empty filters are left out: Azure gives them back as null."""
    rendered: dict[str, Any] = render_contents(SHIPPED.policies["bronze"])
    assert rendered == {
        "objectType": "KubernetesClusterBackupDatasourceParameters",
        "snapshotVolumes": True,
        "includeClusterScopeResources": True,
    }


@pytest.mark.parametrize(
    ("tags", "default", "selection", "name"),
    [
        (None, None, Selection.NOT_SELECTED, ""),
        ({}, "bronze", Selection.POLICY, "bronze"),
        ({"aks-backup": "gold"}, None, Selection.POLICY, "gold"),
        ({"AKS-Backup": " Gold "}, None, Selection.POLICY, "gold"),
        ({"aks-backup": "none"}, "bronze", Selection.EXCLUDED, ""),
        ({"aks-backup": "platinum"}, None, Selection.UNKNOWN, "platinum"),
        ({"aks-backup": ""}, None, Selection.UNKNOWN, ""),
        ({"other": "gold"}, None, Selection.NOT_SELECTED, ""),
    ],
)
def test_the_tag_selects(tags: dict[str, str] | None, default: str | None, selection: Selection, name: str) -> None:
    """No tag, a policy, none, or a word that the catalog doesn't know."""
    selected = select(tags, SHIPPED, "aks-backup", default)
    assert (selected.selection, selected.name) == (selection, name)
    assert (selected.policy is not None) == (selection is Selection.POLICY)


def test_the_shipped_catalog_is_stamped() -> None:
    """The app starts without parsing it; after a change: python -m shared.catalog stamp backup-policies.yaml."""
    assert is_stamped(ROOT / "backup-policies.yaml")


def test_a_stamp_ends_with_any_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checked catalog that is edited afterwards is checked again; a broken one gets no stamp."""
    catalog = tmp_path / "c.yaml"
    catalog.write_text(GOOD)
    assert not is_stamped(catalog)
    assert main(["stamp", str(catalog)]) == 0
    assert is_stamped(catalog)
    catalog.write_text(GOOD + "# edited\n")
    assert not is_stamped(catalog)
    catalog.write_text(GOOD.replace("PT4H", "4h"))
    assert main(["check", str(catalog)]) == 1
    assert main(["stamp", str(catalog)]) == 1
    assert not is_stamped(catalog)
    assert "c.yaml:7: policies.one.schedule.every" in capsys.readouterr().err
