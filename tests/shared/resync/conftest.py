"""A fleet of protected clusters in a simulated Azure, with rows and a queue in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest_asyncio

from local.seeding import protected_fleet, protected_rows
from shared.arm.answers import Operation
from shared.arm.clock import AzureClock
from shared.arm.door import Answer
from shared.catalog.loading import load
from shared.errors import ArmError
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, Glance
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Stored
from shared.resync.fleet import Resync, ResyncRow
from shared.settings import load as load_settings
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION
from tests.local_azure.conftest import azure, start

if TYPE_CHECKING:
    from local.azure.store import Resource
    from tests.local_azure.client import Client

__all__ = ["azure", "start"]

SUBSCRIPTIONS = [path.rpartition("/")[2] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION)]
ENVIRON = {"AUTOPILOT_SUBSCRIPTIONS": ",".join(SUBSCRIPTIONS), "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
POLICIES = ["gold", "silver", "bronze"]


@dataclass
class GraphDoor:
    """As much of a door as a resync needs; it counts what is asked."""

    azure: Client
    clock: AzureClock = field(default_factory=AzureClock)
    asked: list[str] = field(default_factory=list)

    async def post(self, path: str, api_version: str, body: Any = None) -> Answer:
        self.asked.append(body["query"])
        said = await self.azure.arm("POST", path, body, caller="app", version=api_version)
        self.clock.heard(said.headers["Date"])
        if said.status >= 400:
            raise ArmError("refused", status=said.status, code=said.code, retry_after=0.01)
        return Answer(said.status, said.body, Operation("", None))

    async def list(self, path: str, api_version: str, **query: str) -> list[Any]:
        self.asked.append(path)
        asked = "&".join(f"${name}={quote(value)}" for name, value in query.items())
        said = await self.azure.arm("GET", f"{path}?{asked}", caller="app", version=api_version)
        assert said.status == 200, said.body
        return list(said.body["value"])


@dataclass
class Glances:
    """The table of clusters, as a look at the whole fleet reads it."""

    rows: list[ClusterRow] = field(default_factory=list)

    async def all(self) -> AsyncIterator[Stored[Glance]]:
        for row in self.rows:
            yield Stored(msgspec.json.decode(msgspec.json.encode(row), type=Glance), "etag")


@dataclass
class Marks:
    """The row of the last resync."""

    row: ResyncRow = field(default_factory=ResyncRow)

    async def read(self, key: Key, new: Any) -> Stored[ResyncRow]:
        return Stored(self.row, "etag")

    async def write(self, key: Key, stored: Stored[ResyncRow]) -> Stored[ResyncRow]:
        self.row = stored.value
        return stored


@dataclass
class Queue:
    """Remembers what was sent, and when it becomes visible."""

    sent: list[tuple[Message, float]] = field(default_factory=list)

    async def send(self, message: Message, delay: float = 0) -> None:
        self.sent.append((message, delay))


class World:
    """The fleet, and a resync over it."""

    def __init__(self, azure: Client) -> None:
        self.azure = azure
        self.cloud = azure.cloud
        self.door = GraphDoor(azure)
        self.glances, self.marks, self.queue = Glances(), Marks(), Queue()
        self.environ = dict(ENVIRON)

    def add(self, *names: str, policy: str = "gold", subscription: str = SUBSCRIPTIONS[0]) -> list[str]:
        """Put protected clusters of a policy with their rows; their ids."""
        group = f"/subscriptions/{subscription}/resourceGroups/rg-fleet"
        ids = [f"{group}/providers/Microsoft.ContainerService/managedClusters/{name}" for name in names]
        for order in protected_fleet(ids, [policy], self.environ):
            self.cloud.seed(order["id"], order["body"])
        rows = protected_rows(ids, [policy], self.environ)
        for row in rows:
            row.looked_at = self.now
        self.glances.rows += rows
        return ids

    @property
    def now(self) -> float:
        """Azure's time, epoch seconds."""
        return self.cloud.clock.moment().timestamp()

    def row(self, cluster: str) -> ClusterRow:
        """The row of a cluster."""
        return next(row for row in self.glances.rows if row.cluster_id.casefold() == cluster.casefold())

    def forget(self, cluster: str) -> None:
        """Remove the row of a cluster."""
        self.glances.rows.remove(self.row(cluster))

    def cluster(self, cluster: str) -> Resource:
        """A cluster, to be changed in place."""
        found = self.cloud.store.get(cluster)
        assert found
        return found

    def part(self, kind: str, cluster: str) -> Resource:
        """What of a type belongs to a cluster: by its id, or by the cluster's id in it."""
        found = [
            item
            for item in self.cloud.store.of_type(kind)
            if item.id.casefold().startswith(f"{cluster.casefold()}/")
            or item.properties.get("dataSourceInfo", {}).get("resourceID") == cluster
        ]
        assert len(found) == 1, [item.id for item in found]
        return found[0]

    def remove(self, resource_id: str) -> None:
        """Remove a resource as if it had never been."""
        self.cloud.store.remove(resource_id)

    def hide(self, subscription: str) -> None:
        """Take the app's roles in a subscription away."""
        app = self.azure.azure.ready["app_principal_id"]
        for assignment in self.cloud.store.of_type("Microsoft.Authorization/roleAssignments"):
            here = assignment.id.startswith(f"/subscriptions/{subscription}/")
            if here and assignment.properties["principalId"] == app:
                self.remove(assignment.id)

    def resync(self) -> Resync:
        """A resync over the fleet as it is."""
        settings = load_settings(self.environ)
        parts: Any = (self.door, self.glances, self.marks, self.queue)
        door, glances, marks, queue = parts
        scope = Scope(door, settings.subscriptions, settings.management_groups)
        return Resync(settings, scope, load(settings.catalog), door, glances, marks, queue)

    async def asked(self) -> dict[str, str]:
        """Run a resync; name of each cluster that it asked for -> reason, each at most once."""
        before = len(self.queue.sent)
        await self.azure.control("POST", "/clock", {"advance": 10})  # 15 queries are allowed in 5 seconds
        await self.resync().run()
        sent = [(message.cluster.name, message.reason) for message, _ in self.queue.sent[before:]]
        assert len({name for name, _ in sent}) == len(sent), f"asked twice: {sent}"
        return {name: reason.removeprefix("resync ").partition(":")[0] for name, reason in sent}


@pytest_asyncio.fixture
async def world(azure: Client) -> World:
    """A simulated Azure whose clusters a test puts there."""
    return World(azure)
