"""A resync as a whole: pacing, subscriptions that can't be read, a graph that is behind, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.catalog.stamp import digest
from shared.fleet.messages import Message
from shared.fleet.records import State
from shared.settings import load as load_settings
from tests.shared.resync.conftest import SUBSCRIPTIONS, World

INSTANCES = "Microsoft.DataProtection/backupVaults/backupInstances"

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.conftest import Start


async def test_a_changed_catalog_moves_one_cluster_a_minute(world: World) -> None:
    """As many as fit before the next resync, in an order that stays; the rest has its turn then. Others don't wait."""
    moved = world.add(*(f"c{number:02}" for number in range(70)), policy="bronze")
    for cluster in moved:
        world.row(cluster).fingerprint = "older"
    (lost,) = world.add("lost")
    world.forget(lost)
    assert len(await world.asked()) == 61
    delays = {message.cluster.name: delay for message, delay in world.queue.sent}
    assert delays.pop("lost") == 0
    assert list(delays.values()) == [60.0 * number for number in range(60)]
    assert world.marks.row.postponed == 10
    first = list(delays)
    world.queue.sent.clear()
    assert len(await world.asked()) == 61
    assert [message.cluster.name for message, _ in world.queue.sent if message.cluster.name != "lost"] == first


async def test_many_messages_are_spread(world: World) -> None:
    """Four hundred lost events don't become four hundred onboardings at one moment."""
    for cluster in world.add(*(f"c{number}" for number in range(400)), policy="bronze"):
        world.forget(cluster)
    assert len(await world.asked()) == 400
    delays = [delay for _, delay in world.queue.sent]
    assert (delays[0], len(set(delays))) == (0, 400)
    assert 280 <= max(delays) <= 300


async def test_only_a_changed_catalog_makes_the_small_timer_work(world: World) -> None:
    """It compares digests; a resync remembers the catalog that it compared with."""
    resync = world.resync()
    assert await resync.run_if_changed() is not None
    assert world.marks.row.catalog == digest(load_settings(world.environ).catalog)
    asked = len(world.door.asked)
    assert await resync.run_if_changed() is None
    assert len(world.door.asked) == asked


async def test_a_subscription_that_cannot_be_read_hides_no_other_and_its_clusters_do_not_count_as_deleted(
    world: World,
) -> None:
    """Azure leaves it out of its answers without a word; that is reported, and nothing is concluded from it."""
    far = world.add("far-1", "far-2", subscription=SUBSCRIPTIONS[1])
    near, _ = world.add("near", "fine")
    world.hide(SUBSCRIPTIONS[1])
    world.remove(near)
    world.remove(far[1])
    assert await world.asked() == {"near": "Deleted"}
    assert world.marks.row.unread == {SUBSCRIPTIONS[1]: "NotReadable"}
    assert world.marks.row.converged == 1


@pytest.mark.parametrize("asked", [1, 2, 4, 5, 6])
async def test_a_refused_part_is_reported_and_concludes_nothing(world: World, asked: int) -> None:
    """Whichever query Azure refuses: no message that only the lack of its answer would explain."""
    world.add("c1", "c2")
    order = {"match": {"path": "Microsoft.ResourceGraph"}, "nth": asked, "times": 9, "action": "fail", "status": 500}
    await world.azure.control("POST", "/faults", order | {"code": "InternalServerError", "message": "later"})
    assert await world.asked() == {}
    assert world.marks.row.incomplete or world.marks.row.unread


async def test_a_graph_that_is_behind_only_asks_for_a_look(start: Start) -> None:
    """A cluster that it doesn't show yet does no harm, one that it shows no more neither: rows aren't written."""
    async with start(subscriptions=tuple(SUBSCRIPTIONS), time_scale=0.001, graph_delay=600) as azure:
        await azure.control("POST", "/clock", {"advance": 600})
        world = World(azure)
        (new,) = world.add("new")
        before = str(world.row(new))
        assert await world.asked() == {"new": "Deleted"}
        assert str(world.row(new)) == before
        world.row(new).asked = world.queue.sent[-1][0].reason
        assert await world.asked() == {}
        await azure.control("POST", "/clock", {"advance": 600})
        assert await world.asked() == {}
        assert world.marks.row.converged == 1


async def test_a_lost_event_is_told_with_the_age_of_its_cluster(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """One request for a subscription, and only when something was lost there; without an answer it goes on."""
    caplog.set_level("INFO", "autopilot")
    lost, _ = world.add("lost", "fine")
    world.forget(lost)
    await world.azure.control("POST", "/clock", {"advance": 7200})
    assert await world.asked() == {"lost": "NotOnboarded"}
    (line,) = [text for text in caplog.messages if text.startswith("asked ")]
    assert 7200 <= int(line.rpartition("seconds_since_creation=")[2]) < 7300
    assert len(world.door.asked) == 7


async def test_a_resync_that_dies_halfway_leaves_the_rest_to_the_next(world: World) -> None:
    """The queue refuses after some messages: nothing is remembered as done, and all are asked for again."""
    for cluster in world.add("a", "b", "c", "d", policy="bronze"):
        world.forget(cluster)

    async def refuse(message: Message, delay: float = 0) -> None:
        if len(world.queue.sent) == 2:
            raise ConnectionError("the queue is away")
        world.queue.sent.append((message, delay))

    send, world.queue.send = world.queue.send, refuse  # type: ignore[method-assign]  # until it is back
    with pytest.raises(ConnectionError):
        await world.resync().run()
    assert (len(world.queue.sent), world.marks.row.at) == (2, 0)
    world.queue.send = send  # type: ignore[method-assign]
    assert len(await world.asked()) == 4


async def test_a_released_cluster_that_is_deleted_is_no_news(world: World) -> None:
    """Nothing was wanted for it."""
    (cluster,) = world.add("c")
    world.row(cluster).state = State.RELEASED
    world.remove(cluster)
    assert await world.asked() == {}


async def test_vaults_may_stand_in_a_central_subscription(world: World, tmp_path: Path) -> None:
    """Its clusters aren't the app's, its instances count; while it can't be read, none of them is missed."""
    catalog = tmp_path / "central.yaml"
    profile = f"{{redundancy: LocallyRedundant, subscription: {SUBSCRIPTIONS[1]}}}"
    catalog.write_text(f"vaultProfiles: {{v: {profile}}}\npolicies: {{gold: {{vaultProfile: v}}}}\n")
    world.environ |= {"AUTOPILOT_CATALOG": str(catalog), "AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTIONS[0]}
    lost, _ = world.add("lost", "fine")
    world.add("others", subscription=SUBSCRIPTIONS[1])
    world.forget(world.glances.rows[-1].cluster_id)
    assert await world.asked() == {}
    instance = world.part(INSTANCES, lost)
    assert instance.id.startswith(f"/subscriptions/{SUBSCRIPTIONS[1]}/")
    world.remove(instance.id)
    assert await world.asked() == {"lost": "InstanceMissing"}
    world.hide(SUBSCRIPTIONS[1])
    assert await world.asked() == {}
    assert world.marks.row.unread == {SUBSCRIPTIONS[1]: "NotReadable"}
