"""A protected cluster behind the endpoints, without a host."""

from __future__ import annotations

import json
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from shared.api.answers import Outgoing, answer
from shared.api.asking import Incoming
from shared.api.table import ENDPOINTS
from shared.fleet.scope import Scope
from shared.fleet.tables import Rows
from shared.readiness.kept import ReadinessRow
from shared.readiness.operations import Operations, Pending
from shared.settings import Auth
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.conftest import azure, start
from tests.shared.readiness.conftest import lasting, world

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from local.azurite import Azurite
    from shared.services import Services
    from tests.shared.readiness.protected import Protected

__all__ = ["azure", "lasting", "start", "world"]

BARE = SUBSCRIPTION.rsplit("/", 1)[-1]
SHOP = {"subscriptionId": BARE, "resourceGroup": "rg-apps", "clusterName": "shop"}
_NAMED = {endpoint.name: endpoint for endpoint in ENDPOINTS}


@dataclass(frozen=True)
class Api:
    """The endpoints over a protected cluster."""

    world: Protected
    services: Services

    async def ask(self, name: str, *, accept: str = "", path: dict[str, str] | None = None, **query: str) -> Outgoing:
        """One request."""
        headers = {"Accept": accept} if accept else {}
        return await answer(_NAMED[name], Incoming({**SHOP, **(path or {})}, query, headers), self.services)

    async def json(self, name: str, *, path: dict[str, str] | None = None, **query: str) -> tuple[int, Any]:
        """One request: status and JSON."""
        said = await self.ask(name, path=path, **query)
        return said.status, json.loads(said.body)

    async def follow(self, said: Outgoing) -> Outgoing:
        """Go where an answer's Location leads."""
        assert said.status == 202, said
        prefix, _, name = said.headers["Location"].rpartition("/")
        assert prefix == "/api/operations"
        return await self.ask("operation", path={"operationId": name})

    async def requests(self, text: str = "") -> list[str]:
        """Paths that Azure was asked for, those with a text in them."""
        found = await self.world.azure.control("GET", "/requests")
        return [entry["path"] for entry in found if text in entry["path"]]

    def restarted(self) -> Api:
        """The same after a restart: nothing is remembered but what the tables hold."""
        services: Any = SimpleNamespace(**vars(self.services))
        services.operations = replace(self.services.operations)
        return Api(self.world, cast("Services", services))


@asynccontextmanager
async def _over(world: Protected, azurite: Azurite) -> AsyncGenerator[Api]:
    async with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        rows = Rows(tables.get_table_client(f"operations{uuid.uuid4().hex}"), Pending, 1, lambda _: {})
        kept = Rows(tables.get_table_client(f"readiness{uuid.uuid4().hex}"), ReadinessRow, 1, lambda _: {})
        settings = world.checker.settings
        assert settings.auth is Auth.KEYS
        made = SimpleNamespace(
            scope=Scope(world.door, settings.subscriptions, ()),
            settings=settings,
            checker=world.checker,
            door=world.door,
            operations=Operations(rows),
            fleet=SimpleNamespace(kept=kept),
        )
        yield Api(world, cast("Services", made))


@pytest_asyncio.fixture
async def api(world: Protected, azurite: Azurite) -> AsyncGenerator[Api]:  # pytest's way to name what is needed
    """The endpoints over a protected cluster and a table of operations."""
    async with _over(world, azurite) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting_api(lasting: Protected, azurite: Azurite) -> AsyncGenerator[Api]:
    """The same for all tests of a module, which change nothing."""
    async with _over(lasting, azurite) as made:
        yield made
