"""Events that come twice, out of order, and while a pass runs: one instance, one chain of messages."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.e2e.events import DELETE, START, TAGS, WRITE
from tests.e2e.fleet import Fleet, eventually, fleet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_MADE_ONCE: Final = ("storageAccountWrite", "extensionWrite", "trustedAccessWrite", "backupInstanceWrite", "protection")
_HINTS: Final = 12


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Fleet]:
    """A stack of its own, whose queues hold these tests' messages only."""
    async with fleet(tmp_path_factory.mktemp("delivery")) as running:
        yield running


async def _made_once(fleet: Fleet, cluster: str) -> None:
    """Azure has one instance of the cluster, and nothing of it was made twice or failed."""
    [instance] = await fleet.instances(cluster)
    assert instance["properties"]["currentProtectionState"] == "ProtectionConfigured"
    done = [item for item in await fleet.operations(cluster.rsplit("/", 1)[-1]) if item["kind"] in _MADE_ONCE]
    assert Counter(item["kind"] for item in done) == Counter(_MADE_ONCE)
    assert {item["status"] for item in done} == {"Succeeded"}


async def test_a_storm_of_hints_makes_one_instance(quiet: Fleet) -> None:
    """Hints of every kind, in both schemas and in any spelling of the id, one after the other through all passes."""
    cluster = await quiet.seed_cluster("storm", "gold")
    spellings = (cluster, cluster.upper(), cluster.replace("resourceGroups", "resourcegroups"))
    operations = itertools.cycle((WRITE, DELETE, START, TAGS))
    names = itertools.cycle(spellings)

    async def hinted_until_protected() -> bool:
        await quiet.announce_in_both_schemas(next(names), next(operations))
        return ((await quiet.row(cluster)) or {}).get("state") == "Protected"

    await eventually(hinted_until_protected, lambda: "protection")
    await quiet.drained()
    row = await quiet.settled(cluster, "Protected")
    assert (row["wake"], row["claim"], row["again"]) == (None, None, False)
    assert len(await quiet.rows("clusters")) == 1
    await _made_once(quiet, cluster)


async def test_duplicates_out_of_order_make_one_instance(quiet: Fleet) -> None:
    """Event Grid delivers each event four times over, spread over minutes, while the owner goes on writing tags."""
    disturbed = {"duplicates": 3, "spread": 300}
    await quiet.subscribe("rg-disturbed", "westeurope")
    await quiet.owner.control("POST", "/events", disturbed)
    cluster = await quiet.parts.create_cluster("disturbed", {"aks-backup": "bronze"}, group="rg-disturbed")
    for _ in range(3):
        await quiet.tag(cluster, "bronze")
    await quiet.protected(cluster)
    await quiet.owner.control("POST", "/events", dict.fromkeys(disturbed, 0))
    await quiet.drained()
    row = await quiet.settled(cluster, "Protected")
    assert row["wake"] is None
    await _made_once(quiet, cluster)


async def test_many_hints_leave_one_chain(quiet: Fleet) -> None:
    """Of the delayed messages that a dozen hints leave for a waiting cluster, one goes on; the others end unheard."""
    cluster = await quiet.seed_cluster("stopped", "bronze", powerState={"code": "Stopped"})
    for number in range(_HINTS):
        await quiet.announce(cluster)
        row = await quiet.settled(cluster, "Waiting", "ClusterStopped")
        passes = quiet.passes(cluster)

        async def passed(done: int = number) -> bool:
            return quiet.passes(cluster) > done

        await eventually(passed, lambda: "the hint's pass")
    row = await quiet.settled(cluster, "Waiting", "ClusterStopped")
    assert await quiet.queued() > 1, "each pass leaves a message that isn't due yet"

    async def one_left() -> bool:
        now = await quiet.settled(cluster, "Waiting", "ClusterStopped")
        return await quiet.queued() == 1 and now["wake"] != row["wake"]

    passes = quiet.passes(cluster)
    await eventually(one_left, lambda: "one chain")
    assert quiet.passes(cluster) == passes + 1, "one of the dozen messages brought a pass"
