"""`python -m local.azure`: run a simulated Azure until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.azure.options import BACKUP_NAMESPACES, REGISTERED_AT_FIRST, Options
from local.azure.server import LocalAzure


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m local.azure", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of Azure Resource Manager (TLS); 0 for any")
    parser.add_argument("--control-port", type=int, default=0, help="port of managed identity and control; 0 for any")
    parser.add_argument("--time-scale", type=float, default=60.0, help="how many times faster virtual time runs")
    parser.add_argument("--ready-file", type=Path, help="where the ready object is written, when everything listens")
    parser.add_argument("--ca-file", type=Path, help="where the bundle of trusted roots is written")
    parser.add_argument(
        "--subscription", action="append", metavar="ID", help="a subscription of the tenant; repeatable"
    )
    parser.add_argument("--tenant", default=defaults.tenant)
    parser.add_argument("--caller", choices=("app", "owner"), default=defaults.caller, help="whose identity_header is")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="decides durations and generated ids")
    parser.add_argument("--role-file", type=Path, default=defaults.role_file)
    parser.add_argument(
        "--further-role-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a custom role that the app holds as well; repeatable",
    )
    parser.add_argument("--condition-file", type=Path, default=defaults.condition_file)
    parser.add_argument(
        "--register", action="append", metavar="NAMESPACE", default=[], help="registered from the start"
    )
    parser.add_argument("--unregistered", action="store_true", help="start without the namespaces that backup needs")
    parser.add_argument(
        "--extension-blocks-cluster", action="store_true", help="extension installs exclude cluster writes"
    )
    parser.add_argument(
        "--backup-delay",
        type=_delay,
        default=defaults.backup_delay,
        metavar="SECONDS",
        help="longest virtual time that a scheduled backup starts late, at most 7200",
    )
    parser.add_argument(
        "--graph-delay",
        type=float,
        default=defaults.graph_delay,
        help="virtual seconds until Resource Graph sees a change",
    )
    return parser.parse_args(argv)


def _delay(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 2 * 3600:
        message = "a scheduled backup starts within two hours"
        raise argparse.ArgumentTypeError(message)
    return seconds


def _options(arguments: argparse.Namespace) -> Options:
    registered = (*REGISTERED_AT_FIRST, *(() if arguments.unregistered else BACKUP_NAMESPACES), *arguments.register)
    return Options(
        subscriptions=tuple(arguments.subscription or Options().subscriptions),
        tenant=arguments.tenant,
        time_scale=arguments.time_scale,
        seed=arguments.seed,
        caller=arguments.caller,
        role_file=arguments.role_file,
        further_role_files=tuple(arguments.further_role_file),
        condition_file=arguments.condition_file,
        registered=registered,
        extension_blocks_cluster=arguments.extension_blocks_cluster,
        backup_delay=arguments.backup_delay,
        graph_delay=arguments.graph_delay,
    )


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever waits for it never reads half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _forget(path: Path | None) -> None:
    """Nobody is to take an earlier run's ready object for this one's."""
    if path:
        path.unlink(missing_ok=True)


async def _run(arguments: argparse.Namespace, scratch: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    azure = LocalAzure(_options(arguments))
    _forget(arguments.ready_file)
    try:
        ready = await azure.start(
            (arguments.ca_file or scratch / "ca.pem").absolute(), arguments.port, arguments.control_port
        )
        line = json.dumps(ready)
        if arguments.ready_file:
            _write_whole(arguments.ready_file, line + "\n")
        print(line, flush=True)
        await stop.wait()
    finally:
        _forget(arguments.ready_file)
        await azure.stop()


def main(argv: Sequence[str] | None = None) -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    arguments = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="local-azure-") as scratch:
        asyncio.run(_run(arguments, Path(scratch)))


if __name__ == "__main__":
    main()
