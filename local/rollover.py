"""The demo's second chapter: the catalog changes, and a protected cluster moves to the new policy."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from local.stack import Stack

BEFORE, AFTER = "operationalRetention: P7D", "operationalRetention: P14D"
_LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_API = "2025-07-01"


@dataclass(slots=True)
class Rollover:
    """What became of it."""

    cluster: str
    old_policy: str
    new_policy: str = ""
    same_instance: bool = False
    protected: bool = False
    old_policy_deleted: bool = False

    @property
    def good(self) -> bool:
        """Whether the instance moved, stayed the one that it was, and left nothing behind."""
        moved = self.new_policy not in ("", self.old_policy)
        return moved and self.same_instance and self.protected and self.old_policy_deleted

    def as_json(self) -> dict[str, Any]:
        """As it stands in `build/demo.json`."""
        return asdict(self)

    def told(self) -> Text:
        """In words."""
        if not self.good:
            return Text(f"{self.cluster} didn't move as it must: {self.as_json()}", "red")
        return Text(
            f"{self.cluster} moved from policy {self.old_policy} to {self.new_policy}: the same backup instance, "
            "protected again; nothing uses the old policy any more, so it is deleted."
        )


async def roll_over(running: Stack, cluster: str, catalog: Path, console: Console) -> Rollover:
    """Keep a policy's backups for 14 days instead of 7, deploy, and watch the cluster move."""
    instance = (await _instances(running, cluster))[0]
    result = Rollover(cluster.rpartition("/")[2], _policy_of(instance))
    console.print(f"\nNow the catalog changes: {result.old_policy.rpartition('-')[0]} keeps its backups for 14 days.")
    catalog.write_text(catalog.read_text().replace(BEFORE, AFTER))
    host = running.running_host
    await host.stop()
    await running.start_host()  # a deployment: the app starts with the new catalog
    await _run_timer(running)
    end = time.monotonic() + _LIMIT_SECONDS
    while not result.good and time.monotonic() < end:
        await asyncio.sleep(_LOOK_SECONDS)
        await _look(running, cluster, instance["id"], result)
    console.print(result.told(), soft_wrap=True)
    return result


async def _look(running: Stack, cluster: str, instance_id: str, result: Rollover) -> None:
    instances = await _instances(running, cluster)
    row = (await running.rows()).get(cluster.casefold(), {})
    result.same_instance = [item["id"].casefold() for item in instances] == [instance_id.casefold()]
    result.new_policy = _policy_of(instances[0]) if instances else ""
    settled = row.get("state") == "Protected" and instances[0]["properties"]["currentProtectionState"]
    result.protected = settled == "ProtectionConfigured"
    vault = instance_id.rpartition("/backupInstances/")[0]
    status, _ = await running.owner.arm("GET", f"{vault}/backupPolicies/{result.old_policy}", _API)
    result.old_policy_deleted = status == 404  # noqa: PLR2004  # HTTP: not found


async def _instances(running: Stack, cluster: str) -> list[dict[str, Any]]:
    path = f"{cluster}/providers/Microsoft.DataProtection/backupInstances"
    _, answer = await running.owner.arm("GET", path, _API)
    return list(answer["value"])


def _policy_of(instance: dict[str, Any]) -> str:
    return str(instance["properties"]["policyInfo"]["policyId"]).rpartition("/")[2]


async def _run_timer(running: Stack) -> None:
    """Let the rollout's timer tick now instead of within five minutes."""
    ready = running.running_host.ready
    url, headers = f"{ready['base_url']}/admin/functions/catalog_rollout", {"x-functions-key": ready["master_key"]}
    async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers) as response:
        response.raise_for_status()
