"""The main job on one machine: clusters are created, their events arrive, and they end up protected, or say why not.

`make demo` runs it. It asks nothing, shows the onboarding as it goes, prints a table, writes the same to
`build/demo.json`, and ends with status 0 only if every cluster ended as it must.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleRenderable
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local import picture
from local.backups import back_up
from local.drift import ENDS, repair
from local.measures import onboarding
from local.readiness import judge
from local.rollover import BEFORE, roll_over
from local.stack import ROOT, PartError, Stack, cluster_id, stack

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_SCALE = 60
_LIMIT_SECONDS = 120.0
_LOOK_SECONDS = 0.25
_TAG = "aks-backup"
_MEASURED = ("time to protection\n(Azure's own share)", "ARM calls: read,\nwrite, poll")
_CHAPTERS = ("rollover", "backups", "drift", "readiness")
_COLORS = {"Protected": "green", "Waiting": "yellow", "Blocked": "red", "Rejected": "red", "Released": "cyan"}


class Chapter(Protocol):
    """What comes after the onboarding: something happens, and this is what became of it."""

    @property
    def good(self) -> bool:
        """Whether it went as it must."""

    def as_json(self) -> dict[str, Any]:
        """As it stands in `build/demo.json`."""

    def told(self) -> ConsoleRenderable:
        """For people."""


@dataclass(slots=True)
class Subject:
    """A cluster of the demo: what it is, how it must end, and how it stands."""

    name: str
    tag: str | None
    state: str
    reason: str
    about: str
    power: str = "Running"
    row: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The cluster's id."""
        return cluster_id(self.name)

    @property
    def arrived(self) -> bool:
        """Whether the app says what it must say."""
        return (self.row.get("state"), self.row.get("reason")) == (self.state, self.reason)

    @property
    def steps(self) -> tuple[int, int]:
        """Steps met, and steps in all."""
        steps = self.row.get("steps") or {}
        return sum(step == "Met" for step in steps.values()), len(steps)


def subjects() -> list[Subject]:
    """The clusters of the demo."""
    protected = ("Protected", "ProtectionConfigured")
    return [
        Subject("shop", "gold", *protected, "every 4 h, 30 days, first of each day copied to the vault"),
        Subject("blog", "bronze", *protected, "daily, 7 days"),
        Subject("lab", None, "Released", "NotSelected", "no tag, so no backup"),
        Subject("legacy", "platinum", "Rejected", "UnknownPolicy", "a tag that names no policy"),
        Subject("batch", "silver", "Waiting", "ClusterStopped", "stopped: waits until it runs", power="Stopped"),
    ]


async def create(running: Stack, clusters: Sequence[Subject]) -> None:
    """Create the clusters as their owners would; the stopped one is there already and gets its tag."""
    await running.group("rg-apps", "westeurope")
    async with asyncio.TaskGroup() as group:
        for cluster in clusters:
            if cluster.power == "Running":
                tags = {_TAG: cluster.tag} if cluster.tag else {}
                group.create_task(running.create_cluster(cluster.name, tags))
            else:
                group.create_task(_tag_stopped(running, cluster))


async def _tag_stopped(running: Stack, cluster: Subject) -> None:
    await running.seed_cluster(cluster.name, power=cluster.power)
    await running.tag(cluster.id, {_TAG: cluster.tag or ""})


async def watch(running: Stack, clusters: Sequence[Subject], console: Console) -> None:
    """Show how the clusters stand until each has ended as it must, or the time is up."""
    end = time.monotonic() + _LIMIT_SECONDS
    shown: dict[str, tuple[str, str]] = {}
    live = Live(_progress(clusters), console=console, auto_refresh=False) if console.is_terminal else None
    with live or contextlib.nullcontext():
        while not all(cluster.arrived for cluster in clusters) and time.monotonic() < end:
            rows = await running.rows()
            for cluster in clusters:
                cluster.row = rows.get(cluster.id.casefold(), {})
            if live:
                live.update(_progress(clusters), refresh=True)
            else:
                _print_changes(clusters, shown, console)
            await asyncio.sleep(_LOOK_SECONDS)


def _print_changes(clusters: Sequence[Subject], shown: dict[str, tuple[str, str]], console: Console) -> None:
    """One plain line a change: for logs and pipes."""
    for cluster in clusters:
        now = (cluster.row.get("state", ""), cluster.row.get("reason", ""))
        if cluster.row and now[1] and shown.get(cluster.name) != now:
            shown[cluster.name] = now
            met, steps = cluster.steps
            done = f" ({met} of {steps} steps)" if steps else ""
            console.print(f"{cluster.name:8} {now[0]:10} {now[1]}{done}", highlight=False)


def _progress(clusters: Sequence[Subject]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("cluster", "tag", "steps", "", "state", "reason"):
        table.add_column(heading, no_wrap=True)
    for cluster in clusters:
        met, steps = cluster.steps
        state, reason = cluster.row.get("state", ""), cluster.row.get("reason", "")
        bar = ProgressBar(total=steps or 1, completed=met, width=24) if steps else Text("")
        count = f"{met}/{steps}" if steps else ""
        known = state if state != "New" else ""
        table.add_row(cluster.name, cluster.tag or "-", bar, count, Text(known, _COLORS.get(state, "")), reason)
    return table


def report(clusters: Sequence[Subject]) -> Table:
    """The result as a table."""
    table = Table(title="What became of the clusters", box=SIMPLE_HEAD)
    for heading in ("cluster", "policy", "state", "reason", *_MEASURED):
        table.add_column(heading)
    for cluster in clusters:
        result = cluster.result
        seconds, longest = result["seconds_to_protected"], result["critical_path_seconds"]
        took = f"{_minutes(seconds)} ({_minutes(longest)})" if seconds and longest else "-"
        calls = result["arm_calls"]
        mark = "" if cluster.arrived else f"  (must be {cluster.state}: {cluster.reason})"
        table.add_row(
            cluster.name,
            result["policy"] or "-",
            Text(result["state"], _COLORS.get(result["state"], "")),
            result["reason"] + mark,
            took,
            f"{calls['read']}, {calls['write']}, {calls['poll']}",
        )
    return table


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def intent(clusters: Sequence[Subject]) -> Text:
    """What is going to be created, a line each."""
    lines = [f"Creating {len(clusters)} clusters; Azure's time runs {TIME_SCALE} times faster here:"]
    for cluster in clusters:
        tag = f"{_TAG}={cluster.tag}" if cluster.tag else "untagged"
        lines.append(f"  {cluster.name:8} {tag:20} {cluster.about}")
    return Text("\n".join(lines))


async def demo(console: Console, svg: Path | None = None) -> bool:
    """Run the demo; whether every cluster ended as it must.

    Args:
        console: where it is shown.
        svg: where a picture of the result goes, if anywhere.

    Raises:
        PartError: a part didn't start.
    """
    folder = ROOT / "build" / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    catalog = folder / "backup-policies.yaml"
    text = (ROOT / "backup-policies.yaml").read_text()
    catalog.write_text(text.replace(BEFORE, f"{BEFORE}\n    {ENDS}"))
    clusters = subjects()
    chapters: dict[str, Chapter] = {}
    console.print("Starting storage (Azurite), a simulated Azure and a Functions host ...")
    async with stack(
        folder, time_scale=TIME_SCALE, settings={"AUTOPILOT_CATALOG": str(catalog)}, topic=True
    ) as running:
        await running.subscribe()
        console.print(intent(clusters))
        await create(running, clusters)
        await watch(running, clusters, console)
        for cluster in clusters:
            cluster.result = {
                "name": cluster.name,
                "policy": cluster.row.get("policy") or None,
                "state": cluster.row.get("state") or "Unseen",
                "reason": cluster.row.get("reason") or "no status row",
                **(await onboarding(running, cluster.id)).as_json(),
            }
        console.print(report(clusters))
        blog = next(cluster for cluster in clusters if cluster.tag == "bronze")
        if blog.arrived:
            chapters["rollover"] = await roll_over(running, blog.id, catalog, console)
            chapters["backups"] = await back_up(running, clusters[0].id, blog.id, console)
            chapters["drift"] = await repair(running, blog.id, console)
            chapters["readiness"] = await judge(running, clusters[0].id, blog.id, console)
    result = ROOT / "build" / "demo.json"
    told = {
        "clusters": [cluster.result for cluster in clusters],
        **{name: chapters[name].as_json() if name in chapters else None for name in _CHAPTERS},
    }
    result.write_text(json.dumps(told, indent=2) + "\n")
    good = all(cluster.arrived for cluster in clusters)
    good = good and all(name in chapters and chapters[name].good for name in _CHAPTERS)
    verdict = "Every cluster ended as it must." if good else f"Not everything ended as it must: see {folder}/*.log"
    console.print(f"{verdict} Written to {result.relative_to(ROOT)}.")
    if svg is not None:
        shown = [part for chapter in chapters.values() for part in (chapter.told(), "")]
        picture.save([intent(clusters), "", report(clusters), *shown, verdict], "make demo", svg)
    return good


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the result to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status."""
    options = _arguments(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # parts are stopped either way
    try:
        return 0 if asyncio.run(demo(console, options.svg)) else 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except PartError as error:
        console.print(str(error), markup=False, highlight=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
