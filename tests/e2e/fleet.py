"""The whole app on one machine, and what can be asked of the world around it: rows, queues, Azure, the log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.stack import SUBSCRIPTION, Stack, cluster_id, stack
from tests.e2e.azure_view import AzureView
from tests.e2e.events import DELETE, START, TAGS, WRITE, Event, cloud_event, grid_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

SCALE: Final = 400.0
"""Virtual seconds per real one: 10 minutes of an onboarding in 1.5 s, plus the whole seconds of queue messages."""

EAGER: Final = {
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.1",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}
"""Host settings under which nobody waits for the host itself."""

_LOOK: Final = 0.1  # seconds between two looks
_PATIENCE: Final = 45.0  # seconds; several times what the slowest scenario takes while other tests run beside it

_EVENTS_API: Final = "2025-02-15"
_TAGS_API: Final = "2021-04-01"

type Row = dict[str, Any]


async def eventually[T](
    look: Callable[[], Awaitable[T | None]],
    what: Callable[[], str],
    seconds: float = _PATIENCE,
    pause: float = _LOOK,
) -> T:
    """Look until there is something to see; it fails the test when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for {what()}")
        await asyncio.sleep(pause)


class Fleet(AzureView):
    """A running stack with its clusters, seen from outside."""

    def __init__(self, parts: Stack, tables: TableServiceClient, queues: QueueServiceClient) -> None:
        super().__init__(parts.owner, str(parts.azure.ready["app_principal_id"]))
        self.parts = parts
        self._tables = tables
        self._queues = queues
        self._http = aiohttp.ClientSession()

    async def close(self) -> None:
        """Close the client of the webhook."""
        await self._http.close()

    # --- clusters and events

    async def seed_cluster(
        self,
        name: str,
        policy: str | None = None,
        *,
        location: str = "westeurope",
        group: str = "rg-seeded",
        subscription: str = SUBSCRIPTION,
        **properties: Any,
    ) -> str:
        """Put a cluster as if it had stood there for long; no event tells of it. Returns its id."""
        await self.seed(f"/subscriptions/{subscription}/resourceGroups/{group}", {"location": location})
        cluster = cluster_id(name, group, subscription)
        principal = str(uuid.uuid5(uuid.NAMESPACE_URL, cluster))
        pool = {"name": "nodepool1", "osType": "Linux", "vmSize": "Standard_D4s_v5", "mode": "System", "count": 1}
        body = {
            "location": location,
            "identity": {"type": "SystemAssigned", "principalId": principal},
            "tags": {"aks-backup": policy} if policy else {},
            "properties": {
                "provisioningState": "Succeeded",
                "powerState": {"code": "Running"},
                "agentPoolProfiles": [pool],
                "storageProfile": {"diskCSIDriver": {"enabled": True}, "snapshotController": {"enabled": True}},
                "nodeResourceGroup": f"MC_{group}_{name}_{location}",
                **properties,
            },
        }
        if "servicePrincipalProfile" in properties:
            del body["identity"]
        await self.seed(cluster, body)
        return cluster

    async def subscribe(self, group: str, location: str, schema: str = "EventGridSchema") -> None:
        """Let Event Grid deliver a resource group's events to the app, filtered as the deployment does it."""
        await self.parts.group(group, location)
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": self.parts.webhook()}}
        kinds = [operation.partition("/")[2] for operation in (WRITE, DELETE, START, TAGS)]
        operations = {"operatorType": "StringEndsWith", "key": "data.operationName", "values": kinds}
        scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        path = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/autopilot"
        wanted = {"advancedFilters": [operations]}
        body = {"destination": destination, "eventDeliverySchema": schema, "filter": wanted}
        await self.owner.made(path, _EVENTS_API, {"properties": body})

    async def tag(self, cluster: str, policy: str) -> None:
        """Set a cluster's tag through the tags API, which touches nothing else of it."""
        body = {"operation": "Merge", "properties": {"tags": {"aks-backup": policy}}}
        path = f"{cluster}/providers/Microsoft.Resources/tags/default"
        status, answer = await self.owner.arm("PATCH", path, _TAGS_API, body)
        assert status == 200, answer

    async def announce(self, cluster: str, operation: str = WRITE) -> None:
        """Deliver a hand-made event about a cluster, which has to be acknowledged."""
        assert await self.deliver([grid_event(cluster, operation)]) == 202

    async def onboard(self, name: str, policy: str | None, **where: Any) -> str:
        """Put a cluster as it stands and announce it; returns its id."""
        cluster = await self.seed_cluster(name, policy, **where)
        await self.announce(cluster)
        return cluster

    async def deliver(self, events: Sequence[Event] | Event | bytes) -> int:
        """POST to the webhook as Event Grid does: a batch, one CloudEvent, or raw bytes. Returns the status."""
        data = events if isinstance(events, bytes) else json.dumps(events).encode()
        async with self._http.post(
            self.parts.webhook(), data=data, headers={"aeg-event-type": "Notification"}
        ) as response:
            return response.status

    async def announce_in_both_schemas(self, cluster: str, operation: str = WRITE) -> None:
        """Deliver two events about a cluster, one in each schema."""
        await self.announce(cluster, operation)
        assert await self.deliver(cloud_event(cluster, operation)) == 202

    # --- what the app keeps

    async def row(self, cluster: str) -> Row | None:
        """The status row of a cluster, or None."""
        key = sha256(cluster.casefold().encode()).hexdigest()
        async with self._tables.get_table_client("clusters") as table:
            try:
                entity = await table.get_entity(cluster.split("/")[2].lower(), key)
            except ResourceNotFoundError:
                return None
        row: Row = json.loads(entity["doc"])
        return row

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table; none when the table isn't there."""
        async with self._tables.get_table_client(table) as client:
            try:
                return [{**row, "doc": json.loads(row["doc"])} async for row in client.list_entities()]
            except ResourceNotFoundError:
                return []

    async def settled(self, cluster: str, state: str, reason: str | None = None, seconds: float = _PATIENCE) -> Row:
        """Wait until a cluster's row is in a state, at rest: no pass runs and none has been asked for."""
        last: Row | None = None

        async def look() -> Row | None:
            nonlocal last
            last = await self.row(cluster)
            if last is None or last["claim"] or last["again"] or last["state"] != state:
                return None
            return last if reason in (None, last["reason"]) else None

        return await eventually(look, lambda: f"{state} {reason or ''} of {cluster}; it is {_short(last)}", seconds)

    async def protected(self, *clusters: str, seconds: float = _PATIENCE) -> list[Row]:
        """Wait until clusters are protected."""
        return [await self.settled(cluster, "Protected", seconds=seconds) for cluster in clusters]

    async def queued(self, queue: str = "reconcile") -> int:
        """Messages of a queue, those that aren't visible yet included."""
        async with self._queues.get_queue_client(queue) as client:
            with contextlib.suppress(ResourceNotFoundError):
                return int((await client.get_queue_properties()).approximate_message_count or 0)
        return 0

    async def enqueue(self, body: str, queue: str = "reconcile") -> None:
        """Put a text into a queue, encoded as the host wants it."""
        from azure.storage.queue import TextBase64EncodePolicy  # noqa: PLC0415  # beside its only use

        async with self._queues.get_queue_client(queue, message_encode_policy=TextBase64EncodePolicy()) as client:
            await client.send_message(body)

    async def drained(self, *queues: str) -> None:
        """Wait until queues hold nothing, visible or not."""
        names = queues or ("reconcile", "reconcile-poison")

        async def look() -> bool:
            return not any([await self.queued(name) for name in names])

        await eventually(look, lambda: f"empty queues {names}")

    @property
    def log(self) -> str:
        """Everything that the host and the app have logged so far."""
        return (self.parts.folder / "host.log").read_text(errors="replace")

    def passes(self, cluster: str) -> int:
        """Passes over a cluster that have begun so far."""
        lines = [line for line in self.log.splitlines() if f"message cluster={cluster} " in line]
        return sum(line.endswith("verdict=take") for line in lines)


def _short(row: Row | None) -> str:
    if row is None:
        return "not in the table"
    return json.dumps({key: row[key] for key in ("state", "reason", "message", "claim", "wake", "steps")}, indent=1)


@contextlib.asynccontextmanager
async def fleet(folder: Path, settings: Mapping[str, str] | None = None, **options: Any) -> AsyncGenerator[Fleet]:
    """Run a stack of its own, quick in everything that isn't Azure's.

    Args:
        folder: logs, ready objects and the host's keys.
        settings: app settings on top of the usual ones.
        options: as `local.stack.stack` has them.
    """
    options.setdefault("time_scale", SCALE)
    async with contextlib.AsyncExitStack() as closing:
        parts = await closing.enter_async_context(stack(folder, settings={**EAGER, **(settings or {})}, **options))
        connection = parts.storage.connection_string
        tables = await closing.enter_async_context(TableServiceClient.from_connection_string(connection))
        queues = await closing.enter_async_context(QueueServiceClient.from_connection_string(connection))
        running = Fleet(parts, tables, queues)
        closing.push_async_callback(running.close)
        yield running
