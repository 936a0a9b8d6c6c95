"""Regions without vault tier, and limits of the extension: what the settings make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from local.azure import regions
from shared.arm.ids import ClusterId
from shared.fleet.records import State
from shared.onboarding.planning import plan
from tests.fleet.app import App
from tests.fleet.damage import EXTENSION

CATALOG: Final = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  gold: {vaultProfile: standard, vaultTier: {weekly: P12W}, onDemand: {afterProtection: true, retention: Weekly}}
"""


@pytest.fixture
def without_vault_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """West Europe has lost its vault tier, which no list says yet."""
    monkeypatch.setitem(regions.REGIONS, "westeurope", replace(regions.REGIONS["westeurope"], vault_tier=False))


def retentions(app: App) -> list[list[Any]]:
    """The retention rules of each policy in Azure: the kinds of stores."""
    policies = app.resources("Microsoft.DataProtection/backupVaults/backupPolicies")
    return [
        [
            cycle["sourceDataStore"]["dataStoreType"]
            for rule in policy.properties["policyRules"]
            for cycle in rule.get("lifecycles", ())
        ]
        for policy in policies
    ]


async def test_a_listed_region_is_refused_before_anything_is_made() -> None:
    """The message has both ways out."""
    app = App(CATALOG)
    cluster = await app.cluster("shop", "gold", location="polandcentral")
    row = await app.look(cluster)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "VaultTierNotSupported", "operator")
    assert "AUTOPILOT_VAULT_TIER_FALLBACK=operational" in row.message
    assert app.writes() == []


async def test_a_listed_region_falls_back_where_the_setting_says_so() -> None:
    """The policy's operational tier alone, without the vault tier's roles; the plan says the same."""
    app = App(CATALOG, AUTOPILOT_VAULT_TIER_FALLBACK="operational")
    cluster = await app.cluster("shop", "gold", location="polandcentral")
    names = [item.name for item in (await plan(app.reconciler, ClusterId.parse(cluster))).work.plan]
    assert sum(name.startswith("role/") for name in names) == 4
    assert (await app.look(cluster)).state is State.PROTECTED
    assert retentions(app) == [["OperationalStore"]]
    before = len(app.writes())
    assert (await app.look(cluster)).state is State.PROTECTED
    assert len(app.writes()) == before


@pytest.mark.usefixtures("without_vault_tier")
async def test_azures_refusal_blocks_as_it_did() -> None:
    """By default nothing weaker than what was asked for is made."""
    app = App(CATALOG)
    row = await app.look(await app.cluster("shop", "gold"))
    assert (row.state, row.reason) == (State.BLOCKED, "DppUserErrorVaultTierPolicyNotSupported")


@pytest.mark.usefixtures("without_vault_tier")
async def test_azures_refusal_is_learned_for_the_region() -> None:
    """One policy is refused, once; other clusters of the region, and later passes, ask for what works."""
    app = App(CATALOG, AUTOPILOT_VAULT_TIER_FALLBACK="operational")
    clusters = [await app.cluster(f"shop{number}", "gold") for number in range(2)]
    for cluster in clusters:
        assert (await app.look(cluster)).state is State.PROTECTED
    assert all(kinds == ["OperationalStore"] for kinds in retentions(app))
    refused = [line for line in app.journal.lines if any(r["status"] == 400 for r in line.get("requests", ()))]
    assert len(refused) == 1
    before = len(app.writes())
    assert (await app.look(clusters[0])).state is State.PROTECTED
    assert len(app.writes()) == before


@pytest.mark.usefixtures("without_vault_tier")
async def test_a_region_that_got_its_vault_tier_is_tried_again_after_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the cluster moves to the policy as the catalog has it."""
    app = App(CATALOG, AUTOPILOT_VAULT_TIER_FALLBACK="operational")
    cluster = await app.cluster("shop", "gold")
    await app.look(cluster)
    monkeypatch.setitem(regions.REGIONS, "westeurope", replace(regions.REGIONS["westeurope"], vault_tier=True))
    app.step(31 * 86400.0)
    assert (await app.look(cluster)).state is State.PROTECTED
    assert ["OperationalStore", "OperationalStore", "VaultStore"] in retentions(app)


async def test_the_extension_gets_the_limits_of_the_settings() -> None:
    """At the installation, and later when the settings ask for more; without a setting its own ones stay."""
    app = App(AUTOPILOT_EXTENSION_MEMORY="1Gi")
    cluster = await app.protect("shop")
    extension = app.cloud.store.get(cluster + EXTENSION)
    assert extension is not None
    settings = extension.properties["configurationSettings"]
    assert settings["resources.limits.memory"] == "1Gi"
    assert "resources.limits.cpu" not in settings
    identity = extension.properties["aksAssignedIdentity"]["principalId"]
    app.settings = app.settings._replace(extension_limits={"cpu": "500m", "memory": "2Gi"})
    app.restart()
    row = await app.look(cluster)
    assert row.state is State.PROTECTED
    extension = app.cloud.store.get(cluster + EXTENSION)
    assert extension is not None
    settings = extension.properties["configurationSettings"]
    assert (settings["resources.limits.cpu"], settings["resources.limits.memory"]) == ("500m", "2Gi")
    assert extension.properties["aksAssignedIdentity"]["principalId"] == identity
    assert app.told(cluster) == ["ClusterProtected"]  # a changed setting is no drift
    app.settings = app.settings._replace(extension_limits={})
    app.restart()
    before = len(app.writes())
    await app.look(cluster)
    assert len(app.writes()) == before
