"""What one check of a cluster's restore readiness costs: requests, and its time over that of the slowest of them.

Every request is answered late, each by a different time, as if Azure were slow: what isn't asked at once would show.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from local.seeding import cluster_ids, protected_fleet
from local.stack import ROOT, SUBSCRIPTION, stack

_A_DAY = 26 * 3600
_DELAYS = (("recoveryPoints", 2.0), ("ResourceGraph", 1.5), ("roleAssignments", 1.2), (".", 0.8))
"""Seconds by which requests are answered later, by a pattern of their path; those that fit several wait for all."""


async def measure() -> dict[str, float]:
    """Check a cluster, and a restore to another one, in a process of its own."""
    async with stack(ROOT / "build" / "bench" / "one-check", time_scale=1, start_host=False) as running:
        clusters = cluster_ids(2, SUBSCRIPTION)
        await running.group("rg-fleet", "westeurope")
        await running.seed(protected_fleet(clusters, ["gold"], running.environ))
        await running.owner.control("POST", "/clock", {"advance": _A_DAY})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.one_check_driver", *clusters),
            cwd=ROOT,
            env=running.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the driver has no pipes")
        await process.stdout.readline()  # warm: modules, connections, token
        for path, seconds in _DELAYS:
            order = {"match": {"path": path}, "action": "delay", "seconds": seconds, "times": None}
            await running.owner.control("POST", "/faults", order)
        output, _ = await process.communicate(b"go\n")
        result: dict[str, Any] = json.loads(output)
    if result["unknown"]:
        raise RuntimeError(f"not everything was read: {result['unknown']}")
    return {
        "readiness.requests": result["requests"],
        "readiness.requests_target": result["requests_target"],
        "readiness.latency_ratio": result["ratio"],
    }
