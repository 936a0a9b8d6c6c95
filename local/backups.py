"""The demo's third chapter: backups run, one is made to fail and then to recover, and word of all that gets out."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from local.stack import Stack

_LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_FAILURE = {"code": "UserErrorSnapshotResourceGroupHasLocks", "message": "The snapshot resource group has a lock."}
_EXPECTED = ("ClusterProtected", "BackupFailed", "BackupRecovered")


@dataclass(slots=True)
class Backups:
    """What became of it: the jobs in their order, and how often the topic got which type of event."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether the jobs ended as they were meant to, and each fact was told."""
        statuses = [job["status"] for job in self.jobs]
        return statuses == ["Completed", "Failed", "Completed"] and all(self.events.get(kind) for kind in _EXPECTED)

    def as_json(self) -> dict[str, Any]:
        """As it stands in `build/demo.json`."""
        return asdict(self)

    def told(self) -> Table:
        """The events as a table."""
        table = Table(title="What the topic got", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("event")
        table.add_column("times", justify="right")
        for kind, times in self.events.items():
            table.add_row(kind, str(times))
        return table


class Runbook:
    """A runbook's view of the app: its HTTP functions and their keys."""

    def __init__(self, running: Stack, session: aiohttp.ClientSession) -> None:
        self._ready = running.running_host.ready
        self._session = session

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request, with the key that it wants: status and JSON."""
        headers = {"x-functions-key": self._ready["function_key" if method == "GET" else "master_key"]}
        url = f"{self._ready['base_url']}{path}"
        async with self._session.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def run_timer(self, name: str) -> None:
        """Let a timer tick now."""
        headers = {"x-functions-key": self._ready["master_key"]}
        url = f"{self._ready['base_url']}/admin/functions/{name}"
        async with self._session.post(url, json={}, headers=headers) as response:
            response.raise_for_status()


def path_of(cluster: str) -> str:
    """Where the HTTP functions about a cluster are."""
    _, _, subscription, _, group, *_, name = cluster.split("/")
    return f"/api/clusters/{subscription}/{group}/{name}"


async def back_up(running: Stack, first: str, second: str, console: Console) -> Backups:
    """Back up one cluster; let a backup of another one fail, and the next one succeed."""
    result = Backups()
    console.print("\nNow backups, as a runbook starts them; the second one is made to fail:")
    async with aiohttp.ClientSession() as session:
        book = Runbook(running, session)
        result.jobs.append(await _one(book, first, console))
        match = {"resource": second.rpartition("/")[2]}
        fault = await running.owner.control(
            "POST", "/faults", {"action": "fail_job", "match": match, "status": "Failed", "times": 1, **_FAILURE}
        )
        result.jobs.append(await _one(book, second, console))
        await _told(running, book, "BackupFailed")
        await running.owner.control("DELETE", f"/faults?id={fault['id']}")
        result.jobs.append(await _one(book, second, console))
        await _told(running, book, "BackupRecovered")
    result.events = dict(Counter(event["type"].rpartition(".")[2] for event in await _events(running)))
    console.print(result.told())
    return result


async def _one(book: Runbook, cluster: str, console: Console) -> dict[str, Any]:
    """Start a backup and wait for its job."""
    name, end = cluster.rpartition("/")[2], time.monotonic() + _LIMIT_SECONDS
    status, answer = await book.ask("POST", f"{path_of(cluster)}/backups", {})
    while status == 409 and time.monotonic() < end:  # noqa: PLR2004  # HTTP: one was started a moment ago
        await asyncio.sleep(_LOOK_SECONDS)
        status, answer = await book.ask("POST", f"{path_of(cluster)}/backups", {})
    job: dict[str, Any] = {"cluster": name, "status": answer.get("reason", "Refused")}
    while status == 202 and not job.get("endTime") and time.monotonic() < end:  # noqa: PLR2004  # HTTP: accepted
        await asyncio.sleep(_LOOK_SECONDS)
        job = {"cluster": name, **await _job(book, cluster, answer["jobId"])}
    why = f": {job['errorCode']}" if job.get("errorCode") else ""
    console.print(Text(f"  {name:8} {job.get('operation', 'backup')} {job['status']}{why}"))
    return job


async def _job(book: Runbook, cluster: str, job_id: str | None) -> dict[str, Any]:
    """The job as it stands; one that Azure hasn't named is the newest."""
    if job_id is None:
        _, found = await book.ask("GET", f"{path_of(cluster)}/jobs?operation=on-demand")
        return dict(next(iter(found.get("value", ())), {"status": "Unseen"}))
    status, job = await book.ask("GET", f"{path_of(cluster)}/jobs/{job_id}")
    return dict(job) if status == 200 else {"status": job["reason"]}  # noqa: PLR2004  # HTTP: good


async def _told(running: Stack, book: Runbook, kind: str) -> None:
    """Sweep until an event has come out of it."""
    end = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < end:
        await book.run_timer("job_sweep")
        await asyncio.sleep(_LOOK_SECONDS)
        if any(event["type"].endswith(f".{kind}") for event in await _events(running)):
            return


async def _events(running: Stack) -> Sequence[dict[str, Any]]:
    found = await running.owner.control("GET", "/topics/autopilot/events")
    return [entry["event"] for entry in found]
