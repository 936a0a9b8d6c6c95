"""A protected cluster for the tests of restore readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.local_azure.conftest import azure, start
from tests.shared.readiness.protected import Protected, protected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.local_azure.client import Client

__all__ = ["azure", "start"]


@pytest_asyncio.fixture
async def world(azure: Client) -> AsyncGenerator[Protected]:  # pytest's way to name what is needed
    """A cluster with everything that a restore needs."""
    async with protected(azure) as running:
        yield running
