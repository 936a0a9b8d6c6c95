"""What restores are for: the cluster is gone, or everything around it, and another one is there to take its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.arm.ids import ClusterId
from shared.readiness import deep
from shared.readiness.ask import VAULT, Ask
from shared.readiness.drafting import Undrafted, draft
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Status, Verdict
from shared.readiness.request import RestoreRequest
from shared.readiness.service import Checker, UnknownCluster, recall_nothing
from tests.local_azure.restoring import STAGING, STAGING_ACCOUNT, give, place_staging, staging_grants_of
from tests.shared.readiness.protected import CLUSTER, TARGET

if TYPE_CHECKING:
    from shared.readiness.service import Checked
    from tests.shared.readiness.protected import Protected

_TARGET = ClusterId.parse(TARGET)
_STAGED = {"tier": VAULT, "staging_group": STAGING, "staging_account": STAGING_ACCOUNT}


async def _validated(world: Protected, checked: Checked) -> Validated:
    request = draft(checked.facts)
    assert isinstance(request, RestoreRequest)
    begun = await deep.begin(world.door, request)
    assert isinstance(begun, Validating)
    await world.step(42)
    ended = await deep.look(world.door, begun)
    assert ended is not None
    return ended


def _deciding(checked: Checked) -> set[str]:
    bad = (Status.FAIL, Status.UNKNOWN)
    return {check.id for check in checked.readiness.checks if check.decides and check.status in bad}


async def test_a_deleted_cluster_is_restored_to_another_one(world: Protected) -> None:
    """Its instance and points are still there; Azure agrees. To itself it can't be restored."""
    world.azure.cloud.remove(CLUSTER, world.azure.cloud.clock.now())
    checked = await world.check(target=_TARGET)
    assert _deciding(checked) == set()
    assert checked.readiness.verdict is Verdict.AT_RISK
    assert (await _validated(world, checked)).passed
    alone = await world.check()
    assert alone.readiness.verdict is Verdict.NOT_READY
    undrafted = draft(alone.facts)
    assert isinstance(undrafted, Undrafted)
    assert undrafted.reason == "ClusterMissing"


async def test_it_is_found_without_the_apps_tables(world: Protected) -> None:
    """By Resource Graph; a cluster that nobody ever protected stays unknown."""
    world.azure.cloud.remove(CLUSTER, world.azure.cloud.clock.now())
    usual = world.checker
    shell = Checker(usual.settings, usual.catalog, usual.policies, usual.door, recall_nothing)
    for cluster, kind in ((CLUSTER, RestoreRequest), (CLUSTER.replace("shop", "nobody"), None)):
        checked = await shell.check(ClusterId.parse(cluster), Ask(target=_TARGET))
        if kind is None:
            assert isinstance(checked, UnknownCluster)
        else:
            assert not isinstance(checked, UnknownCluster)
            assert isinstance(draft(checked.facts), kind)


async def test_the_vault_needs_nothing_of_the_operators_own(world: Protected) -> None:
    """Cluster, snapshots and account are gone: the vault restores to another cluster, and the checks say so."""
    cloud = world.azure.cloud
    place_staging(cloud)
    body = world.body(f"{TARGET}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup")
    vault, cluster = (world.body(one)["identity"]["principalId"] for one in (world.desired.vault, TARGET))
    give(cloud, *staging_grants_of(vault, cluster, body["properties"]["aksAssignedIdentity"]["principalId"]))
    for gone in (CLUSTER, world.desired.group):
        cloud.remove(gone, cloud.clock.now())
    checked = await world.check(target=_TARGET, **_STAGED)
    assert _deciding(checked) == set()
    assert checked.readiness.verdict is Verdict.AT_RISK
    assert (await _validated(world, checked)).passed
    snapshots = await world.check(target=_TARGET)
    assert {"snapshot-group", "storage-account"} <= _deciding(snapshots)
    assert not (await _validated(world, snapshots)).passed
