"""Checks one cluster again and again in a fresh process; waits for a line before it measures, prints what it saw."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from dataclasses import replace
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport

from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.catalog.selection import select
from shared.fleet.records import ClusterRow, State
from shared.fleet.tables import Key, Stored
from shared.onboarding.cluster import read_cluster
from shared.onboarding.desired import desired_protection, places_of
from shared.onboarding.readings import CLUSTERS_API
from shared.readiness.ask import NEWEST, Ask
from shared.readiness.model import Status
from shared.readiness.service import Checked, Checker
from shared.services import Services, services

_TIMES = 3


class Timed(AioHttpTransport):  # type: ignore[misc]  # azure-core imports it when it is asked for
    """The usual transport, and how long each request took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    async def send(self, request: Any, **options: Any) -> Any:
        """Send one."""
        begun = time.perf_counter()
        try:
            return await super().send(request, **options)
        finally:
            self.seconds.append(time.perf_counter() - begun)


async def main() -> None:
    """Remember the cluster as a pass would, check it once to warm up, then measure."""
    app, transport = services(), Timed()
    cluster, target = map(ClusterId.parse, sys.argv[1:])
    settings, credential = app.settings, app.door._credential  # noqa: SLF001  # the app's own, over a timed transport
    async with app.door, Door(settings.arm_endpoint, settings.arm_audience, credential, transport=transport) as door:
        checker = replace(app.checker, door=door)
        await _remember(app, cluster)
        await _check(checker, cluster, NEWEST)
        sys.stdout.write("warm\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        ratios = []
        for _ in range(_TIMES):
            transport.seconds.clear()
            begun = time.perf_counter()
            here = await _check(checker, cluster, NEWEST)
            ratios.append((time.perf_counter() - begun) / max(transport.seconds))
        sent = len(transport.seconds)
        transport.seconds.clear()
        await _check(checker, cluster, Ask(target=target))
    result = {
        "requests": sent,
        "requests_target": len(transport.seconds),
        "ratio": round(statistics.median(ratios), 3),
        "unknown": [check.id for check in here.checks if check.status is Status.UNKNOWN],
    }
    json.dump(result, sys.stdout)


async def _check(checker: Checker, cluster: ClusterId, ask: Ask) -> Checked:
    found = await checker.check(cluster, ask)
    if not isinstance(found, Checked):
        raise TypeError(f"{cluster} isn't known")
    return found


async def _remember(app: Services, cluster: ClusterId) -> None:
    """The status row that the last pass leaves."""
    body = await app.door.get(str(cluster), CLUSTERS_API)
    read = read_cluster(cluster, body)
    catalog = app.checker.catalog
    selected = select(read.tags, catalog, app.settings.tag, None)
    if selected.policy is None:
        raise RuntimeError("the cluster has no policy")
    desired = desired_protection(read, (selected.name, selected.policy), catalog, app.settings)
    row = ClusterRow(str(cluster), state=State.PROTECTED, places=places_of(desired))
    await app.clusters.write(Key(cluster.subscription, cluster.key), Stored(row, None))


if __name__ == "__main__":
    asyncio.run(main())
