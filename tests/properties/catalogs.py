"""Catalogs as people could write them: any combination of what the model allows, as YAML text.

The strategy knows the rules from "About AKS backup" and the handbook's words on them, not from the model: it imports
nothing of `shared/`.
"""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

type Tree = dict[str, Any]

OTHER_SUBSCRIPTION = "00000000-0000-0000-0000-000000000002"
GIVEN_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/given"
GIVEN_VAULT = f"{GIVEN_GROUP}/providers/Microsoft.DataProtection/backupVaults/given"
GIVEN_POLICY = f"{GIVEN_VAULT}/backupPolicies/given"
GIVEN_ACCOUNT = f"{GIVEN_GROUP}/providers/Microsoft.Storage/storageAccounts/given1"

HOURS = {"PT4H": 4, "PT6H": 6, "PT8H": 8, "PT12H": 12, "P1D": 24}
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland", "Asia/Kathmandu")
WINDOWS_OF_DAYS = ("Monday", "Saturday", "Sunday")

names = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True).filter(lambda name: name != "none")
namespaces = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
times = st.times().map(lambda time: time.strftime("%H:%M"))
texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30)
tag_names = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "Pd", "Zs"], exclude_characters="<>%&\\?/"),
    min_size=1,
    max_size=128,
).filter(lambda name: not name.lower().startswith(("azure", "microsoft", "windows", "managed-by")))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """A block with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def profiles(draw: st.DrawFn) -> Tree:
    """A vault profile."""
    profile: Tree = draw(
        st.fixed_dictionaries(
            {"redundancy": st.sampled_from(["LocallyRedundant", "ZoneRedundant", "GeoRedundant"])},
            optional={
                "softDelete": st.sampled_from(["On", "Off", "AlwaysOn"]),
                "softDeleteDays": st.integers(14, 180),
                "immutability": st.sampled_from(["Disabled", "Unlocked", "Locked"]),
                "subscription": st.just(OTHER_SUBSCRIPTION),
            },
        )
    )
    if profile["redundancy"] == "GeoRedundant":
        profile |= draw(some(crossRegionRestore=st.booleans()))
    if profile.get("softDelete") == "AlwaysOn" or profile.get("immutability") == "Locked":
        profile["confirmIrreversible"] = True
    return profile


@st.composite
def schedules(draw: st.DrawFn) -> Tree:
    """A schedule whose spread fits between two backups."""
    every = draw(st.sampled_from(list(HOURS)))
    spread = st.integers(1, HOURS[every]).map(lambda hours: f"PT{hours}H") | st.integers(1, 240).map("PT{}M".format)
    rest = draw(some(start=times, timeZone=st.sampled_from(ZONES), spread=spread, buckets=st.integers(1, 24)))
    return rest | ({"every": every} if every != "PT4H" or draw(st.booleans()) else {})


def durations(units: str) -> st.SearchStrategy[str]:
    """Durations of one part in any of the units."""
    return st.builds("P{}{}".format, st.integers(1, 120), st.sampled_from(units))


@st.composite
def contents(draw: st.DrawFn) -> Tree:
    """What is backed up, by inclusion or by exclusion."""
    snapshots = draw(st.booleans())
    block = draw(
        some(
            clusterScopeResources=st.booleans(),
            labelSelectors=st.lists(st.just("app=shop") | st.just("tier="), max_size=2),
            hooks=st.lists(st.fixed_dictionaries({"name": namespaces, "namespace": namespaces}), max_size=2),
        )
    )
    lists = {"Namespaces": st.lists(namespaces, max_size=5), "ResourceTypes": st.just(["secrets", "pods.v1"])}
    for kind, values in lists.items():
        block |= draw(some(**{draw(st.sampled_from(["included", "excluded"])) + kind: values}))
    if snapshots:
        kinds = st.lists(st.sampled_from(["AzureDisk", "AzureFileShareSMB"]), max_size=2, unique=True)
        return block | draw(some(volumeTypes=kinds))
    return block | {"volumeSnapshots": False}


@st.composite
def on_demand(draw: st.DrawFn, tier: Tree) -> Tree:
    """On-demand backups that the day's limit allows, with a retention that the policy has."""
    reserve = draw(st.integers(0, 9))
    fastest = -(-24 // (10 - reserve))
    rules = ["Default", *(name.title() for name in tier)]
    window = st.fixed_dictionaries(
        {"day": st.sampled_from(WINDOWS_OF_DAYS), "time": times}, optional={"lead": st.just("PT90M")}
    )
    started = draw(
        st.fixed_dictionaries(
            {"afterProtection": st.just(value=True)},
            optional={
                "every": st.integers(fastest, 200).map("PT{}H".format),
                "before": st.lists(window, max_size=2),
                "retention": st.sampled_from(rules),
            },
        )
    )
    return {**started, "reserve": reserve}


@st.composite
def tags(draw: st.DrawFn) -> Tree:
    """Tags whose names differ by more than their case."""
    chosen = draw(st.lists(tag_names, max_size=6, unique_by=lambda name: name.casefold()))
    cut = draw(st.integers(0, len(chosen)))
    return {"fixed": {name: draw(texts) for name in chosen[:cut]}, "copied": chosen[cut:]}


@st.composite
def policies(draw: st.DrawFn, profile: str) -> Tree:
    """A policy that names the profile."""
    tier = draw(
        st.just({})
        | some(daily=durations("DWM"), weekly=durations("WM"), monthly=durations("MY"), yearly=durations("Y"))
    )
    policy: Tree = draw(
        st.fixed_dictionaries(
            {"vaultProfile": st.just(profile)},
            optional={
                "description": texts,
                "schedule": schedules(),
                "operationalRetention": st.integers(1, 360).map("P{}D".format),
                "contents": contents(),
                "rtoTarget": st.sampled_from(["PT30M", "PT4H", "P1D"]),
                "rpoTarget": st.sampled_from(["PT30M", "PT26H", "P2D"]),
                "onRemoval": st.sampled_from(["keep", "suspend", "stop"]),
                "onMove": st.sampled_from(["keep", "stop"]),
                "tags": tags(),
                "accountSku": st.sampled_from(
                    ["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS"]
                ),
                "costCeiling": st.sampled_from([1, 99.5, 4711]),
                "existing": st.sampled_from(
                    [
                        {"vault": GIVEN_VAULT},
                        {"vault": GIVEN_VAULT, "policy": GIVEN_POLICY},
                        {"storageAccount": GIVEN_ACCOUNT},
                    ]
                ),
                "onDemand": on_demand(tier),
            },
        )
    )
    if "rpoTarget" in policy and "onDemand" in policy:
        policy["onDemand"] |= draw(some(catchUp=st.booleans()))
    return policy | ({"vaultTier": tier} if tier else {})


PATTERNS = {
    "vaultGroup": ["vaults", "v-{deployment}-{region}-{subscription}"],
    "vault": ["v", "{profile}-{region}-{deployment}"],
    "backupGroup": ["{group}-{cluster}", "b{cluster}"],
    "storageAccount": ["st", "bk{cluster}{region}"],
    "container": ["{cluster}", "c-{group}"],
}


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A whole catalog as plain values."""
    vaults = draw(st.dictionaries(names, profiles(), min_size=1, max_size=2))
    of_any = st.sampled_from(sorted(vaults)).flatmap(policies)
    patterns = some(**{kind: st.sampled_from(values) for kind, values in PATTERNS.items()})
    return {
        "vaultProfiles": vaults,
        "policies": draw(st.dictionaries(names, of_any, min_size=1, max_size=2)),
        **draw(some(naming=patterns)),
    }


class _Plain(yaml.SafeDumper):
    """YAML without aliases, which a catalog doesn't have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(tree: Tree, *, flow: bool | None = None, windows: bool = False) -> str:
    """A catalog's text, in blocks or in braces, with line ends of either kind."""
    text: str = yaml.dump(tree, Dumper=_Plain, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=1000)
    return text.replace("\n", "\r\n") if windows else text


STYLES = st.fixed_dictionaries({"flow": st.sampled_from([None, True, False]), "windows": st.booleans()})
