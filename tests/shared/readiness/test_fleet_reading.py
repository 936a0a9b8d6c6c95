"""The fleet as it is read from a simulated Resource Graph and from tables."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus, Restore
from shared.backups.store import key_of
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.readiness.fleet import FleetReader
from shared.readiness.kept import ReadinessRow, keep
from shared.readiness.members import Backups, Standing
from shared.readiness.model import Verdict
from shared.readiness.nightly import key_of as key_of_cluster
from shared.readiness.restore_tests import Outcome, RecordedTests, RestoreTest, RestoreTests
from tests.shared.readiness.protected import CLUSTER, Protected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from local.azurite import Azurite
    from shared.readiness.fleet import MemberReadiness

SHOP = ClusterId.parse(CLUSTER)
BARE = CLUSTER.replace("/shop", "/bare")
UNTAGGED = CLUSTER.replace("/shop", "/untagged")


@pytest_asyncio.fixture
async def fleet(world: Protected, azurite: Azurite) -> AsyncGenerator[FleetReader]:
    """Two protected clusters, one that the app has checked; one that is only tagged; one that nobody wants."""
    for cluster, tags in ((BARE, {"aks-backup": "gold"}), (UNTAGGED, {})):
        properties = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
        body = {"location": "westeurope", "tags": tags, "properties": properties}
        world.azure.cloud.seed(cluster, body)
    async with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        name = uuid.uuid4().hex

        def rows(table: str, kind: Any) -> Any:
            return Rows(tables.get_table_client(f"{table}{name}"), kind, 1, lambda _: {})

        reader = FleetReader(
            world.checker.settings,
            Scope(world.door, world.checker.settings.subscriptions, ()),
            world.door,
            world.checker.policies,
            rows("clusters", Standing),
            rows("jobs", Backups),
            RestoreTests(rows("tests", RecordedTests)),
            rows("readiness", ReadinessRow),
        )
        await fill(rows, world)
        yield reader


async def fill(rows: Any, world: Protected) -> None:
    """Write what the app knows of the one cluster: its onboarding, its backups, its check of last night."""
    answer = await world.readiness()
    row = ClusterRow(CLUSTER, state=State.PROTECTED, policy="gold", places=world.remembered.places)
    await rows("clusters", ClusterRow).write(Key(SHOP.subscription, SHOP.key), Stored(row, None))
    point = world.door.clock.now().timestamp() - 3600
    done = Restore("/v/backupJobs/1", "Completed", 100.0, 600.0)
    status = BackupStatus(world.desired.instance, CLUSTER, policy="gold", last_point=point, restores=[done])
    await rows("jobs", BackupStatus).write(key_of(status.instance_id), Stored(status, None))
    kept = ReadinessRow(CLUSTER)
    keep(kept, answer)
    await rows("readiness", ReadinessRow).write(key_of_cluster(CLUSTER), Stored(kept, None))


async def judged(fleet: FleetReader) -> dict[str, MemberReadiness]:
    """The answer by cluster name, in its order."""
    return {item.cluster_id.rpartition("/")[2]: item for item in (await fleet.judged()).items}


async def test_everyone_who_wants_or_has_a_backup_is_judged(fleet: FleetReader) -> None:
    """Ready with all evidence; not ready without a backup instance; in doubt when nobody has checked yet."""
    found = await judged(fleet)
    assert {name: item.verdict for name, item in found.items()} == {
        "bare": Verdict.NOT_READY,
        "spare": Verdict.UNKNOWN,
        "shop": Verdict.READY,
    }
    assert list(found) == ["bare", "spare", "shop"]
    assert found["shop"].checked_at


async def test_what_the_graph_shows_turns_the_verdict_at_once(fleet: FleetReader, world: Protected) -> None:
    """A stopped cluster, and a suspended protection, without a check of the cluster itself."""
    world.body(CLUSTER)["properties"]["powerState"] = {"code": "Stopped"}
    world.touched(CLUSTER)
    assert (await judged(fleet))["shop"].reason.startswith("cluster-running")
    world.body(CLUSTER)["properties"]["powerState"] = {"code": "Running"}
    world.touched(CLUSTER)
    world.body(world.desired.instance)["properties"]["currentProtectionState"] = "ProtectionStopped"
    world.touched(world.desired.instance)
    assert (await judged(fleet))["shop"].verdict is Verdict.AT_RISK


async def test_a_cluster_that_the_graph_lost_is_in_doubt(fleet: FleetReader, world: Protected) -> None:
    """The app has a row of it: it isn't left out, and nothing is concluded from its absence."""
    world.azure.cloud.store.remove(CLUSTER)
    assert (await judged(fleet))["shop"].verdict is Verdict.UNKNOWN


async def test_a_cluster_of_a_subscription_that_was_taken_away_is_left_out(fleet: FleetReader) -> None:
    """Its row is still there, but it is none of this deployment's business any more, broken id or not."""
    nobodys = CLUSTER.replace(SHOP.subscription, "11111111-1111-1111-1111-111111111111")
    for name, cluster in (("a", nobodys), ("b", "no cluster's id")):
        row = Standing(cluster, state=State.PROTECTED)
        await fleet.clusters.write(Key(SHOP.subscription, name), Stored(row, None))
    assert set(await judged(fleet)) == {"bare", "spare", "shop"}


async def test_real_restores_count(fleet: FleetReader) -> None:
    """A restore job that the sweep saw, and a recorded test, in the same answer."""
    test = RestoreTest("t", Outcome.SUCCESSFUL, 200.0, 800.0, "drill")
    await fleet.tests.record(SHOP, test)
    found = (await judged(fleet))["shop"]
    assert (found.expected_duration_seconds, found.last_restored_at) == (700, "1970-01-01T00:03:20Z")


async def test_a_page_is_a_part_of_the_whole(fleet: FleetReader) -> None:
    """Counts are of all, whatever is shown; a verdict, a start and a length choose what is."""
    everyone = {Verdict.NOT_READY: 1, Verdict.UNKNOWN: 1, Verdict.READY: 1}

    async def page(**asked: Any) -> list[str]:
        found = await fleet.judged(**asked)
        assert found.counts == everyone
        return [item.cluster_id.rpartition("/")[2] for item in found.items]

    assert await page(skip=1, top=1) == ["spare"]  # 15 queries in 5 s are a caller's quota: three pages, not four
    assert await page(verdict=Verdict.READY) == ["shop"]
    assert await page(skip=3) == []
