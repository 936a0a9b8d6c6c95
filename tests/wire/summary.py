"""The summary of what is served as recorded; with parallel tests, one process prints what the others have seen."""

from typing import Any

import pytest

from tests.wire import recordings
from tests.wire.served import NOT_SERVED, SCENARIOS

AGREED = pytest.StashKey[set[tuple[str, int]]]()
"""Interactions (recording, index) whose served answer was the recorded one."""

_OUTPUT = "recorded_interactions"


def pytest_configure(config: pytest.Config) -> None:
    """Begin the record of the interactions that agreed."""
    config.stash[AGREED] = set()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of parallel tests has recorded."""
    agreed: set[tuple[str, int]] = node.config.stash[AGREED]
    agreed.update((name, index) for name, index in node.workeroutput.get(_OUTPUT, ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of parallel tests: hand the record to the one that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        agreed = session.config.stash[AGREED]
        output[_OUTPUT] = sorted(agreed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many recorded interactions are served, and name those that aren't with the reason."""
    agreed = config.stash[AGREED]
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
