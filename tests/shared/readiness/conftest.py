"""A protected cluster for the tests of restore readiness."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest_asyncio

from local.azure.options import Options
from local.azure.server import LocalAzure
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Client
from tests.local_azure.conftest import NOON
from tests.shared.readiness.protected import Protected, protected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import pytest


@asynccontextmanager
async def _running(folder: Path) -> AsyncGenerator[Protected]:
    ids = tuple(path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
    azure = LocalAzure(Options(subscriptions=ids, time_scale=0.001), start=NOON)
    await azure.start(folder / "ca.pem")
    try:
        async with aiohttp.ClientSession() as session, protected(Client(azure, session)) as world:
            yield world
    finally:
        await azure.stop()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[Protected]:
    """A cluster with everything that a restore needs."""
    async with _running(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Protected]:
    """The same for all tests of a module, which leave it as they found it."""
    async with _running(tmp_path_factory.mktemp("azure")) as running:
        yield running
