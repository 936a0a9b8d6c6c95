"""Things taken away by hand, and an event that never came: one resync finds them all, and passes put them back."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from local.stack import cluster_id
from shared.arm.ids import ClusterId
from tests.e2e.azure_view import BACKUP_API, CLUSTERS_API, ROLES_API, STORAGE_API
from tests.e2e.fleet import eventually
from tests.e2e.watched import Watched, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_GROUP: Final = "rg-fleet"
_HOUR: Final = 5
"""Of Azure's day, UTC: when the resync comes, and whose turn for a deep look it then is."""

_VERSIONS: Final = {"role": ROLES_API, "binding": CLUSTERS_API, "instance": BACKUP_API, "container": STORAGE_API}
"""What is taken away from a cluster, and the API version for it."""


def _named(kind: str, *, deep: bool) -> str:
    """A name of a cluster whose turn for a deep look is at the hour, or isn't."""

    def turn(name: str) -> bool:  # hours count from the epoch, whose first one began a day
        return int(ClusterId.parse(cluster_id(name, _GROUP)).key[8:16], 16) % 24 == _HOUR

    return next(name for name in (f"{kind}-{number}" for number in itertools.count()) if turn(name) is deep)


NAMES: Final = {
    kind: _named(kind, deep=kind in ("binding", "container"))
    for kind in ("role", "binding", "instance", "container", "lost", "fine")
}
IDS: Final = {kind: cluster_id(name, _GROUP) for kind, name in NAMES.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def damaged(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[Watched, dict[str, str]]]:
    """Four protected clusters that lost something, one that nothing happened to, and one the app never heard of."""
    async with watched(tmp_path_factory.mktemp("drift")) as running:
        await running.protect("plain", *(name for kind, name in NAMES.items() if kind != "lost"))
        await running.app.seed_cluster(NAMES["lost"], "plain", group=_GROUP)
        gone = {kind: await _taken_away(running, kind) for kind in _VERSIONS}
        await running.step((_HOUR * 3600 - await running.now()) % 86400)
        yield running, gone


async def _taken_away(running: Watched, kind: str) -> str:
    """Delete a part of the cluster of that name as its owner can; the part's id."""
    part, version = await _part(running, kind), _VERSIONS[kind]
    status, answer = await running.app.owner.arm("DELETE", part, version)
    assert status in (200, 202), answer
    await running.step()
    assert not await running.app.exists(part, version)
    return part


async def _part(running: Watched, kind: str) -> str:
    app, cluster = running.app, IDS[kind]
    match kind:
        case "role":
            principal = (await app.extensions(cluster))[0]["properties"]["aksAssignedIdentity"]["principalId"]
            found = await app.resources("Microsoft.Authorization/roleAssignments")
            found = [item for item in found if item["body"]["properties"]["principalId"] == principal]
        case "binding":
            found = await app.resources("Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings", cluster)
        case "instance":
            found = await app.instances(cluster)
        case _:
            found = await app.resources("Microsoft.Storage/storageAccounts/blobServices/containers")
            found = [item for item in found if item["id"].rpartition("/")[2].startswith(f"{NAMES[kind]}-")]
    assert len(found) == 1, found
    return str(found[0]["id"])


async def test_one_resync_finds_all_of_it_and_passes_put_it_back(damaged: tuple[Watched, dict[str, str]]) -> None:
    """What the graph shows is named; what it doesn't is found since it is these clusters' hour. Others are let be."""
    running, gone = damaged
    before = running.app.passes(IDS["fine"])
    await running.run("resync_fleet")
    found = (await running.ask("GET", "/api/fleet?top=0")).body["resync"]
    assert found["byReason"] == {"DeepLook": 2, "InstanceMissing": 1, "NotOnboarded": 1, "RoleMissing": 1}
    assert (found["clusters"], found["converged"]) == (6, 1)
    await running.app.protected(IDS["lost"])

    async def put_back() -> bool:
        there = [await running.app.exists(part, _VERSIONS[kind]) for kind, part in gone.items()]
        rows = [await running.app.row(cluster) or {} for cluster in IDS.values()]
        return all(there) and all(row.get("state") == "Protected" and not row["claim"] for row in rows)

    await eventually(put_back, lambda: f"all of {gone}")
    for cluster in IDS.values():
        (instance,) = await running.app.instances(cluster)
        assert instance["properties"]["currentProtectionState"] == "ProtectionConfigured"
    assert running.app.passes(IDS["fine"]) == before


async def test_the_log_says_what_was_found_and_how_late(damaged: tuple[Watched, dict[str, str]]) -> None:
    """One line for each cluster that was asked for, with the reason; of the lost event how old the cluster is."""
    running, _ = damaged
    lines = [line for line in running.app.log.splitlines() if "asked cluster=" in line]
    reasons = {"role": "RoleMissing", "instance": "InstanceMissing", "lost": "NotOnboarded", "binding": "DeepLook"}
    for kind, reason in reasons.items():
        assert sum(f"cluster={IDS[kind]} reason={reason}" in line for line in lines) == 1
    assert not any(IDS["fine"] in line for line in lines)
    late = [line.rpartition("seconds_since_creation=")[2] for line in lines if "NotOnboarded" in line]
    assert [int(seconds) >= 4 * 700 for seconds in late] == [True]  # four losses were waited for in between


async def test_afterwards_nothing_is_left_to_find(damaged: tuple[Watched, dict[str, str]]) -> None:
    """The next resync asks for no cluster, and the app writes nothing more to Azure."""
    running, _ = damaged
    newest = await running.app.last_request()
    said = await running.ask("POST", "/api/fleet/reconcile", {})
    assert said.body["resync"]["byReason"] == {}
    assert [item for item in await running.app.requests(since=newest) if item["kind"] == "write"] == []
