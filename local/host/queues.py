"""Storage queue triggers, as Azure's queue listener runs them.

A message is invisible while its function runs and the host renews that, so a host that dies loses nothing: the message
comes back when its lease ends. Success deletes it; what fails too often goes to the poison queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import AzureError, HttpResponseError

from local.host.outputs import decode
from local.host.runtime import Datum

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from datetime import datetime

    from azure.storage.queue import QueueMessage

    from local.host.host_json import QueueOptions
    from local.host.invocations import Invoker
    from local.host.model import Function, QueueTrigger
    from local.host.storage import Queues

_log: Final = logging.getLogger("local.host")
_SHORTEST_POLL: Final = 0.1
_STORAGE_TROUBLE_WAIT: Final = 2.0
_POISON_SUFFIX: Final = "-poison"
# PopReceiptMismatch and MessageNotFound.
_LEASE_LOST: Final = (400, 404)


class QueueListener:
    """Feeds one function from its queue."""

    def __init__(
        self,
        function: Function,
        trigger: QueueTrigger,
        *,
        options: QueueOptions,
        queues: Queues,
        invoker: Invoker,
        lease_seconds: int,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._options = options
        self._queues = queues
        self._invoker = invoker
        self._lease_seconds = lease_seconds
        self._client = queues.client(trigger.connection, trigger.queue)
        self._working: set[asyncio.Task[None]] = set()
        # Azure gives a poison queue none of its own.
        self._poison = None if trigger.queue.endswith(_POISON_SUFFIX) else trigger.queue + _POISON_SUFFIX

    async def prepare(self) -> None:
        """Create the queue; when storage doesn't answer, polling goes on trying."""
        try:
            await self._queues.create(self._trigger.connection, self._trigger.queue)
        except AzureError as error:
            _log.warning("Queue %s can't be created yet: %s", self._trigger.queue, error)

    async def run(self, stopping: asyncio.Event) -> None:
        """Receive and work until the host stops; what is being worked on then is finished first."""
        wait = _SHORTEST_POLL
        async with asyncio.TaskGroup() as group:
            while not stopping.is_set():
                await self._room()
                received = await self._receive(stopping)
                for message in received:
                    task = group.create_task(self._work(message))
                    self._working.add(task)
                    task.add_done_callback(self._working.discard)
                if received:
                    wait = _SHORTEST_POLL
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), wait)
                wait = min(wait * 2, self._options.max_polling_interval)

    async def _room(self) -> None:
        while len(self._working) > self._options.new_batch_threshold:
            await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)

    async def _receive(self, stopping: asyncio.Event) -> list[QueueMessage]:
        size = self._options.batch_size
        try:
            pages = self._client.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=self._lease_seconds
            ).by_page()
            # One request: the next page would be a second look at the queue.
            page = await anext(pages, None)
            received = [message async for message in page] if page else []
            if stopping.is_set():
                for message in received:
                    await self._release(message.id, str(message.pop_receipt), 0)
                return []
        except AzureError as error:
            _log.warning("Queue %s can't be read: %s", self._trigger.queue, error)
            await self.prepare()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _STORAGE_TROUBLE_WAIT)
            return []
        return received

    async def _work(self, message: QueueMessage) -> None:
        """Take one message to its end; trouble with storage leaves it to come back when its lease ends."""
        try:
            await self._settle(message)
        except AzureError as error:
            _log.warning("Message %s of queue %s comes back: %s", message.id, self._trigger.queue, error)

    async def _settle(self, message: QueueMessage) -> None:
        tries = message.dequeue_count or 0
        if self._poison and tries > self._options.max_dequeue_count:
            # The host died during the last try: nobody could tell.
            await self._move_to_poison(message, str(message.pop_receipt), "it was tried too often")
            return
        try:
            body = decode(message.content, in_base64=self._options.base64)
        except ValueError:
            await self._move_to_poison(message, str(message.pop_receipt), "it isn't in base64")
            return
        async with self._lease(message) as lease:
            outcome = await self._invoker.invoke(
                self._function,
                _value(body),
                reason=f"message {message.id} of queue {self._trigger.queue}, dequeue count {tries}",
                metadata=_metadata(message, body),
            )
        if outcome.ok:
            await self._client.delete_message(message.id, lease.receipt)
        elif outcome.cancelled:
            await self._release(message.id, lease.receipt, 0)
        elif self._poison is None:
            _log.warning("Message %s stays invisible in queue %s", message.id, self._trigger.queue)
        elif tries >= self._options.max_dequeue_count:
            await self._move_to_poison(message, lease.receipt, f"it failed {tries} times")
        else:
            await self._release(message.id, lease.receipt, math.ceil(self._options.visibility_timeout))

    async def _release(self, message_id: str, receipt: str, seconds: int) -> None:
        await self._client.update_message(message_id, receipt, visibility_timeout=seconds)

    async def _move_to_poison(self, message: QueueMessage, receipt: str, reason: str) -> None:
        """Copy first, then delete: a crash in between doubles the copy and loses nothing."""
        if self._poison is None:
            _log.warning("Message %s stays invisible in queue %s: %s", message.id, self._trigger.queue, reason)
            return
        await self._queues.send(self._trigger.connection, self._poison, message.content, forever=True)
        await self._client.delete_message(message.id, receipt)
        _log.error("Message %s moved to queue %s: %s", message.id, self._poison, reason)

    @contextlib.asynccontextmanager
    async def _lease(self, message: QueueMessage) -> AsyncGenerator[_Lease]:
        """Keep a message invisible for the block; a renewal under way is awaited, because it changes the receipt."""
        lease = _Lease(str(message.pop_receipt))
        over = asyncio.Event()
        renewing = asyncio.create_task(self._renew(message.id, lease, over))
        try:
            yield lease
        finally:
            over.set()
            await renewing

    async def _renew(self, message_id: str, lease: _Lease, over: asyncio.Event) -> None:
        wait = self._lease_seconds / 2
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), wait)
                return
            try:
                renewed = await self._client.update_message(
                    message_id, lease.receipt, visibility_timeout=self._lease_seconds
                )
                lease.receipt, wait = str(renewed.pop_receipt), self._lease_seconds / 2
            except AzureError as error:
                if isinstance(error, HttpResponseError) and error.status_code in _LEASE_LOST:
                    _log.warning("Message %s of queue %s isn't ours any more", message_id, self._trigger.queue)
                    return
                _log.warning("The lease of message %s can't be renewed yet: %s", message_id, error)
                wait = _STORAGE_TROUBLE_WAIT


class _Lease:
    """Holds the pop receipt, which every renewal changes."""

    def __init__(self, receipt: str) -> None:
        self.receipt = receipt


def _value(body: bytes) -> Datum:
    try:
        return Datum(body.decode(), "string")
    except UnicodeDecodeError:
        return Datum(body, "bytes")


def _metadata(message: QueueMessage, body: bytes) -> Mapping[str, Datum]:
    """The names that the runtime's converter of queue messages looks for."""
    times: dict[str, datetime | None] = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": Datum(message.id, "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "DequeueCount": Datum(json.dumps(message.dequeue_count), "json"),
        "QueueTrigger": _value(body),
        **{name: Datum(json.dumps(time.isoformat()), "json") for name, time in times.items() if time is not None},
    }
