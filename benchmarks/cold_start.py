"""How long indexing the app takes, against an app with nothing but one HTTP function."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import textwrap
from pathlib import Path

from local.stack import ROOT, SUBSCRIPTION

_RUNS = 9
_BARE = """
    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


    @app.route(route="hello")
    def hello(req: func.HttpRequest) -> str:
        return "hello"
"""
_SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION,
    "JOB_SWEEP_SCHEDULE": "0 */15 * * * *",
    "RESYNC_SCHEDULE": "0 27 * * * *",
    "READINESS_SCHEDULE": "0 8/15 1-4 * * *",
    "ADHOC_BACKUP_SCHEDULE": "0 5/10 * * * *",
}


async def measure() -> dict[str, float]:
    """Median of nine fresh processes each, taken in turns so that noise falls on both."""
    bare = ROOT / "build" / "bench" / "bare"
    bare.mkdir(parents=True, exist_ok=True)
    (bare / "function_app.py").write_text(textwrap.dedent(_BARE).lstrip())
    (bare / "host.json").write_text('{"version": "2.0"}\n')
    await _index_ms(bare)  # writes the .pyc files
    await _index_ms(ROOT)
    bare_ms, app_ms = [], []
    for _ in range(_RUNS):
        bare_ms.append(await _index_ms(bare))
        app_ms.append(await _index_ms(ROOT))
    return {
        "cold_start.index_ratio": round(statistics.median(app_ms) / statistics.median(bare_ms), 3),
        "cold_start.index_ms": round(statistics.median(app_ms), 1),
        "cold_start.index_ms_bare": round(statistics.median(bare_ms), 1),
    }


async def _index_ms(app: Path) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.host.index", "--app", str(app)),
        cwd=ROOT,
        env={**os.environ, **_SETTINGS},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return float(json.loads(output)["index_ms"])
