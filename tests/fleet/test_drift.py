"""What somebody took away or changed by hand is put back by the pass: once, told, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from shared.fleet.records import State
from tests.fleet import damage
from tests.fleet.app import App

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

type Damage = Callable[[App, str], Awaitable[None]]

_REPAIRED: Final[tuple[tuple[Damage, set[str]], ...]] = (
    # what was done, which steps' things are told as put back
    (damage.extension_removed, {"extension", "role/Storage Blob Data Contributor on storage-account"}),
    (damage.extension_failed, {"extension"}),
    (damage.extension_reinstalled, {"role/Storage Blob Data Contributor on storage-account"}),
    (damage.binding_deleted, {"trusted-access"}),
    (
        damage.roles_deleted,
        {
            "role/Contributor on backup-group",
            "role/Reader on backup-group",
            "role/Reader on cluster",
            "role/Storage Blob Data Contributor on storage-account",
        },
    ),
    (damage.instance_deleted, {"backup-instance"}),
    (damage.instance_purged, {"backup-instance"}),
    (damage.policy_changed, {"backup-instance"}),
    (damage.protection_broken, {"backup-instance"}),
    (damage.container_deleted, {"container"}),
    (
        damage.account_deleted,
        {
            "storage-account",
            "container",
            "role/Contributor on backup-group",
            "role/Reader on backup-group",
            "role/Storage Blob Data Contributor on storage-account",
        },
    ),
    (
        damage.group_deleted,
        {
            "backup-group",
            "storage-account",
            "container",
            "role/Contributor on backup-group",
            "role/Reader on backup-group",
            "role/Storage Blob Data Contributor on storage-account",
        },
    ),
)


@pytest.mark.parametrize(("harm", "steps"), _REPAIRED, ids=[case[0].__name__ for case in _REPAIRED])
async def test_what_was_taken_away_is_put_back_and_told(harm: Damage, steps: set[str]) -> None:
    """One pass after another brings it back; the event names what it was, and another look writes nothing."""
    app = App()
    cluster = await app.protect("shop")
    await harm(app, cluster)
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.PROTECTED, "ProtectionConfigured")
    [instance] = app.instances(cluster)
    assert instance.properties["currentProtectionState"] == "ProtectionConfigured"
    assert app.told(cluster) == ["ClusterProtected", "DriftRepaired"]
    told = {entry.partition(": ")[0] for entry in app.topic.events[-1].data["repaired"]}
    assert told == steps
    before = len(app.writes())
    await app.look(cluster)
    assert len(app.writes()) == before
    assert app.told(cluster) == ["ClusterProtected", "DriftRepaired"]


async def test_a_deleted_instance_comes_back_with_its_recovery_points() -> None:
    """It is taken out of soft delete and resumed, not made anew."""
    app = App()
    cluster = await app.protect("shop")
    points = "Microsoft.DataProtection/backupVaults/backupInstances/recoveryPoints"
    before = {point.id for point in app.resources(points)}
    assert before
    await damage.instance_deleted(app, cluster)
    assert not app.resources(points)
    await app.look(cluster)
    assert before <= {point.id for point in app.resources(points)}


@pytest.mark.parametrize("harm", [damage.protection_stopped, damage.backups_suspended])
async def test_protection_stopped_by_hand_is_reported_and_not_undone(harm: Damage) -> None:
    """A person may have had a reason; whoever resumes it, the cluster is protected again."""
    app = App()
    cluster = await app.protect("shop")
    await harm(app, cluster)
    before = len(app.writes())
    row = await app.look(cluster, horizon=86400.0)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "ProtectionStopped", "cluster owner")
    assert len(app.writes()) == before
    assert app.told(cluster)[-1] == "ProtectionLost"


@pytest.mark.parametrize("harm", [damage.protection_stopped, damage.backups_suspended])
async def test_protection_stopped_by_hand_is_resumed_where_the_setting_says_so(harm: Damage) -> None:
    """AUTOPILOT_RESUME_STOPPED=on: the tag counts for more than the hand."""
    app = App(AUTOPILOT_RESUME_STOPPED="on")
    cluster = await app.protect("shop")
    await harm(app, cluster)
    row = await app.look(cluster)
    assert row.state is State.PROTECTED
    assert app.told(cluster)[-1] == "DriftRepaired"


async def test_a_repair_that_does_not_hold_is_given_up() -> None:
    """Three times within a day is enough; then somebody finds out who takes it away, and asks for another try."""
    app = App()
    cluster = await app.protect("shop")
    for _ in range(3):
        await damage.binding_deleted(app, cluster)
        assert (await app.look(cluster)).state is State.PROTECTED
    await damage.binding_deleted(app, cluster)
    before = len(app.writes())
    row = await app.look(cluster, horizon=3 * 86400.0)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "RepairDidNotHold", "operator")
    assert "trusted-access" in row.message
    assert len(app.writes()) == before
    assert app.told(cluster).count("ProtectionLost") == 1
    row = await app.look(cluster, "asked by somebody")
    assert row.state is State.PROTECTED


async def test_a_repair_that_held_for_a_day_is_forgotten() -> None:
    """Once a week for ever is no loop."""
    app = App()
    cluster = await app.protect("shop")
    for _ in range(6):
        await damage.binding_deleted(app, cluster)
        row = await app.look(cluster)
        assert row.state is State.PROTECTED
        app.step(7 * 86400.0)
    assert (await app.look(cluster)).life.repairs == {}


async def test_a_cluster_created_anew_under_its_old_id_is_protected_anew() -> None:
    """It has another identity: extension, binding and roles are made for it, and the instance is put again."""
    app = App()
    cluster = await app.protect("shop")
    before = (await app.row(cluster)).life.identity
    await app.do("DELETE", cluster)
    await app.cluster("shop", "gold")
    row = await app.look(cluster)
    assert row.state is State.PROTECTED
    assert row.life.identity not in ("", before)
    assert len(app.instances(cluster)) == 1
    assert app.topic.events[-1].data["repaired"] == ["cluster: created anew under the same id"]
    assert any("/backupInstances/" in write for write in app.writes()[-8:])
