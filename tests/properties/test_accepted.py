"""What the catalog's check passes, Azure accepts; what is one slip away from that, the check refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.azure.regions import REGIONS
from shared.catalog.loading import loads
from shared.errors import CatalogError
from tests.local_azure.backup import BLOB_CONTRIBUTOR, BLOB_READER, CONTRIBUTOR, DISK_DATA, READER, SNAPSHOTS
from tests.properties import azure as asked
from tests.properties.catalogs import STYLES, Tree, trees, written
from tests.properties.slips import POLICY_SLIPS, PROFILE_SLIPS, slipped

if TYPE_CHECKING:
    from shared.onboarding.desired import Desired
    from tests.local_azure.client import Client


def of_one_azure(examples: int) -> settings:
    """One simulated Azure serves all examples: each has a deployment id, and so names, of its own."""
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(tree=trees(), style=STYLES)
def test_what_people_may_write_passes(tree: Tree, style: dict[str, bool]) -> None:
    """In blocks or in braces, with any line ends, the same catalog."""
    catalog = loads(written(tree, **style), "c.yaml")
    assert set(catalog.policies) == set(tree["policies"])
    assert catalog == loads(written(tree), "c.yaml")


@given(data=st.data(), tree=trees(), style=STYLES)
def test_one_slip_is_refused_by_its_name(data: st.DataObject, tree: Tree, style: dict[str, bool]) -> None:
    """The faults name the policy or profile and the field in which the slip is."""
    kind = data.draw(st.sampled_from(["policies", "vaultProfiles"]))
    name = data.draw(st.sampled_from(sorted(tree[kind])))
    slip = data.draw(st.sampled_from(POLICY_SLIPS if kind == "policies" else PROFILE_SLIPS))
    text = written(slipped(tree, kind, name, slip), **style)
    with pytest.raises(CatalogError) as caught:
        loads(text, "c.yaml")
    assert any(f"{kind}.{name}" in fault and slip.field in fault for fault in caught.value.faults), caught.value.faults


@of_one_azure(60)
@given(tree=trees(), location=st.sampled_from(["westeurope", "polandcentral", "brazilsouth"]))
async def test_what_passes_the_check_azure_accepts(azure: Client, tree: Tree, location: str) -> None:
    """Vault, policy, storage and instance of every policy, as the app asks for them.

    A catalog doesn't know the regions of its clusters: the vault tier and cross-region restore are refused where Azure
    doesn't offer them, and nothing else is.
    """
    catalog, region = loads(written(tree), "c.yaml"), REGIONS[location]
    await asked.place_given(azure)
    for name, policy in catalog.policies.items():
        desired = asked.wanted(catalog, name, asked.cluster(location))
        far = catalog.profile_of(policy).cross_region_restore and not desired.vault_given
        vault = await asked.make_vault(azure, desired)
        assert (vault.status in {200, 201}) is (not far or bool(region.pair)), vault
        if vault.status == 400:
            continue
        made = await asked.make_policy(azure, desired)
        there = desired.vault_given or region.vault_tier
        assert (made.status == 200) is (policy.vault_tier is None or there or desired.policy_given), made
        if made.status == 400:
            assert made.code == "DppUserErrorVaultTierPolicyNotSupported"
            continue
        assert all(answer.status in {200, 201, 202} for answer in await asked.make_storage(azure, desired))
        instance = await asked.make_instance(azure, desired)
        assert instance.status == 201, instance


@of_one_azure(15)
@given(tree=trees())
async def test_what_passes_the_check_can_be_protected(azure: Client, tree: Tree) -> None:
    """With cluster, extension, trusted access and grants in place, protection gets configured."""
    catalog = loads(written(tree), "c.yaml")
    await asked.place_given(azure)
    name = next(iter(catalog.policies))
    desired = asked.wanted(catalog, name, asked.cluster())
    identity = await _prepare(azure, desired)
    asked.place_grants(azure, desired, _grants(desired, identity))
    instance = await asked.make_instance(azure, desired)
    assert instance.status == 201, instance
    await azure.control("POST", "/clock", {"advance": 200})
    protected = (await azure.arm("GET", desired.instance)).body["properties"]
    assert protected["currentProtectionState"] == "ProtectionConfigured", protected


async def _prepare(azure: Client, desired: Desired) -> str:
    """Vault, policy, storage and cluster; the object id of the vault's identity."""
    await asked.make_vault(azure, desired)
    await asked.make_policy(azure, desired)
    await asked.make_storage(azure, desired)
    asked.place_cluster(azure, desired)
    return str((await azure.arm("GET", desired.vault)).body["identity"]["principalId"])


def _grants(desired: Desired, vault: str) -> list[tuple[str, str, str]]:
    """Role, principal and scope of each grant that protection can need."""
    cluster = str(desired.cluster.id)
    return [
        (CONTRIBUTOR, asked.CLUSTER_IDENTITY, desired.group),
        (BLOB_CONTRIBUTOR, asked.EXTENSION_IDENTITY, desired.account),
        (READER, vault, cluster),
        (READER, vault, desired.group),
        (SNAPSHOTS, vault, desired.group),
        (DISK_DATA, vault, desired.group),
        (BLOB_READER, vault, desired.account),
    ]
