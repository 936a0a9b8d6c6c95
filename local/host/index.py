"""How long an app takes to be indexed: `python -m local.host.index --app DIR` prints it as JSON.

It is measured from worker init to metadata, in this fresh process, with the runtime imported already. Settings come
from the process's environment and the app's local.settings.json, as in the host.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from local.host import runtime
from local.host.problems import RefusedError
from local.host.settings import prepare_environment


async def measure(app: Path) -> dict[str, float]:
    """Index an app, once in a process.

    Returns:
        `index_ms`, milliseconds from worker init to metadata, and `functions`, how many there are.

    Raises:
        IndexingError: the app can't be indexed.
    """
    started = time.perf_counter()
    functions = await runtime.index(app)
    return {"index_ms": (time.perf_counter() - started) * 1000, "functions": len(functions)}


def main() -> int:
    """Measure and print; 1 when the app can't be indexed."""
    parser = argparse.ArgumentParser(prog="python -m local.host.index", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="folder of function_app.py")
    parser.add_argument("--settings", type=Path, help="settings file instead of the app's local.settings.json")
    options = parser.parse_args()
    app = options.app.resolve()
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        prepare_environment(app, options.settings)
        runtime.prepare_process(app)
        print(json.dumps(asyncio.run(measure(app))), file=output)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
