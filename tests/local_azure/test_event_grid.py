import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.conftest import Start
from tests.local_azure.world import CLUSTER, GROUP, World, cluster_body, running

HOOK = f"{SUBSCRIPTION}/providers/Microsoft.EventGrid/eventSubscriptions/hook"
TAGS = f"{CLUSTER}/providers/Microsoft.Resources/tags/default"
OPERATIONS = [
    "Microsoft.ContainerService/managedClusters/write",
    "Microsoft.ContainerService/managedClusters/delete",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.Resources/tags/write",
]


class Endpoint:
    """A webhook that writes down what it gets.

    Attributes:
        url: Where it listens, with a key.
        handshakes: Whether it agrees to handshakes.
        answers: Statuses of the next notifications; 200 when there are none left.
        events: What arrived, in order of arrival.
        requests: Headers and body of each notification.
    """

    def __init__(self) -> None:
        self.url = ""
        self.handshakes = True
        self.answers: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], Any]] = []

    async def post(self, request: web.Request) -> web.Response:
        """A validation event or a notification."""
        body = await request.json()
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if self.handshakes else "something else"
            return web.json_response({"validationResponse": code})
        self.requests.append((dict(request.headers), body))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.events += body if isinstance(body, list) else [body]
        return web.Response(status=status)

    async def options(self, request: web.Request) -> web.Response:
        """The handshake for CloudEvents."""
        origin = request.headers["WebHook-Request-Origin"]
        return web.Response(headers={"WebHook-Allowed-Origin": origin} if self.handshakes else {})

    async def arrived(self, world: World, events: int) -> list[dict[str, Any]]:
        """The events so far, once there are at least so many; virtual time goes on meanwhile."""
        return await self._until(world, lambda: len(self.events) >= events)

    async def tried(self, world: World, requests: int) -> list[dict[str, Any]]:
        """The events so far, once there were at least so many requests."""
        return await self._until(world, lambda: len(self.requests) >= requests)

    async def _until(self, world: World, done: Any) -> list[dict[str, Any]]:
        for _ in range(200):
            if done():
                return self.events
            await world.advance(5)
            await asyncio.sleep(0.01)
        pytest.fail(f"only {len(self.events)} events and {len(self.requests)} requests have arrived")


@asynccontextmanager
async def listening() -> AsyncIterator[Endpoint]:
    """A webhook on this machine."""
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/hook", endpoint.post)
    app.router.add_options("/hook", endpoint.options)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?code=secret"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A webhook."""
    async with listening() as endpoint:
        yield endpoint


@pytest.fixture
async def world(start: Start) -> AsyncIterator[World]:
    """A simulated Azure."""
    async with running(start) as world:
        yield world


def subscription(url: str, **changes: Any) -> dict[str, Any]:
    """An event subscription for the events of clusters, as a client asks for it."""
    advanced = [{"operatorType": "StringIn", "key": "data.operationName", "values": OPERATIONS}]
    return {
        "properties": {
            "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": url}},
            "filter": {"advancedFilters": advanced},
            **changes,
        },
    }


async def subscribe(world: World, url: str, path: str = HOOK, **changes: Any) -> str:
    """Subscribe and return how the handshake ended."""
    made = await world.ask("PUT", path, subscription(url, **changes))
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Creating")
    for _ in range(200):
        status = (await world.ask("GET", made.operation)).body["status"]
        if status != "InProgress":
            return str(status)
        await asyncio.sleep(0.01)
    pytest.fail("the handshake has no end")


async def test_a_cluster_write_is_told_of_at_its_end(world: World, endpoint: Endpoint) -> None:
    """No event while the cluster is created; then one of the documented shape."""
    assert await subscribe(world, endpoint.url) == "Succeeded"
    await world.ask("PUT", CLUSTER, cluster_body())
    await world.advance(100)
    assert endpoint.requests == []
    await world.advance(200)
    event = (await endpoint.arrived(world, 1))[0]
    assert event["topic"] == SUBSCRIPTION
    assert event["subject"] == CLUSTER
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert (event["dataVersion"], event["metadataVersion"]) == ("2", "1")
    assert event["eventTime"].endswith("Z")
    assert len(event["eventTime"].split(".")[1]) == 8
    data = event["data"]
    assert data["operationName"] == "Microsoft.ContainerService/managedClusters/write"
    assert (data["resourceProvider"], data["status"]) == ("Microsoft.ContainerService", "Succeeded")
    assert (data["resourceUri"], data["subscriptionId"]) == (CLUSTER, SUBSCRIPTION.rsplit("/", 1)[-1])
    assert data["authorization"]["action"] == data["operationName"]
    assert data["httpRequest"]["method"] == "PUT"
    assert "robin.fictitious@contoso.example" in data["claims"].values()
    headers, body = endpoint.requests[0]
    assert (headers["aeg-event-type"], headers["aeg-subscription-name"]) == ("Notification", "HOOK")
    assert isinstance(body, list)


async def test_every_kind_of_change_has_its_event(world: World, endpoint: Endpoint) -> None:
    """Tags, actions and deletions are told of with their own type, operation and subject."""
    await world.cluster()
    await subscribe(world, endpoint.url)
    tags = {"operation": "Merge", "properties": {"tags": {"aks-backup": "gold"}}}
    await world.ask("PATCH", TAGS, tags)
    await endpoint.arrived(world, 1)
    await world.ask("POST", f"{CLUSTER}/stop")
    await world.advance(200)
    await world.ask("POST", f"{CLUSTER}/start")
    await world.advance(200)
    await endpoint.arrived(world, 2)
    await world.ask("DELETE", CLUSTER)
    await world.advance(300)
    told = [(event["eventType"].rpartition(".")[2], event["subject"]) for event in await endpoint.arrived(world, 3)]
    assert told == [
        ("ResourceWriteSuccess", TAGS),
        ("ResourceActionSuccess", CLUSTER),
        ("ResourceDeleteSuccess", CLUSTER),
    ]


async def test_a_failed_write_is_told_of(world: World, endpoint: Endpoint) -> None:
    """An operation that fails ends with a failure event."""
    await subscribe(world, endpoint.url)
    await world.control("POST", "/faults", {"match": {"path": "managedClusters"}, "action": "fail_late"})
    await world.ask("PUT", CLUSTER, cluster_body())
    await world.advance(300)
    event = (await endpoint.arrived(world, 1))[0]
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteFailure"
    assert event["data"]["status"] == "Failed"


async def test_cloud_events(world: World, endpoint: Endpoint) -> None:
    """In the CloudEvents schema the handshake is by OPTIONS and each event is an object of its own."""
    assert await subscribe(world, endpoint.url, eventDeliverySchema="CloudEventSchemaV1_0") == "Succeeded"
    await world.cluster()
    event = (await endpoint.arrived(world, 1))[0]
    assert event.keys() == {"source", "subject", "type", "time", "id", "data", "specversion"}
    assert (event["source"], event["specversion"]) == (SUBSCRIPTION, "1.0")
    headers, body = endpoint.requests[0]
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert isinstance(body, dict)


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
async def test_without_a_handshake_there_are_no_events(world: World, endpoint: Endpoint, schema: str) -> None:
    """An endpoint that doesn't agree fails the subscription and gets nothing."""
    endpoint.handshakes = False
    assert await subscribe(world, endpoint.url, eventDeliverySchema=schema) == "Failed"
    assert (await world.ask("GET", HOOK)).body["properties"]["provisioningState"] == "Failed"
    await world.cluster()
    emitted = (await world.control("GET", "/events"))["events"]
    assert [entry["event"]["subject"] for entry in emitted] == [HOOK, CLUSTER]
    assert [entry["deliveries"] for entry in emitted] == [[], []]


async def test_an_endpoint_that_is_not_there(world: World) -> None:
    """Nobody listens: the handshake fails, and the operation says why without the endpoint's key."""
    made = await world.ask("PUT", HOOK, subscription("http://127.0.0.1:9/hook?code=secret"))
    for _ in range(200):
        status = (await world.ask("GET", made.operation)).body
        if status["status"] != "InProgress":
            break
        await asyncio.sleep(0.01)
    assert (status["status"], status["error"]["code"]) == ("Failed", "Url validation")
    assert "secret" not in status["error"]["message"]


async def test_deliveries_are_repeated_until_they_are_accepted(world: World, endpoint: Endpoint) -> None:
    """A 500 or 429 is tried again, later; the log has each attempt."""
    await subscribe(world, endpoint.url)
    endpoint.answers = [500, 429, 503]
    await world.cluster()
    await endpoint.arrived(world, 1)
    await world.advance(0)
    entry = (await world.control("GET", "/events?since=1"))["events"][0]
    assert [attempt["status"] for attempt in entry["deliveries"]] == [500, 429, 503, 200]
    assert [headers["aeg-delivery-count"] for headers, _ in endpoint.requests] == ["0", "1", "2", "3"]
    assert len({str(body) for _, body in endpoint.requests}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_some_answers_end_the_delivery(world: World, endpoint: Endpoint, status: int) -> None:
    """After these no attempt follows, whatever time passes."""
    await subscribe(world, endpoint.url)
    endpoint.answers = [status]
    await world.cluster()
    await endpoint.tried(world, 1)
    await world.ask("PATCH", CLUSTER, {"tags": {"a": "b"}})
    await world.advance(7200)
    events = await endpoint.arrived(world, 1)
    assert len(events) == 1
    assert len(endpoint.requests) == 2


async def test_a_removed_subscription_gets_nothing_more(world: World, endpoint: Endpoint) -> None:
    """Repeats end when the subscription is gone."""
    await subscribe(world, endpoint.url)
    endpoint.answers = [500] * 3
    await world.cluster()
    await endpoint.tried(world, 1)
    assert (await world.ask("DELETE", HOOK)).status == 200
    async with listening() as other:
        await subscribe(world, other.url, HOOK.replace("hook", "other"))
        await world.ask("PATCH", CLUSTER, {"tags": {"a": "b"}})
        await world.advance(7200)
        await other.arrived(world, 1)
    assert len(endpoint.requests) == 1
    assert (await world.ask("DELETE", HOOK)).status == 204


async def test_duplicates_on_demand(world: World, endpoint: Endpoint) -> None:
    """Each event comes as often as was ordered, with the same id."""
    await subscribe(world, endpoint.url)
    assert (await world.control("POST", "/events", {"duplicates": 2}))["duplicates"] == 2
    await world.cluster()
    events = await endpoint.arrived(world, 3)
    assert len({event["id"] for event in events}) == 1


async def test_events_can_be_late_and_out_of_order(world: World, endpoint: Endpoint) -> None:
    """A delay holds all events back; a spread mixes their order."""
    await subscribe(world, endpoint.url)
    await world.control("POST", "/events", {"delay": 100, "spread": 1000})
    for number in range(8):
        event = {"id": str(number), "subject": CLUSTER, "data": {"operationName": OPERATIONS[0]}}
        await world.control("POST", "/events", {"emit": event})
    await world.advance(90)
    assert endpoint.events == []
    arrived = [event["id"] for event in await endpoint.arrived(world, 8)]
    assert sorted(arrived) == [str(number) for number in range(8)]
    assert arrived != sorted(arrived)


async def test_events_can_be_lost(world: World, endpoint: Endpoint) -> None:
    """A dropped delivery never reaches the endpoint; the next one does."""
    await subscribe(world, endpoint.url)
    await world.control("POST", "/events", {"drop": 1})
    await world.cluster()
    await world.ask("PATCH", CLUSTER, {"tags": {"a": "b"}})
    await world.advance(120)
    await endpoint.arrived(world, 1)
    log = (await world.control("GET", "/events?since=1"))["events"]
    assert [entry["deliveries"][0]["detail"] for entry in log] == ["dropped on demand", ""]


async def test_batches(world: World, endpoint: Endpoint) -> None:
    """A subscription that wants batches gets several events in one request, and again when one request fails."""
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": endpoint.url, "maxEventsPerBatch": 3}}
    await subscribe(world, endpoint.url, destination=destination)
    endpoint.answers = [500]
    for number in range(4):
        event = {"id": str(number), "subject": CLUSTER, "data": {"operationName": OPERATIONS[0]}}
        await world.control("POST", "/events", {"emit": event})
    events = await endpoint.arrived(world, 4)
    assert sorted(event["id"] for event in events) == ["0", "1", "2", "3"]
    assert [len(body) for _, body in endpoint.requests] == [3, 3, 1]


async def test_a_subscription_hears_of_its_scope_only(world: World, endpoint: Endpoint) -> None:
    """On a resource group it gets what happens in that group, with the group as the topic."""
    other = f"{SUBSCRIPTION}/resourceGroups/other"
    await world.seed(other, location="westeurope", properties={"provisioningState": "Succeeded"})
    await subscribe(world, endpoint.url, f"{GROUP}/providers/Microsoft.EventGrid/eventSubscriptions/hook")
    await world.cluster(CLUSTER.replace("/rg/", "/other/"))
    await world.cluster()
    events = await endpoint.arrived(world, 1)
    assert [(event["subject"], event["topic"]) for event in events] == [(CLUSTER, GROUP)]


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": {"endpointType": "EventHub", "properties": {}}},
        {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "http://example.com/hook"}}},
        {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "hook"}}},
        {"eventDeliverySchema": "CustomInputSchema"},
        {"filter": {"advancedFilters": [{"operatorType": "StringIsLike", "key": "subject", "values": ["x"]}]}},
        {
            "destination": {
                "endpointType": "WebHook",
                "properties": {"endpointUrl": "https://example.com/hook", "maxEventsPerBatch": 9999},
            },
        },
    ],
)
async def test_what_cannot_be_subscribed(world: World, changes: dict[str, Any]) -> None:
    """Plain http is for this machine only; unknown destinations, schemas and filters are refused."""
    refused = await world.ask("PUT", HOOK, subscription("https://example.com/hook", **changes))
    assert (refused.status, refused.code) == (400, "InvalidRequest")


async def test_the_key_of_an_endpoint_is_for_writers(world: World, endpoint: Endpoint) -> None:
    """A GET shows the endpoint without its query; getFullUrl shows it whole."""
    await subscribe(world, endpoint.url)
    shown = (await world.ask("GET", HOOK)).body["properties"]["destination"]["properties"]
    assert shown["endpointBaseUrl"] == endpoint.url.partition("?")[0]
    assert "endpointUrl" not in shown
    assert (await world.ask("POST", f"{HOOK}/getFullUrl")).body == {"endpointUrl": endpoint.url}


async def test_subscriptions_are_listed(world: World, endpoint: Endpoint) -> None:
    """By their scope, and by the kind of their source as the Azure CLI does it."""
    await subscribe(world, endpoint.url)
    await subscribe(world, endpoint.url, f"{GROUP}/providers/Microsoft.EventGrid/eventSubscriptions/small")
    base = f"{SUBSCRIPTION}/providers/Microsoft.EventGrid"
    paths = (
        f"{base}/eventSubscriptions",
        f"{base}/topicTypes/Microsoft.Resources.Subscriptions/eventSubscriptions",
        f"{base}/topicTypes/Microsoft.Resources.ResourceGroups/eventSubscriptions",
    )
    listed = [[item["name"] for item in (await world.ask("GET", path)).body["value"]] for path in paths]
    assert listed == [["hook"], ["hook"], ["small"]]


async def test_a_changed_subscription_keeps_its_endpoint(world: World, endpoint: Endpoint) -> None:
    """PATCH changes what it names; a new handshake is made with the same endpoint."""
    await subscribe(world, endpoint.url)
    patched = await world.ask("PATCH", HOOK, {"filter": {"subjectEndsWith": "/c2"}})
    assert (patched.status, patched.body["properties"]["provisioningState"]) == (201, "Updating")
    await world.cluster()
    await world.cluster(CLUSTER.replace("c1", "c2"))
    events = await endpoint.arrived(world, 1)
    assert [event["subject"] for event in events] == [CLUSTER.replace("c1", "c2")]


@pytest.mark.parametrize("order", [None, [], {}, {"duplicate": 1}, {"duplicates": "2"}, {"delay": -1}, {"emit": "x"}])
async def test_orders_that_are_not_understood(world: World, order: Any) -> None:
    """The control endpoint answers 400 and says what it takes."""
    assert "error" in await world.control("POST", "/events", order)
    assert (await world.control("GET", "/events"))["settings"] == {"duplicates": 0, "delay": 0, "spread": 0, "drop": 0}
