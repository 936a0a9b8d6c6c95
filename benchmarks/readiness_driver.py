"""One look at the restore readiness of the whole fleet, in a fresh process; prints what it saw and what it took.

The app's own tables are filled first, as a year of nights and sweeps leaves them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.memory import peak_mb
from shared.backups.jobs import Job, Kind
from shared.backups.status import BackupStatus, Restore
from shared.backups.store import key_of
from shared.fleet.records import ClusterRow, HistoryEntry, State
from shared.fleet.tables import Key, Stored
from shared.readiness.kept import Checked, ReadinessRow
from shared.readiness.model import Verdict
from shared.services import services

if TYPE_CHECKING:
    from shared.resync.inventory import Seen
    from shared.services import Services

_AT_ONCE = 32


async def main() -> None:
    """Fill the tables, or look once. Memory is the process's peak."""
    app = services()
    async with app.door:
        if sys.argv[1:] == ["--fill"]:
            await _fill(app)
            return
        begun = time.process_time()
        found = await app.fleet.judged(top=200)
        took = time.process_time() - begun
    result = {
        "clusters": found.counts.total(),
        "verdicts": {str(verdict): number for verdict, number in found.counts.items()},
        "cpu_seconds": round(took, 3),
        "peak_mb": peak_mb(),
    }
    json.dump(result, sys.stdout)


async def _fill(app: Services) -> None:
    """Rows for every cluster that the graph shows: onboarded, swept, checked last night."""
    from shared.resync.inventory import Reader  # noqa: PLC0415  # in the filling process only

    inventory = await Reader(app.door, app.settings, app.settings.subscriptions).read({"clusters", "instances"})
    now = app.door.clock.now().timestamp()
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(seen: Seen) -> None:
        async with limit:
            await _rows_of(app, seen, now)

    await asyncio.gather(*(one(seen) for seen in inventory.clusters.values()))


async def _rows_of(app: Services, seen: Seen, now: float) -> None:
    cluster, (instance, shown) = str(seen.id), next(iter(seen.instances.items()))
    key = Key(seen.id.subscription, seen.id.key)
    policy = app.policies.name_of_arm(shown.policy)
    history = [HistoryEntry("2026-01-31T08:00:00Z", "Waiting", "InstallingExtension")] * 50
    row = ClusterRow(cluster, state=State.PROTECTED, reason="ProtectionConfigured", policy=policy, history=history)
    await app.clusters.write(key, Stored(row, None))
    job = Job(f"{instance}/1", instance, cluster, Kind.SCHEDULED, "Completed", now - 3780, now - 3600)
    status = BackupStatus(instance, cluster, policy=policy, last_point=now - 3600, last_job=job)
    status.protection_state = shown.state
    status.handled = [f"00000000-0000-0000-0000-{number:012}" for number in range(96)]
    status.restores = [
        Restore(f"{instance}/{number}", "Completed", now - 86400 * number, 600.0) for number in range(20)
    ]
    await app.store.rows.write(key_of(instance), Stored(status, None))
    kept = ReadinessRow(cluster, checked=Checked(Verdict.READY, "all 30 checks pass", now - 36000))
    await app.fleet.kept.write(key, Stored(kept, None))


if __name__ == "__main__":
    asyncio.run(main())
