from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.conftest import Start
from tests.local_azure.world import CLUSTER, GROUP, Reply, World, cluster_body, running

NODES = f"{SUBSCRIPTION}/resourceGroups/MC_rg_c1_westeurope"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"


@pytest.fixture
async def world(start: Start) -> AsyncIterator[World]:
    """A simulated Azure."""
    async with running(start) as world:
        yield world


def pool(**changes: Any) -> dict[str, Any]:
    """Properties with one pool of the given kind."""
    return {"agentPoolProfiles": [{"name": "nodepool1", "mode": "System", **changes}]}


async def test_a_cluster_is_created(world: World) -> None:
    """A PUT answers 201 and Creating; after the recorded time the cluster runs and has all that its creation adds."""
    created = await world.ask("PUT", CLUSTER, cluster_body(tags={"aks-backup": "gold"}))
    assert (created.status, created.body["properties"]["provisioningState"]) == (201, "Creating")
    assert int(created.headers["retry-after"]) >= 1
    assert (await world.ask("GET", created.operation)).body["status"] == "InProgress"
    await world.advance(300)
    status = await world.ask("GET", created.operation)
    assert (status.body["status"], "endTime" in status.body, "retry-after" in status.headers) == (
        "Succeeded",
        True,
        False,
    )
    cluster = (await world.ask("GET", CLUSTER)).body
    assert cluster["tags"] == {"aks-backup": "gold"}
    assert cluster["properties"]["provisioningState"] == "Succeeded"
    assert cluster["properties"]["identityProfile"]["kubeletidentity"]["objectId"]
    assert cluster["properties"]["storageProfile"]["diskCSIDriver"]["enabled"] is True
    group = await world.ask("GET", NODES)
    assert group.body["managedBy"] == CLUSTER


async def test_the_identity_is_known_to_the_directory(world: World) -> None:
    """The system-assigned identity can hold roles, and another cluster has another one."""
    first = (await world.cluster()).body["identity"]
    second = (await world.cluster(CLUSTER.replace("c1", "c2"))).body["identity"]
    assert first["principalId"] != second["principalId"]
    assert world.cloud.directory.get(first["principalId"]) is not None


async def test_a_user_assigned_identity_shows_its_ids(world: World) -> None:
    """`userAssignedIdentities` has the principal id of the identity's own resource."""
    principal = "11111111-2222-4333-8444-555555555555"
    await world.seed(IDENTITY, location="westeurope", properties={"principalId": principal, "clientId": principal})
    cluster = await world.cluster(identity={"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}})
    shown = cluster.body["identity"]["userAssignedIdentities"][IDENTITY]
    assert shown == {"clientId": principal, "principalId": principal}
    assert world.cloud.directory.get(principal) is not None


async def test_a_service_principal_cluster_has_no_identity(world: World) -> None:
    """The client id is shown, the secret isn't; a cluster with an identity shows msi in its place."""
    client = "99999999-2222-4333-8444-555555555555"
    asked = {"servicePrincipalProfile": {"clientId": client, "secret": "not for display"}}
    cluster = (await world.cluster(identity=None, properties=asked)).body
    assert "identity" not in cluster
    assert cluster["properties"]["servicePrincipalProfile"] == {"clientId": client}
    managed = (await world.cluster(CLUSTER.replace("c1", "c2"))).body
    assert managed["properties"]["servicePrincipalProfile"] == {"clientId": "msi"}


@pytest.mark.parametrize(
    ("properties", "os", "arm64"),
    [
        (pool(), "Linux", False),
        (pool(vmSize="Standard_D4ps_v5"), "Linux", True),
        (pool(vmSize="Standard_D4as_v5"), "Linux", False),
        (pool(vmSize="Standard_B2pts_v2"), "Linux", True),
        (pool(vmSize="Standard_NP10s"), "Linux", False),
    ],
)
async def test_pools_show_their_processor(world: World, properties: dict[str, Any], os: str, arm64: bool) -> None:
    """The node image tells Arm64 from x64, as the VM size decides it."""
    profile = (await world.cluster(properties=properties)).body["properties"]["agentPoolProfiles"][0]
    assert profile["osType"] == os
    assert ("arm64" in profile["nodeImageVersion"]) is arm64


async def test_stable_versions_have_no_preview_fields(world: World) -> None:
    """`controlPlanePluginProfiles` is shown in preview API versions only."""
    await world.cluster()
    stable = await world.ask("GET", CLUSTER, version="2024-09-01")
    preview = await world.ask("GET", CLUSTER, version="2024-07-02-preview")
    assert "controlPlanePluginProfiles" not in stable.body["properties"]
    assert "controlPlanePluginProfiles" in preview.body["properties"]


async def test_clusters_are_listed_by_subscription_and_group(world: World) -> None:
    """A group's list has only its own clusters; the subscription's has all."""
    other = f"{SUBSCRIPTION}/resourceGroups/other"
    await world.seed(other, location="westeurope", properties={"provisioningState": "Succeeded"})
    await world.cluster()
    await world.cluster(CLUSTER.replace("/rg/", "/other/").replace("c1", "c2"))
    path = "providers/Microsoft.ContainerService/managedClusters"
    everywhere = await world.ask("GET", f"{SUBSCRIPTION}/{path}")
    here = await world.ask("GET", f"{GROUP}/{path}")
    assert [item["name"] for item in everywhere.body["value"]] == ["c1", "c2"]
    assert [item["name"] for item in here.body["value"]] == ["c1"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"location": None}, "LocationRequired"),
        ({"location": "atlantis"}, "LocationNotAvailableForResourceType"),
        ({"identity": None}, "MissingIdentity"),
        ({"properties": {"agentPoolProfiles": []}}, "InvalidParameter"),
        ({"properties": pool(mode="User")}, "InvalidParameter"),
        ({"properties": pool(name="Nodepool")}, "InvalidParameter"),
        ({"properties": pool(osType="Windows")}, "InvalidParameter"),
        ({"properties": {"kubernetesVersion": "9.99"}}, "K8sVersionNotSupported"),
        ({"properties": {"kubernetesVersion": "newest"}}, "K8sVersionNotSupported"),
    ],
)
async def test_what_cannot_be_created(world: World, changes: dict[str, Any], code: str) -> None:
    """A request against the rules is refused with 400, and nothing is there afterwards."""
    refused = await world.ask("PUT", CLUSTER, cluster_body(**changes))
    assert (refused.status, refused.code) == (400, code)
    assert (await world.ask("GET", CLUSTER)).status == 404


async def test_a_name_has_to_follow_the_rules(world: World) -> None:
    """A name that ends with a dash is refused."""
    refused = await world.ask("PUT", CLUSTER.replace("c1", "c1-"), cluster_body())
    assert (refused.status, refused.code) == (400, "InvalidParameter")


EXCLUSIVE = [
    ("PUT", "", cluster_body()),
    ("PATCH", "", {"tags": {}}),
    ("DELETE", "", None),
    ("POST", "/start", None),
    ("POST", "/stop", None),
    ("PUT", "/agentPools/extra", {"properties": {"count": 1, "mode": "User"}}),
    (
        "PUT",
        "/trustedAccessRoleBindings/b1",
        {
            "properties": {
                "sourceResourceId": f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/v1",
                "roles": ["Microsoft.DataProtection/backupVaults/backup-operator"],
            },
        },
    ),
]


async def answers_to_all(world: World) -> list[Reply]:
    """What every write that changes a cluster is answered with at the moment."""
    await world.seed(f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/v1", location="westeurope")
    return [await world.ask(method, CLUSTER + path, body) for method, path, body in EXCLUSIVE]


async def test_writes_exclude_each_other_while_a_cluster_is_created(world: World) -> None:
    """Every other write on the cluster is a 409 until the creation has ended."""
    await world.ask("PUT", CLUSTER, cluster_body())
    answers = await answers_to_all(world)
    assert {(answer.status, answer.code) for answer in answers} == {(409, "OperationNotAllowed")}
    assert {"error" in answer.body for answer in answers} == {False}


@pytest.mark.parametrize(("method", "path", "body"), EXCLUSIVE[1:])
async def test_each_write_excludes_the_others(world: World, method: str, path: str, body: Any) -> None:
    """Whatever kind of write is under way, the others are refused, and accepted when it has ended."""
    await world.cluster()
    await world.seed(f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/v1", location="westeurope")
    started = await world.ask(method, CLUSTER + path, body)
    assert started.status in {200, 201, 202}
    assert {answer.status for answer in await answers_to_all(world)} == {409}
    await world.advance(300)
    assert (await world.ask("GET", started.operation)).body["status"] == "Succeeded"


async def test_stop_and_start(world: World) -> None:
    """A stopped cluster shows it, takes no update, and runs again after a start."""
    await world.cluster()
    stopping = await world.ask("POST", f"{CLUSTER}/stop")
    assert stopping.status == 202
    assert (await world.ask("GET", stopping.headers["location"])).status == 202
    await world.advance(300)
    assert (await world.ask("GET", stopping.headers["location"])).status == 204
    stopped = (await world.ask("GET", CLUSTER)).body["properties"]
    assert (stopped["powerState"], stopped["provisioningState"]) == ({"code": "Stopped"}, "Succeeded")
    assert {profile["powerState"]["code"] for profile in stopped["agentPoolProfiles"]} == {"Stopped"}
    refused = await world.ask("PUT", CLUSTER, cluster_body())
    assert (refused.status, refused.code) == (409, "OperationNotAllowed")
    await world.ask("POST", f"{CLUSTER}/start")
    await world.advance(300)
    assert (await world.ask("GET", CLUSTER)).body["properties"]["powerState"] == {"code": "Running"}


async def test_tags_by_patch_and_by_put(world: World) -> None:
    """PATCH replaces the tags; a PUT without tags removes them, as the tags of a PUT are the whole truth."""
    await world.cluster(tags={"a": "1"})
    patched = await world.ask("PATCH", CLUSTER, {"tags": {"b": "2"}})
    assert (patched.status, patched.body["tags"]) == (200, {"b": "2"})
    assert patched.body["properties"]["provisioningState"] == "Updating"
    await world.advance(120)
    await world.ask("PUT", CLUSTER, cluster_body())
    await world.advance(120)
    cluster = (await world.ask("GET", CLUSTER)).body
    assert "tags" not in cluster
    assert cluster["properties"]["provisioningState"] == "Succeeded"


async def test_tags_by_the_tags_api(world: World) -> None:
    """Tags written through Microsoft.Resources/tags are the cluster's own, also while it is stopped."""
    await world.cluster(tags={"a": "1"})
    body = {"operation": "Merge", "properties": {"tags": {"aks-backup": "gold"}}}
    merged = await world.ask("PATCH", f"{CLUSTER}/providers/Microsoft.Resources/tags/default", body)
    assert merged.status == 200
    assert (await world.ask("GET", CLUSTER)).body["tags"] == {"a": "1", "aks-backup": "gold"}


async def test_an_update_keeps_what_it_does_not_name(world: World) -> None:
    """A PUT changes what it has; identity, versions and pools that it leaves out stay."""
    before = (await world.cluster(properties={"kubernetesVersion": "1.30"})).body
    body = {"location": "westeurope", "properties": {"disableLocalAccounts": True}}
    updated = await world.ask("PUT", CLUSTER, body)
    assert (updated.status, updated.body["properties"]["provisioningState"]) == (200, "Updating")
    await world.advance(120)
    after = (await world.ask("GET", CLUSTER)).body
    assert after["properties"]["disableLocalAccounts"] is True
    for key in ("agentPoolProfiles", "currentKubernetesVersion", "fqdn", "nodeResourceGroup", "identityProfile"):
        assert after["properties"][key] == before["properties"][key]
    assert after["identity"] == before["identity"]


async def test_a_cluster_cannot_move(world: World) -> None:
    """A PUT with another region is a conflict."""
    await world.cluster()
    refused = await world.ask("PUT", CLUSTER, cluster_body(location="northeurope"))
    assert (refused.status, refused.code) == (409, "InvalidResourceLocation")


async def test_a_deleted_cluster_takes_everything_with_it(world: World) -> None:
    """Deletion is an operation; at its end the cluster, its children, its nodes' group and its identities are gone."""
    cluster = (await world.cluster()).body
    await world.seed(f"{CLUSTER}/trustedAccessRoleBindings/b1", properties={"provisioningState": "Succeeded"})
    deleting = await world.ask("DELETE", CLUSTER)
    assert deleting.status == 202
    assert (await world.ask("GET", CLUSTER)).body["properties"]["provisioningState"] == "Deleting"
    await world.advance(300)
    assert (await world.ask("GET", deleting.operation)).body["status"] == "Succeeded"
    assert (await world.ask("GET", CLUSTER)).code == "ResourceNotFound"
    assert (await world.ask("GET", NODES)).status == 404
    kubelet = cluster["properties"]["identityProfile"]["kubeletidentity"]["objectId"]
    for object_id in (cluster["identity"]["principalId"], kubelet):
        assert world.cloud.directory.get(object_id) is None
    assert (await world.ask("DELETE", CLUSTER)).status == 204


async def test_a_creation_can_be_ordered_to_fail(world: World) -> None:
    """A late failure shows in the operation and leaves the cluster Failed."""
    fault = {"match": {"method": "PUT", "path": "managedClusters"}, "action": "fail_late", "code": "QuotaExceeded"}
    await world.control("POST", "/faults", fault)
    created = await world.ask("PUT", CLUSTER, cluster_body())
    await world.advance(300)
    status = (await world.ask("GET", created.operation)).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "QuotaExceeded")
    assert (await world.ask("GET", CLUSTER)).body["properties"]["provisioningState"] == "Failed"


async def test_agent_pools(world: World) -> None:
    """Pools are added, changed, listed and removed as resources of their own; one of mode System must stay."""
    await world.cluster()
    extra = f"{CLUSTER}/agentPools/win"
    asked = {"properties": {"count": 2, "osType": "Windows", "mode": "User"}}
    added = await world.ask("PUT", extra, asked)
    assert (added.status, added.body["properties"]["provisioningState"]) == (201, "Creating")
    await world.advance(200)
    assert (await world.ask("GET", extra)).body["properties"]["osSKU"] == "Windows2022"
    changed = await world.ask("PUT", extra, {"properties": {"count": 3}})
    assert (changed.status, changed.body["properties"]["count"]) == (200, 3)
    assert changed.body["properties"]["osType"] == "Windows"
    await world.advance(200)
    assert (await world.ask("DELETE", extra)).status == 202
    await world.advance(200)
    listed = await world.ask("GET", f"{CLUSTER}/agentPools")
    assert [item["name"] for item in listed.body["value"]] == ["nodepool1"]
    last = await world.ask("DELETE", f"{CLUSTER}/agentPools/nodepool1")
    assert (last.status, last.code) == (400, "OperationNotAllowed")
    absent = await world.ask("GET", extra)
    assert (absent.status, absent.body["subcode"]) == (404, "GetAgentPool_NotFound")


async def test_the_app_may_only_look(world: World) -> None:
    """The app's role allows reading a cluster, and neither changing nor deleting it."""
    await world.cluster()
    assert (await world.ask("GET", CLUSTER, caller="app")).status == 200
    for method, body in (("PUT", cluster_body()), ("DELETE", None)):
        refused = await world.ask(method, CLUSTER, body, caller="app")
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")


@pytest.mark.parametrize("version", ["2024-9-1", "1999-01-01", "latest"])
async def test_versions_that_do_not_exist(world: World, version: str) -> None:
    """An api-version that never was is refused."""
    refused = await world.ask("GET", CLUSTER, version=version)
    assert (refused.status, refused.code) == (400, "InvalidApiVersionParameter")


async def test_an_upgrade_takes_its_time(world: World) -> None:
    """The cluster is Upgrading and runs the old version until the end; meanwhile it takes no other write."""
    await world.cluster(properties={"kubernetesVersion": "1.30"})
    body = cluster_body(properties={"kubernetesVersion": "1.31"})
    started = await world.ask("PUT", CLUSTER, body)
    inner = started.body["properties"]
    assert (started.status, inner["provisioningState"]) == (200, "Upgrading")
    assert (inner["kubernetesVersion"], inner["currentKubernetesVersion"]) == ("1.31", "1.30.3")
    refused = await world.ask("PATCH", CLUSTER, {"tags": {"a": "b"}})
    assert refused.code == "OperationNotAllowed"
    assert "(Upgrading)" in refused.body["message"]
    await world.advance(901)
    inner = (await world.ask("GET", CLUSTER)).body["properties"]
    assert (inner["provisioningState"], inner["currentKubernetesVersion"]) == ("Succeeded", "1.31.5")
    assert (await world.ask("PUT", CLUSTER, body)).body["properties"]["provisioningState"] == "Updating"


async def test_a_failed_upgrade_leaves_the_version(world: World) -> None:
    """Ordered, it ends in the state Failed."""
    await world.cluster(properties={"kubernetesVersion": "1.30"})
    await world.control(
        "POST", "/faults", {"match": {"method": "PUT"}, "action": "fail_late", "code": "UpgradeFailed", "message": "no"}
    )
    await world.ask("PUT", CLUSTER, cluster_body(properties={"kubernetesVersion": "1.31"}))
    await world.advance(901)
    inner = (await world.ask("GET", CLUSTER)).body["properties"]
    assert (inner["provisioningState"], inner["currentKubernetesVersion"]) == ("Failed", "1.30.3")


@pytest.mark.parametrize("version", ["1.29", "1.30.1", "1.32", "1.34.1"])
async def test_versions_go_up_one_by_one(world: World, version: str) -> None:
    """There is no way back, and no minor version is skipped."""
    await world.cluster(properties={"kubernetesVersion": "1.30"})
    refused = await world.ask("PUT", CLUSTER, cluster_body(properties={"kubernetesVersion": version}))
    assert (refused.status, refused.code) == (400, "OperationNotAllowed")
    assert (await world.ask("GET", CLUSTER)).body["properties"]["kubernetesVersion"] == "1.30"


async def test_drivers_can_be_switched_on_and_off(world: World) -> None:
    """The storage profile of a PUT is merged with the one that is there."""
    await world.cluster()
    off = {"storageProfile": {"snapshotController": {"enabled": False}}}
    shown = (await world.ask("PUT", CLUSTER, cluster_body(properties=off))).body["properties"]["storageProfile"]
    assert (shown["snapshotController"]["enabled"], shown["diskCSIDriver"]["enabled"]) == (False, True)
    await world.advance(91)
    on = {"storageProfile": {"snapshotController": {"enabled": True}}}
    shown = (await world.ask("PUT", CLUSTER, cluster_body(properties=on))).body["properties"]["storageProfile"]
    assert shown["snapshotController"]["enabled"] is True


async def test_a_cluster_of_the_same_name_is_another_one(world: World) -> None:
    """Deleted and made again under one id: another identity, another uid, events of both.

    Recorded clusters have no systemData, so there is no time of creation to compare.
    """
    first = (await world.cluster()).body
    assert (await world.ask("DELETE", CLUSTER)).status == 202
    await world.advance(241)
    assert (await world.ask("GET", CLUSTER)).code == "ResourceNotFound"
    second = (await world.cluster()).body
    assert second["id"] == first["id"]
    assert second["identity"]["principalId"] != first["identity"]["principalId"]
    assert second["properties"]["resourceUID"] != first["properties"]["resourceUID"]
    events = [entry["event"] for entry in (await world.control("GET", "/events"))["events"]]
    assert [event["data"]["operationName"].rsplit("/", 1)[-1] for event in events if event["subject"] == CLUSTER] == [
        "write",
        "delete",
        "write",
    ]
