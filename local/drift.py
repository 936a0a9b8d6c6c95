"""The demo's fourth chapter: somebody removes a backup extension, and then a tag.

The first is drift: the resync finds it, and a pass puts it back. The second ends nothing at once: it is announced, and
when the tag returns, it is as if nothing had been.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.text import Text

from local.backups import Runbook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from local.stack import Stack

ENDS = "onRemoval: suspend"
"""What the demo's catalog says in the cluster's policy, so that a removed tag means something."""

_EXTENSION = "/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
_API = "2023-05-01"
_LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_TAG = "aks-backup"
_EVENTS = ("DriftRepaired", "ReleasePending")
_NOT_FOUND = 404


@dataclass(slots=True)
class Drift:
    """What became of it.

    Attributes:
        found: reason for which the resync asked for a pass over the cluster.
        repaired: whether the extension is there again and the cluster protected.
        untagged: state and reason of the cluster without its tag.
        returned: whether it is protected, as before, once the tag is back.
        events: which facts about it the topic got.
    """

    cluster: str
    found: str = ""
    repaired: bool = False
    untagged: str = ""
    returned: bool = False
    events: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether all of it went as it must."""
        found = self.found == "ExtensionMissing" and self.untagged == "Waiting ReleasePending"
        return found and self.repaired and self.returned and all(kind in self.events for kind in _EVENTS)

    def as_json(self) -> dict[str, Any]:
        """As it stands in `build/demo.json`."""
        return asdict(self)

    def told(self) -> Text:
        """In words."""
        if not self.good:
            return Text(f"{self.cluster} didn't come back as it must: {self.as_json()}", "red")
        return Text(
            f"{self.cluster} lost its backup extension: the resync found it ({self.found}), and it was installed "
            f"again, with a role for its new identity. Then it lost its tag: {self.untagged}, told at once; the tag "
            "came back within the days of grace, and nothing had been done."
        )


async def repair(running: Stack, cluster: str, console: Console) -> Drift:
    """Remove the extension of a protected cluster, resync, and see it put back; then do the same to its tag."""
    result = Drift(cluster.rpartition("/")[2])
    console.print(f"\nSomebody removes the backup extension of {result.cluster}; no event tells of it:")
    async with aiohttp.ClientSession() as session:
        book = Runbook(running, session)
        await running.owner.arm("DELETE", cluster + _EXTENSION, _API)
        await _until(lambda: _is_gone(running, cluster))
        before = (await _resync(book))["at"]
        await book.run_timer("resync_fleet")
        await _until(lambda: _found(book, before, result))
        console.print(Text(f"  the resync finds {result.found or 'nothing'}"))
        result.repaired = await _until(lambda: _is_whole(running, cluster))
        console.print(Text(f"  the extension is {'back' if result.repaired else 'missing'}"))
        tag = str((await running.rows())[cluster.casefold()]["policy"])
        await running.tag(cluster, {_TAG: tag}, operation="Delete")
        await _until(lambda: _is(running, cluster, "Waiting", result))
        console.print(Text(f"  its tag is removed: {result.untagged}"))
        await running.tag(cluster, {_TAG: tag})
        result.returned = await _until(lambda: _is(running, cluster, "Protected"))
        await _until(lambda: _are_told(running, cluster, result))
    console.print(result.told(), soft_wrap=True)
    return result


async def _until(look: Callable[[], Awaitable[bool]]) -> bool:
    """Look until it is so, or the time is up; whether it is."""
    end = time.monotonic() + _LIMIT_SECONDS
    seen = await look()
    while not seen and time.monotonic() < end:
        await asyncio.sleep(_LOOK_SECONDS)
        seen = await look()
    return seen


async def _is_gone(running: Stack, cluster: str) -> bool:
    status, _ = await running.owner.arm("GET", cluster + _EXTENSION, _API)
    return status == _NOT_FOUND


async def _resync(book: Runbook) -> dict[str, Any]:
    _, fleet = await book.ask("GET", "/api/fleet?top=0")
    return dict(fleet["resync"])


async def _found(book: Runbook, before: str | None, result: Drift) -> bool:
    """What a newer resync asked for, but for clusters whose hour it was to be looked at."""
    resync = await _resync(book)
    if resync["at"] != before:
        result.found = " ".join(reason for reason in resync["byReason"] if reason != "DeepLook")
    return bool(result.found)


async def _is_whole(running: Stack, cluster: str) -> bool:
    status, extension = await running.owner.arm("GET", cluster + _EXTENSION, _API)
    installed = status != _NOT_FOUND and extension["properties"]["provisioningState"] == "Succeeded"
    return installed and await _is(running, cluster, "Protected")


async def _is(running: Stack, cluster: str, state: str, result: Drift | None = None) -> bool:
    row = (await running.rows())[cluster.casefold()]
    if result is not None:
        result.untagged = f"{row['state']} {row['reason']}"
    return bool(row["state"] == state and not row["claim"])


async def _are_told(running: Stack, cluster: str, result: Drift) -> bool:
    entries = await running.owner.control("GET", "/topics/autopilot/events")
    mine = [entry["event"] for entry in entries if entry["event"]["subject"].casefold() == cluster.casefold()]
    result.events = sorted({str(event["type"]).rpartition(".")[2] for event in mine})
    return all(kind in result.events for kind in _EVENTS)
