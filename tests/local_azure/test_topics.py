"""Custom topics of Event Grid: as resources, and taking events from the real publisher client."""

from __future__ import annotations

import datetime as dt
import io
import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.messaging import CloudEvent
from azure.core.pipeline.transport import AioHttpTransport
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from tests.local_azure.client import SUBSCRIPTION, Answer, Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from azure.core.credentials_async import AsyncTokenCredential

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/topics/news"
SENDER = "d5a91429-5739-47e2-a06b-3470a27159e7"  # EventGrid Data Sender
API = "2025-02-15"
CLOUD = "application/cloudevents-batch+json"
EVENT = {"specversion": "1.0", "id": "1", "source": "/here", "type": "Thing.Happened", "data": {"a": 1}}
GRID_EVENT = {
    "id": "1",
    "subject": "/here",
    "eventType": "Thing.Happened",
    "eventTime": "2024-06-26T12:00:00Z",
    "dataVersion": "1",
    "data": {},
}


class Token:
    """A credential with a token for one audience."""

    def __init__(self, azure: Client, resource: str) -> None:
        self._azure = azure
        self._resource = resource
        self.scopes: tuple[str, ...] = ()

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """The app's token."""
        self.scopes = scopes
        token = await self._azure.token("app", self._resource)
        return AccessToken(token, int(dt.datetime.now(dt.UTC).timestamp()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest_asyncio.fixture
async def topic(azure: Client) -> dict[str, Any]:
    """A topic for CloudEvents, ready."""
    await azure.group("rg")
    return await make(azure, "CloudEventSchemaV1_0")


async def arm(azure: Client, method: str, path: str, body: Any = None) -> Answer:
    """A request to Resource Manager as an owner."""
    return await azure.arm(method, path, body, version=API)


async def make(azure: Client, schema: str, path: str = TOPIC) -> dict[str, Any]:
    """Create a topic and wait for it."""
    made = await arm(azure, "PUT", path, {"location": "westeurope", "properties": {"inputSchema": schema}})
    assert made.status == 201, made.body
    azure.cloud.clock.advance(10)
    return dict((await arm(azure, "GET", path)).body)


async def key(azure: Client) -> str:
    """The first access key."""
    return str((await arm(azure, "POST", f"{TOPIC}/listKeys", {})).body["key1"])


@asynccontextmanager
async def publisher(azure: Client, endpoint: str, credential: object) -> AsyncGenerator[EventGridPublisherClient]:
    """The real client, which trusts this simulation's certificate and tries once."""
    trust = ssl.create_default_context(cafile=azure.azure.ready["ca_file"])
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust))
    transport = AioHttpTransport(session=session, session_owner=True)
    known: AsyncTokenCredential | AzureKeyCredential = credential  # type: ignore[assignment]  # a stand-in is one too
    async with session, EventGridPublisherClient(endpoint, known, transport=transport, retry_total=0) as client:
        yield client


async def taken(azure: Client, name: str = "news") -> list[dict[str, Any]]:
    """What a topic has taken."""
    found: list[dict[str, Any]] = await azure.control("GET", f"/topics/{name}/events")
    return found


async def send(
    azure: Client, body: Any, *, media: str = CLOUD, headers: dict[str, str] | None = None, path: str = ""
) -> Answer:
    """Send events as they are, with the access key unless other headers are given."""
    sent = {"Content-Type": media, **({"aeg-sas-key": await key(azure)} if headers is None else headers)}
    url = azure.azure.ready["arm"] + (path or "/eventgrid/news/api/events?api-version=2018-01-01")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    trust = ssl.create_default_context(cafile=azure.azure.ready["ca_file"])
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(content), headers=sent, ssl=trust) as answer,
    ):
        text = await answer.text()
        return Answer(answer.status, answer.headers, json.loads(text) if text else None)


async def test_a_topic_is_made(azure: Client, topic: dict[str, Any]) -> None:
    """201 and an operation; then it has an endpoint on this machine, and two keys that stay."""
    assert topic["properties"]["provisioningState"] == "Succeeded"
    assert topic["properties"]["inputSchema"] == "CloudEventSchemaV1_0"
    assert topic["properties"]["endpoint"] == f"{azure.azure.ready['arm']}/eventgrid/news/api/events"
    listed = await arm(azure, "GET", f"{GROUP}/providers/Microsoft.EventGrid/topics")
    assert listed.body["value"] == [topic]
    keys = (await arm(azure, "POST", f"{TOPIC}/listKeys", {})).body
    again = await arm(
        azure, "PUT", TOPIC, {"location": "westeurope", "properties": {"inputSchema": "CloudEventSchemaV1_0"}}
    )
    assert again.body["properties"]["provisioningState"] == "Updating"
    assert (await arm(azure, "POST", f"{TOPIC}/listKeys", {})).body == keys
    status = await azure.arm("GET", again.headers["Azure-AsyncOperation"])
    assert status.body["status"] == "InProgress"


async def test_a_key_can_be_changed(azure: Client, topic: dict[str, Any]) -> None:
    """The new one works, the old one doesn't, and the other is as it was."""
    assert topic
    before = (await arm(azure, "POST", f"{TOPIC}/listKeys", {})).body
    after = (await arm(azure, "POST", f"{TOPIC}/regenerateKey", {"keyName": "key1"})).body
    assert after["key1"] != before["key1"]
    assert after["key2"] == before["key2"]
    assert (await send(azure, [EVENT], headers={"aeg-sas-key": before["key1"]})).status == 401
    assert (await send(azure, [EVENT], headers={"aeg-sas-key": after["key1"]})).status == 200
    assert (await send(azure, [EVENT], headers={"aeg-sas-key": after["key2"]})).status == 200
    assert (await arm(azure, "POST", f"{TOPIC}/regenerateKey", {"keyName": "key3"})).status == 400


@pytest.mark.parametrize(
    ("name", "properties", "status"),
    [
        ("no_underscores", {}, 400),
        ("ab", {}, 400),
        ("fine", {"inputSchema": "Morse"}, 400),
        ("news", {"inputSchema": "EventGridSchema"}, 400),
    ],
)
async def test_topics_that_cannot_be(
    azure: Client, topic: dict[str, Any], name: str, properties: dict[str, str], status: int
) -> None:
    """Names and schemas have rules; a schema is for a topic's life."""
    assert topic
    path = TOPIC.replace("news", name)
    assert (await arm(azure, "PUT", path, {"location": "westeurope", "properties": properties})).status == status


async def test_a_name_is_taken_once(azure: Client, topic: dict[str, Any]) -> None:
    """In another group it is taken as well, until the topic is gone."""
    assert topic
    await azure.group("other")
    path = TOPIC.replace("/rg/", "/other/")
    assert (await arm(azure, "PUT", path, {"location": "westeurope"})).status == 409
    assert (await arm(azure, "DELETE", TOPIC)).status == 200
    assert (await arm(azure, "DELETE", TOPIC)).status == 204
    assert (await arm(azure, "PUT", path, {"location": "westeurope"})).status == 201


async def test_the_real_client_publishes_with_a_key(azure: Client, topic: dict[str, Any]) -> None:
    """CloudEvents arrive whole and in order, with who sent them; the control endpoint shows and forgets them."""
    async with publisher(azure, topic["properties"]["endpoint"], AzureKeyCredential(await key(azure))) as client:
        time = dt.datetime(2024, 6, 26, 12, tzinfo=dt.UTC)
        first = CloudEvent(source="/a", type="T", data={"n": 1}, id="e1", subject="/s", time=time)
        await client.send([first, CloudEvent(source="/a", type="T", data=None, id="e2", extensions={"more": "x"})])
        await client.send(CloudEvent(source="/a", type="T", data="text", id="e3"))
    found = await taken(azure)
    assert [entry["seq"] for entry in found] == [1, 2, 3]
    assert [entry["event"]["id"] for entry in found] == ["e1", "e2", "e3"]
    assert {entry["by"]["key"] for entry in found} == {"key1"}
    event = found[0]["event"]
    assert (event["data"], event["subject"], event["type"], event["source"]) == ({"n": 1}, "/s", "T", "/a")
    assert found[1]["event"]["more"] == "x"
    assert [entry["seq"] for entry in await azure.control("GET", "/topics/NEWS/events?since=2")] == [3]
    await azure.control("DELETE", "/topics/news/events")
    assert await taken(azure) == []
    assert (await send(azure, [EVENT])).status == 200
    assert [entry["seq"] for entry in await taken(azure)] == [4]


async def test_the_real_client_publishes_with_a_token(azure: Client, topic: dict[str, Any]) -> None:
    """The identity needs EventGrid Data Sender on the topic, and a token for Event Grid and nothing else."""
    credential = Token(azure, "https://eventgrid.azure.net")
    async with publisher(azure, topic["properties"]["endpoint"], credential) as client:
        with pytest.raises(HttpResponseError) as refused:
            await client.send(CloudEvent(source="/a", type="T", id="e1"))
        assert refused.value.status_code == 403
        role = azure.cloud.roles.get(SENDER)
        assert role
        azure.cloud.assign(azure.cloud.app, role, TOPIC)
        await client.send(CloudEvent(source="/a", type="T", id="e2"))
        assert credential.scopes == ("https://eventgrid.azure.net/.default",)
    async with publisher(
        azure, topic["properties"]["endpoint"], Token(azure, "https://management.azure.com")
    ) as client:
        with pytest.raises(ClientAuthenticationError):
            await client.send(CloudEvent(source="/a", type="T", id="e3"))
    (entry,) = await taken(azure)
    assert (entry["event"]["id"], entry["by"]) == ("e2", {"principal": azure.cloud.app.name})


async def test_a_token_for_event_grid_is_none_for_resource_manager(azure: Client, topic: dict[str, Any]) -> None:
    """Each service takes tokens of its own audience only."""
    assert topic
    token = await azure.token("owner", "https://eventgrid.azure.net")
    answer = await azure.arm("GET", TOPIC, version=API, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationTokenAudience")


async def test_the_other_schema(azure: Client) -> None:
    """A topic for Event Grid's own schema takes that from the real client, and no CloudEvents."""
    await azure.group("rg")
    topic = await make(azure, "EventGridSchema")
    async with publisher(azure, topic["properties"]["endpoint"], AzureKeyCredential(await key(azure))) as client:
        await client.send(EventGridEvent(subject="/s", event_type="T", data={"n": 1}, data_version="1", id="g1"))
        with pytest.raises(HttpResponseError) as refused:
            await client.send(CloudEvent(source="/a", type="T", id="e1"))
    assert refused.value.status_code == 400
    (entry,) = await taken(azure)
    assert (entry["event"]["id"], entry["event"]["eventType"]) == ("g1", "T")


async def test_a_single_event(azure: Client, topic: dict[str, Any]) -> None:
    """CloudEvents come one by one as well, in a media type of their own."""
    assert topic
    assert (await send(azure, EVENT, media="application/cloudevents+json; charset=utf-8")).status == 200
    assert [entry["event"] for entry in await taken(azure)] == [EVENT]


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": None},
        {"id": 7},
        {"source": None},
        {"type": None},
        {"specversion": "0.3"},
        {"subject": ""},
        {"time": "yesterday"},
        {"data_base64": "AAA="},
        {"UPPER": "x"},
        {"with-dash": "x"},
        {"waytoolongfornameofone": "x"},
        {"nested": {"a": 1}},
    ],
)
async def test_a_malformed_event_is_refused_with_its_whole_batch(
    azure: Client, topic: dict[str, Any], change: dict[str, Any]
) -> None:
    """400, and nothing of the batch is kept."""
    assert topic
    answer = await send(azure, [EVENT, {**EVENT, **change}])
    assert (answer.status, answer.code) == (400, "BadRequest")
    assert answer.body["error"]["details"][0]["code"] == "InputJsonInvalid"
    assert "position 1" in answer.body["error"]["message"]
    assert await taken(azure) == []


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"{", CLOUD),
        (b"", CLOUD),
        ([], CLOUD),
        (EVENT, CLOUD),
        ([EVENT], "application/cloudevents+json"),
        ([EVENT], "application/json"),
        (["text"], CLOUD),
    ],
)
async def test_a_body_must_be_what_its_media_type_says(
    azure: Client, topic: dict[str, Any], body: Any, media: str
) -> None:
    """400 for anything else."""
    assert topic
    assert (await send(azure, body, media=media)).status == 400


@pytest.mark.parametrize("change", [{"id": None}, {"eventTime": "now"}, {"dataVersion": ""}, {"data": ...}])
async def test_events_of_the_other_schema_are_checked_too(azure: Client, change: dict[str, Any]) -> None:
    """Its fields are needed, apart from the topic and metadataVersion."""
    await azure.group("rg")
    await make(azure, "EventGridSchema")
    assert (await send(azure, [GRID_EVENT], media="application/json")).status == 200
    event = {name: value for name, value in {**GRID_EVENT, **change}.items() if value is not ...}
    assert (await send(azure, [event], media="application/json")).status == 400
    assert len(await taken(azure)) == 1


async def test_who_may_send(azure: Client, topic: dict[str, Any]) -> None:
    """401 without a key or with a wrong one, or with keys switched off; 404 where no topic is; 413 for over 1 MB."""
    assert topic
    assert (await send(azure, [EVENT], headers={})).status == 401
    assert (await send(azure, [EVENT], headers={"aeg-sas-key": "nope"})).status == 401
    assert (await send(azure, [EVENT], headers={"Authorization": "Bearer nope"})).status == 401
    assert (await send(azure, [EVENT], path="/eventgrid/olds/api/events?api-version=2018-01-01")).status == 404
    assert (await send(azure, [EVENT], path="/eventgrid/news/api/other?api-version=2018-01-01")).status == 404
    assert (await send(azure, [EVENT], path="/eventgrid/news/api/events")).status == 400
    assert (await send(azure, [{**EVENT, "data": "x" * 1024 * 1024}])).status == 413
    stored = azure.cloud.store.get(TOPIC)
    assert stored
    stored.properties["disableLocalAuth"] = True
    assert (await send(azure, [EVENT])).status == 401
    assert await taken(azure) == []


async def test_an_absent_topic_is_an_error_to_the_real_client(azure: Client) -> None:
    """In Azure there isn't even a host."""
    endpoint = f"{azure.azure.ready['arm']}/eventgrid/none/api/events"
    async with publisher(azure, endpoint, AzureKeyCredential("AAAA")) as client:
        with pytest.raises(ResourceNotFoundError):
            await client.send(CloudEvent(source="/a", type="T", id="e1"))
    assert await azure.control("GET", "/topics/none/events") == {"error": "there is no such topic"}


async def test_faults_strike_publishing(azure: Client, topic: dict[str, Any]) -> None:
    """The nth request fails or is throttled; one can be lost after it was stored, which its sender can't tell."""
    await azure.control(
        "POST", "/faults", {"match": {"path": "^/eventgrid/news"}, "nth": 2, "action": "fail", "status": 503}
    )
    async with publisher(azure, topic["properties"]["endpoint"], AzureKeyCredential(await key(azure))) as client:
        await client.send(CloudEvent(source="/a", type="T", id="e1"))
        with pytest.raises(HttpResponseError):
            await client.send(CloudEvent(source="/a", type="T", id="e2"))
        await azure.control("POST", "/faults", {"match": {"path": "^/eventgrid/"}, "action": "drop", "after": True})
        with pytest.raises(ServiceRequestError):
            await client.send(CloudEvent(source="/a", type="T", id="e3"))
        await client.send(CloudEvent(source="/a", type="T", id="e3"))
    assert [entry["event"]["id"] for entry in await taken(azure)] == ["e1", "e3", "e3"]


async def test_a_seeded_topic_works(azure: Client) -> None:
    """What it lacks is filled in when it is looked at, so that tests need one request."""
    order = {"id": TOPIC, "body": {"location": "westeurope", "properties": {"inputSchema": "CloudEventSchemaV1_0"}}}
    await azure.control("PUT", "/resources", order)
    await azure.group("rg")
    endpoint = (await arm(azure, "GET", TOPIC)).body["properties"]["endpoint"]
    async with publisher(azure, endpoint, AzureKeyCredential(await key(azure))) as client:
        await client.send(CloudEvent(source="/a", type="T", id="e1"))
    assert len(await taken(azure)) == 1
