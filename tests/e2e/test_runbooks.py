"""The Python runbook against the running app, and the night that the fleet's readiness is kept in."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import ROOT, cluster_id
from tests.e2e.azure_view import ROLES_API
from tests.e2e.watched import Watched, path_of, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_BLOB_CONTRIBUTOR: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_WELL: Final = cluster_id("well", "rg-fleet")
_SICK: Final = cluster_id("sick", "rg-fleet")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """Two protected clusters with a backup each; the extension of one has lost its role."""
    async with watched(tmp_path_factory.mktemp("runbooks"), {"AUTOPILOT_DEEP_CHECK_SHARE": "1"}) as running:
        await running.protect("plain", "well", "sick")
        await asyncio.gather(*(running.finished(cluster) for cluster in (_WELL, _SICK)))
        await running.sweep()
        await _take_role(running, _SICK)
        yield running


async def _take_role(fleet: Watched, cluster: str) -> None:
    """Delete the assignment of the extension's role, as somebody does in the portal."""
    for grant in await fleet.app.resources("Microsoft.Authorization/roleAssignments"):
        properties = grant["body"]["properties"]
        ours = properties["roleDefinitionId"].endswith(_BLOB_CONTRIBUTOR)
        if ours and properties["principalId"] == await _identity(fleet, cluster):
            status, answer = await fleet.app.owner.arm("DELETE", grant["id"], ROLES_API)
            assert status in (200, 204), answer
    await fleet.step()


async def _identity(fleet: Watched, cluster: str) -> str:
    """The identity of a cluster's backup extension."""
    found = await fleet.app.resources("Microsoft.KubernetesConfiguration/extensions")
    (extension,) = (item for item in found if item["id"].casefold().startswith(f"{cluster}/".casefold()))
    return str(extension["body"]["properties"]["aksAssignedIdentity"]["principalId"])


async def _run(fleet: Watched, *arguments: str, key: str = "function_key") -> tuple[int, str]:
    """Run the runbook as a process of its own; its exit status and what it printed."""
    ready = fleet.app.parts.running_host.ready
    environ = {"AUTOPILOT_URL": ready["base_url"], "AUTOPILOT_KEY": ready[key], "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "runbooks" / "restore_readiness.py"), *arguments),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return int(process.returncode or 0), output.decode()


async def test_the_night_keeps_the_fleet_and_tells_what_changed(fleet: Watched) -> None:
    """Unknown before the first night; then as it stands, told once; the fleet's runbook fails with the sick one."""
    path = "/api/fleet/restore-readiness"
    assert (await fleet.ask("GET", path)).body["byVerdict"] == {"Unknown": 2}
    await fleet.run("nightly_readiness")
    await fleet.run("nightly_readiness")
    said = (await fleet.ask("GET", path)).body
    assert [(item["clusterId"], item["verdict"]) for item in said["items"]] == [(_SICK, "NotReady"), (_WELL, "Ready")]
    assert said["items"][1]["validatedAt"], "Azure was asked about the one that is well"
    assert await fleet.told(_WELL, "ReadinessChanged") == []
    (fact,) = await fleet.facts(_SICK, "ReadinessChanged")
    assert "role-extension-blobs" in fact["data"]["checks"]
    status, printed = await _run(fleet, "fleet")
    assert status == 1
    assert _SICK in printed
    assert _WELL not in printed


async def test_an_upgrade_goes_on_only_where_a_restore_would_work(fleet: Watched) -> None:
    """Azure validates the one; the other stops with the role that is missing and the command that grants it."""
    status, said = await _run(fleet, "check", _WELL, "--deep")
    assert (status, said.splitlines()[0].partition(":")[0]) == (0, "Ready"), said
    status, said = await _run(fleet, "check", _SICK, "--deep")
    assert status == 1, said
    assert "role-extension-blobs" in said
    assert "az role assignment create" in said


async def test_a_backup_wants_the_admin_key_and_is_waited_for(fleet: Watched) -> None:
    """With a key that may only read, nothing is started."""
    status, said = await _run(fleet, "back-up", _WELL)
    assert (status, "401" in said) == (2, True), said
    jobs = len(await fleet.jobs(_WELL))
    await fleet.step()
    status, said = await _run(fleet, "back-up", _WELL, key="master_key")
    assert status == 0, said
    assert "backup Completed" in said
    assert len(await fleet.jobs(_WELL)) == jobs + 1


async def test_what_the_runbook_cannot_find_out_is_no_verdict(fleet: Watched) -> None:
    """A wrong key, a cluster that nobody knows."""
    status, said = await _run(fleet, "check", cluster_id("nobody", "rg-fleet"))
    assert (status, "ClusterNotFound" in said) == (2, True), said


async def test_a_recorded_drill_counts_for_the_fleet(fleet: Watched) -> None:
    """A restore that was recorded is what a restore is expected to take."""
    body: dict[str, Any] = {"id": "drill", "outcome": "successful", "durationSeconds": 754, "who": "drill"}
    said = await fleet.ask("POST", f"{path_of(_WELL)}/restore-tests", body | {"at": await fleet.ago(1000)})
    assert said.status == 201, json.dumps(said.body)
    answer = (await fleet.ask("GET", "/api/fleet/restore-readiness?verdict=Ready")).body
    assert [item["expectedDurationSeconds"] for item in answer["items"]] == [754]
