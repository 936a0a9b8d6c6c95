"""Command line of the local Functions host: `python -m local.host --app DIR`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.host import logs
from local.host.host import Options, run_host
from local.host.problems import IndexingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORTEST_LEASE = 2


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; paths become absolute, because the process moves into the app's folder."""
    parser = argparse.ArgumentParser(prog="python -m local.host", description="Runs a Python Functions app locally.")
    parser.add_argument("--app", type=_folder, required=True, help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="port of 127.0.0.1, 0 for a free one")
    parser.add_argument("--ready-file", type=_path, help="write the ready object to this file too")
    parser.add_argument("--settings", type=_path, help="settings file instead of the app's local.settings.json")
    parser.add_argument("--state-dir", type=_path, help="keep keys and timer records here between runs")
    parser.add_argument("--lease-seconds", type=_lease, default=600, help="invisibility of a message being worked on")
    parser.add_argument("--no-timers", dest="timers", action="store_false", help="don't let timers tick")
    parser.add_argument("--response-limit", type=float, default=230.0, help="seconds for an HTTP response")
    parser.add_argument("--body-limit", type=int, default=104_857_600, help="bytes of a request body")
    parser.add_argument("--stop-seconds", type=float, default=3.0, help="seconds for running functions when stopping")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Run the host; 0 after a clean stop, 1 when the app can't be run."""
    options = read_options()
    output = sys.stdout
    logs.configure(options.log_level)
    try:
        ended = asyncio.run(run_host(options, output))
    except IndexingError as error:
        print(f"The app in {options.app} can't be indexed:\n\n{error}", file=sys.stderr)
        return 1
    except RefusedError as error:
        print(f"The app in {options.app} can't be run:", file=sys.stderr)
        for problem in error.problems:
            print(f"- {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # before the host could stop by itself: the app was still being imported
    if not ended:
        # A thread can't be cancelled, and the interpreter would wait for it.
        sys.stderr.flush()
        os._exit(0)
    return 0


def _path(text: str) -> Path:
    return Path(text).resolve()


def _folder(text: str) -> Path:
    if not (path := _path(text)).is_dir():
        raise argparse.ArgumentTypeError(f"{text} isn't a folder")
    return path


def _lease(text: str) -> int:
    # Storage counts visibility in whole seconds, and half of the lease is when it is renewed.
    if (seconds := int(text)) < _SHORTEST_LEASE:
        raise argparse.ArgumentTypeError(f"must be at least {_SHORTEST_LEASE}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
