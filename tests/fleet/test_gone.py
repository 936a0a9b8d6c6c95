"""Clusters that are gone, elsewhere, stopped or broken: nothing of their backups is deleted, and the row says why."""

from __future__ import annotations

from typing import Final

import pytest

from local.azure.hierarchy import ManagementGroup
from shared.fleet.records import State
from tests.fleet.app import SUBSCRIPTION, App
from tests.fleet.damage import backup_group
from tests.fleet.test_places import GROUP

_POINTS: Final = "Microsoft.DataProtection/backupVaults/backupInstances/recoveryPoints"


async def test_a_deleted_cluster_leaves_its_backups_and_a_list_of_them() -> None:
    """Orphaned: the instance and its points stay, container and snapshots are listed, the event says so once."""
    app = App()
    cluster = await app.protect("shop")
    group = backup_group(app, cluster)
    snapshot = f"{group}/providers/Microsoft.Compute/snapshots/snapshot-1"
    app.cloud.seed(snapshot, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    points = [point.id for point in app.resources(_POINTS)]
    await app.do("DELETE", cluster)
    before = len(app.writes())
    for _ in range(2):
        row = await app.look(cluster, horizon=86400.0)
    assert (row.state, row.reason, row.policy) == (State.ORPHANED, "ClusterDeleted", "gold")
    assert snapshot in row.life.leftovers
    assert any("/blobServices/default/containers/" in left for left in row.life.leftovers)
    assert [point.id for point in app.resources(_POINTS)] == points
    assert len(app.writes()) == before
    assert app.told(cluster) == ["ClusterProtected", "ClusterOrphaned"]
    data = app.topic.events[-1].data
    assert data["backupInstanceId"] == app.instances(cluster)[0].id
    assert data["leftovers"] == row.life.leftovers


async def test_a_cluster_that_was_never_protected_leaves_nothing() -> None:
    """It is only gone."""
    app = App()
    cluster = await app.cluster("shop")
    await app.do("DELETE", cluster)
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.RELEASED, "ClusterNotFound")
    assert app.told(cluster) == []


async def test_an_orphan_that_is_created_anew_is_protected_anew() -> None:
    """With the instance that kept its recovery points."""
    app = App()
    cluster = await app.protect("shop")
    await app.do("DELETE", cluster)
    assert (await app.look(cluster)).state is State.ORPHANED
    await app.cluster("shop", "gold")
    row = await app.look(cluster)
    assert (row.state, row.life.leftovers, row.life.gone) == (State.PROTECTED, [], 0.0)
    assert len(app.instances(cluster)) == 1
    assert app.told(cluster) == ["ClusterProtected", "ClusterOrphaned", "DriftRepaired", "ClusterProtected"]


@pytest.mark.parametrize(("named", "group"), [(SUBSCRIPTION, ""), ("", "mg-platform")])
async def test_a_cluster_that_moved_is_found_by_its_identity(named: str, group: str) -> None:
    """It waits a day with the new id as its reason; then the old id is an orphan, and says where the cluster went."""
    app = App(AUTOPILOT_SUBSCRIPTIONS=named, AUTOPILOT_MANAGEMENT_GROUPS=group)
    [role] = app.cloud.roles.named("AKS Backup Autopilot")
    app.cloud.arrange((ManagementGroup("mg-platform", "Platform", subscriptions=(SUBSCRIPTION,)),))
    app.cloud.assign(app.cloud.app, role, GROUP)
    cluster = await app.protect("shop")
    body = app.cloud.store.get(cluster)
    assert body is not None
    elsewhere = cluster.replace("rg-apps", "rg-moved")
    app.cloud.seed(elsewhere.split("/providers/")[0], {"location": "westeurope", "properties": {}})
    app.cloud.seed(elsewhere, {key: body.body[key] for key in ("location", "identity", "properties", "tags")})
    app.cloud.remove(cluster, app.cloud.clock.now())
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.WAITING, "ClusterMoved")
    assert elsewhere in row.message
    await app.settle(2 * 86400.0)
    row = await app.row(cluster)
    assert (row.state, row.reason) == (State.ORPHANED, "ClusterMoved")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"powerState": {"code": "Stopped"}}, "ClusterStopped"),
        ({"provisioningState": "Upgrading"}, "ClusterUpdating"),
        ({"provisioningState": "Failed"}, "ClusterFailed"),
    ],
)
async def test_a_cluster_that_cannot_be_worked_on_waits_with_a_reason(
    properties: dict[str, object], reason: str
) -> None:
    """For weeks if need be; when it is well again it is protected again, without a write in between."""
    app = App()
    cluster = await app.protect("shop")
    resource = app.cloud.store.get(cluster)
    assert resource is not None
    well = {name: resource.properties[name] for name in properties}
    resource.properties.update(properties)
    before = len(app.writes())
    row = await app.look(cluster, horizon=3 * 3600.0)
    assert (row.state, row.reason) == (State.WAITING, reason)
    resource.properties.update(well)
    row = await app.look(cluster)
    assert (row.state, len(app.writes())) == (State.PROTECTED, before)
