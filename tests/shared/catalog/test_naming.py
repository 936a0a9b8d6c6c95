import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm.ids import ClusterId, folded, name_of
from shared.catalog.loading import loads
from shared.catalog.naming import DEFAULTS, Naming, Override
from shared.errors import CatalogError
from shared.onboarding.names import Namer, binding

ALPHABETS = {
    "vault_group": r"[\w\-.()]{0,89}[\w\-()]",
    "backup_group": r"[\w\-.()]{0,89}[\w\-()]",
    "regional_group": r"[\w\-.()]{0,89}[\w\-()]",
    "vault": r"[A-Za-z][A-Za-z0-9-]{1,49}",
    "storage_account": r"[a-z0-9]{3,24}",
    "container": r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    "instance": r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}",
    "binding": r"[A-Za-z0-9]([A-Za-z0-9-]{0,22}[A-Za-z0-9])?",
}
"""Of "Naming rules and restrictions for Azure resources", and 24 characters for a trusted access role binding."""

REGIONS = ("eastus", "eastus2", "westeurope", "australiacentral", "australiacentral2", "southcentralus", "uk")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "vault_group": ("region", "deployment", "subscription"),
    "vault": ("region", "deployment", "subscription", "profile"),
    "backup_group": ("region", "deployment", "subscription", "cluster", "group"),
    "regional_group": ("region", "deployment", "subscription"),
    "storage_account": ("region", "deployment", "cluster"),
    "container": ("cluster", "group", "deployment"),
}


def _patterns(kind: str) -> st.SearchStrategy[str]:
    """Patterns of a kind as the catalog allows them."""
    values = st.sampled_from([f"{{{name}}}" for name in _ALLOWED[kind]])
    rest = st.lists(st.text("abAB019-", min_size=1, max_size=12) | values)
    whole = st.builds(lambda first, parts: "".join([first, *parts])[:80], st.sampled_from("aB") | values, rest)
    return whole.map(lambda text: re.sub(r"\{[^}]*$", "", text))


def _some_names(**more: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {kind: st.none() | _patterns(kind) for kind in DEFAULTS} | more


SUBSCRIPTIONS = st.sampled_from([f"{digit}{str(UUID(int=7))[1:]}" for digit in "0a"])
OVERRIDES = st.builds(Override, **_some_names(region=st.sampled_from(REGIONS), subscription=st.none() | SUBSCRIPTIONS))
NAMINGS = st.builds(Naming, **_some_names(overrides=st.lists(OVERRIDES, max_size=2).map(tuple)))

_LONG = "a" * 40
CLUSTER_NAMES = st.one_of(
    st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?", fullmatch=True),
    st.sampled_from(["k1", "K1", "k-1", "k_1", "k--1", f"{_LONG}-{_LONG}"[:62], f"{_LONG}-{_LONG}"[:63], "0"]),
)
GROUP_NAMES = st.one_of(
    st.from_regex(r"[\w\-.()]{0,89}[\w\-()]", fullmatch=True),
    st.sampled_from(
        ["rg", "RG", "r-g", "stra\u00dfe", "strasse", "b" * 90, "b" * 89, "r.g", "(rg)", "\u03c3", "\u03c2", "\u0130"]
    ),
)
CLUSTERS = st.builds(ClusterId, SUBSCRIPTIONS, GROUP_NAMES, CLUSTER_NAMES)
DEPLOYMENTS = st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)
PROFILES = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
PLACES = st.fixed_dictionaries(
    {
        "naming": NAMINGS,
        "deployment": DEPLOYMENTS,
        "location": st.sampled_from(REGIONS),
        "profile": PROFILES,
        "redundancy": st.sampled_from(["LocallyRedundant", "ZoneRedundant", "GeoRedundant"]),
    }
)


def names(namer: Namer) -> dict[str, str]:
    """Every id that is computed for a cluster, by kind."""
    vault, group = namer.vault(namer.cluster.subscription), namer.backup_group()
    return {
        "vault_group": namer.vault_group(namer.cluster.subscription),
        "vault": vault,
        "backup_group": group,
        "regional_group": namer.regional_group(),
        "storage_account": namer.storage_account(group),
        "container": namer.container(),
        "instance": namer.instance(vault),
        "binding": binding(namer.cluster, vault),
    }


@given(place=PLACES, cluster=CLUSTERS)
def test_every_name_keeps_to_azures_lengths_and_letters(place: dict[str, Any], cluster: ClusterId) -> None:
    """Whatever the cluster is called and whatever the patterns are."""
    for kind, resource_id in names(Namer(cluster=cluster, **place)).items():
        assert re.fullmatch(ALPHABETS[kind], name_of(resource_id)), (kind, resource_id)


@given(place=PLACES, one=CLUSTERS, other=CLUSTERS)
def test_two_clusters_share_nothing_of_their_own(place: dict[str, Any], one: ClusterId, other: ClusterId) -> None:
    """Container, account, backup group and instance differ for two clusters, and only for two."""
    same = folded(str(one)) == folded(str(other))
    mine, theirs = (names(Namer(cluster=cluster, **place)) for cluster in (one, other))
    for kind in ("container", "storage_account", "backup_group", "instance"):
        assert (folded(name_of(mine[kind])) == folded(name_of(theirs[kind]))) is same, kind


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("rg", "k1"), ("rg2", "k1")),
        (("rg", "k-1"), ("rg", "k_1")),
        (("rg", "k-1"), ("rg", "k--1")),
        (("rg", "a" * 62), ("rg", "a" * 63)),
        (("b" * 89, "k1"), ("b" * 90, "k1")),
        (("r-g", "k1"), ("r.g", "k1")),
        (("stra\u00dfe", "k1"), ("strasse", "k1")),
    ],
)
@pytest.mark.parametrize("pattern", ["fixed", "{cluster}", "x" * 80])
def test_names_that_look_alike_stay_apart(one: tuple[str, str], other: tuple[str, str], pattern: str) -> None:
    """One name in two groups, names cut at the limit, names that differ in what Azure doesn't take."""
    naming = Naming(container=pattern, backup_group=pattern, storage_account=pattern)
    subscription = str(UUID(int=0))
    some = [names(_namer(ClusterId(subscription, *cluster), naming)) for cluster in (one, other)]
    for kind in ("container", "storage_account", "backup_group", "instance"):
        assert name_of(some[0][kind]) != name_of(some[1][kind])


@given(place=PLACES, cluster=CLUSTERS)
def test_case_makes_no_other_cluster(place: dict[str, Any], cluster: ClusterId) -> None:
    """Azure changes the case of ids at will: upper and lower case compute the same names."""
    low = ClusterId(cluster.subscription, folded(cluster.group), cluster.name.lower())
    high = ClusterId(cluster.subscription, cluster.group, cluster.name.upper())
    assert {kind: folded(name) for kind, name in names(Namer(cluster=low, **place)).items()} == {
        kind: folded(name) for kind, name in names(Namer(cluster=high, **place)).items()
    }


@given(place=PLACES, cluster=CLUSTERS, other=st.sampled_from(REGIONS))
def test_regions_share_no_vault_and_no_snapshot_group(place: dict[str, Any], cluster: ClusterId, other: str) -> None:
    """A vault and the snapshots lie in the cluster's region, whatever a pattern or an override says."""
    mine = names(Namer(cluster=cluster, **place))
    theirs = names(Namer(cluster=cluster, **(place | {"location": other})))
    for kind in ("vault", "regional_group"):
        assert (name_of(mine[kind]) == name_of(theirs[kind])) is (place["location"] == other)


@given(place=PLACES, cluster=CLUSTERS, other=DEPLOYMENTS)
def test_deployments_share_no_vault_account_or_group_of_a_cluster(
    place: dict[str, Any], cluster: ClusterId, other: str
) -> None:
    """Two installations of the app never take each other's resources for their own."""
    mine = names(Namer(cluster=cluster, **place))
    theirs = names(Namer(cluster=cluster, **(place | {"deployment": other})))
    for kind in ("vault", "storage_account", "backup_group"):
        assert (name_of(mine[kind]) == name_of(theirs[kind])) is (place["deployment"] == other)


def test_another_redundancy_or_profile_is_another_vault() -> None:
    """Redundancy can't be changed, so a profile that changes it gets a vault beside the old one."""
    cluster = ClusterId(str(UUID(int=0)), "rg", "k1")
    vaults = {
        _namer(cluster, Naming(vault="v"), profile=profile, redundancy=redundancy).vault(cluster.subscription)
        for profile in ("standard", "standard-2")
        for redundancy in ("LocallyRedundant", "GeoRedundant")
    }
    assert len(vaults) == 4


def _namer(cluster: ClusterId, naming: Naming, **changes: str) -> Namer:
    usual = {"deployment": "d1", "location": "westeurope", "profile": "standard", "redundancy": "LocallyRedundant"}
    return Namer(naming=naming, cluster=cluster, **(usual | changes))


NAMING = """naming:
  container: aks-{cluster}
  overrides:
    - region: westeurope
      container: weu-{cluster}
    - subscription: 00000000-0000-0000-0000-000000000000
      container: zero-{cluster}
    - region: westeurope
      subscription: 00000000-0000-0000-0000-000000000000
      container: both-{cluster}
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies: {}
"""


@pytest.mark.parametrize(
    ("region", "subscription", "pattern"),
    [
        ("eastus", 1, "aks-{cluster}"),
        ("westeurope", 1, "weu-{cluster}"),
        ("eastus", 0, "zero-{cluster}"),
        ("westeurope", 0, "both-{cluster}"),
    ],
)
def test_the_narrowest_rule_names(region: str, subscription: int, pattern: str) -> None:
    """Region and subscription together go before the subscription, that before the region, that before the rest."""
    naming = loads(NAMING, "c.yaml").naming
    assert naming.pattern("container", region, str(UUID(int=subscription))) == pattern
    assert naming.pattern("vault", region, str(UUID(int=subscription))) == DEFAULTS["vault"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("aks-{cluster}", "aks-{profile}", "c.yaml:1: naming: placeholder {profile} isn't known in container"),
        ("aks-{cluster}", "aks-{cluster", "c.yaml:1: naming: a brace of container is never closed or opened"),
        ("aks-{cluster}", "-aks", "c.yaml:1: naming: container must start with a letter"),
        ("aks-{cluster}", "aks_{cluster}", "c.yaml:2: naming.container: is 'aks_{cluster}'; wanted: letters, digits"),
        ("aks-{cluster}", "x" * 81, "c.yaml:2: naming.container: "),
        (
            "  container: aks",
            "  containers: aks",
            "c.yaml:2: naming.containers: unknown field; did you mean 'container'",
        ),
        ("region: westeurope\n      container: weu", "container: weu", "c.yaml:4: naming.overrides.0: names neither"),
        ("region: westeurope", "region: West Europe", "c.yaml:4: naming.overrides.0.region: is 'West Europe'; wanted:"),
        ("weu-{cluster}", "{region}", "is a block of fields; wanted: letters, digits, hyphens and placeholders"),
        ("weu-{cluster}", "{region}", "text that starts with { or [ needs quotes"),
        ("weu-{cluster}", "'{region}'", "c.yaml:4: naming.overrides.0: placeholder {region} isn't known in container"),
    ],
)
def test_a_pattern_that_names_nothing_is_refused_at_its_line(old: str, new: str, fault: str) -> None:
    """Unknown placeholders, open braces, letters that Azure doesn't take, overrides of nowhere."""
    with pytest.raises(CatalogError) as caught:
        loads(NAMING.replace(old, new, 1), "c.yaml")
    assert fault in caught.value.faults[0]
