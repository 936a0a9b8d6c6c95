"""What a resync over a converged fleet costs: requests, CPU time, memory; it writes nothing and asks for nothing.

The fleet is whole: every cluster has its vault tier's seven role assignments, its extension and its instance, and a
status row as passes leave it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime

from azure.data.tables.aio import TableServiceClient
from msgspec.json import encode

from local.seeding import cluster_ids, protected_fleet, protected_rows
from local.stack import ROOT, SUBSCRIPTION, Stack, stack
from shared.arm.ids import ClusterId
from shared.fleet.records import VERSION

_SMALL, _LARGE = 1_000, 10_000
_POLICIES = ["gold", "silver", "bronze"]
_SEEN = (
    "/managedclusters/",
    "/backupinstances/",
    "/backupvaults/",
)
_UNSEEN = ("/trustedaccessrolebindings/", "/storageaccounts/", "/backuppolicies/")
_ASSIGNMENTS = "/microsoft.authorization/roleassignments/"
_BATCH = 100  # entities in one transaction


async def measure() -> dict[str, float]:
    """Resync a thousand clusters, then ten thousand, each in a process of its own."""
    small, large = await _resync(_SMALL), await _resync(_LARGE)
    return {
        "resync.requests_per_1000": small["requests"],
        "resync.writes_per_1000": small["writes"],
        "resync.cpu_s_per_1000": small["cpu_seconds"],
        "resync.peak_mb_10000": large["peak_mb"],
        "resync.cpu_s_10000": large["cpu_seconds"],
        "resync.requests_10000": large["requests"],
    }


async def _resync(clusters: int) -> dict[str, float]:
    folder = ROOT / "build" / "bench" / f"resync-{clusters}"
    async with stack(folder, time_scale=1, start_host=False) as running:
        await _seed(running, clusters)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.resync_driver"),
            cwd=ROOT,
            env=running.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        result: dict[str, float] = json.loads(output)
        if (result["clusters"], result["converged"], result["incomplete"]) != (clusters, clusters, 0):
            raise RuntimeError(f"the resync didn't see a converged fleet: {result}")
        app = running.azure.ready["app_principal_id"]
        requests = await running.owner.control("GET", f"/requests?principal={app}")
        writes = sum(request["kind"] == "write" for request in requests)
        return {**result, "requests": len(requests), "writes": writes}


async def _seed(running: Stack, clusters: int) -> None:
    """What Resource Graph shows of the fleet, and the app's rows."""
    await running.group("rg-fleet", "westeurope")
    now = datetime.fromisoformat((await running.owner.control("GET", "/clock"))["now"]).timestamp()
    ids = cluster_ids(clusters, SUBSCRIPTION)
    await running.seed([order for order in protected_fleet(ids, _POLICIES, running.environ) if _shown(order["id"])])
    operations = []
    for row in protected_rows(ids, _POLICIES, running.environ):
        row.looked_at = now
        key = ClusterId.parse(row.cluster_id)
        entity = {"PartitionKey": key.subscription, "RowKey": key.key, "v": VERSION, "doc": encode(row).decode()}
        operations.append(("create", entity))  # an upsert costs Azurite as much as there are rows
    service = TableServiceClient.from_connection_string(running.storage.connection_string)
    async with service, service.get_table_client("clusters") as table:
        await table.create_table()
        for start in range(0, len(operations), _BATCH):
            await table.submit_transaction(operations[start : start + _BATCH])


def _shown(resource_id: str) -> bool:
    path = resource_id.casefold()
    if _ASSIGNMENTS in path:
        return True
    return any(part in path for part in _SEEN) and not any(part in path for part in _UNSEEN)
