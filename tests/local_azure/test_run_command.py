"""Commands that run in a cluster: who may, when, and what they tell of its volumes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from local.azure.container_service.run_command import MOST_OUTPUT
from local.azure.options import REPOSITORY
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.world import CLUSTER, Reply, World, running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.local_azure.conftest import Start

_VOLUMES = "kubectl get pv,pvc,sc -o json"
_ROLE = REPOSITORY / "infra" / "role-run-command.json"


@pytest_asyncio.fixture
async def world(start: Start) -> AsyncGenerator[World]:
    """A cluster, and an app that may run commands."""
    async with running(start, further_role_files=(_ROLE,)) as world:
        await world.cluster()
        yield world


async def _start(world: World, command: Any = _VOLUMES, *, caller: str = "app", **body: Any) -> Reply:
    return await world.ask(
        "POST", f"{CLUSTER}/runCommand", {"command": command, "context": "", "clusterToken": "", **body}, caller=caller
    )


async def _run(world: World, command: str = _VOLUMES) -> dict[str, Any]:
    """Run a command to its end; the properties of its result."""
    accepted = await _start(world, command)
    assert accepted.status == 202, accepted
    await world.advance(21)
    done = await world.ask("GET", accepted.headers["location"], caller="app")
    assert done.status == 200, done
    found: dict[str, Any] = done.body["properties"]
    return found


async def _items(world: World, command: str = _VOLUMES) -> list[dict[str, Any]]:
    result = await _run(world, command)
    assert (result["provisioningState"], result["exitCode"]) == ("succeeded", 0)
    items: list[dict[str, Any]] = json.loads(result["logs"])["items"]
    return items


async def test_a_command_takes_its_time(world: World) -> None:
    """202 with a Location and Retry-After until it is done, then the result, again and again."""
    accepted = await _start(world)
    where = accepted.headers["location"]
    assert (accepted.status, "/commandResults/" in where, accepted.body) == (202, True, "")
    running_still = await world.ask("GET", where, caller="app")
    assert (running_still.status, running_still.headers["Retry-After"]) == (202, "5")
    await world.advance(21)
    done, again = await world.ask("GET", where, caller="app"), await world.ask("GET", where, caller="app")
    assert done.status == 200
    assert done.body == again.body
    assert done.body["id"] == where.partition("?")[0].rsplit("/", 1)[-1]
    assert done.body["properties"]["startedAt"] < done.body["properties"]["finishedAt"]
    asked = await world.control("GET", f"/requests?principal={world.cloud.app.object_id}")
    kinds = [one["kind"] for one in asked]
    assert kinds == ["write", "poll", "poll", "poll"]


async def test_the_app_may_not_unless_it_is_let(start: Start) -> None:
    """Neither start a command nor read a result: the role for it is a separate one."""
    async with running(start) as world:
        await world.cluster()
        assert (await _start(world)).code == "AuthorizationFailed"
        accepted = await _start(world, caller="owner")
        assert (await world.ask("GET", accepted.headers["location"], caller="app")).code == "AuthorizationFailed"
        actions = json.loads(_ROLE.read_text(encoding="utf-8"))["actions"]
        usual = json.loads((REPOSITORY / "infra" / "role.json").read_text(encoding="utf-8"))["actions"]
        assert not {action.lower() for action in actions} & {action.lower() for action in usual}


async def test_volumes_are_those_of_the_disks_and_those_told(world: World) -> None:
    """Each with its claim; file shares, NFS and host paths can be told."""
    group = f"{SUBSCRIPTION}/resourceGroups/MC_rg_c1_westeurope"
    disk = f"{group}/providers/Microsoft.Compute/disks/pvc-1"
    tags = {"kubernetes.io-created-for-pvc-name": "data", "kubernetes.io-created-for-pvc-namespace": "shop"}
    await world.seed(disk, tags=tags, sku={"name": "Premium_LRS"}, properties={"diskSizeGB": 64})
    await world.seed(f"{group}/providers/Microsoft.Compute/disks/os", properties={"diskSizeGB": 128})
    told = [
        {"name": "pvc-2", "claim": "share", "source": "file.csi.azure.com", "storage_class": "azurefile-csi"},
        {"name": "n", "claim": "nfs", "source": "nfs", "handle": "10.0.0.4:/exports"},
        {"name": "h", "claim": "host", "source": "hostPath", "handle": "/mnt"},
    ]
    assert await world.control("PUT", "/volumes", {"cluster": CLUSTER, "volumes": told}) == {"count": 3}
    items = await _items(world)
    volumes = {item["metadata"]["name"]: item["spec"] for item in items if item["kind"] == "PersistentVolume"}
    assert volumes["pvc-1"]["csi"] == {"driver": "disk.csi.azure.com", "volumeHandle": disk}
    assert (volumes["pvc-1"]["capacity"]["storage"], volumes["pvc-1"]["storageClassName"]) == (
        "64Gi",
        "managed-csi-premium",
    )
    assert volumes["pvc-2"]["csi"]["driver"] == "file.csi.azure.com"
    assert volumes["n"]["nfs"] == {"server": "10.0.0.4", "path": "/exports"}
    assert volumes["h"]["hostPath"]["path"] == "/mnt"
    claims = {item["metadata"]["name"]: item for item in items if item["kind"] == "PersistentVolumeClaim"}
    assert (claims["data"]["metadata"]["namespace"], claims["data"]["spec"]["volumeName"]) == ("shop", "pvc-1")
    assert {item["metadata"]["name"] for item in items if item["kind"] == "StorageClass"} >= {"managed-csi", "default"}


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        ("kubectl get pv -o json", {"PersistentVolume"}),
        ("kubectl get pvc --all-namespaces --output=json", {"PersistentVolumeClaim"}),
        ("kubectl  get -A -ojson storageclasses", {"StorageClass"}),
        ("kubectl get pv,pvc -A -o=json", {"PersistentVolume", "PersistentVolumeClaim"}),
    ],
)
async def test_a_command_may_ask_for_a_part(world: World, command: str, kinds: set[str]) -> None:
    """In any of kubectl's spellings."""
    await world.control("PUT", "/volumes", {"cluster": CLUSTER, "volumes": [{"name": "a", "claim": "b"}]})
    assert {item["kind"] for item in await _items(world, command)} == kinds


async def test_classes_are_those_of_the_enabled_drivers(world: World) -> None:
    """A cluster without the file driver has no class of file shares."""
    cluster = world.cloud.store.get(CLUSTER)
    assert cluster
    cluster.properties["storageProfile"]["fileCSIDriver"] = {"enabled": False}
    provisioners = {item["provisioner"] for item in await _items(world, "kubectl get sc -o json")}
    assert provisioners == {"disk.csi.azure.com"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("helm ls", 127),
        ("kubectl get secrets -A -o json", 1),
        ("kubectl delete pv -o json", 1),
        ("kubectl get pv", 1),
        ("kubectl get pv,pvc -o yaml", 1),
        ("kubectl get 'pv", 2),
    ],
)
async def test_other_commands_fail(world: World, command: str, code: int) -> None:
    """With an exit code; run command itself has succeeded."""
    result = await _run(world, command)
    assert (result["provisioningState"], result["exitCode"]) == ("succeeded", code)


async def test_output_is_whatever_runs_in_the_cluster_prints(world: World) -> None:
    """It can be nonsense, an error, or too much: then it is cut off."""
    await world.control("PUT", "/volumes", {"cluster": CLUSTER, "output": "no route to host", "exitCode": 1})
    assert await _run(world) | {"startedAt": "", "finishedAt": ""} == {
        "provisioningState": "succeeded",
        "exitCode": 1,
        "startedAt": "",
        "finishedAt": "",
        "logs": "no route to host",
    }
    await world.control("PUT", "/volumes", {"cluster": CLUSTER, "output": "x" * (MOST_OUTPUT + 1)})
    assert len((await _run(world))["logs"].encode()) == MOST_OUTPUT
    assert "error" in await world.control("PUT", "/volumes", {"cluster": f"{CLUSTER}2"})
    assert "error" in await world.control("PUT", "/volumes", {"cluster": CLUSTER, "volumes": [{"nme": "a"}]})


async def test_a_command_that_cannot_run_has_a_reason(world: World) -> None:
    """Ordered, or because the cluster stopped meanwhile."""
    order = {"match": {"path": "runCommand$"}, "action": "fail_late", "code": "X", "message": "ImagePullBackOff"}
    await world.control("POST", "/faults", order)
    result = await _run(world)
    assert (result["provisioningState"], result["reason"]) == ("failed", "ImagePullBackOff")
    accepted = await _start(world)
    assert (await world.ask("POST", f"{CLUSTER}/stop")).status == 202
    await world.advance(151)
    done = await world.ask("GET", accepted.headers["location"])
    assert done.body["properties"]["provisioningState"] == "failed"
    assert "stopped" in done.body["properties"]["reason"]
    assert (await _start(world)).code == "OperationNotAllowed"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"apiServerAccessProfile": {"disableRunCommand": True}}, "OperationNotAllowed"),
        ({"aadProfile": {"managed": True}}, "InvalidParameter"),
        ({"apiServerAccessProfile": {"enablePrivateCluster": True}}, None),
    ],
)
async def test_a_cluster_can_refuse_commands(world: World, properties: dict[str, Any], code: str | None) -> None:
    """Where they are disabled or need a token; a private cluster takes them."""
    cluster = world.cloud.store.get(CLUSTER)
    assert cluster
    cluster.properties.update(properties)
    answer = await _start(world)
    if code:
        assert answer.code == code
    else:
        assert answer.status == 202
    if "aadProfile" in properties:
        assert (await _start(world, clusterToken="t")).status == 202


async def test_what_is_no_command_is_refused(world: World) -> None:
    """Nothing to run, no such cluster, no such result, or another cluster's."""
    assert (await _start(world, "")).code == "InvalidParameter"
    assert (await _start(world, 7)).code == "InvalidParameter"
    assert (await world.ask("POST", f"{CLUSTER}2/runCommand", {"command": _VOLUMES})).code == "ResourceNotFound"
    assert (await world.ask("GET", f"{CLUSTER}/commandResults/none")).code == "NotFound"
    accepted = await _start(world)
    await world.cluster(f"{CLUSTER}2")
    elsewhere = accepted.headers["location"].replace("/c1/", "/c12/")
    assert (await world.ask("GET", elsewhere)).code == "NotFound"
