"""Each rule of the catalog: Azure's on schedules, retention, tags and vault tier, and the model's own."""
# ruff: noqa: E501  # a fault is one line, also where it is expected

import pytest

from shared.catalog.loading import loads
from shared.catalog.model import Policy
from shared.errors import CatalogError

GUID = "00000000-0000-0000-0000-00000000000a"
GROUP = f"/subscriptions/{GUID}/resourceGroups/rg/providers"
VAULT = f"{GROUP}/Microsoft.DataProtection/backupVaults/vault1"
OTHER = f"{GROUP}/Microsoft.DataProtection/backupVaults/vault2"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/account1"

PROFILE_LINE, POLICY_LINE, FIELD_LINE = 3, 6, 8
_TEXT = """\
vaultProfiles:
  standard:
    {profile}
policies:
  # the policy stands in line 6, what is tried in line 8
  one:
    vaultProfile: standard
    {policy}
"""
_GOOD_PROFILE, _GOOD_POLICY = "redundancy: GeoRedundant", "description: good"


def catalog(policy: str = _GOOD_POLICY, profile: str = _GOOD_PROFILE) -> str:
    """A catalog with one line of a policy or of a profile to try."""
    return _TEXT.format(policy=policy, profile=profile)


def fault(text: str) -> str:
    """The only fault of a catalog, with its line."""
    with pytest.raises(CatalogError) as caught:
        loads(text, "c.yaml")
    (only,) = caught.value.faults
    return only


def many(name: str, count: int) -> str:
    """A list of so many entries, or so many tags, in one line."""
    return ", ".join(f"{name}{number}" for number in range(count))


FIELDS = {
    "another frequency": (
        "schedule: {every: PT5H}",
        "policies.one.schedule.every: is 'PT5H'; wanted: one of PT4H, PT6H, PT8H, PT12H, P1D",
    ),
    "a weekly frequency": (
        "schedule: {every: P1W}",
        "policies.one.schedule.every: is 'P1W'; wanted: one of PT4H, PT6H, PT8H, PT12H, P1D",
    ),
    "a day in hours": (
        "schedule: {every: PT24H}",
        "policies.one.schedule.every: is 'PT24H'; wanted: one of PT4H, PT6H, PT8H, PT12H, P1D",
    ),
    "a start beyond the day": (
        "schedule: {start: '24:00'}",
        "policies.one.schedule.start: is '24:00'; wanted: a time of day with two digits each, such as \"02:00\"",
    ),
    "no bucket": ("schedule: {buckets: 0}", "policies.one.schedule.buckets: is '0'; wanted: 1 to 24"),
    "too many buckets": ("schedule: {buckets: 25}", "policies.one.schedule.buckets: is '25'; wanted: 1 to 24"),
    "a spread in seconds": (
        "schedule: {spread: PT30S}",
        "policies.one.schedule.spread: is 'PT30S'; wanted: minutes, hours or days: PT30M, PT6H, P1D",
    ),
    "operational retention in weeks": (
        "operationalRetention: P2W",
        "policies.one.operationalRetention: is 'P2W'; wanted: a number of days, such as P7D",
    ),
    "no operational retention": (
        "operationalRetention: P0D",
        "policies.one.operationalRetention: is 'P0D'; wanted: a number of days, such as P7D",
    ),
    "vault retention in hours": (
        "vaultTier: {daily: PT24H}",
        "policies.one.vaultTier.daily: is 'PT24H'; wanted: days, weeks, months or years, such as P90D or P1Y",
    ),
    "vault retention of nothing": (
        "vaultTier: {monthly: P0M}",
        "policies.one.vaultTier.monthly: is 'P0M'; wanted: days, weeks, months or years, such as P90D or P1Y",
    ),
    "another vault rule": (
        "vaultTier: {hourly: P1D}",
        "policies.one.vaultTier.hourly: unknown field; did you mean 'yearly'?",
    ),
    "a namespace in upper case": (
        "contents: {includedNamespaces: [shop, Shop]}",
        "policies.one.contents.includedNamespaces.1: is 'Shop'; wanted: the name of a Kubernetes namespace",
    ),
    "a label without a value": (
        "contents: {labelSelectors: [app]}",
        "policies.one.contents.labelSelectors.0: is 'app'; wanted: a label and its value, such as app=shop",
    ),
    "a resource type with a blank": (
        "contents: {includedResourceTypes: [my secrets]}",
        (
            "policies.one.contents.includedResourceTypes.0: is 'my secrets'; wanted: a Kubernetes resource type, such as "
            "secrets"
        ),
    ),
    "a hook without a namespace": (
        "contents: {hooks: [{name: freeze}]}",
        "policies.one.contents.hooks.0: 'namespace' is missing",
    ),
    "another volume type": (
        "contents: {volumeTypes: [AzureFile]}",
        "policies.one.contents.volumeTypes.0: is 'AzureFile'; wanted: one of AzureDisk, AzureFileShareSMB",
    ),
    "another answer to a removed tag": (
        "onRemoval: delete",
        "policies.one.onRemoval: is 'delete'; wanted: one of keep, suspend, stop",
    ),
    "another answer to a move": ("onMove: suspend", "policies.one.onMove: is 'suspend'; wanted: one of keep, stop"),
    "an unknown account SKU": (
        "accountSku: Premium_LRS",
        (
            "policies.one.accountSku: is 'Premium_LRS'; wanted: one of Standard_LRS, Standard_ZRS, Standard_GRS, "
            "Standard_RAGRS, Standard_GZRS"
        ),
    ),
    "an RPO target in weeks": (
        "rpoTarget: P1W",
        "policies.one.rpoTarget: is 'P1W'; wanted: minutes, hours or days: PT30M, PT6H, P1D",
    ),
    "a free cost ceiling": ("costCeiling: 0", "policies.one.costCeiling: is '0'; wanted: an amount of money above 0"),
    "all on-demand backups kept for people": (
        "onDemand: {catchUp: true, reserve: 10}",
        "policies.one.onDemand.reserve: is '10'; wanted: 0 to 9 of the 10 a day",
    ),
    "an on-demand retention without a rule": (
        "onDemand: {afterProtection: true, retention: Hourly}",
        "policies.one.onDemand.retention: is 'Hourly'; wanted: one of Default, Daily, Weekly, Monthly, Yearly",
    ),
    "a window on no day": (
        "onDemand: {before: [{day: Someday, time: '03:00'}]}",
        (
            "policies.one.onDemand.before.0.day: is 'Someday'; wanted: one of Monday, Tuesday, Wednesday, Thursday, "
            "Friday, Saturday, Sunday"
        ),
    ),
    "a vault by its name": (
        "existing: {vault: vault1}",
        "policies.one.existing.vault: is 'vault1'; wanted: a vault's ARM id",
    ),
    "an account that is a vault": (
        f"existing: {{storageAccount: {VAULT}}}",
        f"policies.one.existing.storageAccount: is '{VAULT[:80]}...'; wanted: a storage account's ARM id",
    ),
    "a policy that is a vault": (
        f"existing: {{vault: {VAULT}, policy: {VAULT}}}",
        f"policies.one.existing.policy: is '{VAULT[:80]}...'; wanted: a backup policy's ARM id",
    ),
    "a tag that Azure can't name": (
        "tags: {fixed: {a/b: x}}",
        "policies.one.tags.fixed.a/b: is 'a/b'; wanted: a tag's name: 1 to 128 characters, none of < > % & \\ ? /",
    ),
    "a copied tag that Azure can't name": (
        "tags: {copied: [50%]}",
        "policies.one.tags.copied.0: is '50%'; wanted: a tag's name: 1 to 128 characters, none of < > % & \\ ? /",
    ),
    "a tag with a long name": (
        f"tags: {{copied: [{'n' * 129}]}}",
        (
            f"policies.one.tags.copied.0: is '{'n' * 80}...'; wanted: a tag's name: 1 to 128 characters, none of < > % & "
            "\\ ? /"
        ),
    ),
    "a tag with a long value": (
        f"tags: {{fixed: {{a: {'v' * 257}}}}}",
        f"policies.one.tags.fixed.a: is '{'v' * 80}...'; wanted: a tag's value: at most 256 characters",
    ),
}


@pytest.mark.parametrize("what", FIELDS)
def test_a_field_takes_what_azure_takes(what: str) -> None:
    """The fault names the line, the field, what it is and what it could be."""
    line, expected = FIELDS[what]
    assert fault(catalog(line)) == f"c.yaml:{FIELD_LINE}: {expected}"


TOGETHER = {
    "more than 360 days beside the cluster": (
        "operationalRetention: P361D",
        f"{POLICY_LINE}: operationalRetention is 361 days; at most 360 are allowed",
    ),
    "a spread longer than the frequency": (
        "schedule: {every: PT4H, spread: PT5H}",
        f"{FIELD_LINE}: spread PT5H is longer than the time between two backups, PT4H",
    ),
    "a time zone that isn't one": (
        "schedule: {timeZone: Europe/Berln}",
        f"{FIELD_LINE}: timeZone 'Europe/Berln' isn't known; did you mean 'Europe/Berlin'?",
    ),
    "a time zone as Windows calls it": (
        "schedule: {timeZone: W. Europe Standard Time}",
        f"{FIELD_LINE}: timeZone 'W. Europe Standard Time' isn't known; did you mean 'Europe/Berlin'?",
    ),
    "a vault tier that keeps nothing": (
        "vaultTier: {}",
        f"{FIELD_LINE}: names no retention; give one of daily, weekly, monthly, yearly, or leave vaultTier out",
    ),
    "namespaces both ways": (
        "contents: {includedNamespaces: [a], excludedNamespaces: [b]}",
        f"{FIELD_LINE}: both includes and excludes namespaces; give one of the two lists",
    ),
    "resource types both ways": (
        "contents: {includedResourceTypes: [secrets], excludedResourceTypes: [pods]}",
        f"{FIELD_LINE}: both includes and excludes resource types; give one of the two lists",
    ),
    "more namespaces than an instance takes": (
        f"contents: {{includedNamespaces: [{many('ns', 801)}]}}",
        f"{FIELD_LINE}: lists 801 namespaces; a backup instance takes 800",
    ),
    "types of volumes that aren't backed up": (
        "contents: {volumeSnapshots: false, volumeTypes: [AzureDisk]}",
        f"{FIELD_LINE}: volumeTypes has no effect with volumeSnapshots: false",
    ),
    "on-demand backups that never start": (
        "onDemand: {reserve: 2}",
        f"{FIELD_LINE}: starts no backup; give one of afterProtection, catchUp, every, before, or leave onDemand out",
    ),
    "more on-demand backups than a day has": (
        "onDemand: {every: PT3H}",
        f"{FIELD_LINE}: every PT3H is 8 backups a day; of 10 that Azure allows, 3 are kept for people",
    ),
    "catching up with nothing": (
        "onDemand: {catchUp: true}",
        f"{POLICY_LINE}: onDemand.catchUp needs an rpoTarget to catch up with",
    ),
    "an on-demand retention that the policy doesn't have": (
        "vaultTier: {daily: P7D}\n    onDemand: {afterProtection: true, retention: Weekly}",
        f"{POLICY_LINE}: onDemand.retention Weekly needs vaultTier.weekly",
    ),
    "a policy in no vault": (
        f"existing: {{policy: {VAULT}/backupPolicies/gold}}",
        f"{FIELD_LINE}: an existing policy needs the existing vault that it lies in",
    ),
    "a policy in another vault": (
        f"existing: {{vault: {VAULT}, policy: {OTHER}/backupPolicies/gold}}",
        f"{FIELD_LINE}: the existing policy isn't in the existing vault",
    ),
    "more tags than a resource has": (
        f"tags: {{copied: [{many('t', 50)}]}}",
        f"{FIELD_LINE}: sets more than 49 tags",
    ),
    "the app's own tag": ("tags: {copied: [Managed-By]}", f"{FIELD_LINE}: managed-by is the app's own tag"),
    "a tag in two cases": (
        "tags: {fixed: {Team: a}, copied: [team]}",
        f"{FIELD_LINE}: sets team twice; names of tags have no case",
    ),
    "a tag that Azure keeps for itself": (
        "tags: {copied: [Microsoft.Owner]}",
        f"{FIELD_LINE}: microsoft.owner: Azure keeps names that start with azure, microsoft, windows",
    ),
}


@pytest.mark.parametrize("what", TOGETHER)
def test_fields_fit_each_other(what: str) -> None:
    """What no field says alone; the line is that of the block whose fields don't fit."""
    line, expected = TOGETHER[what]
    number, _, text = expected.partition(": ")
    block = fault(catalog(line))
    assert block.startswith(f"c.yaml:{number}: policies.one")
    assert block.endswith(f": {text}")


PROFILES = {
    "an unknown redundancy": (
        "redundancy: GRS",
        (
            f"{PROFILE_LINE}: vaultProfiles.standard.redundancy: is 'GRS'; wanted: one of LocallyRedundant, ZoneRedundant, "
            "GeoRedundant"
        ),
    ),
    "no redundancy": ("softDelete: 'On'", f"{PROFILE_LINE - 1}: vaultProfiles.standard: 'redundancy' is missing"),
    "a restore in another region without copies there": (
        "{redundancy: ZoneRedundant, crossRegionRestore: true}",
        f"{PROFILE_LINE - 1}: vaultProfiles.standard: crossRegionRestore needs redundancy GeoRedundant",
    ),
    "soft delete for too short": (
        "{redundancy: GeoRedundant, softDeleteDays: 13}",
        f"{PROFILE_LINE}: vaultProfiles.standard.softDeleteDays: is '13'; wanted: 14 to 180 days",
    ),
    "soft delete for too long": (
        "{redundancy: GeoRedundant, softDeleteDays: 181}",
        f"{PROFILE_LINE}: vaultProfiles.standard.softDeleteDays: is '181'; wanted: 14 to 180 days",
    ),
    "soft delete as YAML 1.1's boolean": (
        "{redundancy: GeoRedundant, softDelete: true}",
        f"{PROFILE_LINE}: vaultProfiles.standard.softDelete: is 'true'; wanted: one of On, Off, AlwaysOn",
    ),
    "what can't be undone, unconfirmed": (
        "{redundancy: GeoRedundant, softDelete: AlwaysOn, immutability: Locked}",
        (
            f"{PROFILE_LINE - 1}: vaultProfiles.standard: softDelete AlwaysOn and immutability Locked can't be undone; say "
            "confirmIrreversible: true if it is meant"
        ),
    ),
    "a lock, unconfirmed": (
        "{redundancy: GeoRedundant, immutability: Locked}",
        (
            f"{PROFILE_LINE - 1}: vaultProfiles.standard: immutability Locked can't be undone; say confirmIrreversible: "
            "true if it is meant"
        ),
    ),
    "a confirmation of nothing": (
        "{redundancy: GeoRedundant, immutability: Unlocked, confirmIrreversible: true}",
        f"{PROFILE_LINE - 1}: vaultProfiles.standard: confirmIrreversible has nothing to confirm; leave it out",
    ),
    "a subscription by its name": (
        "{redundancy: GeoRedundant, subscription: backups}",
        f"{PROFILE_LINE}: vaultProfiles.standard.subscription: is 'backups'; wanted: a subscription's id",
    ),
}


@pytest.mark.parametrize("what", PROFILES)
def test_a_vault_profile_keeps_azures_rules_and_asks_before_what_cannot_be_undone(what: str) -> None:
    """Cross-region restore needs copies there; AlwaysOn and Locked need a word of confirmation."""
    line, expected = PROFILES[what]
    assert fault(catalog(profile=line)) == f"c.yaml:{expected}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "vaultProfile: standard",
            "vaultProfile: gold",
            "7: policies.one.vaultProfile: no such vault profile; known: standard",
        ),
        ("  one:", "  none:", "6: policies.none: as a tag's value 'none' means no backup"),
        (
            "  one:",
            "  One:",
            "6: policies.One: is 'One'; wanted: 1 to 32 lower-case letters, digits and hyphens as a name",
        ),
        (
            "  one:",
            "  1one:",
            "6: policies.1one: is '1one'; wanted: 1 to 32 lower-case letters, digits and hyphens as a name",
        ),
        ("  one:", f"  {'o' * 33}:", f"6: policies.{'o' * 33}: is '{'o' * 33}'; wanted: 1 to 32 lower-case letters"),
    ],
)
def test_names_are_what_a_tag_can_say(old: str, new: str, expected: str) -> None:
    """A policy's name is a tag's value and part of Azure names; a policy names a vault profile that is there."""
    assert fault(catalog().replace(old, new)).startswith(f"c.yaml:{expected}")


GOOD = {
    "every frequency": [
        f"schedule: {{every: {every}, spread: {every}}}" for every in ("PT4H", "PT6H", "PT8H", "PT12H", "P1D")
    ],
    "the shortest and the longest operational retention": ["operationalRetention: P1D", "operationalRetention: P360D"],
    "every rule of the vault tier": [
        "vaultTier: {daily: P1D}",
        "vaultTier: {weekly: P5W}",
        "vaultTier: {monthly: P12M}",
        "vaultTier: {yearly: P10Y}",
    ],
    "800 namespaces": [f"contents: {{includedNamespaces: [{many('ns', 800)}]}}"],
    "seven on-demand backups a day": ["onDemand: {every: PT4H}"],
    "ten on-demand backups a day": ["onDemand: {every: PT144M, reserve: 0}"],
    "49 tags": [f"tags: {{copied: [{many('t', 49)}]}}"],
    "what is there already": [
        f"existing: {{vault: {VAULT}, policy: {VAULT}/backupPolicies/gold, storageAccount: {ACCOUNT}}}"
    ],
    "both kinds of volumes": ["contents: {volumeTypes: [AzureDisk, AzureFileShareSMB]}"],
}


@pytest.mark.parametrize("what", GOOD)
def test_the_borders_are_within(what: str) -> None:
    """What Azure just takes is taken."""
    for line in GOOD[what]:
        assert isinstance(loads(catalog(line), "c.yaml").policies["one"], Policy)


@pytest.mark.parametrize(
    "line",
    [
        "{redundancy: GeoRedundant, crossRegionRestore: true}",
        "{redundancy: LocallyRedundant, softDelete: AlwaysOn, confirmIrreversible: true}",
        "{redundancy: ZoneRedundant, immutability: Locked, confirmIrreversible: true}",
        "{redundancy: ZoneRedundant, softDelete: 'Off', softDeleteDays: 180}",
        f"{{redundancy: ZoneRedundant, subscription: {GUID}}}",
    ],
)
def test_a_vault_profile_may_say_all_that_a_vault_can_be(line: str) -> None:
    """Irreversible choices with their confirmation, soft delete for up to 180 days, a central subscription."""
    assert loads(catalog(profile=line), "c.yaml").vault_profiles["standard"].redundancy in line
