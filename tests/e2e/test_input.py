"""What arrives and shouldn't: it is refused or acknowledged, said once, and leads to nothing."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from local.stack import SUBSCRIPTION, cluster_id
from tests.e2e.events import CLAIMS, WRITE, cloud_event, grid_event
from tests.e2e.fleet import Fleet, eventually

_FOREIGN: Final = "00000000-0000-0000-0000-00000000dead"
_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-input"
_CLUSTERS: Final = "providers/Microsoft.ContainerService/managedClusters"

_NOT_JSON: Final[dict[str, bytes]] = {
    "text": b"hello",
    "empty": b"",
    "cut": json.dumps([grid_event(cluster_id("cut"))]).encode()[:-20],
    "number-in-batch": b"[1]",
    "binary": b"\xff\xfe\x00\x01",
    "deep": b"[" * 100_000,
}
_IGNORED: Final[dict[str, dict[str, Any]]] = {
    "failure": grid_event(cluster_id("input-1"), eventType="Microsoft.Resources.ResourceWriteFailure"),
    "other-source": grid_event(cluster_id("input-2"), eventType="Microsoft.Storage.BlobCreated"),
    "other-operation": grid_event(cluster_id("input-3"), f"{WRITE}/../x"),
    "agent-pool": grid_event(f"{cluster_id('input-4')}/agentPools/input-4"),
    "disk": grid_event(f"{_GROUP}/providers/Microsoft.Compute/disks/input-5"),
    "foreign-subscription": grid_event(cluster_id("input-6", subscription=_FOREIGN)),
    "foreign-cloud-event": cloud_event(cluster_id("input-7", subscription=_FOREIGN)),
    "no-data": grid_event(cluster_id("input-8"), data=None),
    "text-as-data": grid_event(cluster_id("input-9"), data="text"),
    "no-subject": {**grid_event(cluster_id("input-10")), "subject": None},
    "bare": {"hello": "input-11"},
    "traversal": grid_event(f"{_GROUP}/{_CLUSTERS}/../../input-12"),
    "dots": grid_event(f"{_GROUP}/{_CLUSTERS}/.."),
    "escaped": grid_event(f"{_GROUP}/{_CLUSTERS}/input-13%2f..%2finput-13"),
    "query": grid_event(f"{_GROUP}/{_CLUSTERS}/input-14?api-version=2020-01-01&x="),
    "fragment": grid_event(f"{_GROUP}/{_CLUSTERS}/input-15#"),
    "newline": grid_event(f"{_GROUP}/{_CLUSTERS}/input-16\nFORGED LINE"),
    "host": grid_event(f"https://evil.example{_GROUP}/{_CLUSTERS}/input-17"),
    "other-group": grid_event(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a/../b/{_CLUSTERS}/input-18"),
    "long": grid_event(f"{_GROUP}/{_CLUSTERS}/input-19{'x' * 50_000}"),
    "nul": grid_event(f"{_GROUP}/{_CLUSTERS}/input-20\0"),
    "homoglyph": grid_event(f"{_GROUP}/{_CLUSTERS}/input-21\u0430"),
}
_UNREADABLE: Final[dict[str, str]] = {
    "text": "no message",
    "list": "[1, 2]",
    "without-cluster": '{"v": 1}',
    "number": '{"v": 1, "cluster_id": 5}',
    "foreign": json.dumps({"v": 1, "cluster_id": cluster_id("input-30", subscription=_FOREIGN), "reason": "x"}),
    "hostile": json.dumps({"v": 1, "cluster_id": f"{_GROUP}/{_CLUSTERS}/../x", "reason": "x"}),
}


@pytest.mark.parametrize("body", _NOT_JSON.values(), ids=_NOT_JSON.keys())
async def test_what_is_no_json_is_refused(app: Fleet, body: bytes) -> None:
    """400, which Event Grid doesn't repeat."""
    assert await app.deliver(body) == 400


async def test_other_events_are_acknowledged_and_ignored(app: Fleet) -> None:
    """202 for each, one log line for each, no row, no dead letter and no request to Azure."""
    before = app.log.count("event_ignored ")
    letters = len(await app.rows("deadletters"))
    for event in _IGNORED.values():
        assert await app.deliver([event]) == 202, event
    assert app.log.count("event_ignored ") == before + len(_IGNORED)
    assert "\nFORGED LINE" not in app.log
    assert "x" * 1000 not in app.log

    last = await app.onboard("input-last", None)  # whatever was enqueued before it is done by then
    await app.settled(last, "Released")
    clusters = [row["doc"]["cluster_id"] for row in await app.rows("clusters")]
    assert [cluster for cluster in clusters if "/input-" in cluster and cluster != last] == []
    assert len(await app.rows("deadletters")) == letters
    assert [item["path"] for item in await app.requests("input-") if "input-last" not in item["path"]] == []


async def test_a_batch_with_a_bad_event_still_serves_the_good_one(app: Fleet) -> None:
    """One event that is ignored doesn't make Event Grid send the batch again, nor does it hide the others."""
    cluster = await app.seed_cluster("input-batched", None)
    assert await app.deliver([_IGNORED["traversal"], grid_event(cluster), _IGNORED["bare"]]) == 202
    await app.settled(cluster, "Released")


async def test_messages_that_nobody_can_read_are_kept(app: Fleet) -> None:
    """Each becomes a row of its own with what was wrong; none is tried again and none is lost."""
    before = {row["RowKey"] for row in await app.rows("deadletters")}
    for body in _UNREADABLE.values():
        await app.enqueue(body)

    async def kept() -> bool:
        return len(await app.rows("deadletters")) >= len(before) + len(_UNREADABLE)

    await eventually(kept, lambda: "dead letters")
    letters = [row["doc"] for row in await app.rows("deadletters") if row["RowKey"] not in before]
    assert sorted(letter["body"] for letter in letters) == sorted(_UNREADABLE.values())
    assert all(letter["fault"] for letter in letters)
    assert await app.queued("reconcile-poison") == 0


async def test_a_message_that_always_fails_ends_in_its_clusters_row(app: Fleet) -> None:
    """After five tries the row says Blocked(PoisonedMessage); it is looked at again seldom, and a hint starts anew."""
    cluster = await app.seed_cluster("input-poison", "bronze", storageProfile="nothing that anybody foresaw")
    await app.announce(cluster)
    row = await app.settled(cluster, "Blocked", "PoisonedMessage")
    assert row["who"] == "operator"
    assert row["wake"]
    assert app.passes(cluster) == 5
    await app.seed_cluster("input-poison", None)
    await app.announce(cluster)
    await app.settled(cluster, "Released", "NotSelected")


async def test_what_an_event_claims_is_logged_nowhere(app: Fleet) -> None:
    """Neither the claims of an event that serves nor those of one that is ignored."""
    cluster = await app.onboard("input-personal", None)
    assert await app.deliver([_IGNORED["disk"]]) == 202
    await app.settled(cluster, "Released")
    assert [claim for claim in CLAIMS.values() if claim in app.log] == []
