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
_OUTPUT = "recorded_interactions"


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


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of parallel tests has recorded."""
    agreed: set[tuple[str, int]] = node.config.stash[_AGREED]
    agreed.update((name, index) for name, index in node.workeroutput.get(_OUTPUT, ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of parallel tests: hand the record to the one that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        agreed = session.config.stash[_AGREED]
        output[_OUTPUT] = sorted(agreed)


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
