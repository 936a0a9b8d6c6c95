"""The cluster's own list of volumes: asked only where that is switched on, and not believed further than it reads."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ArmError
from shared.readiness.model import Status, Verdict
from shared.readiness.service import Checker
from shared.readiness.volumes import COMMAND, LARGEST, Volume, read_volumes
from tests.shared.readiness.protected import CLUSTER, troubles

if TYPE_CHECKING:
    from shared.readiness.service import Checked
    from tests.shared.readiness.protected import Protected


def _printed(*items: Any) -> dict[str, Any]:
    return {"provisioningState": "succeeded", "exitCode": 0, "logs": json.dumps({"kind": "List", "items": items})}


def _item(claim: object = "data", namespace: object = "shop", **source: Any) -> dict[str, Any]:
    return {"spec": {"claimRef": {"name": claim, "namespace": namespace}, **source}}


def test_volumes_are_read_with_what_is_behind_them() -> None:
    """A driver, or a source of Kubernetes' own; one that no claim is bound to isn't anybody's data."""
    disk, share = {"driver": "disk.csi.azure.com"}, {"driver": "file.csi.azure.com"}
    items: tuple[Any, ...] = (
        _item(csi=disk),
        _item("logs", csi=share),
        _item("old", nfs={"server": "s", "path": "/"}),
        {"spec": {}},
    )
    assert read_volumes(_printed(*items)) == (
        Volume("data", "shop", "disk.csi.azure.com"),
        Volume("logs", "shop", "file.csi.azure.com"),
        Volume("old", "shop", "nfs"),
    )


def test_names_that_kubernetes_would_not_allow_are_none() -> None:
    """Whoever can write into a cluster can't write a line, a link or a command into a message."""
    hostile = ("a\nb", "<script>", "x" * 300, "", "$(id)", "\u202eevil", "UPPER")
    items = [_item(name, csi={"driver": "disk.csi.azure.com"}) for name in hostile]
    assert read_volumes(_printed(*items)) == ()
    (found,) = read_volumes(_printed(_item(csi={"driver": "evil\ndriver"})))
    assert found.kind == "unknown"


@given(logs=st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_printed_it_is_read_or_refused(logs: str) -> None:
    """No output breaks the check, and none of these holds a volume."""
    try:
        found = read_volumes({"provisioningState": "succeeded", "exitCode": 0, "logs": logs})
    except ArmError as error:
        found = ()
        code = error.code
    else:
        code = ""
    assert (found, code) in {((), ""), ((), "OutputUnreadable")}


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"provisioningState": "succeeded", "exitCode": 1, "logs": "error: no"}, "RunCommandFailed"),
        ({"provisioningState": "failed", "reason": "no pod"}, "RunCommandFailed"),
        ({}, "RunCommandFailed"),
        ({"provisioningState": "succeeded", "exitCode": 0, "logs": "[" * 100_000}, "OutputUnreadable"),
        ({"provisioningState": "succeeded", "exitCode": 0, "logs": "x" * LARGEST}, "OutputTooLarge"),
    ],
)
def test_a_command_that_failed_says_nothing(result: dict[str, Any], code: str) -> None:
    """Another exit code, a failed pod, an endless or a cut output: unknown, not empty."""
    with pytest.raises(ArmError) as caught:
        read_volumes(result)
    assert caught.value.code == code


def _switched_on(world: Protected) -> None:
    checker = world.checker
    settings = checker.settings._replace(run_command=True)
    world.checker = Checker(settings, checker.catalog, checker.policies, checker.door, checker.recall)


async def _asked(world: Protected) -> Checked:
    """Check with volumes; virtual time goes on meanwhile, since the command takes some."""
    check = asyncio.create_task(world.check(volumes=True))
    while not check.done():
        await world.step(5)
        await asyncio.wait([check], timeout=0.2)
    return check.result()


async def test_the_cluster_is_not_asked_where_that_is_off(world: Protected) -> None:
    """Nothing runs in it, and the answer says why the volumes aren't known."""
    readiness = (await world.check(volumes=True)).readiness
    assert troubles(readiness) == {"volumes-in-cluster": "RunCommandOff"}
    assert readiness.verdict is Verdict.AT_RISK
    sent = await world.azure.control("GET", "/requests?kind=write")
    assert not [entry for entry in sent if "runCommand" in entry["path"]]


async def test_without_the_role_of_its_own_azure_refuses(world: Protected) -> None:
    """The setting alone gives no right."""
    _switched_on(world)
    assert troubles((await _asked(world)).readiness) == {"volumes-in-cluster": "AuthorizationFailed"}


async def test_volumes_that_are_left_out_are_named(world: Protected) -> None:
    """With the setting and the role: disks pass, a share is named."""
    _switched_on(world)
    owner = world.azure.cloud.roles.get("8e3af657-a8ff-443c-a75c-2fe8c4bcb635")
    assert owner
    world.azure.cloud.assign(world.azure.cloud.app, owner, CLUSTER)
    assert troubles((await _asked(world)).readiness) == {}
    share = {"name": "pv-2", "claim": "files", "namespace": "shop", "source": "file.csi.azure.com"}
    await world.azure.control("PUT", "/volumes", {"cluster": CLUSTER, "volumes": [share]})
    checked = await _asked(world)
    (found,) = (check for check in checked.checks if check.id == "volumes-in-cluster")
    assert (found.status, found.evidence["leftOut"]) == (Status.WARN, ["shop/files (file.csi.azure.com)"])
    assert COMMAND == "kubectl get pv -o json"
