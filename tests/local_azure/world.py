"""A simulated Azure with a resource group in it, asked as its owner or as the app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from local.azure.cloud import Cloud
from tests.local_azure.client import SUBSCRIPTION, Answer, Client
from tests.local_azure.conftest import Start

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c1"

# Api-versions of the namespaces that `Client` has none for.
_VERSIONS = {"microsoft.kubernetesconfiguration": "2023-05-01", "microsoft.eventgrid": "2025-02-15"}


class Reply(Answer):
    """An answer, read the way these providers write theirs."""

    __slots__ = ()

    @property
    def code(self) -> str:
        """The error code, with or without an `error` object around it."""
        return str((self.body.get("error") or self.body)["code"])

    @property
    def operation(self) -> str:
        """Where the operation that was started is looked at."""
        return self.headers["azure-asyncoperation"]


class World:
    """The simulated Azure, and what tests of its providers do with it again and again."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cloud: Cloud = client.cloud
        self.ready: dict[str, Any] = client.azure.ready
        self.control = client.control

    async def ask(
        self, method: str, path: str, body: Any = None, *, version: str | None = None, caller: str = "owner"
    ) -> Reply:
        """Send a request; a whole URL is followed as it is."""
        namespace = path.lower().rpartition("/providers/")[2].split("/")[0]
        version = version or _VERSIONS.get(namespace)
        answer = await self.client.arm(method, path, body, caller=caller, version=version)
        return Reply(answer.status, answer.headers, answer.body)

    async def advance(self, seconds: float) -> None:
        """Step virtual time."""
        await self.control("POST", "/clock", {"advance": seconds})

    async def seed(self, resource_id: str, **body: Any) -> None:
        """Put a resource as it stands."""
        await self.control("PUT", "/resources", {"id": resource_id, "body": body})

    async def cluster(self, path: str = CLUSTER, **changes: Any) -> Reply:
        """Create a cluster and wait until it runs."""
        created = await self.ask("PUT", path, cluster_body(**changes))
        assert created.status == 201, created
        await self.advance(300)
        return await self.ask("GET", path)


def cluster_body(**changes: Any) -> dict[str, Any]:
    """A cluster as a client asks for it; `properties` given are added to the usual ones, None leaves a field out."""
    properties = {"dnsPrefix": "c1", "agentPoolProfiles": [{"name": "nodepool1", "mode": "System", "count": 1}]}
    body: dict[str, Any] = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, **changes}
    body["properties"] = properties | changes.get("properties", {})
    return {key: value for key, value in body.items() if value is not None}


@asynccontextmanager
async def running(start: Start, **options: Any) -> AsyncIterator[World]:
    """A simulated Azure with a resource group `rg` in westeurope, at the pace of real time."""
    async with start(**options) as client:
        world = World(client)
        await world.seed(GROUP, location="westeurope", properties={"provisioningState": "Succeeded"})
        yield world
