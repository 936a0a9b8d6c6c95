"""Runs a simulated Azure in the test's own process."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import pytest
import pytest_asyncio

from local.azure.options import Options
from local.azure.server import LocalAzure
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


NOON = dt.datetime(2024, 6, 26, 12, tzinfo=dt.UTC)
"""When it is in the tests: a Wednesday, three hours after the daily policies of `backup` were due."""


class Start(Protocol):
    """Starts a simulated Azure with some options other than the usual ones."""

    def __call__(self, *, at: dt.datetime | None = None, **options: Any) -> AbstractAsyncContextManager[Client]:
        """Start it, at a virtual time (default: `NOON`); it ends with the context."""


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A way to start a simulated Azure with one's own options."""

    @contextlib.asynccontextmanager
    async def running(*, at: dt.datetime | None = None, **options: Any) -> AsyncGenerator[Client]:
        azure = LocalAzure(Options(**options), start=at or NOON)
        await azure.start(tmp_path / "ca.pem")
        try:
            async with aiohttp.ClientSession() as session:
                yield Client(azure, session)
        finally:
            await azure.stop()

    return running


@pytest_asyncio.fixture
async def azure(start: Start) -> AsyncGenerator[Client]:
    """A simulated Azure with two subscriptions, whose time stands all but still unless the test steps it."""
    ids = tuple(path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
    async with start(subscriptions=ids, time_scale=0.001) as client:
        yield client
