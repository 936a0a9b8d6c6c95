"""The fleet as it is read from a simulated Resource Graph and from tables."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from shared.arm.ids import ClusterId
from shared.backups.rollup import MonthRow
from shared.backups.status import BackupStatus, Restore
from shared.backups.store import StatusStore, key_of
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.publisher import LogNotifier
from shared.readiness.fleet import FleetReader
from shared.readiness.kept import ReadinessRow, keep
from shared.readiness.model import Verdict
from shared.readiness.nightly import key_of as key_of_cluster
from shared.readiness.restore_tests import RecordedTests, RestoreTests
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

        def rows(kind: Any) -> Any:
            return Rows(tables.get_table_client(f"{kind.__name__}{name}"), kind, 1, lambda _: {})

        store = StatusStore(rows(BackupStatus), rows(MonthRow), LogNotifier(), cast("Any", None))
        checker = world.checker
        reader = FleetReader(
            checker.settings,
            Scope(world.door, checker.settings.subscriptions, ()),
            world.door,
            checker.policies,
            rows(ClusterRow),
            store,
            RestoreTests(rows(RecordedTests)),
            rows(ReadinessRow),
        )
        await fill(reader, world)
        yield reader


async def fill(reader: FleetReader, world: Protected) -> None:
    """Write what the app knows of the one cluster: its onboarding, its backups, its check of last night."""
    answer = await world.readiness()
    row = ClusterRow(CLUSTER, state=State.PROTECTED, policy="gold", places=world.remembered.places)
    await reader.clusters.write(Key(SHOP.subscription, SHOP.key), Stored(row, None))
    point = world.door.clock.now().timestamp() - 3600
    status = BackupStatus(world.desired.instance, CLUSTER, policy="gold", last_point=point)
    await reader.store.rows.write(key_of(status.instance_id), Stored(status, None))
    kept = ReadinessRow(CLUSTER)
    keep(kept, answer)
    await reader.kept.write(key_of_cluster(CLUSTER), Stored(kept, None))


async def judged(fleet: FleetReader) -> dict[str, MemberReadiness]:
    """The answer by cluster name, in its order."""
    return {item.cluster_id.rpartition("/")[2]: item for item in await fleet.judged()}


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


async def test_real_restores_count(fleet: FleetReader) -> None:
    """A restore job that the sweep saw, and a recorded test, in the same answer."""
    stored = [item async for item in fleet.store.rows.all()]
    value = stored[0].value
    value.restores = [Restore("/v/backupJobs/1", "Completed", 100.0, 600.0)]
    await fleet.store.write(Stored(value, stored[0].etag))
    found = (await judged(fleet))["shop"]
    assert (found.expected_duration_seconds, found.last_restored_at) == (600, "1970-01-01T00:01:40Z")
    assert found.verdict is Verdict.READY
