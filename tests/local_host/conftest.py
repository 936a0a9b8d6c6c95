"""Starts hosts of small apps as processes, as people start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
import pytest
import pytest_asyncio

from local.azurite import Azurite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_SECONDS: Final = 30.0
_BUNDLE: Final = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
HOST_JSON: Final = {
    "version": "2.0",
    "extensionBundle": _BUNDLE,
    "extensions": {"queues": {"maxPollingInterval": "00:00:00.2", "maxDequeueCount": 2}},
}
# Every app gets `record`, which leaves a line where the test can see it.
_PREAMBLE: Final = """
import asyncio, json, logging, os, time, typing
import azure.functions as func

def record(**what):
    with open(os.environ["RECORDS"], "a") as file:
        file.write(json.dumps(what) + "\\n")

app = func.FunctionApp()
"""


class Host:
    """A host's process, what it said when it was ready, and what its app recorded."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, name: str) -> None:
        self.process = process
        self._folder = folder
        self._ready_file = folder / f"{name}.ready.json"
        self._log_file = folder / f"{name}.log"

    def wait_until_ready(self) -> None:
        """Wait for the ready file; a host that ends instead fails the test with its log."""
        wait_for(lambda: self._ready_file.exists() or self.process.poll() is not None, "the host")
        if not self._ready_file.exists():
            pytest.fail(f"the host ended with status {self.process.returncode}:\n{self.log}")

    @property
    def ready(self) -> dict[str, Any]:
        """The ready object."""
        content: dict[str, Any] = json.loads(self._ready_file.read_text())
        return content

    @property
    def log(self) -> str:
        """Everything on stderr so far."""
        return self._log_file.read_text()

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the app recorded so far."""
        path = self._folder / "records"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def url(self, path: str, key: str | None = None, **query: str) -> str:
        """The URL of a path; `key` names one of the ready object's keys."""
        values = query | ({"code": self.ready[f"{key}_key"]} if key else {})
        return f"{self.ready['base_url']}{path}?" + "&".join(f"{name}={value}" for name, value in values.items())

    def let_go(self) -> None:
        """Create the file that an app may wait for."""
        (self._folder / "records.go").touch()

    @property
    def folder(self) -> Path:
        """Holds the app, its records and, for a test that wants it, the host's state."""
        return self._folder

    @property
    def printed(self) -> str:
        """Everything on stdout so far."""
        return self._ready_file.with_name(self._ready_file.name.replace(".ready.json", ".out")).read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=_SECONDS)


type Waits = Callable[[Callable[[], object], str], None]


class StartsHosts(Protocol):
    """Starts a host of an app given as source."""

    def __call__(
        self,
        source: str,
        *arguments: str,
        host_json: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        folder: Path | None = None,
        wait: bool = True,
    ) -> Host:
        """Write the app to a folder (a new one unless given) and start a host of it."""


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Poll until something is so; it fails the test when that takes 30 s."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {_SECONDS:.0f} s for {what}")
        time.sleep(0.02)


def _write_app(folder: Path, source: str, host_json: Mapping[str, Any], settings: Mapping[str, str]) -> Path:
    app = folder / "app"
    app.mkdir(exist_ok=True)
    (app / "function_app.py").write_text(_PREAMBLE + textwrap.dedent(source))
    (app / "host.json").write_text(json.dumps(host_json))
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": dict(settings)}))
    return app


@pytest.fixture(scope="module")
def start_host(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Generator[StartsHosts]:
    """Start hosts with Azurite as their storage; those that still run at the end of the module are ended."""
    hosts: list[Host] = []

    def start(
        source: str,
        *arguments: str,
        host_json: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        folder: Path | None = None,
        wait: bool = True,
    ) -> Host:
        folder = folder or tmp_path_factory.mktemp("host")
        name = uuid.uuid4().hex
        values = {"AzureWebJobsStorage": azurite.connection_string, "RECORDS": str(folder / "records")}
        app = _write_app(folder, source, host_json or HOST_JSON, values | dict(settings or {}))
        command = [sys.executable, "-m", "local.host", "--app", str(app), "--port", "0", "--stop-seconds", "0.3"]
        command += ["--ready-file", str(folder / f"{name}.ready.json"), *arguments]
        with (folder / f"{name}.log").open("w") as log, (folder / f"{name}.out").open("w") as output:
            process = subprocess.Popen(  # noqa: S603 - our own module
                command, cwd=_REPOSITORY, stdout=output, stderr=log, text=True, env=dict(os.environ)
            )
        host = Host(process, folder, name)
        hosts.append(host)
        if wait:
            host.wait_until_ready()
        return host

    yield start
    for host in hosts:
        host.stop(signal.SIGKILL)


@pytest_asyncio.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    """A client that isn't the app's."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
        yield session


@pytest.fixture
def wait() -> Waits:
    """Bounded polling."""
    return wait_for
