"""What it costs to say of a whole fleet whether it could be restored: requests, memory, and how the cost grows."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from local.seeding import cluster_ids, protected_fleet
from local.stack import ROOT, SUBSCRIPTION, Stack, stack

_SMALL, _LARGE = 1_000, 5_000
_NEEDED = ("/managedclusters/", "/backupinstances/", "/backuppolicies/", "/backupvaults/")


async def measure() -> dict[str, float]:
    """Look at a thousand clusters, then at five thousand, each in a process of its own."""
    small, large = await _look(_SMALL), await _look(_LARGE)
    growth = (large["cpu_seconds"] / _LARGE) / (small["cpu_seconds"] / _SMALL)
    return {
        "readiness.fleet_requests": small["requests"],
        "readiness.fleet_peak_mb": small["peak_mb"],
        "readiness.fleet_cpu_s_per_1000": small["cpu_seconds"],
        "readiness.fleet_growth_1000_to_5000": round(growth, 3),
        "readiness.fleet_peak_mb_5000": large["peak_mb"],
    }


async def _look(clusters: int) -> dict[str, Any]:
    folder = ROOT / "build" / "bench" / f"readiness-{clusters}"
    async with stack(folder, time_scale=1, start_host=False) as running:
        await running.group("rg-fleet", "westeurope")
        orders = protected_fleet(cluster_ids(clusters, SUBSCRIPTION), ["gold", "silver", "bronze"], running.environ)
        await running.seed([order for order in orders if any(part in order["id"].casefold() for part in _NEEDED)])
        await _drive(running, "--fill")
        before = len(await _requests(running))
        result: dict[str, Any] = json.loads(await _drive(running))
        if (result["clusters"], result["verdicts"]) != (clusters, {"Ready": clusters}):
            raise RuntimeError(f"not the whole fleet was judged, or not as it stands: {result}")
        return {**result, "requests": len(await _requests(running)) - before}


async def _drive(running: Stack, *arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.readiness_driver", *arguments),
        cwd=ROOT,
        env=running.environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output


async def _requests(running: Stack) -> list[Any]:
    app = running.azure.ready["app_principal_id"]
    return list(await running.owner.control("GET", f"/requests?principal={app}"))
