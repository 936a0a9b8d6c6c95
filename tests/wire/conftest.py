"""The run of the replay."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.azure.options import Options
from local.azure.server import LocalAzure
from tests.wire.scenarios import Scenario
from tests.wire.summary import AGREED

type Stage = Callable[[Scenario], AbstractAsyncContextManager[LocalAzure]]


@pytest.fixture
def agreed(request: pytest.FixtureRequest) -> set[tuple[str, int]]:
    """Interactions (recording, index) whose served answer was the recorded one."""
    return request.config.stash[AGREED]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Starts a simulated Azure for a scenario, with its own options, at the pace of real time."""

    @asynccontextmanager
    async def running(scenario: Scenario) -> AsyncIterator[LocalAzure]:
        azure = LocalAzure(_options(scenario.options, tmp_path), start=scenario.start)
        await azure.start(tmp_path / "ca.pem")
        try:
            if scenario.prepare:
                scenario.prepare(azure.cloud)
            yield azure
        finally:
            await azure.stop()

    return running


def _options(chosen: dict[str, Any], folder: Path) -> Options:
    if "role" not in chosen:
        return Options(**chosen)
    role_file = folder / "role.json"
    role_file.write_text(json.dumps({"roleName": "Replayed", "actions": chosen["role"]}), encoding="utf-8")
    return Options(role_file=role_file, condition_file=folder / "none")
