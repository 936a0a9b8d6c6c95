"""How many requests a fresh onboarding takes, and how much longer than Azure's own durations."""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import time

from local.measures import Onboarding, onboarding
from local.stack import ROOT, Stack, stack

TIME_SCALE = 10
_RUNS = ("westeurope", "northeurope", "swedencentral", "francecentral", "uksouth")
_BRONZE_REGION = "eastus2"
_LIMIT_SECONDS = 240.0
_LOOK_SECONDS = 1.0
_PASS = re.compile(r"Executed 'reconcile_cluster' \(Succeeded, id=\S+, duration=(\d+)ms\)")


async def measure() -> dict[str, float]:
    """Five gold clusters, each the first of a new region, and a bronze one: created, onboarded, counted.

    Raises:
        RuntimeError: a cluster wasn't protected in time.
    """
    folder = ROOT / "build" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    async with stack(folder, time_scale=TIME_SCALE) as running:
        await running.subscribe()
        wanted = [(f"gold-{region}", "gold", region) for region in _RUNS]
        wanted.append((f"bronze-{_BRONZE_REGION}", "bronze", _BRONZE_REGION))
        ids = {}
        for name, policy, region in wanted:
            tags = {"aks-backup": policy}
            ids[name] = await running.create_cluster(name, tags, group=f"rg-{region}", location=region)
        await _all_protected(running, list(ids.values()))
        results = {name: await onboarding(running, cluster) for name, cluster in ids.items()}
    gold = [result for name, result in results.items() if name.startswith("gold")]
    bronze = [result for name, result in results.items() if name.startswith("bronze")]
    first_pass = _PASS.search((folder / "host.log").read_text())
    return {
        "onboarding.requests": max(map(_requests, gold)),
        "onboarding.requests_bronze": max(map(_requests, bronze)),
        "onboarding.polls": max(result.calls.poll for result in gold),
        "onboarding.critical_path_ratio": round(statistics.median(map(_ratio, gold)), 3),
        "cold_start.first_pass_ms": float(first_pass[1]) if first_pass else float("nan"),
    }


async def _all_protected(running: Stack, clusters: list[str]) -> None:
    end = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < end:
        rows = await running.rows()
        if all(rows.get(cluster.casefold(), {}).get("state") == "Protected" for cluster in clusters):
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise RuntimeError(f"not protected within {_LIMIT_SECONDS:.0f} s: {await running.rows()}")


def _requests(result: Onboarding) -> int:
    return result.calls.read + result.calls.write


def _ratio(result: Onboarding) -> float:
    if not result.seconds_to_protected or not result.critical_path_seconds:
        raise RuntimeError("a protected cluster has no times")
    return result.seconds_to_protected / result.critical_path_seconds
