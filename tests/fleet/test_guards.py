"""Vaults that a Resource Guard protects: nothing is weakened without somebody else's word, and that is said."""

from __future__ import annotations

from typing import Final

import pytest

from shared.fleet.records import State
from tests.fleet.app import GROUP, SUBSCRIPTION, App

_PROVIDER: Final = "providers/Microsoft.DataProtection"
GUARD: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-guards/{_PROVIDER}/resourceGuards/guard"
CHANGE: Final = f"{GUARD}/updateBackupInstanceRequests/default"
SUSPEND: Final = f"{GUARD}/suspendBackupInstanceRequests/default"
_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


async def guard(app: App) -> None:
    """Let a Resource Guard protect the vault."""
    group = GUARD.partition("/providers")[0]
    app.cloud.seed(group, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    await app.do("PUT", GUARD, {"location": "westeurope", "properties": {}})
    [vault] = app.resources("Microsoft.DataProtection/backupVaults")
    body = {"properties": {"resourceGuardResourceId": GUARD}}
    await app.do("PUT", f"{vault.id}/backupResourceGuardProxies/DppResourceGuardProxy", body)


def approve(app: App) -> None:
    """The guard's owner gives the app rights on it."""
    role = app.cloud.roles.get(_OWNER)
    assert role is not None
    app.cloud.assign(app.cloud.app, role, GUARD)


@pytest.mark.parametrize("named", [False, True])
async def test_a_move_to_another_policy_needs_the_guards_request_and_rights_on_it(named: bool) -> None:
    """Without either it is blocked, with what to do; the instance keeps its policy meanwhile."""
    app = App(AUTOPILOT_RESOURCE_GUARDS=f"westeurope={CHANGE}" if named else "")
    cluster = await app.protect("shop")
    await guard(app)
    [before] = app.instances(cluster)
    policy = before.properties["policyInfo"]["policyId"]
    await app.tag(cluster, aks_backup="silver")
    row = await app.look(cluster, horizon=1800)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "GuardApprovalNeeded", "operator")
    assert "AUTOPILOT_RESOURCE_GUARDS" in row.message
    [instance] = app.instances(cluster)
    assert instance.properties["policyInfo"]["policyId"] == policy
    approve(app)
    row = await app.look(cluster, horizon=1800)
    assert row.state is (State.PROTECTED if named else State.BLOCKED)
    [instance] = app.instances(cluster)
    assert (instance.properties["policyInfo"]["policyId"] != policy) is named


@pytest.mark.parametrize("place", ["*", "standard"])
async def test_a_release_shows_the_guards_request_too(place: str) -> None:
    """A policy that suspends on removal: after the grace period, and with the guard's owner's word."""
    app = App(AUTOPILOT_RESOURCE_GUARDS=f"{place}={CHANGE},{place}={SUSPEND}", AUTOPILOT_GRACE_DAYS="0")
    cluster = await app.protect("shop", "paused")
    await guard(app)
    await app.tag(cluster)
    row = await app.look(cluster, horizon=1800)
    assert row.reason == "GuardApprovalNeeded"
    approve(app)
    await app.look(cluster, horizon=1800)
    [instance] = app.instances(cluster)
    assert instance.properties["currentProtectionState"] == "BackupSchedulesSuspended"


async def test_what_a_guard_does_not_protect_needs_no_word() -> None:
    """New clusters are protected in a guarded vault, and repairs go on."""
    app = App()
    await app.protect("shop")
    await guard(app)
    other = await app.cluster("other", "gold")
    assert GROUP in other
    assert (await app.look(other)).state is State.PROTECTED
