"""Clusters of many subscriptions: allowed by a management group, and protected by a vault in a central one."""

from __future__ import annotations

from typing import Any, Final

from local.azure.hierarchy import ManagementGroup
from shared.arm.ids import subscription_of
from shared.fleet.records import State
from shared.fleet.scope import Scope
from tests.fleet.app import SUBSCRIPTION, App

CENTRAL: Final = "00000000-0000-0000-0000-0000000000cc"
CATALOG: Final = f"""
vaultProfiles:
  central: {{redundancy: ZoneRedundant, subscription: {CENTRAL}}}
policies:
  gold: {{vaultProfile: central, vaultTier: {{daily: P30D}}}}
"""
GROUP: Final = "/providers/Microsoft.Management/managementGroups/mg-platform"


async def test_a_vault_in_a_central_subscription_protects_clusters_of_others() -> None:
    """Its identity has its roles where cluster, snapshots and account are: in the cluster's subscription."""
    app = App(CATALOG, beside=(CENTRAL,))
    cluster = await app.cluster("shop", "gold")
    assert (await app.look(cluster)).state is State.PROTECTED
    [instance] = app.instances(cluster)
    [vault] = app.resources("Microsoft.DataProtection/backupVaults")
    assert subscription_of(instance.id) == subscription_of(vault.id) == CENTRAL
    [account] = app.resources("Microsoft.Storage/storageAccounts")
    assert subscription_of(account.id) == SUBSCRIPTION
    principal = vault.body["identity"]["principalId"]
    grants: list[Any] = [item.properties for item in app.resources("Microsoft.Authorization/roleAssignments")]
    scopes = [grant["scope"] for grant in grants if grant["principalId"] == principal]
    assert len(scopes) == 5
    assert {subscription_of(scope) for scope in scopes} == {SUBSCRIPTION}


async def test_the_subscriptions_of_a_management_group_are_asked_of_azure() -> None:
    """With its role at the group, the app learns which subscriptions lie in it."""
    app = App(beside=(CENTRAL,))
    [role] = app.cloud.roles.named("AKS Backup Autopilot")
    app.cloud.arrange((ManagementGroup("mg-platform", "Platform", subscriptions=(CENTRAL,)),))
    app.cloud.assign(app.cloud.app, role, GROUP)
    scope = Scope(app.reconciler.door, frozenset({SUBSCRIPTION}), ("mg-platform",))
    assert await scope.subscriptions() == {SUBSCRIPTION, CENTRAL}
