"""The demo's last chapter: could these clusters be restored now? One could, and Azure agrees; the other was broken."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from local.backups import Runbook, path_of

if TYPE_CHECKING:
    from rich.console import Console

    from local.stack import Stack

_LIMIT_SECONDS = 30.0
_LOOK_SECONDS = 0.25
_EXTENSIONS_API, _ROLES_API = "2023-05-01", "2022-04-01"
_EXTENSION = "/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
_STORAGE = "configuration.backupStorageLocation.config"
_BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_BROKEN = "role-extension-blobs"
_COLORS = {"Ready": "green", "AtRisk": "yellow", "NotReady": "red", "Unknown": "yellow"}


@dataclass(slots=True)
class Answer:
    """What was said of a cluster: the verdict, and the check that decided it with its fix."""

    cluster: str
    verdict: str = ""
    reason: str = ""
    failed: list[str] = field(default_factory=list)
    fix: str = ""
    validated: bool = False
    data_loss_seconds: int | None = None


@dataclass(slots=True)
class Readiness:
    """What became of it."""

    whole: Answer
    broken: Answer

    @property
    def good(self) -> bool:
        """Whether the one is ready by Azure's own word, and the other isn't, for the reason that it was given."""
        ready = self.whole.verdict == "Ready" and self.whole.validated
        found = self.broken.verdict == "NotReady" and self.broken.failed == [_BROKEN] and bool(self.broken.fix)
        return ready and found

    def as_json(self) -> dict[str, Any]:
        """As it stands in `build/demo.json`."""
        return asdict(self)

    def told(self) -> Table:
        """As a table."""
        table = Table(title="Could they be restored now?", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("cluster")
        table.add_column("verdict")
        table.add_column("why, and what to do", overflow="fold")
        for answer in (self.whole, self.broken):
            why = Text(answer.reason)
            if answer.validated and answer.data_loss_seconds is not None:
                why.append(f", Azure's validation among them; {answer.data_loss_seconds // 60} min would be lost")
            if answer.fix:
                why.append(f"\n{answer.fix}", "cyan")
            table.add_row(answer.cluster, Text(answer.verdict, _COLORS.get(answer.verdict, "")), why)
        return table


async def judge(running: Stack, whole: str, broken: str, console: Console) -> Readiness:
    """Ask about one cluster with Azure's own validation, take a role from the other one's extension, and ask again."""
    result = Readiness(Answer(whole.rpartition("/")[2]), Answer(broken.rpartition("/")[2]))
    console.print("\nCould they be restored now? Somebody takes away a role that one of them needs:")
    async with aiohttp.ClientSession() as session:
        book = Runbook(running, session)
        await _ask(book, whole, "?deep=true", result.whole)
        await _take_role(running, broken)
        end = time.monotonic() + _LIMIT_SECONDS
        while result.broken.verdict != "NotReady" and time.monotonic() < end:
            await _ask(book, broken, "", result.broken)
            await asyncio.sleep(_LOOK_SECONDS)
    console.print(result.told())
    return result


async def _ask(book: Runbook, cluster: str, options: str, result: Answer) -> None:
    """What the app says; a deep check that outlasts the request is looked at where Location says."""
    status, answer = await book.ask("GET", f"{path_of(cluster)}/restore-readiness{options}")
    end = time.monotonic() + _LIMIT_SECONDS
    while status == 202 and time.monotonic() < end:  # noqa: PLR2004  # HTTP: accepted, still running
        await asyncio.sleep(_LOOK_SECONDS)
        status, answer = await book.ask("GET", f"/api/operations/{answer['id']}")
    if status != 200:  # noqa: PLR2004  # HTTP: good
        result.reason = f"{status} {answer.get('reason', '')}"
        return
    bad = [check for check in answer["checks"] if check["status"] == "fail"]
    result.verdict, result.reason = answer["verdict"], answer["reason"]
    result.failed, result.fix = [check["id"] for check in bad], bad[0]["fix"] if bad else ""
    result.data_loss_seconds = answer["expectedDataLossSeconds"]
    passed = {check["id"] for check in answer["checks"] if check["status"] == "pass"}
    result.validated = "validate-restore" in passed


async def _take_role(running: Stack, cluster: str) -> None:
    """Delete the assignment by which the cluster's backup extension may write its backups."""
    _, extension = await running.owner.arm("GET", cluster + _EXTENSION, _EXTENSIONS_API)
    properties = extension["properties"]
    settings = properties["configurationSettings"]
    group = settings[f"{_STORAGE}.resourceGroup"]
    account = (
        f"/subscriptions/{settings[f'{_STORAGE}.subscriptionId']}/resourceGroups/{group}"
        f"/providers/Microsoft.Storage/storageAccounts/{settings[f'{_STORAGE}.storageAccount']}"
    )
    _, found = await running.owner.arm(
        "GET", f"{account}/providers/Microsoft.Authorization/roleAssignments", _ROLES_API
    )
    for grant in found["value"]:
        granted = grant["properties"]
        identity = properties["aksAssignedIdentity"]["principalId"]
        if granted["principalId"] == identity and granted["roleDefinitionId"].endswith(_BLOB_CONTRIBUTOR):
            await running.owner.arm("DELETE", grant["id"], _ROLES_API)
