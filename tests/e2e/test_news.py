"""Word of what happens to clusters: protected, blocked, rejected, lost, released; each fact once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.e2e.azure_view import BACKUP_API
from tests.e2e.fleet import eventually
from tests.e2e.watched import Watched, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_CLUSTER_NEWS: Final = ("ClusterProtected", "OnboardingBlocked", "ClusterRejected", "ProtectionLost", "ClusterReleased")
_WHERE: Final = {"group": "rg-fleet"}
_PRINCIPAL: Final = {"clientId": "55555555-5555-5555-5555-555555555555"}
_TOPIC: Final = "/eventgrid/"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """A stack with a topic; each test has clusters of its own."""
    async with watched(tmp_path_factory.mktemp("news")) as running:
        yield running


async def _heard(fleet: Watched, cluster: str, *kinds: str) -> None:
    """Wait until the topic has these facts about a cluster, and let a sweep see that no more are waiting."""

    async def heard() -> bool:
        return await fleet.told(cluster, *_CLUSTER_NEWS) == [*kinds]

    await eventually(heard, lambda: f"{kinds} of {cluster}")
    await fleet.sweep()
    assert await fleet.told(cluster, *_CLUSTER_NEWS) == [*kinds]


async def test_an_onboarding_is_told_at_its_end_and_the_first_backup_follows(fleet: Watched) -> None:
    """From the first event on: one fact, then a backup without anybody asking."""
    cluster = await fleet.app.onboard("fresh", "eager", **_WHERE)
    await fleet.app.protected(cluster)
    await _heard(fleet, cluster, "ClusterProtected")
    (fact,) = await fleet.facts(cluster)
    assert (fact["data"]["policy"], fact["data"]["state"], fact["data"]["whoCanAct"]) == ("eager", "Protected", "")
    await fleet.tick()
    await fleet.step()
    assert [job["status"] for job in await fleet.jobs(cluster)] == ["Completed"]


async def test_a_cluster_that_stays_protected_is_told_once(fleet: Watched) -> None:
    """Events come again and again; there is nothing new to say."""
    (cluster,) = await fleet.protect("plain", "stays")
    for _ in range(2):
        passes = fleet.app.passes(cluster)
        await fleet.app.announce(cluster)

        async def passed(passes: int = passes) -> bool:
            return fleet.app.passes(cluster) > passes

        await eventually(passed, lambda: f"a pass over {cluster}")
        await fleet.app.protected(cluster)
    await _heard(fleet, cluster, "ClusterProtected")


async def test_what_blocks_a_cluster_is_told_with_who_can_act(fleet: Watched) -> None:
    """Once, although it is looked at again."""
    cluster = await fleet.app.seed_cluster("barred", "plain", group="rg-fleet", servicePrincipalProfile=_PRINCIPAL)
    await fleet.app.announce(cluster)
    await fleet.app.settled(cluster, "Blocked", "ServicePrincipalCluster")
    await fleet.app.announce(cluster)
    await _heard(fleet, cluster, "OnboardingBlocked")
    (fact,) = await fleet.facts(cluster)
    data = fact["data"]
    assert (data["reason"], data["whoCanAct"]) == ("ServicePrincipalCluster", "cluster owner")
    assert data["message"]


async def test_a_name_that_no_policy_has_is_told_for_each_name(fleet: Watched) -> None:
    """Another unknown name is another fact; a known one is the way out."""
    cluster = await fleet.app.onboard("misnamed", "platinum", **_WHERE)
    await _heard(fleet, cluster, "ClusterRejected")
    await fleet.app.tag(cluster, "diamond")
    await fleet.app.announce(cluster)
    await _heard(fleet, cluster, "ClusterRejected", "ClusterRejected")
    assert [fact["data"]["policy"] for fact in await fleet.facts(cluster)] == ["platinum", "diamond"]


async def test_protection_that_somebody_stops_is_lost_and_comes_back(fleet: Watched) -> None:
    """No event of the cluster tells of it: the sweep sees it, and a pass says why; its way back is news too."""
    (cluster,) = await fleet.protect("plain", "dropped")
    await fleet.sweep()
    await fleet.stop_protection(cluster)
    await fleet.sweep()
    await fleet.app.settled(cluster, "Blocked", "ProtectionStopped")
    await _heard(fleet, cluster, "ClusterProtected", "ProtectionLost")
    lost = (await fleet.facts(cluster, "ProtectionLost"))[0]["data"]
    assert (lost["reason"], lost["whoCanAct"], lost["policy"]) == ("ProtectionStopped", "cluster owner", "plain")
    instance = (await fleet.app.instances(cluster))[0]["id"]
    status, answer = await fleet.app.owner.arm("POST", f"{instance}/resumeProtection", BACKUP_API)
    assert status in (200, 202), answer
    await fleet.step()
    await fleet.app.announce(cluster)
    await fleet.app.protected(cluster)
    await _heard(fleet, cluster, "ClusterProtected", "ProtectionLost", "ClusterProtected")


async def test_an_instance_that_somebody_deletes_is_made_again(fleet: Watched) -> None:
    """The tag still asks for it: the sweep misses it, and a pass protects the cluster once more."""
    (cluster,) = await fleet.protect("plain", "erased")
    instance = (await fleet.app.instances(cluster))[0]["id"]
    await fleet.step(3 * 3600)
    await fleet.sweep()
    passes = fleet.app.passes(cluster)
    await fleet.app.owner.control("DELETE", f"/resources?id={instance}")
    await fleet.sweep()

    async def again() -> bool:
        return fleet.app.passes(cluster) > passes and bool(await fleet.app.instances(cluster))

    await eventually(again, lambda: f"an instance of {cluster}")
    await fleet.app.protected(cluster)
    assert [item["id"] for item in await fleet.app.instances(cluster)] == [instance]


async def test_a_removed_tag_releases_a_cluster_and_nothing_else(fleet: Watched) -> None:
    """Told once; its backups go on, and a cluster that never was ours is no news."""
    (cluster,) = await fleet.protect("plain", "freed")
    await fleet.app.tag(cluster, "none")
    await fleet.app.announce(cluster)
    await fleet.app.settled(cluster, "Released", "Excluded")
    await fleet.app.announce(cluster)
    await _heard(fleet, cluster, "ClusterProtected", "ClusterReleased")
    assert (await fleet.app.instances(cluster))[0]["properties"]["currentProtectionState"] == "ProtectionConfigured"
    stranger = await fleet.app.onboard("stranger", None, **_WHERE)
    await fleet.app.settled(stranger, "Released", "NotSelected")
    await _heard(fleet, stranger)


async def test_a_topic_that_is_down_stops_no_onboarding_and_hears_of_it_later(fleet: Watched) -> None:
    """The fact waits in the cluster's row; the next sweep tells it, under the id that it has had all along."""
    await fleet.trouble(_TOPIC, times=None, status=503, code="ServiceUnavailable")
    (cluster,) = await fleet.protect("plain", "untold")
    row = await fleet.app.row(cluster)
    assert row is not None
    (waiting,) = row["outbox"]
    assert await fleet.told(cluster) == []
    await fleet.clear_faults()
    await _heard_by_sweep(fleet, cluster)
    assert [fact["id"] for fact in await fleet.facts(cluster)] == [waiting["id"]]
    row = await fleet.app.row(cluster)
    assert row is not None
    assert row["outbox"] == []


async def _heard_by_sweep(fleet: Watched, cluster: str) -> None:
    """Sweep until the pass has given up on the topic and the sweep has told what it left."""

    async def told() -> bool:
        await fleet.sweep()
        row = await fleet.app.row(cluster)
        return row is not None and row["outbox"] == [] and await fleet.told(cluster) == ["ClusterProtected"]

    await eventually(told, lambda: f"word of {cluster}")
