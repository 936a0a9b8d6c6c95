from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import aiohttp

    from tests.local_host.conftest import Host, StartsHosts

APP = """
@app.event_grid_trigger(arg_name="event")
async def receive(event: func.EventGridEvent) -> None:
    record(kind=type(event).__name__, id=event.id, subject=event.subject, data=event.get_json())
    if event.id == "fails":
        raise RuntimeError("this one can't be taken")

@app.route(auth_level="anonymous")
def http(req: func.HttpRequest) -> str:
    return ""
"""
PATH = "/runtime/webhooks/eventgrid"


@pytest.fixture(scope="module")
def host(start_host: StartsHosts) -> Host:
    """One host for all tests here; each event has an id of its own."""
    return start_host(APP)


def event_grid_event(event_id: str) -> dict[str, Any]:
    """An event in Event Grid's own schema."""
    return {
        "id": event_id,
        "topic": "/subscriptions/s",
        "subject": "/subscriptions/s/thing",
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-11-23T06:00:00.1234567Z",
        "data": {"operationName": "thing/write"},
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def cloud_event(event_id: str) -> dict[str, Any]:
    """The same event in the CloudEvents schema."""
    return {
        "id": event_id,
        "source": "/subscriptions/s",
        "subject": "/subscriptions/s/thing",
        "type": "Microsoft.Resources.ResourceWriteSuccess",
        "time": "2026-11-23T06:00:00.1234567Z",
        "specversion": "1.0",
        "data": {"operationName": "thing/write"},
    }


@pytest.mark.parametrize(
    ("content", "content_type", "kind"),
    [
        ([event_grid_event("a"), event_grid_event("b")], "application/json", "EventGridEvent"),
        (cloud_event("c"), "application/cloudevents+json", "CloudEvent"),
        ([cloud_event("d"), cloud_event("e")], "application/cloudevents-batch+json", "CloudEvent"),
    ],
)
async def test_each_event_of_a_delivery_is_one_invocation(
    host: Host, http: aiohttp.ClientSession, content: Any, content_type: str, kind: str
) -> None:
    """Both schemas, alone or in a batch: 202 once every event has been taken."""
    headers = {"aeg-event-type": "Notification", "Content-Type": content_type}
    async with http.post(
        host.url(PATH, "eventgrid", functionName="Receive"), json=content, headers=headers
    ) as response:
        assert response.status == 202

    ids = {event["id"] for event in (content if isinstance(content, list) else [content])}
    seen = [record for record in host.records if record["id"] in ids]
    assert sorted(record["id"] for record in seen) == sorted(ids)
    assert {(record["kind"], record["subject"]) for record in seen} == {(kind, "/subscriptions/s/thing")}
    assert all(record["data"] == {"operationName": "thing/write"} for record in seen)


async def test_one_failed_event_fails_the_delivery(host: Host, http: aiohttp.ClientSession) -> None:
    """The others have run all the same, so Event Grid's repetition brings them again."""
    content = [event_grid_event("fails"), event_grid_event("beside")]
    headers = {"aeg-event-type": "Notification"}
    async with http.post(host.url(PATH, "master", functionName="receive"), json=content, headers=headers) as response:
        assert response.status == 500
    assert {"fails", "beside"} <= {record["id"] for record in host.records}


async def test_the_handshake_returns_the_code(host: Host, http: aiohttp.ClientSession) -> None:
    """SubscriptionValidation is answered by the host; the function doesn't run."""
    content = [
        {"id": "v", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}
    ]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    async with http.post(
        host.url(PATH, "eventgrid", functionName="receive"), json=content, headers=headers
    ) as response:
        assert (response.status, await response.json()) == (200, {"validationResponse": "42"})
    assert "v" not in {record["id"] for record in host.records}


async def test_the_cloud_events_handshake_allows_the_origin(host: Host, http: aiohttp.ClientSession) -> None:
    """OPTIONS is how CloudEvents asks whether deliveries are welcome."""
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    async with http.options(host.url(PATH, "eventgrid", functionName="receive"), headers=headers) as response:
        assert (response.status, response.headers["Webhook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize(
    ("function", "key", "kind", "body", "status"),
    [
        ("receive", None, "Notification", b"[]", 401),
        ("receive", "function", "Notification", b"[]", 401),
        ("unknown", "eventgrid", "Notification", b"[]", 404),
        ("http", "eventgrid", "Notification", b"[]", 404),
        ("receive", "eventgrid", "Unsubscribe", b"", 202),
        ("receive", "eventgrid", "Notification", b"[]", 202),
        ("receive", "eventgrid", "Other", b"[]", 400),
        ("receive", "eventgrid", "", b"[]", 400),
        ("receive", "eventgrid", "Notification", b"{", 400),
        ("receive", "eventgrid", "Notification", b"\xff\xfe", 400),
        ("receive", "eventgrid", "Notification", b"[1]", 400),
        ("receive", "eventgrid", "Notification", b'"text"', 400),
        ("receive", "eventgrid", "Notification", b"[" * 100_000, 400),
        ("receive", "eventgrid", "SubscriptionValidation", b"[]", 400),
        ("receive", "eventgrid", "SubscriptionValidation", b'{"data": {}}', 400),
        ("receive", "eventgrid", "SubscriptionValidation", b'[{"data": {"validationCode": 1}}]', 400),
    ],
)
async def test_what_is_no_delivery_is_refused(
    *, host: Host, http: aiohttp.ClientSession, function: str, key: str | None, kind: str, body: bytes, status: int
) -> None:
    """Key, function, event type and body are checked, in this order, before a function runs."""
    before = len(host.records)
    headers = {"aeg-event-type": kind}
    async with http.post(host.url(PATH, key, functionName=function), data=body, headers=headers) as response:
        assert response.status == status
    assert len(host.records) == before


async def test_an_event_can_be_sent_by_hand(host: Host, http: aiohttp.ClientSession) -> None:
    """The admin endpoint takes an event as its input and refuses what is none."""
    for given, status in (({"input": "[]"}, 400), ({"input": "{"}, 400), ([], 400), ({"input": cloud_event("h")}, 202)):
        async with http.post(host.url("/admin/functions/receive", "master"), json=given) as response:
            assert response.status == status
