"""One sweep in a fresh process; prints what it saw and what it took."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from benchmarks.memory import peak_mb
from shared.services import services


async def main() -> None:
    """Sweep once. Memory is the process's peak."""
    app = services()
    async with app.reconciler.door:
        begun = time.process_time()
        report = await app.sweep()
        took = time.process_time() - begun
    result = {
        "clusters": report.clusters,
        "jobs": report.jobs,
        "cpu_seconds": round(took, 3),
        "peak_mb": peak_mb(),
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
