"""Azurite, the storage emulator, as a context manager: blobs, queues and tables on ports of 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

_ENTRY: Final = Path(__file__).resolve().parent.parent / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_ACCOUNT: Final = "devstoreaccount1"
# Published in Azurite's README: the same on every machine, and no secret.
_ACCOUNT_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_SERVICES: Final = ("blob", "queue", "table")
_LISTENING: Final = re.compile(
    r"Azurite (Blob|Queue|Table) service is successfully listening at http://127\.0\.0\.1:(\d+)"
)
_START_SECONDS: Final = 40.0
_STOP_SECONDS: Final = 5.0


class AzuriteError(RuntimeError):
    """Azurite isn't installed, or didn't start; the message holds what it printed."""


@dataclass(frozen=True, slots=True)
class Azurite:
    """Where a running Azurite answers."""

    blob_port: int
    queue_port: int
    table_port: int

    @property
    def connection_string(self) -> str:
        """What `AzureWebJobsStorage` has to be; every service of the account is named in it."""
        return development_connection_string(self.blob_port, self.queue_port, self.table_port)


def development_connection_string(blob_port: int = 10000, queue_port: int = 10001, table_port: int = 10002) -> str:
    """The emulator's account on these ports; the defaults are what `UseDevelopmentStorage=true` stands for."""
    ports = zip(("Blob", "Queue", "Table"), (blob_port, queue_port, table_port), strict=True)
    endpoints = ";".join(f"{service}Endpoint=http://127.0.0.1:{port}/{_ACCOUNT}" for service, port in ports)
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_ACCOUNT_KEY};{endpoints}"


@contextlib.asynccontextmanager
async def azurite(
    folder: Path | None = None, *, blob_port: int = 0, queue_port: int = 0, table_port: int = 0
) -> AsyncGenerator[Azurite]:
    """Run Azurite for as long as the block lasts.

    Args:
        folder: keeps the data from one run to the next; without it everything is held in memory.
        blob_port: port of the blob service, 0 for a free one; so are the other two.
        queue_port: port of the queue service.
        table_port: port of the table service.

    Yields:
        The running emulator; all three services have answered.

    Raises:
        AzuriteError: it isn't installed, ended early, or didn't answer within 40 s.
    """
    if not _ENTRY.is_file():
        raise AzuriteError(f"Azurite isn't installed ({_ENTRY} is missing): run npm ci")
    ports = dict(zip(_SERVICES, (blob_port, queue_port, table_port), strict=True))
    with tempfile.TemporaryDirectory(prefix="azurite-") as scratch:
        log = Path(scratch, "azurite.log")
        process = await _launch(_arguments(folder, ports), log)
        try:
            yield await _started(process, log)
        finally:
            await _stop(process, gently=folder is not None)


def _arguments(folder: Path | None, ports: dict[str, int]) -> list[str]:
    """The emulator's command line; `--skipApiVersionCheck` because today's SDKs are newer than it."""
    arguments = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    if folder is None:
        arguments += ["--inMemoryPersistence"]
    else:
        folder.mkdir(parents=True, exist_ok=True)
        arguments += ["--location", str(folder.resolve())]
    for service, port in ports.items():
        arguments += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
    return arguments


async def _launch(arguments: list[str], log: Path) -> Process:
    """Start the emulator in a process group of its own, so that stopping it leaves nothing behind."""
    with _opened(log) as output:
        try:
            return await asyncio.create_subprocess_exec(
                "node", str(_ENTRY), *arguments, cwd=log.parent, stdout=output, stderr=output, start_new_session=True
            )
        except FileNotFoundError as error:
            raise AzuriteError("Azurite needs Node.js, and there is no `node` on the path") from error


def _opened(log: Path) -> BinaryIO:
    return log.open("wb")


async def _started(process: Process, log: Path) -> Azurite:
    """Wait until every service has answered."""
    try:
        async with asyncio.timeout(_START_SECONDS):
            running = await _listening(process, log)
            await _answering(running)
    except TimeoutError as error:
        raise AzuriteError(f"Azurite didn't answer within {_START_SECONDS:.0f} s:\n{_printed(log)}") from error
    return running


async def _listening(process: Process, log: Path) -> Azurite:
    """Wait until the log names the port of every service; with port 0 the emulator chooses, so nothing can collide."""
    while True:
        text = _printed(log)
        found = {service.lower(): int(port) for service, port in _LISTENING.findall(text)}
        if len(found) == len(_SERVICES):
            return Azurite(found["blob"], found["queue"], found["table"])
        if process.returncode is not None:
            raise AzuriteError(f"Azurite ended with status {process.returncode}:\n{text}")
        await asyncio.sleep(0.05)


def _printed(log: Path) -> str:
    return log.read_text(errors="replace")


async def _answering(running: Azurite) -> None:
    """Wait until every service answers a request, whatever it says to it."""
    for port in (running.blob_port, running.queue_port, running.table_port):
        while not await _answers(port):  # noqa: ASYNC110 - another process starts it, nobody here can say when
            await asyncio.sleep(0.05)


async def _answers(port: int) -> bool:
    """Ask by hand: an HTTP client would be the heaviest import of everything that only needs the connection string."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.write(f"GET /{_ACCOUNT}?comp=list HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
    answered = (await reader.read(5)) == b"HTTP/"
    writer.close()
    return answered


async def _stop(process: Process, *, gently: bool) -> None:
    """End the group: politely where data has to reach the disk, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL) if gently else (signal.SIGKILL,):
        if process.returncode is None:
            _signal(process, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
