"""Clusters of the running `make up`, from the command line: create, tag, start, stop, delete, list."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING

import aiohttp
from rich.console import Console
from rich.table import Table

from local.azurite import Azurite
from local.stack import Owner, Part, Stack, cluster_id
from local.up import FOLDER, PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLUSTERS_API = "2024-09-01"
_TAG = "aks-backup"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.clusters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a cluster (as long as Azure takes: some seconds here)")
    create.add_argument("name")
    create.add_argument("--tag", help="policy that the tag names, such as gold")
    create.add_argument("--location", default="westeurope")
    create.add_argument("--stopped", action="store_true", help="it is there at once, and stopped")
    tag = commands.add_parser("tag", help="set the tag")
    tag.add_argument("name")
    tag.add_argument("policy")
    for name in ("start", "stop", "delete"):
        commands.add_parser(name, help=f"{name} a cluster").add_argument("name")
    commands.add_parser("list", help="how the clusters stand, and why")
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace, running: Stack, console: Console) -> None:
    if options.command == "list":
        console.print(await _listing(running))
        return
    cluster = cluster_id(options.name, _group(options))
    match options.command:
        case "create" if options.stopped:
            await running.seed_cluster(options.name, group=_group(options), location=options.location, power="Stopped")
            if options.tag:
                await running.tag(cluster, {_TAG: options.tag})
        case "create":
            tags = {_TAG: options.tag} if options.tag else {}
            await running.create_cluster(options.name, tags, group=_group(options), location=options.location)
        case "tag":
            await running.tag(cluster, {_TAG: options.policy})
        case "delete":
            await _send(running, "DELETE", cluster)
        case action:
            await _send(running, "POST", f"{cluster}/{action}")
    console.print(f"{options.command} {options.name}: accepted")


def _group(options: argparse.Namespace) -> str:
    location = getattr(options, "location", "westeurope")
    return "rg-apps" if location == "westeurope" else f"rg-apps-{location}"


async def _send(running: Stack, method: str, path: str) -> None:
    status, answer = await running.owner.arm(method, path, _CLUSTERS_API)
    if status >= 400:  # noqa: PLR2004  # HTTP: refused
        raise RuntimeError(f"{method} {path}: {status} {answer}")


async def _listing(running: Stack) -> Table:
    table = Table()
    for heading in ("cluster", "tag", "state", "reason", "message"):
        table.add_column(heading)
    rows = await running.rows()
    seeded = await running.owner.control("GET", "/resources?type=Microsoft.ContainerService/managedClusters")
    for cluster in seeded:
        row = rows.get(cluster["id"].casefold(), {})
        tag = (cluster["body"].get("tags") or {}).get(_TAG, "-")
        values = (row.get("state", "-"), row.get("reason", ""), row.get("message", ""))
        table.add_row(cluster["id"].rpartition("/")[2], tag, *values)
    return table


async def _main(options: argparse.Namespace) -> int:
    console = Console()
    try:
        ready = json.loads((FOLDER / "azure.json").read_text())
    except FileNotFoundError:
        console.print("Nothing is running: start it with make up")
        return 1
    storage = Azurite(PORTS.blob, PORTS.queue, PORTS.table)
    async with aiohttp.ClientSession() as session:
        owner = Owner(ready, session)
        running = Stack(FOLDER, storage, Part.running("azure", ready), owner, {}, (), PORTS)
        try:
            await _run(options, running, console)
        except (RuntimeError, aiohttp.ClientError) as error:
            console.print(f"Failed: {error}", markup=False, highlight=False)
            return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status."""
    return asyncio.run(_main(_arguments(arguments)))


if __name__ == "__main__":
    sys.exit(main())
