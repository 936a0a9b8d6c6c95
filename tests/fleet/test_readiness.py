"""Restore readiness of what the app itself has protected: seen when it breaks, and when a pass has repaired it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from local.azure import regions
from shared.arm.ids import ClusterId
from shared.backups.policies import Policies
from shared.readiness.checks import run_checks
from shared.readiness.model import Status, Verdict
from shared.readiness.service import Checked, Checker, Known
from tests.fleet import damage
from tests.fleet.app import GROUP, SUBSCRIPTION, App

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

type Damage = Callable[[App, str], Awaitable[None]]

_SEEN: Final[tuple[tuple[Damage, str], ...]] = (
    # what somebody does, the check that says so
    (damage.extension_removed, "extension-healthy"),
    (damage.extension_failed, "extension-healthy"),
    (damage.binding_deleted, "trusted-access"),
    (damage.roles_deleted, "role-cluster-snapshots"),
    (damage.container_deleted, "storage-container"),
    (damage.account_deleted, "storage-account"),
    (damage.group_deleted, "snapshot-group"),
)


async def check(app: App, cluster: str) -> Checked:
    """Check with what the app's row remembers."""

    async def recall(subject: ClusterId) -> Known:
        row = await app.row(str(subject))
        return Known(row=True, places=row.places)

    checker = Checker(app.settings, app.catalog, Policies.of(app.catalog), app.reconciler.door, recall)
    found = await checker.check(ClusterId.parse(cluster))
    assert isinstance(found, Checked)
    return found


def troubles(checked: Checked) -> dict[str, str]:
    """The checks that don't pass."""
    return {item.id: item.reason for item in checked.checks if item.status is not Status.PASS}


async def test_a_protected_cluster_is_asked_all_at_once() -> None:
    """The pass leaves where everything is: one round, twelve requests, Ready."""
    app = App()
    cluster = await app.protect("shop")
    checked = await check(app, cluster)
    assert (checked.readiness.verdict, troubles(checked)) == (Verdict.READY, {})
    assert checked.facts.requests == 12
    assert checked.facts.places == (await app.row(cluster)).places


async def test_checks_depend_on_nothing_but_the_facts() -> None:
    """The same facts, the same findings: nothing else is read, no clock is asked."""
    app = App()
    checked = await check(app, await app.protect("shop"))
    app.step(86400.0)
    assert tuple(run_checks(checked.facts)) == checked.checks


@pytest.mark.parametrize(("harm", "seen"), _SEEN, ids=[harm.__name__ for harm, _ in _SEEN])
async def test_what_a_pass_repairs_readiness_has_seen(harm: Damage, seen: str) -> None:
    """NotReady with the check that says why; after the pass and the next backup it is as before."""
    app = App()
    cluster = await app.protect("shop")
    await harm(app, cluster)
    broken = await check(app, cluster)
    assert (broken.readiness.verdict, seen in troubles(broken)) == (Verdict.NOT_READY, True), troubles(broken)
    await app.look(cluster)
    app.step(6 * 3600.0)
    repaired = await check(app, cluster)
    assert (repaired.readiness.verdict, troubles(repaired)) == (Verdict.READY, {})


async def test_a_policy_that_fell_back_is_the_one_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure has refused the vault tier of the region: the policy without it is as asked, and copies nothing."""
    monkeypatch.setitem(regions.REGIONS, "westeurope", replace(regions.REGIONS["westeurope"], vault_tier=False))
    app = App(_GOLD, AUTOPILOT_VAULT_TIER_FALLBACK="operational")
    checked = await check(app, await app.protect("shop"))
    assert (checked.readiness.verdict, troubles(checked)) == (Verdict.READY, {})
    assert checked.facts.used_name == "gold"
    assert not [item for item in checked.checks if item.id == "role-vault-reads-disks"]


async def test_an_adopted_extension_keeps_its_account_apart() -> None:
    """Account and snapshot group lie apart then: one request more, and the same verdict."""
    app = App()
    cluster = await app.cluster("shop")
    storage = f"{GROUP.replace('rg-apps', 'rg-theirs')}/providers/Microsoft.Storage/storageAccounts/theirs1"
    app.cloud.seed(storage.split("/providers", maxsplit=1)[0], {"location": "westeurope", "properties": {}})
    app.cloud.seed(storage, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    app.cloud.seed(f"{storage}/blobServices/default/containers/backups", {"properties": {}})
    settings = {
        "configuration.backupStorageLocation.bucket": "backups",
        "configuration.backupStorageLocation.config.storageAccount": "theirs1",
        "configuration.backupStorageLocation.config.resourceGroup": "rg-theirs",
        "configuration.backupStorageLocation.config.subscriptionId": SUBSCRIPTION,
        "configuration.backupStorageLocation.config.useAAD": "true",
    }
    extension = {
        "extensionType": "microsoft.dataprotection.kubernetes",
        "provisioningState": "Succeeded",
        "configurationSettings": settings,
        "aksAssignedIdentity": {"principalId": "00000000-0000-0000-0000-0000000000e7"},
    }
    app.cloud.seed(cluster + damage.EXTENSION, {"properties": extension})
    await app.tag(cluster, aks_backup="gold")
    await app.look(cluster)
    app.step(2 * 86400.0)
    checked = await check(app, cluster)
    assert (checked.readiness.verdict, troubles(checked)) == (Verdict.READY, {})
    assert checked.facts.places.account == storage
    assert checked.facts.requests == 13


async def test_a_cluster_that_is_left_to_others_is_checked_alike() -> None:
    """With the tag `external` their policy is the one that is wanted."""
    app = App()
    cluster = await app.protect("shop")
    await app.tag(cluster, aks_backup="external")
    assert troubles(await check(app, cluster)) == {}
    await app.tag(cluster, aks_backup="none")
    assert troubles(await check(app, cluster)) == {"policy-as-tagged": "PolicyDiffers"}


async def test_a_vault_of_a_central_subscription_is_read_there() -> None:
    """Jobs and points are where the vault is, snapshots where the cluster is."""
    central = "00000000-0000-0000-0000-0000000000cc"
    catalog = f"""
vaultProfiles:
  central: {{redundancy: ZoneRedundant, subscription: {central}}}
policies:
  gold: {{vaultProfile: central, vaultTier: {{daily: P30D}}}}
"""
    app = App(catalog, beside=(central,))
    checked = await check(app, await app.protect("shop"))
    assert (checked.readiness.verdict, troubles(checked)) == (Verdict.READY, {})
    assert next(item for item in checked.checks if item.id == "recent-jobs").reason == "Completed"


_GOLD: Final = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  gold: {vaultProfile: standard, vaultTier: {daily: P30D}}
"""
