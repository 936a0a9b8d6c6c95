"""The published JSON Schema: current, complete, and of one mind with the check."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from shared.catalog.__main__ import main
from shared.catalog.document import parse
from shared.catalog.loading import loads
from shared.catalog.schema import ID, meanings, structs
from shared.errors import CatalogError

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "schemas" / "backup-policies.schema.json"
SCHEMA: dict[str, Any] = json.loads(PUBLISHED.read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

GUID = "00000000-0000-0000-0000-00000000000a"
FULL = f"""
vaultProfiles:
  geo:
    redundancy: GeoRedundant
    crossRegionRestore: true
    softDelete: AlwaysOn
    softDeleteDays: 30
    immutability: Locked
    confirmIrreversible: true
    subscription: {GUID}
policies:
  one:
    description: |
      Everything
      at once.
    vaultProfile: geo
    schedule: {{every: PT12H, start: "23:59", timeZone: Europe/Berlin, spread: PT30M, buckets: 2}}
    operationalRetention: P360D
    vaultTier: {{daily: P7D, weekly: P4W, monthly: P12M, yearly: P10Y}}
    contents:
      includedNamespaces: [shop]
      excludedResourceTypes: [events]
      labelSelectors: [app=shop]
      hooks: [{{name: freeze, namespace: shop}}]
      clusterScopeResources: false
      volumeTypes: [AzureDisk, AzureFileShareSMB]
    rpoTarget: PT14H
    rtoTarget: PT4H
    onDemand:
      afterProtection: true
      catchUp: true
      every: P1D
      before: [{{day: Monday, time: "06:00", lead: PT3H}}]
      retention: Daily
      reserve: 5
    onRemoval: suspend
    onMove: stop
    existing:
      storageAccount: /subscriptions/{GUID}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account1
    tags: {{fixed: {{Cost Center: "4711"}}, copied: [owner]}}
    accountSku: Standard_ZRS
    costCeiling: 99.5
naming:
  vault: "bv-{{region}}"
  overrides: [{{region: westeurope, container: "c-{{cluster}}"}}]
"""

BAD = {
    "an unknown field": ("onMove: stop", "onMoves: stop"),
    "an unknown field of a block": ("buckets: 2", "bucket: 2"),
    "another frequency": ("PT12H", "PT5H"),
    "another redundancy": ("GeoRedundant", "Geo"),
    "a time without two digits": ('"23:59"', '"9:00"'),
    "a retention that isn't in days": ("P360D", "P1Y"),
    "a number as text": ("softDeleteDays: 30", 'softDeleteDays: "30"'),
    "too many days": ("softDeleteDays: 30", "softDeleteDays: 181"),
    "too few": ("softDeleteDays: 30", "softDeleteDays: 13"),
    "no boolean": ("crossRegionRestore: true", "crossRegionRestore: yes"),
    "a name with a capital": ("  one:", "  One:"),
    "a name with an underscore": ("  geo:", "  geo_1:"),
    "a label without a value": ("app=shop", "app"),
    "a namespace with a capital": ("[shop]", "[Shop]"),
    "text in place of a list": ("[AzureDisk, AzureFileShareSMB]", "AzureDisk"),
    "another kind of volume": ("AzureFileShareSMB", "AzureFileShareNFS"),
    "another day": ("day: Monday", "day: monday"),
    "no id": ("Microsoft.Storage/storageAccounts/account1", "account1"),
    "money for nothing": ("costCeiling: 99.5", "costCeiling: 0"),
    "a tag that is a number": ('"4711"', "4711"),
    "a tag's name that Azure refuses": ("Cost Center", "Cost/Center"),
    "no vault profile": ("    vaultProfile: geo\n", ""),
    "a hook without a namespace": (", namespace: shop", ""),
    "a pattern with a dot": ('"bv-{region}"', '"bv.{region}"'),
    "no policies": ("policies:", "naming2:"),
}


def errors(text: str) -> list[str]:
    """What the schema says against a catalog."""
    document = parse(text)
    assert not document.faults
    return [error.message for error in VALIDATOR.iter_errors(document.value)]


def test_the_published_schema_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """After a change of the model: python -m shared.catalog schema > schemas/backup-policies.schema.json."""
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == PUBLISHED.read_text()


def test_the_schema_is_one_and_says_which() -> None:
    """Dialect, id and title are there, and it is valid itself."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == ID
    assert SCHEMA["title"]


def test_every_field_is_described_and_nothing_else_is_allowed() -> None:
    """An editor shows a meaning for each field, under its name in the file, and refuses all others."""
    for name, definition in SCHEMA["$defs"].items():
        assert definition["additionalProperties"] is False, name
        assert definition["description"], name
        for field, described in definition["properties"].items():
            assert described["description"][:1].isupper(), (name, field)
            assert "_" not in field


def test_a_docstring_in_the_model_is_the_description() -> None:
    """What the model says of a field comes first, also for inherited fields."""
    assert SCHEMA["$defs"]["Policy"]["properties"]["rpoTarget"]["description"].startswith(
        "How old the newest recovery point may get."
    )
    assert SCHEMA["$defs"]["Override"]["properties"]["vault"]["description"].startswith("Backup vault.")


def test_meanings_name_no_field_that_is_gone() -> None:
    """A field that is renamed or removed takes its description with it."""
    for name, struct in structs().items():
        known = {item.encode_name for item in msgspec.structs.fields(struct)}
        assert meanings(struct).keys() <= known, name


def test_patterns_are_read_alike_everywhere() -> None:
    """No pattern needs a lookahead, which not every validator knows."""
    assert "(?" not in PUBLISHED.read_text()


def test_the_shipped_catalog_names_the_schema_and_follows_it() -> None:
    """Editors find the schema by the catalog's first line."""
    text = (ROOT / "backup-policies.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema={PUBLISHED.relative_to(ROOT).as_posix()}\n")
    assert errors(text) == []


def test_a_catalog_with_every_block_is_good_for_both() -> None:
    """Schema and check accept the same full catalog."""
    assert errors(FULL) == []
    assert loads(FULL, "c.yaml").policies["one"].cost_ceiling == 99.5


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_what_a_field_may_not_hold_is_refused_by_both(change: tuple[str, str]) -> None:
    """The editor marks what the check refuses."""
    text = FULL.replace(*change)
    assert text != FULL
    assert errors(text)
    with pytest.raises(CatalogError):
        loads(text, "c.yaml")
