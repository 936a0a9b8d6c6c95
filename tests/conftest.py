"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from local.azurite import Azurite
from local.azurite import azurite as run_azurite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def azurite() -> AsyncGenerator[Azurite]:
    """One in-memory Azurite for the whole session; tests keep apart by the names they choose."""
    async with run_azurite() as running:
        yield running
