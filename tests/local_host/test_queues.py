from __future__ import annotations

import asyncio
import base64
import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from azure.storage.queue.aio import QueueServiceClient

from tests.local_host.conftest import HOST_JSON

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import aiohttp

    from local.azurite import Azurite
    from tests.local_host.conftest import Host, StartsHosts, Waits

APP = """
@app.queue_trigger(arg_name="msg", queue_name="%WORK%", connection="AzureWebJobsStorage")
async def work(msg: func.QueueMessage) -> None:
    text = msg.get_body().decode()
    record(text=text, id=msg.id, tries=msg.dequeue_count, year=msg.insertion_time.year,
           receipt=bool(msg.pop_receipt))
    if text.startswith("fails"):
        raise RuntimeError("on purpose")
    if text == "long":
        await asyncio.sleep(3.5)
        record(finished=text)
    if text == "hangs":
        await asyncio.sleep(60)
    if text == "blocks":
        time.sleep(60)

@app.queue_trigger(arg_name="msg", queue_name="%WORK%-poison", connection="AzureWebJobsStorage")
async def poisoned(msg: func.QueueMessage) -> None:
    record(poisoned=msg.get_body().decode())
    if msg.get_body() == b"fails twice":
        raise RuntimeError("the poison function fails too")

@app.route(auth_level="anonymous")
@app.queue_output(arg_name="out", queue_name="%WORK%-out", connection="AzureWebJobsStorage")
def write(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(req.get_body().decode())
    return "written"

@app.route(auth_level="anonymous")
@app.queue_output(arg_name="out", queue_name="%WORK%-out", connection="AzureWebJobsStorage")
def write_bytes(req: func.HttpRequest, out: func.Out[bytes]) -> str:
    out.set(req.get_body())
    return "written"

@app.route(auth_level="anonymous")
@app.queue_output(arg_name="out", queue_name="%WORK%-out", connection="AzureWebJobsStorage")
def write_list(req: func.HttpRequest, out: func.Out[typing.List[str]]) -> str:
    out.set(["one", "two"])
    return "written"
"""


@pytest_asyncio.fixture
async def storage(azurite: Azurite) -> AsyncGenerator[QueueServiceClient]:
    """The account, seen from outside the host."""
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as client:
        yield client


@pytest.fixture(scope="module")
def host(start_host: StartsHosts) -> Host:
    """One host for the tests that don't end it."""
    return start_host(APP, settings={"WORK": "shared"})


async def send(storage: QueueServiceClient, queue: str, text: str) -> str:
    """Put a message in base64 into a queue; returns its id."""
    return (await storage.get_queue_client(queue).send_message(base64.b64encode(text.encode()).decode())).id


async def count(storage: QueueServiceClient, queue: str) -> int:
    """How many messages are in a queue, seen or unseen."""
    properties = await storage.get_queue_client(queue).get_queue_properties()
    return properties.approximate_message_count or 0


async def drained(storage: QueueServiceClient, queue: str) -> bool:
    """Whether a queue becomes empty; polls for a few seconds."""
    for _ in range(100):
        if await count(storage, queue) == 0:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_message_is_worked_on_and_deleted(host: Host, storage: QueueServiceClient, wait: Waits) -> None:
    """The queue is there from the start; the function sees body, id, count, time and receipt."""
    sent = await send(storage, "shared", "hällo")

    wait(lambda: [each for each in host.records if each.get("id") == sent], "the message")
    expected = {"text": "hällo", "id": sent, "tries": 1, "receipt": True, "year": datetime.now(UTC).year}
    assert expected.items() <= next(each for each in host.records if each.get("id") == sent).items()
    assert await drained(storage, "shared")


async def test_a_message_that_fails_ends_in_the_poison_queue(
    host: Host, storage: QueueServiceClient, wait: Waits
) -> None:
    """It is tried maxDequeueCount times, then copied; the poison queue's own function gets it."""
    sent = await send(storage, "shared", "fails")

    wait(lambda: {"poisoned": "fails"} in host.records, "the poison queue")
    assert [each["tries"] for each in host.records if each.get("id") == sent] == [1, 2]
    assert await drained(storage, "shared")
    assert await drained(storage, "shared-poison")


async def test_a_poison_queue_has_no_poison_queue(host: Host, storage: QueueServiceClient, wait: Waits) -> None:
    """A message that fails there stays invisible instead of going round and round."""
    await storage.get_queue_client("shared-poison").clear_messages()
    await send(storage, "shared-poison", "fails twice")

    wait(lambda: "stays invisible in queue shared-poison" in host.log, "the failure")
    assert await count(storage, "shared-poison") == 1
    assert [each.name async for each in storage.list_queues(name_starts_with="shared-poison")] == ["shared-poison"]
    await storage.get_queue_client("shared-poison").clear_messages()


async def test_a_message_that_is_not_base64_is_poison_at_once(
    host: Host, storage: QueueServiceClient, wait: Waits
) -> None:
    """The function never sees it, and it isn't tried again and again."""
    queue = storage.get_queue_client("shared")
    await queue.send_message("{not base64}")

    wait(lambda: host.log.count("it isn't in base64") == 2, "both queues' refusals")
    assert await drained(storage, "shared")


@pytest.mark.parametrize(
    ("function", "given", "messages"),
    [
        ("write", "plain text", ["plain text"]),
        ("write", '["a", {"b": 1}, null]', ["a", '{"b":1}']),
        ("write", '{"a": 1}', ['{"a":1}']),
        ("write", "[not json", ["[not json"]),
        ("write_bytes", '["a", "b"]', ['["a", "b"]']),
        ("write_list", "-", ["one", "two"]),
    ],
)
async def test_an_output_binding_writes_messages(
    *,
    host: Host,
    http: aiohttp.ClientSession,
    storage: QueueServiceClient,
    function: str,
    given: str,
    messages: list[str],
) -> None:
    """Bytes are one message as they are; text that looks like JSON is parsed by the host, an array becomes several."""
    async with http.post(host.url(f"/api/{function}"), data=given) as response:
        assert response.status == 200

    queue = storage.get_queue_client("shared-out")
    received = [message async for message in queue.receive_messages()]
    for message in received:
        await queue.delete_message(message)
    assert sorted(base64.b64decode(message.content).decode() for message in received) == sorted(messages)


async def test_an_output_that_storage_refuses_fails_the_invocation(host: Host, http: aiohttp.ClientSession) -> None:
    """A message over 64 KiB is storage's refusal, and a 500 to the caller."""
    async with http.post(host.url("/api/write_bytes"), data=b"x" * 70_000) as response:
        assert response.status == 500
    assert "an output binding failed" in host.log


async def test_a_message_can_be_given_by_hand(host: Host, http: aiohttp.ClientSession, wait: Waits) -> None:
    """The admin endpoint answers 202 at once and runs the function with the input as its message."""
    async with http.post(host.url("/admin/functions/poisoned", "master"), json={"input": {"by": "hand"}}) as response:
        assert response.status == 202
    wait(lambda: {"poisoned": '{"by": "hand"}'} in host.records, "the function")


async def test_a_long_run_keeps_its_message(start_host: StartsHosts, storage: QueueServiceClient, wait: Waits) -> None:
    """The lease is renewed while the function runs: nobody else gets the message, and it is deleted in the end."""
    host = start_host(APP, "--lease-seconds", "2", settings={"WORK": "long-run"})
    await send(storage, "long-run", "long")

    wait(lambda: {"finished": "long"} in host.records, "the long run")
    assert await drained(storage, "long-run")
    assert [each["tries"] for each in host.records if "text" in each] == [1]


async def test_a_killed_host_loses_nothing(start_host: StartsHosts, storage: QueueServiceClient, wait: Waits) -> None:
    """A message being worked on comes back when its lease ends; too many deaths make it poison without another run."""
    settings = {"WORK": "killed"}
    first = start_host(APP, "--lease-seconds", "2", settings=settings)
    await send(storage, "killed", "blocks")
    wait(lambda: len(first.records) == 1, "the first try")
    first.stop(signal.SIGKILL)

    second = start_host(APP, "--lease-seconds", "2", settings=settings, folder=first.folder)
    wait(lambda: len(second.records) == 2, "the second try")
    second.stop(signal.SIGKILL)

    third = start_host(APP, "--lease-seconds", "2", settings=settings, folder=first.folder)
    wait(lambda: {"poisoned": "blocks"} in third.records, "the poison queue")
    assert [each["tries"] for each in third.records if "text" in each] == [1, 2]


async def test_a_stopped_host_gives_its_messages_back(
    start_host: StartsHosts, storage: QueueServiceClient, wait: Waits
) -> None:
    """SIGTERM cancels what doesn't end soon; its message is visible again at once, without waiting for the lease."""
    host = start_host(APP, settings={"WORK": "stopped"})
    await send(storage, "stopped", "hangs")
    wait(lambda: host.records, "the run")

    assert host.stop() == 0
    assert "(Cancelled" in host.log
    messages = [message async for message in storage.get_queue_client("stopped").receive_messages()]
    assert [(message.dequeue_count, base64.b64decode(message.content)) for message in messages] == [(2, b"hangs")]


async def test_a_function_in_a_thread_does_not_keep_the_host_alive(
    start_host: StartsHosts, storage: QueueServiceClient, wait: Waits
) -> None:
    """What can't be cancelled ends with the process, which ends all the same."""
    host = start_host(APP, settings={"WORK": "stuck"})
    await send(storage, "stuck", "blocks")
    wait(lambda: host.records, "the run")

    assert host.stop() == 0


async def test_message_encoding_none_is_obeyed(
    start_host: StartsHosts, storage: QueueServiceClient, wait: Waits
) -> None:
    """With messageEncoding none the text in the queue is the message."""
    queues = {"maxPollingInterval": "00:00:00.2", "messageEncoding": "none"}
    host = start_host(APP, settings={"WORK": "plain"}, host_json=HOST_JSON | {"extensions": {"queues": queues}})
    await storage.get_queue_client("plain").send_message(json.dumps({"<a>": "&"}))

    wait(lambda: host.records, "the message")
    assert host.records[0]["text"] == '{"<a>": "&"}'


async def test_a_failed_try_waits_for_the_visibility_timeout(
    start_host: StartsHosts, storage: QueueServiceClient, wait: Waits
) -> None:
    """After a failure the message stays invisible for visibilityTimeout; settings override host.json."""
    settings = {"WORK": "delayed", "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "01:00:00"}
    host = start_host(APP, settings=settings)
    await send(storage, "delayed", "fails")

    wait(lambda: "(Failed" in host.log, "the failure")
    host.stop()
    assert [message async for message in storage.get_queue_client("delayed").receive_messages()] == []
    assert await count(storage, "delayed") == 1
