"""Protection that others made: used where it serves, watched, and never changed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest

from shared.fleet.records import State
from tests.fleet import damage
from tests.fleet.app import SUBSCRIPTION, App

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-theirs"
_VAULT: Final = f"{_GROUP}/providers/Microsoft.DataProtection/backupVaults/theirs"
_KINDS: Final = (
    "Microsoft.DataProtection/backupVaults/backupInstances",
    "Microsoft.KubernetesConfiguration/extensions",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings",
)


def their_instance(app: App, cluster: str, state: str = "ProtectionConfigured", name: str = "by-terraform") -> str:
    """A backup instance of somebody else's, in a vault of theirs; its id."""
    app.cloud.seed(_GROUP, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    app.cloud.seed(_VAULT, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    kind = "Microsoft.ContainerService/managedClusters"
    properties = {
        "dataSourceInfo": {"resourceID": cluster, "datasourceType": kind, "objectType": "Datasource"},
        "policyInfo": {"policyId": f"{_VAULT}/backupPolicies/{name}"},
        "currentProtectionState": state,
        "provisioningState": "Succeeded",
    }
    app.cloud.seed(f"{_VAULT}/backupInstances/{name}", {"properties": properties})
    return f"{_VAULT}/backupInstances/{name}"


def everything(app: App) -> Mapping[str, Any]:
    """Bodies of all resources by id, as they stand."""
    return {item.id: copy.deepcopy(item.body) for item in app.cloud.store.within("")}


@pytest.mark.parametrize("tag", ["gold", "external"])
async def test_a_cluster_that_others_protect_is_watched_and_nothing_is_made_for_it(tag: str) -> None:
    """Their instance serves, under any name and in any vault: Protected, by others, and not one write."""
    app = App()
    cluster = await app.cluster("shop", tag)
    instance = their_instance(app, cluster)
    before = everything(app)
    row = await app.look(cluster, horizon=86400.0)
    assert (row.state, row.reason) == (State.PROTECTED, "ExternallyProtected")
    assert row.life.external == [instance]
    assert instance in row.message
    assert (app.writes(), app.protected) == ([], [])
    assert everything(app) == before


@pytest.mark.parametrize(
    ("state", "reason"), [("ProtectionStopped", "ExternalProtectionBroken"), ("", "ExternalProtectionMissing")]
)
async def test_the_tag_external_asks_for_watching_only(state: str, reason: str) -> None:
    """What doesn't protect the cluster is told to its owner, and nothing is made in its place."""
    app = App()
    cluster = await app.cluster("shop", "external")
    if state:
        their_instance(app, cluster, state)
    row = await app.look(cluster)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, reason, "cluster owner")
    assert app.writes() == []
    their_instance(app, cluster, "ProtectionConfigured")
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.PROTECTED, "ExternallyProtected")


async def test_an_instance_of_others_that_does_not_serve_is_left_alone_beside_ours() -> None:
    """Azure allows several instances with different vaults; theirs stays as it is, byte for byte."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    instance = their_instance(app, cluster, "ProtectionStopped")
    before = copy.deepcopy(everything(app)[instance])
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.PROTECTED, "ProtectionConfigured")
    assert len(app.instances(cluster)) == 2
    assert everything(app)[instance] == before


async def test_ours_goes_on_beside_one_that_others_add() -> None:
    """Several instances of a cluster are understood: ours is as wanted, theirs is noted."""
    app = App()
    cluster = await app.protect("shop")
    instance = their_instance(app, cluster)
    before = len(app.writes())
    row = await app.look(cluster)
    assert (row.reason, row.life.external) == ("ProtectionConfigured", [instance])
    assert len(app.writes()) == before


async def test_when_the_protection_of_others_goes_ours_takes_its_place() -> None:
    """The tag still says gold."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    instance = their_instance(app, cluster)
    assert (await app.look(cluster)).reason == "ExternallyProtected"
    app.cloud.remove(instance, app.cloud.clock.now())
    row = await app.look(cluster)
    assert (row.reason, row.life.external) == ("ProtectionConfigured", [])


async def test_external_after_ours_leaves_ours_as_it_is() -> None:
    """Watching only means that: our instance goes on and counts like any other."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster, aks_backup="external")
    before = len(app.writes())
    row = await app.look(cluster, horizon=30 * 86400.0)
    assert (row.state, row.reason) == (State.PROTECTED, "ExternallyProtected")
    assert len(app.writes()) == before


async def test_a_binding_of_others_that_serves_is_used() -> None:
    """Somebody bound the vault under another name: there is no second binding."""
    app = App()
    cluster = await app.protect("shop")
    [binding] = app.resources(_KINDS[3], cluster)
    theirs = f"{cluster}/trustedAccessRoleBindings/by-hand"
    body = copy.deepcopy(binding.body["properties"])
    await damage.binding_deleted(app, cluster)
    app.cloud.seed(theirs, {"properties": body})
    row = await app.look(cluster)
    assert row.state is State.PROTECTED
    assert [item.id for item in app.resources(_KINDS[3], cluster)] == [theirs]
