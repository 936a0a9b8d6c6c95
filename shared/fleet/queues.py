"""Sends messages to the app's own queues; the queue is made at its first message."""

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import BinaryBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared import logs
from shared.fleet.messages import Message

_LONGEST_DELAY = 7 * 24 * 3600  # Queue Storage: at most 7 days


class Sender:
    """Sends to one queue."""

    def __init__(self, service: QueueServiceClient, queue: str) -> None:
        self._client: QueueClient = service.get_queue_client(queue, message_encode_policy=BinaryBase64EncodePolicy())

    async def send(self, message: Message, delay: float = 0) -> None:
        """Send a message that becomes visible after `delay` real seconds; Queue Storage counts whole ones."""
        seconds = min(max(0, round(delay)), _LONGEST_DELAY)
        try:
            await self._send(message, seconds)
        except ResourceNotFoundError:
            try:
                await self._client.create_queue()
            except ResourceExistsError:
                logs.info("queue_exists", queue=self._client.queue_name)
            await self._send(message, seconds)

    async def _send(self, message: Message, seconds: int) -> None:
        # a message that ends after the usual 7 days could end while it is hidden, and a chain with it
        await self._client.send_message(message.encode(), visibility_timeout=seconds, time_to_live=-1)
