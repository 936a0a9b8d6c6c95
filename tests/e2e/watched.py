"""A fleet that is protected already, its timers run by hand, and what its topic and its HTTP functions say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from jsonschema import Draft202012Validator
from yarl import URL

from local.seeding import protected_fleet
from local.stack import ROOT, cluster_id
from tests.e2e.azure_view import BACKUP_API
from tests.e2e.fleet import Fleet, Row, eventually, fleet

if TYPE_CHECKING:
    from pathlib import Path

CATALOG: Final = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  plain: {vaultProfile: standard, schedule: {every: P1D, start: "02:00"}}
  tight: {vaultProfile: standard, schedule: {every: P1D, start: "02:00"}, rpoTarget: PT3H}
  eager: {vaultProfile: standard, schedule: {every: P1D, start: "02:00"}, onDemand: {afterProtection: true}}
  chasing:
    vaultProfile: standard
    schedule: {every: P1D, start: "02:00"}
    rpoTarget: PT3H
    onDemand: {catchUp: true}
  rhythm:
    vaultProfile: standard
    schedule: {every: P1D, start: "02:00"}
    onDemand: {every: PT4H, reserve: 4}
"""

BEGINS: Final = 3
"""Hour of Azure's day, UTC, at which tests begin: nothing is scheduled for 23 hours, and the day has 21."""

RESTED: Final = 700
"""Virtual seconds after which a started backup has ended and another one may be started."""

_TIMERS: Final = ("--no-timers",)
_DAY: Final = 86400
_TYPE: Final = "AksBackupAutopilot"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of an HTTP function."""

    status: int
    body: Any
    location: str | None = None
    kind: str = ""


@cache
def _schema(kind: str) -> Draft202012Validator:
    text = (ROOT / "schemas" / "events" / f"{kind}.schema.json").read_text()
    return Draft202012Validator(json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER)


class Watched:
    """The running app, and everything that only the tests of timers and HTTP functions ask of it."""

    def __init__(self, app: Fleet, session: aiohttp.ClientSession) -> None:
        self.app = app
        self._session = session

    # --- clusters and time

    async def seed(self, policy: str, *names: str) -> list[str]:
        """Put clusters that are protected as the app does it; the app hasn't heard of them. Returns their ids."""
        clusters = [cluster_id(name, "rg-fleet") for name in names]
        orders = protected_fleet(clusters, [policy], self.app.parts.environ)
        await self.app.owner.control("PUT", "/resources", {"resources": orders})
        return clusters

    async def protect(self, policy: str, *names: str) -> list[str]:
        """Put clusters that are protected, and let the app look at them."""
        clusters = await self.seed(policy, *names)
        for cluster in clusters:
            await self.app.announce(cluster)
        await self.app.protected(*clusters)

        async def known() -> bool:  # the row of its backups is written after the cluster's own
            return {row["doc"]["cluster_id"] for row in await self.app.rows("jobs")} >= set(clusters)

        await eventually(known, lambda: f"rows for the backups of {clusters}", pause=0.03)
        return clusters

    async def step(self, seconds: float = RESTED) -> None:
        """Step Azure's time."""
        await self.app.owner.control("POST", "/clock", {"advance": seconds})

    async def now(self) -> float:
        """Azure's time, epoch seconds."""
        clock = await self.app.owner.control("GET", "/clock")
        return datetime.fromisoformat(clock["now"]).timestamp()

    async def ago(self, seconds: float) -> str:
        """A moment in Azure's past, as jobs spell it."""
        return datetime.fromtimestamp(await self.now() - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def stop_protection(self, cluster: str) -> None:
        """Stop the protection of a cluster as somebody does in the portal, and wait for it."""
        instance = (await self.app.instances(cluster))[0]["id"]
        status, answer = await self.app.owner.arm("POST", f"{instance}/stopProtection", BACKUP_API)
        assert status in (200, 202), answer
        await self.step()
        state = (await self.app.instances(cluster))[0]["properties"]["currentProtectionState"]
        assert state == "ProtectionStopped"

    async def fail_job(self, cluster: str, order: Mapping[str, Any] | None = None, times: int | None = 1) -> int:
        """Order how the next jobs of a cluster end, a passing failure unless said otherwise; its number."""
        match = {"resource": f"managedClusters/{cluster.rpartition('/')[2]}$"}
        body = {"action": "fail_job", "match": match, "times": times, **(order or {})}
        return int((await self.app.owner.control("POST", "/faults", body))["id"])

    async def lift(self, fault: int) -> None:
        """Take an order back."""
        await self.app.owner.control("DELETE", f"/faults?id={fault}")

    async def trouble(self, path: str, action: str = "fail", **details: Any) -> None:
        """Order a fault for requests whose path contains a text; topics don't know their callers as ARM does."""
        await self.app.owner.control("POST", "/faults", {"match": {"path": path}, "action": action, **details})

    async def clear_faults(self) -> None:
        """Take all orders back."""
        for fault in await self.app.owner.control("GET", "/faults"):
            await self.lift(fault["id"])

    async def held(self, path: str) -> int:
        """How many requests faults of a path have met."""
        faults = await self.app.owner.control("GET", "/faults")
        return sum(fault["matched"] for fault in faults if fault["match"].get("path") == path)

    # --- timers

    async def run(self, timer: str, times: int = 1) -> None:
        """Let a timer tick, so many times at once, and wait for the ends of the runs, good or bad."""
        done = f"Executed '{timer}' ("
        before = self.app.log.count(done)
        await asyncio.gather(*(self.start(timer) for _ in range(times)))

        async def ended() -> bool:
            return self.app.log.count(done) >= before + times

        await eventually(ended, lambda: f"{times} runs of {timer}", pause=0.03)

    async def start(self, timer: str) -> None:
        """Let a timer tick; nobody waits for it."""
        ready = self.app.parts.running_host.ready
        url, headers = f"{ready['base_url']}/admin/functions/{timer}", {"x-functions-key": ready["master_key"]}
        async with self._session.post(url, json={}, headers=headers) as response:
            assert response.status == 202

    async def sweep(self, times: int = 1) -> None:
        """Run the job sweep."""
        await self.run("job_sweep", times)

    async def tick(self, times: int = 1) -> None:
        """Run the timer of on-demand backups."""
        await self.run("adhoc_backups", times)

    # --- what is known and told

    async def backups(self, cluster: str) -> Row:
        """The row of a cluster's backup instance."""
        found = [row["doc"] for row in await self.app.rows("jobs") if row["doc"]["cluster_id"] == cluster]
        assert len(found) == 1, f"{len(found)} rows for {cluster}"
        return dict(found[0])

    async def told(self, cluster: str, *kinds: str) -> list[str]:
        """Types of the facts about a cluster that the topic has, one entry a fact, oldest first; of some kinds only."""
        return [event["type"].removeprefix(f"{_TYPE}.") for event in await self.facts(cluster, *kinds)]

    async def facts(self, cluster: str, *kinds: str) -> list[dict[str, Any]]:
        """The facts about a cluster; what came twice under one id is one. Each has the shape of its schema."""
        facts = {event["id"]: event for event in await self.deliveries(cluster)}
        return [fact for fact in facts.values() if not kinds or fact["type"].rpartition(".")[2] in kinds]

    async def deliveries(self, cluster: str) -> list[dict[str, Any]]:
        """Everything that the topic has taken about a cluster, repeats too."""
        entries = await self.app.owner.control("GET", "/topics/autopilot/events")
        events = [entry["event"] for entry in entries if entry["event"]["subject"] == cluster]
        for event in events:
            _schema(event["type"]).validate(event)
        return events

    async def jobs(self, cluster: str) -> list[dict[str, Any]]:
        """The jobs of a cluster that Azure has, oldest first: their properties."""
        found = await self.app.resources("Microsoft.DataProtection/backupVaults/backupJobs")
        properties = [
            job["body"]["properties"] for job in found if job["body"]["properties"]["dataSourceId"] == cluster
        ]
        return sorted(properties, key=lambda job: str(job["startTime"]))

    async def put_job(self, cluster: str, job_id: str, **properties: Any) -> None:
        """Put a job of the past; a finished backup of the last half hour unless said otherwise."""
        instance = (await self.app.instances(cluster))[0]["id"]
        vault = instance.rpartition("/backupInstances/")[0]
        now = datetime.fromtimestamp(await self.now(), UTC)
        body = {
            "backupInstanceId": instance,
            "dataSourceId": cluster,
            "dataSourceType": "Microsoft.ContainerService/managedClusters",
            "vaultName": vault.rpartition("/")[2],
            "operationCategory": "Backup",
            "operation": "Backup",
            "isUserTriggered": False,
            "status": "Completed",
            "startTime": (now - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "endTime": (now - timedelta(minutes=27)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": "PT3M",
            **properties,
        }
        order = {"id": f"{vault}/backupJobs/{job_id}", "body": {"properties": body}}
        await self.app.owner.control("PUT", "/resources", order)

    # --- HTTP

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, accept: str | None = None
    ) -> Said:
        """One request to an HTTP function, its path sent as it is; bytes and text are sent as they are too.

        Without a key of its own it carries the one that the method wants: the master key for what changes something.
        """
        ready = self.app.parts.running_host.ready
        usual = ready["function_key" if method == "GET" else "master_key"]
        headers = {"x-functions-key": usual if key is None else key, **({"Accept": accept} if accept else {})}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = URL(f"{ready['base_url']}{path}", encoded=True)
        async with self._session.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
            content = json.loads(text) if "json" in response.content_type else text
            return Said(response.status, content, response.headers.get("Location"), response.content_type)

    async def back_up(self, cluster: str, **options: Any) -> Said:
        """Ask for a backup."""
        return await self.ask("POST", f"{path_of(cluster)}/backups", options)

    async def finished(self, cluster: str, **options: Any) -> dict[str, Any]:
        """Ask for a backup and follow its Location to the end of the job."""
        said = await self.back_up(cluster, **options)
        assert said.status == 202, said
        location = str(said.location)
        await self.step()
        job = await self.ask("GET", location)
        assert job.status == 200, job
        assert job.body["endTime"], job
        return dict(job.body)


def path_of(cluster: str) -> str:
    """Where a cluster stands among the HTTP functions."""
    found = re.fullmatch(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/.*/([^/]+)", cluster)
    assert found
    return f"/api/clusters/{found[1]}/{found[2]}/{found[3]}"


@contextlib.asynccontextmanager
async def watched(folder: Path, settings: Mapping[str, str] | None = None) -> AsyncGenerator[Watched]:
    """Run a stack of its own with a topic; it is three in the morning there, and no timer ticks by itself."""
    catalog = folder / "backup-policies.yaml"
    catalog.write_text(CATALOG)
    chosen = {"AUTOPILOT_CATALOG": str(catalog), **(settings or {})}
    options = {"topic": True, "host_options": _TIMERS}
    async with fleet(folder, chosen, **options) as app, aiohttp.ClientSession() as session:
        running = Watched(app, session)
        await running.step((BEGINS * 3600 - await running.now()) % _DAY)
        yield running
