"""One stack for all modules that need nothing special; each keeps to its own cluster names, groups and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.e2e.fleet import Fleet, fleet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SECOND_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000002"
"""A subscription of the deployment in which the app can do nothing until somebody gives it its role."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked alike, and shares the session's event loop with the stack."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(120))
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Fleet]:
    """The app with its default settings, for two subscriptions."""
    options = ("--subscription", SECOND_SUBSCRIPTION)
    async with fleet(tmp_path_factory.mktemp("app"), azure_options=options) as running:
        yield running
