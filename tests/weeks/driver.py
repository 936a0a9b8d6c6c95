"""Lives through days of virtual time: the clock is stepped, the timers' work is done, as the host would call it.

A process of its own, since the SDKs take the simulated Azure's certificate from the environment. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import aiohttp

from shared.services import services


async def live(control: str, hours: float, step: float, *, backups: bool) -> dict[str, object]:
    """Step the clock and sweep, again and again; what was done, and Azure's time of each sweep."""
    app = services()
    totals = {"events": 0, "conflicts": 0, "started": 0}
    swept: list[float] = []
    async with aiohttp.ClientSession() as session, app.reconciler.door:
        for _ in range(round(hours / step)):
            async with session.post(f"{control}/clock", json={"advance": step * 3600}) as response:
                response.raise_for_status()
            report = await app.sweep()
            swept.append(report.at)
            totals["events"] += report.events
            totals["conflicts"] += report.conflicts
            if backups:
                totals["started"] += await app.starter.tick()
        store = app.sweeper.store
        rows = [stored.value for stored in (await store.all()).values()]
        days = [day for row in rows for day in (row.today, *row.past) if not day.rolled_up]
        async for stored in store.months.all():
            days += stored.value.days.values()
    return {
        **totals,
        "swept": swept,
        "rows": len(rows),
        "counted": sum(day.completed + day.warned + day.failed + day.cancelled for day in days),
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--control", required=True)
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--step", type=float, required=True, help="hours between two sweeps")
    parser.add_argument("--backups", action="store_true", help="run the on-demand timer too")
    options = parser.parse_args()
    report = asyncio.run(live(options.control, options.hours, options.step, backups=options.backups))
    json.dump(report, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
