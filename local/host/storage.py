"""The queues of storage accounts, through the real SDK."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Self

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

if TYPE_CHECKING:
    from types import TracebackType

_requests: Final = logging.getLogger("local.host.requests")
_FOREVER: Final = -1


class Queues:
    """Clients by connection string; one connection pool for each account."""

    def __init__(self) -> None:
        self._services: dict[str, QueueServiceClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for service in self._services.values():
            await service.close()

    def client(self, connection: str, queue: str) -> QueueClient:
        """The client of one queue; it belongs to this object and isn't closed by who uses it.

        Raises:
            ValueError: the connection string is malformed.
        """
        if connection not in self._services:
            self._services[connection] = QueueServiceClient.from_connection_string(
                connection, retry_total=3, initial_backoff=1, increment_base=1, random_jitter_range=1, logger=_requests
            )
        return self._services[connection].get_queue_client(queue)

    async def create(self, connection: str, queue: str) -> None:
        """Create a queue that may be there already.

        Raises:
            AzureError: storage doesn't answer or refuses.
        """
        try:
            await self.client(connection, queue).create_queue()
        except ResourceExistsError:
            _requests.debug("queue %s is there already", queue)

    async def send(self, connection: str, queue: str, content: str, *, forever: bool = False) -> None:
        """Put a message into a queue, which is created if it is missing.

        Args:
            connection: the account.
            queue: the queue's name.
            content: the text as it shall stand in the queue.
            forever: whether the message never expires; otherwise it does after seven days.

        Raises:
            AzureError: storage doesn't answer or refuses.
        """
        client = self.client(connection, queue)
        lifetime = _FOREVER if forever else None
        try:
            await client.send_message(content, time_to_live=lifetime)
        except ResourceNotFoundError:
            await self.create(connection, queue)
            await client.send_message(content, time_to_live=lifetime)
