"""The run of the replay, and the summary of what is served."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.azure.options import Options
from local.azure.server import LocalAzure
from tests.wire import recordings
from tests.wire.scenarios import Scenario
from tests.wire.served import NOT_SERVED, SCENARIOS

type Stage = Callable[[Scenario], AbstractAsyncContextManager[LocalAzure]]

_AGREED = pytest.StashKey[set[tuple[str, int]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the record of the interactions that agreed."""
    config.stash[_AGREED] = set()


@pytest.fixture
def agreed(request: pytest.FixtureRequest) -> set[tuple[str, int]]:
    """Interactions (recording, index) whose served answer was the recorded one."""
    return request.config.stash[_AGREED]


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many recorded interactions are served, and name those that aren't with the reason."""
    agreed = config.stash[_AGREED]
    if not agreed:
        return
    total = sum(len(recordings.load(name)) for name in recordings.names())
    terminalreporter.section("recorded interactions")
    terminalreporter.write_line(f"{len(agreed)} of {total} are served as recorded")
    for absent in NOT_SERVED:
        count = len(absent.entries) if absent.entries else len(recordings.load(absent.recording))
        which = "all" if absent.entries is None else ", ".join(map(str, absent.entries))
        terminalreporter.write_line(f"  not served: {absent.recording} ({count}: {which}): {absent.reason}")
    for scenario in SCENARIOS:
        for index in scenario.entries:
            if (scenario.recording, index) not in agreed:
                terminalreporter.write_line(f"  DIFFERS or wasn't run: {scenario.recording}[{index}]")
