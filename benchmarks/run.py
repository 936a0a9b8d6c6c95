"""Measures what the project promises, and writes `build/bench.json` (flat keys) and a table.

Each figure stands beside its bound. Timings on a shared machine are noisy, so what is compared is measured in one
run and given as a ratio.
"""

from __future__ import annotations

import asyncio
import json
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import catalog, cold_start, onboarding, one_check, readiness, resync, sweep
from local.stack import ROOT


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure has to keep, if anything: `compare(value, limit)`."""

    limit: float | None = None
    compare: Callable[[float, float], bool] = operator.le


BOUNDS = {
    "onboarding.requests": Bound(26),
    "onboarding.requests_bronze": Bound(23),
    "onboarding.polls": Bound(40),
    "onboarding.critical_path_ratio": Bound(1.25),
    "cold_start.index_ratio": Bound(1.5),
    "cold_start.first_pass_ms": Bound(),
    "catalog.load_ms": Bound(30),  # for 200 policies
    "sweep.requests_per_1000": Bound(15),
    "sweep.peak_mb": Bound(200),
    "sweep.growth_1000_to_5000": Bound(1.2),  # cost per cluster at 5,000 against 1,000; 1 and noise
    "readiness.requests": Bound(15),
    "readiness.requests_target": Bound(20),
    "readiness.latency_ratio": Bound(1.3),
    "readiness.fleet_requests": Bound(20),  # for 1,000 clusters
    "readiness.fleet_peak_mb": Bound(200),
    "readiness.fleet_growth_1000_to_5000": Bound(1.2),
    "resync.requests_per_1000": Bound(10),
    "resync.writes_per_1000": Bound(0),
    "resync.cpu_s_per_1000": Bound(2),
    "resync.peak_mb_10000": Bound(300),
}


async def measure() -> dict[str, float]:
    """All figures."""
    parts = (onboarding, cold_start, catalog, sweep, one_check, readiness, resync)
    return {name: value for part in parts for name, value in (await part.measure()).items()}


def main() -> int:
    """Run from the command line; the exit status is 0 when every bound is kept."""
    figures = asyncio.run(measure())
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    table = Table(title="Benchmarks")
    for heading in ("figure", "measured", "bound", "kept"):
        table.add_column(heading)
    good = True
    for name, value in figures.items():
        bound = BOUNDS.get(name, Bound())
        kept = bound.limit is None or bound.compare(value, bound.limit)
        good = good and kept
        table.add_row(name, f"{value:g}", "-" if bound.limit is None else f"{bound.limit:g}", "yes" if kept else "NO")
    Console(width=100).print(table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
