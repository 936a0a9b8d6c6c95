"""At the borders of every rule, the catalog's check and Azure give the same answer.

Each value is tried on both sides: as a field of a catalog, and at its place in the ARM body that a good catalog renders
to. Where the check is stricter than Azure, the table says why.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import tz_win

from local.azure.data_protection import schedules
from local.azure.errors import ArmError
from shared.catalog.loading import loads
from shared.catalog.rendering import render
from shared.errors import CatalogError
from tests.local_azure.backup import GROUP, VAULT, lifecycle
from tests.properties import azure as asked
from tests.properties.catalogs import Tree, trees, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_azure.client import Client

GOOD: Tree = {
    "vaultProfiles": {"standard": {"redundancy": "GeoRedundant"}},
    "policies": {"one": {"vaultProfile": "standard", "vaultTier": {"daily": "P90D"}}},
}


def passes(tree: Tree) -> bool:
    """Whether the check passes a catalog."""
    try:
        loads(written(tree), "c.yaml")
    except CatalogError:
        return False
    return True


def of_policy(**fields: Any) -> Tree:
    """The good catalog with other fields in its policy."""
    return {**GOOD, "policies": {"one": {**GOOD["policies"]["one"], **fields}}}


def of_profile(**fields: Any) -> Tree:
    """The good catalog with other fields in its vault profile."""
    return {**GOOD, "vaultProfiles": {"standard": {**GOOD["vaultProfiles"]["standard"], **fields}}}


def policy_body() -> Tree:
    """The ARM policy that the good catalog renders to."""
    return copy.deepcopy(render(loads(written(GOOD), "c.yaml").policies["one"]))


def accepts(properties: Tree) -> bool:
    """Whether the simulated Azure's rules accept an AKS policy."""
    try:
        schedules.check(properties)
    except ArmError:
        return False
    return True


FREQUENCIES = {"PT4H": True, "PT6H": True, "PT8H": True, "PT12H": True, "P1D": True} | dict.fromkeys(
    (
        "PT1H",
        "PT2H",
        "PT3H",
        "PT5H",
        "PT7H",
        "PT10H",
        "PT16H",
        "PT24H",
        "PT240M",
        "P2D",
        "P1W",
        "P1M",
        "pt4h",
        "4h",
        "",
    ),
    False,
)


@pytest.mark.parametrize(("every", "good"), FREQUENCIES.items())
def test_both_know_the_same_frequencies(every: str, good: bool) -> None:
    """Every 4, 6, 8 or 12 hours, or daily, in ISO 8601."""
    body = policy_body()
    body["policyRules"][0]["trigger"]["schedule"]["repeatingTimeIntervals"] = [f"R/2023-01-04T09:00:00+00:00/{every}"]
    assert (passes(of_policy(schedule={"every": every})), accepts(body)) == (good, good)


@pytest.mark.parametrize("start", ["00:00", "23:59", "24:00", "12:60", "9:00", "", "noon", "09:00:00"])
def test_both_want_a_time_that_a_day_has(start: str) -> None:
    """Two digits each; a catalog says no seconds, so there they would stand twice."""
    body = policy_body()
    body["policyRules"][0]["trigger"]["schedule"]["repeatingTimeIntervals"] = [f"R/2023-01-04T{start}:00+00:00/PT4H"]
    assert passes(of_policy(schedule={"start": start})) is accepts(body)


DAYS = {"P1D": True, "P7D": True, "P359D": True, "P360D": True} | dict.fromkeys(
    ("P0D", "P361D", "P999D", "P9999D", "P99999D", "P-1D", "P1.5D", "PT24H", "P1Y", "P52W", "P13M", "7", "P7", "D", ""),
    False,
)


@pytest.mark.parametrize(("days", "good"), DAYS.items())
def test_both_keep_snapshots_for_up_to_360_days(days: str, good: bool) -> None:
    """In the default rule and in front of each copy."""
    for index in (1, 2):
        body = policy_body()
        body["policyRules"][index]["lifecycles"][0]["deleteAfter"]["duration"] = days
        assert accepts(body) is good
    assert passes(of_policy(operationalRetention=days)) is good


@pytest.mark.parametrize("duration", ["P1W", "P51W", "P12M"])
def test_snapshots_are_kept_for_days_in_a_catalog_only(duration: str) -> None:
    """Stricter: 360 days are a limit in days, and how long Azure takes a month to be isn't recorded."""
    body = policy_body()
    body["policyRules"][1]["lifecycles"][0]["deleteAfter"]["duration"] = duration
    assert accepts(body)
    assert not passes(of_policy(operationalRetention=duration))


COPIES = {"P1D": True, "P90D": True, "P5W": True, "P12M": True, "P10Y": True, "P3650D": True} | dict.fromkeys(
    ("P0D", "P0Y", "PT24H", "P1Y6M", "P1.5Y", "P-1D", "P", "1Y", "p1y", "P1D ", ""), False
)


@pytest.mark.parametrize(("duration", "good"), COPIES.items())
@pytest.mark.parametrize("field", ["daily", "weekly", "monthly", "yearly"])
def test_both_keep_copies_for_days_weeks_months_or_years(field: str, duration: str, good: bool) -> None:
    """A duration of one part, longer than nothing."""
    body = policy_body()
    body["policyRules"][2]["lifecycles"][1]["deleteAfter"]["duration"] = duration
    assert (passes(of_policy(vaultTier={field: duration})), accepts(body)) == (good, good)


def test_every_time_zone_that_a_catalog_may_name_is_one_of_azures() -> None:
    """IANA names become Windows' names, and starts get the zone's offset."""
    refused = [
        zone
        for zone in tz_win
        if zone
        and not accepts(render(loads(written(of_policy(schedule={"timeZone": zone})), "c.yaml").policies["one"]))
    ]
    assert refused == []


@pytest.mark.parametrize("zone", ["Europe/Berln", "Berlin", "", "UTC+1", "W. Europe Standard Tme"])
def test_both_refuse_zones_that_nobody_has(zone: str) -> None:
    """A misspelled zone isn't silently UTC."""
    body = policy_body()
    body["policyRules"][0]["trigger"]["schedule"]["timeZone"] = zone
    assert (passes(of_policy(schedule={"timeZone": zone})), accepts(body)) == (False, False)


_SECURITY = "securitySettings"
_PROFILES: list[tuple[dict[str, Any], bool]] = [
    *(({"redundancy": name}, True) for name in ("LocallyRedundant", "ZoneRedundant", "GeoRedundant")),
    *(({"redundancy": name}, False) for name in ("GeoZoneRedundant", "locallyredundant", "GRS", "")),
    *(({"softDeleteDays": days}, True) for days in (14, 15, 180)),
    *(({"softDeleteDays": days}, False) for days in (-1, 0, 13, 181, 9999)),
    *(({"softDelete": state}, True) for state in ("On", "Off")),
    ({"softDelete": "AlwaysOn", "confirmIrreversible": True}, True),
    *(({"softDelete": state}, False) for state in ("on", "Always", "Deleted", "")),
    *(({"immutability": state}, True) for state in ("Disabled", "Unlocked")),
    ({"immutability": "Locked", "confirmIrreversible": True}, True),
    *(({"immutability": state}, False) for state in ("Enabled", "locked", "Open")),
    ({"crossRegionRestore": True}, True),
    *(({"crossRegionRestore": True, "redundancy": name}, False) for name in ("LocallyRedundant", "ZoneRedundant")),
]
_PLACES: dict[str, Callable[[Tree, Any], object]] = {
    "redundancy": lambda sent, value: sent["storageSettings"][0].update(type=value),
    "softDeleteDays": lambda sent, value: sent[_SECURITY]["softDeleteSettings"].update(retentionDurationInDays=value),
    "softDelete": lambda sent, value: sent[_SECURITY]["softDeleteSettings"].update(state=value),
    "immutability": lambda sent, value: sent[_SECURITY].update(immutabilitySettings={"state": value}),
    "crossRegionRestore": lambda sent, _: sent.update(
        featureSettings={"crossRegionRestoreSettings": {"state": "Enabled"}}
    ),
    "confirmIrreversible": lambda *_: None,  # a word between the catalog and its reader; Azure asks for none
}


@pytest.mark.parametrize(("fields", "good"), _PROFILES, ids=str)
async def test_both_take_the_same_vaults(azure: Client, fields: dict[str, Any], good: bool) -> None:
    """Redundancy, soft delete and its days, immutability, cross-region restore."""
    await azure.group("backup")
    body = copy.deepcopy(asked.wanted(loads(written(GOOD), "c.yaml"), "one", asked.cluster()).vault_body)
    for field, value in fields.items():
        _PLACES[field](body["properties"], value)
    answer = await azure.arm("PUT", VAULT, body)
    assert (passes(of_profile(**fields)), answer.status) == (good, 201 if good else 400), answer.body


_CONTENTS: list[tuple[dict[str, Any], bool]] = [
    ({"includedNamespaces": [f"ns{number}" for number in range(800)]}, True),
    ({"includedNamespaces": [f"ns{number}" for number in range(801)]}, False),
    ({"includedNamespaces": "shop"}, False),
    ({"excludedNamespaces": "shop"}, False),
    ({"includedResourceTypes": "secrets"}, False),
    ({"labelSelectors": "app=shop"}, False),
    ({"volumeTypes": ["AzureDisk"]}, True),
    ({"volumeTypes": ["AzureFileShareSMB", "AzureDisk"]}, True),
    ({"volumeTypes": ["AzureFileShareNFS"]}, False),
    ({"volumeTypes": "AzureDisk"}, False),
    ({"volumeSnapshots": False}, True),
    ({"volumeSnapshots": "no"}, False),
    ({"clusterScopeResources": False}, True),
    ({"clusterScopeResources": None}, False),
]
_RENDERED = {
    "volumeTypes": "includedVolumeTypes",
    "volumeSnapshots": "snapshotVolumes",
    "clusterScopeResources": "includeClusterScopeResources",
}


@pytest.mark.parametrize(("fields", "good"), _CONTENTS, ids=lambda value: str(value)[:60])
async def test_both_back_up_the_same_contents(azure: Client, fields: dict[str, Any], good: bool) -> None:
    """Namespaces, resource types, labels, volumes, cluster-scope resources."""
    desired = asked.wanted(loads(written(GOOD), "c.yaml"), "one", asked.cluster())
    await asked.make_vault(azure, desired)
    await asked.make_policy(azure, desired)
    body = copy.deepcopy(desired.instance_body)
    (parameters,) = body["policyInfo"]["policyParameters"]["backupDatasourceParametersList"]
    parameters |= {_RENDERED.get(name, name): value for name, value in fields.items()}
    answer = await azure.arm("PUT", desired.instance, {"properties": body})
    assert (passes(of_policy(contents=fields)), answer.status) == (good, 201 if good else 400), answer.body


_TAGS: list[tuple[dict[str, str], bool]] = [
    ({f"t{number}": "" for number in range(49)}, True),
    ({f"t{number}": "" for number in range(50)}, False),
    ({"n" * 128: ""}, True),
    ({"n" * 129: ""}, False),
    ({"a": "v" * 256}, True),
    ({"a": "v" * 257}, False),
    *(({f"a{letter}b": ""}, False) for letter in "<>%&\\?/"),
    ({"": "a"}, False),
    ({"Team": "a", "team": "b"}, False),
    *(({f"{word}X": ""}, False) for word in ("azure", "Microsoft", "WINDOWS")),
    ({"Cost Center": "4711", "\u00e4\u00f6": "\u00fc"}, True),
]


@pytest.mark.parametrize(("tags", "good"), _TAGS, ids=lambda value: str(value)[:40])
async def test_both_take_the_same_tags(azure: Client, tags: dict[str, str], good: bool) -> None:
    """On a storage account, which takes the shortest names; the app adds one tag of its own."""
    await azure.group("backup")
    body = {
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "tags": {**tags, "managed-by": "aks-backup-autopilot/d1"},
    }
    answer = await azure.arm("PUT", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account1", body)
    assert (passes(of_policy(tags={"fixed": tags})), answer.status) == (good, 202 if good else 400), answer.body


@pytest.mark.parametrize(
    ("sku", "good"),
    [
        *((f"Standard_{kind}", True) for kind in ("LRS", "ZRS", "GRS", "RAGRS", "GZRS")),
        ("Standard_XRS", False),
        ("standard_lrs", False),
        ("", False),
    ],
)
async def test_both_know_the_same_accounts(azure: Client, sku: str, good: bool) -> None:
    """SKUs of general-purpose v2 accounts, by their exact spelling."""
    await azure.group("backup")
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": sku}}
    answer = await azure.arm("PUT", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account1", body)
    assert (passes(of_policy(accountSku=sku)), answer.status) == (good, 202 if good else 400), answer.body


@pytest.mark.parametrize("name", ["a", "a-b", "o" * 32, "gold-1"])
async def test_every_policy_name_makes_an_arm_name(azure: Client, name: str) -> None:
    """The shortest and the longest names, with the hash that is appended to them."""
    tree = {**GOOD, "policies": {name: GOOD["policies"]["one"]}}
    desired = asked.wanted(loads(written(tree), "c.yaml"), name, asked.cluster())
    await asked.make_vault(azure, desired)
    assert (await asked.make_policy(azure, desired)).status == 200


def _rules(body: Tree) -> list[Tree]:
    rules: list[Tree] = body["policyRules"]
    return rules


def _tags_of(body: Tree) -> list[Tree]:
    tags: list[Tree] = _rules(body)[0]["trigger"]["taggingCriteria"]
    return tags


_BREAKS: dict[str, Callable[[Tree], object]] = {
    "no backup rule": lambda body: _rules(body).pop(0),
    "full backups": lambda body: _rules(body)[0]["backupParameters"].update(backupType="Full"),
    "backups straight into the vault": lambda body: _rules(body)[0]["dataStore"].update(dataStoreType="VaultStore"),
    "every five hours": lambda body: _rules(body)[0]["trigger"]["schedule"].update(
        repeatingTimeIntervals=["R/2023-01-04T09:00:00+00:00/PT5H"]
    ),
    "two schedules": lambda body: _rules(body)[0]["trigger"]["schedule"]["repeatingTimeIntervals"].append(
        "R/2023-01-04T10:00:00+00:00/P1D"
    ),
    "no tag": lambda body: _tags_of(body).clear(),
    "no default tag": lambda body: _tags_of(body).pop(),
    "a tag without its rule": lambda body: _tags_of(body)[-1]["tagInfo"].update(tagName="Hourly"),
    "a tag twice": lambda body: _tags_of(body).append(copy.deepcopy(_tags_of(body)[0])),
    "no default rule": lambda body: _rules(body)[1].update(isDefault=False),
    "a rule twice": lambda body: _rules(body).append(copy.deepcopy(_rules(body)[-1])),
    "361 days": lambda body: _rules(body)[1]["lifecycles"][0]["deleteAfter"].update(duration="P361D"),
    "a copy that isn't declared": lambda body: _rules(body)[-1].update(
        lifecycles=[lifecycle("OperationalStore", "P7D"), lifecycle("VaultStore", "P84D")]
    ),
    "a copy that isn't kept": lambda body: _rules(body)[-1].update(
        lifecycles=[lifecycle("OperationalStore", "P7D", "VaultStore")]
    ),
}


@given(tree=trees(), what=st.sampled_from(sorted(_BREAKS)))
def test_no_catalog_renders_to_a_policy_that_azure_refuses(tree: Tree, what: str) -> None:
    """What each policy renders to, for every start time, is accepted; with any one rule broken it would be refused."""
    for policy in loads(written(tree), "c.yaml").policies.values():
        for bucket in range(policy.schedule.buckets):
            body = render(policy, bucket)
            assert accepts(body)
            _BREAKS[what](body)
            assert not accepts(body)
