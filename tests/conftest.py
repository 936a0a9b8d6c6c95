"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from hypothesis import settings

from local.azurite import Azurite
from local.azurite import azurite as run_azurite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# Property tests repeat: the same examples in every run, no deadline; --hypothesis-profile=search looks for new ones
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("steady")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def azurite() -> AsyncGenerator[Azurite]:
    """One in-memory Azurite for the whole session; tests keep apart by the names they choose."""
    async with run_azurite() as running:
        yield running
