"""What a sweep over a large fleet costs: requests, memory, and how the cost grows with the number of clusters.

The sweep that is measured is the first one of a fleet whose clusters had ten backups each in the last day: it reads all
of them, which no later one has to.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from local.seeding import cluster_ids, protected_fleet
from local.stack import ROOT, SUBSCRIPTION, Stack, stack

if TYPE_CHECKING:
    from collections.abc import Iterator

_SMALL, _LARGE = 1_000, 5_000
_JOBS_EACH = 10
_KEPT = ("/backupinstances/", "/backuppolicies/", "/backupvaults/")


async def measure() -> dict[str, float]:
    """Sweep a thousand clusters, then five thousand, each in a process of its own."""
    small, large = await _sweep(_SMALL), await _sweep(_LARGE)
    growth = (large["cpu_seconds"] / _LARGE) / (small["cpu_seconds"] / _SMALL)
    return {
        "sweep.requests_per_1000": small["requests"],
        "sweep.peak_mb": small["peak_mb"],
        "sweep.cpu_s_per_1000": small["cpu_seconds"],
        "sweep.growth_1000_to_5000": round(growth, 3),
        "sweep.peak_mb_5000": large["peak_mb"],
    }


async def _sweep(clusters: int) -> dict[str, float]:
    folder = ROOT / "build" / "bench" / f"sweep-{clusters}"
    async with stack(folder, time_scale=1, start_host=False) as running:
        await _seed(running, clusters)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.sweep_driver"),
            cwd=ROOT,
            env=running.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        result: dict[str, float] = json.loads(output)
        if (result["clusters"], result["jobs"]) != (clusters, clusters * _JOBS_EACH):
            raise RuntimeError(f"the sweep didn't see the whole fleet: {result}")
        app = running.azure.ready["app_principal_id"]
        requests = await running.owner.control("GET", f"/requests?principal={app}")
        return {**result, "requests": len(requests)}


async def _seed(running: Stack, clusters: int) -> None:
    """Instances, policies and vault of the fleet, and its jobs; nothing else is looked at by a sweep."""
    await running.group("rg-fleet", "westeurope")
    now = datetime.fromisoformat((await running.owner.control("GET", "/clock"))["now"]).astimezone(UTC)
    ids = cluster_ids(clusters, SUBSCRIPTION)
    orders = protected_fleet(ids, ["gold", "silver", "bronze"], running.environ)
    kept = [order for order in orders if any(part in order["id"].casefold() for part in _KEPT)]
    instances = [order for order in kept if "/backupinstances/" in order["id"].casefold()]
    await running.seed(kept)
    await running.seed([job for order in instances for job in _jobs(order, now)])


def _jobs(instance: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    vault = instance["id"].rpartition("/backupInstances/")[0]
    for number in range(_JOBS_EACH):
        start = now - timedelta(hours=1 + 2 * number)
        name = uuid5(NAMESPACE_URL, f"{instance['id']} {number}")
        properties = {
            "backupInstanceId": instance["id"],
            "dataSourceId": instance["body"]["properties"]["dataSourceInfo"]["resourceID"],
            "dataSourceType": "Microsoft.ContainerService/managedClusters",
            "vaultName": vault.rpartition("/")[2],
            "operation": "Backup",
            "operationCategory": "Backup",
            "status": "Completed",
            "isUserTriggered": False,
            "startTime": _azure_time(start),
            "endTime": _azure_time(start + timedelta(minutes=3)),
            "duration": "PT3M",
            "errorDetails": None,
            "extendedInfo": None,
        }
        yield {"id": f"{vault}/backupJobs/{name}", "body": {"properties": properties}}


def _azure_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.0000000Z"
