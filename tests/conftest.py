"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import settings

from local.azurite import Azurite
from local.azurite import azurite as run_azurite
from tests.wire import summary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# Property tests repeat: the same examples in every run, no deadline; --hypothesis-profile=search looks for new ones
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """Register what prints at the end: of parallel tests, the process that prints reads no folder's conftest."""
    config.pluginmanager.register(summary)


_LONGEST = ("tests/weeks/", "tests/chaos/", "tests/fleet/test_machine.py", "tests/e2e/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process of parallel tests is left with it at the end."""
    items.sort(key=lambda item: next((i for i, part in enumerate(_LONGEST) if part in item.path.as_posix()), 9))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def azurite() -> AsyncGenerator[Azurite]:
    """One in-memory Azurite for the whole session; tests keep apart by the names they choose."""
    async with run_azurite() as running:
        yield running
