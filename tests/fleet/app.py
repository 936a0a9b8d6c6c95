"""The app's passes and the simulated Azure in one process, in virtual time that only moves when it is stepped."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import TYPE_CHECKING, Any, Final, cast

from local.azure.exchange import Request
from local.azure.options import REPOSITORY, Options
from local.azure.server import LocalAzure
from shared.arm.clock import AzureClock
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.catalog.loading import loads
from shared.fleet.messages import Message
from shared.fleet.records import VERSION, ClusterRow, RegionRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows
from shared.governance.caps import CapRow, Caps
from shared.governance.governor import Governor
from shared.governance.pause import Pause, PauseRow
from shared.notify.owners import OwnerNotifier
from shared.onboarding.breaker import Breaker, BreakerRow
from shared.onboarding.reconcile import Reconciler
from shared.settings import load as load_settings
from tests.fleet.inprocess import ENDPOINT, InProcess, Nobody
from tests.fleet.stores import MemoryQueue, MemoryTable, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.data.tables.aio import TableClient

    from shared.fleet.queues import Sender
    from shared.notify.events import Event

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
START: Final = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-apps"
CATALOG: Final = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  gold: {vaultProfile: standard}
  silver: {vaultProfile: standard, schedule: {every: P1D}}
  paused: {vaultProfile: standard, onRemoval: suspend}
  halted: {vaultProfile: standard, onRemoval: stop}
"""
_VERSIONS: Final = {
    "microsoft.dataprotection": "2025-07-01",
    "microsoft.authorization": "2022-04-01",
    "microsoft.containerservice": "2024-09-01",
    "microsoft.storage": "2024-01-01",
    "microsoft.kubernetesconfiguration": "2023-05-01",
}
_REDELIVERED: Final = 30.0  # seconds until the host hands a failed message out again
_LONGEST: Final = 400  # passes within one settling; a fleet that takes more doesn't settle


class Topic:
    """Takes events and keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Take them."""
        self.events += events


class MemoryJournal:
    """Keeps the lines of the decision log, or refuses them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.broken = False

    async def append(self, lines: Sequence[str]) -> bool:
        """Take lines."""
        if not self.broken:
            self.lines += [json.loads(line) for line in lines]
        return not self.broken


class App:
    """The reconciler with its tables and its queue in memory, before a simulated Azure.

    There are subscriptions `beside` that of the clusters if they are named; the app has its role in all, and with
    `may_delete` the one for off-boarding too, with `may_connect` the one for private endpoints.
    """

    def __init__(
        self,
        catalog: str = CATALOG,
        *,
        beside: tuple[str, ...] = (),
        may_delete: bool = False,
        may_connect: bool = False,
        **settings: str,
    ) -> None:
        roles = {"role-offboarding.json": may_delete, "role-networks.json": may_connect}
        further = tuple(REPOSITORY / "infra" / name for name, held in roles.items() if held)
        options = Options(subscriptions=(SUBSCRIPTION, *beside), standing=True, further_role_files=further)
        self.azure = LocalAzure(options, start=START)
        self.cloud = self.azure.cloud
        self.cloud.base_url = ENDPOINT
        self.wire = InProcess(self.azure, self.cloud.app)
        environ = {
            "AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION,
            "AUTOPILOT_ARM_ENDPOINT": ENDPOINT,
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            **settings,
        }
        self.settings = load_settings(environ)
        self.catalog = loads(catalog, "c.yaml")
        self.table, self.marks = MemoryTable("clusters"), MemoryTable("marks")
        self.queue = MemoryQueue(self.now)
        self.topic = Topic()
        self.journal = MemoryJournal()
        self.protected: list[str] = []
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is remembered but what stands in tables and queue."""
        clock = AzureClock(monotonic_clock=self.now)
        pause = Pause(self._rows(self.marks, PauseRow), always=self.settings.paused)
        self.governor = Governor(self.settings, pause, Caps(self._rows(self.marks, CapRow)))
        door = Door(ENDPOINT, ENDPOINT, Nobody(), clock, transport=self.wire, guard=self.governor)
        self.reconciler = Reconciler(
            settings=self.settings,
            scope=Scope(door, self.settings.subscriptions, self.settings.management_groups),
            catalog=self.catalog,
            door=door,
            clusters=self._rows(self.table, ClusterRow),
            regions=self._rows(MemoryTable("regions"), RegionRow),
            sender=cast("Sender", self.queue),
            notifier=OwnerNotifier(self.topic, self._rows(self.table, ClusterRow)),
            governor=self.governor,
            journal=self.journal,
            breaker=Breaker(self._rows(self.marks, BreakerRow), self.settings, self._count),
            on_protected=self._on_protected,
            jitter=random.Random(1),
        )

    def now(self) -> float:
        """Virtual time, epoch seconds."""
        return self.cloud.clock.now().timestamp()

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self.cloud.clock.advance(seconds)

    # --- passes

    async def hint(self, cluster: str, reason: str = "event") -> None:
        """Ask for a pass."""
        await self.queue.send(Message(ClusterId.parse(cluster), reason))

    async def work(self) -> bool:
        """Work on one message, if one is visible; one that fails comes again."""
        item = self.queue.take()
        if item is None:
            return False
        try:
            await self.reconciler.handle(item.message, str(item.number))
        except Exception:
            self.queue.waiting.append(Waiting(self.now() + _REDELIVERED, item.number, item.message, item.tries + 1))
            raise
        return True

    async def settle(self, horizon: float = 4 * 3600.0) -> int:
        """Work on everything, stepping to the next message, until none is due within `horizon` seconds; the passes."""
        end, passes = self.now() + horizon, 0
        while (due := self.queue.next_visible()) is not None and due <= end:
            self.step(max(0.0, due - self.now()))
            await self.work()
            passes += 1
            assert passes < _LONGEST, f"it doesn't settle: {self.queue.waiting}"
        return passes

    async def look(self, cluster: str, reason: str = "event", horizon: float = 4 * 3600.0) -> ClusterRow:
        """Ask for a pass and let everything settle; the row then."""
        await self.hint(cluster, reason)
        await self.settle(horizon)
        return await self.row(cluster)

    async def row(self, cluster: str) -> ClusterRow:
        """The status row."""
        subject = ClusterId.parse(cluster)
        key = Key(subject.subscription, subject.key)
        return (await self.reconciler.clusters.read(key, lambda: ClusterRow(cluster))).value

    def told(self, cluster: str = "") -> list[str]:
        """Types of the events so far, without their prefix."""
        return [event.type.rpartition(".")[2] for event in self.topic.events if cluster in event.subject]

    # --- Azure, as its owner sees it

    async def arm(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """Ask Azure as the owner of the subscription: status and body."""
        namespace = path.lower().rpartition("/providers/")[2].split("/")[0]
        version = query.pop("version", _VERSIONS.get(namespace, "2022-09-01"))
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = Request(method, path, {"api-version": version, **query}, headers, content)
        answer = await self.azure.respond(request, self.cloud.owner)
        assert answer is not None
        text = answer.body if isinstance(answer.body, bytes) else b""
        return answer.status, json.loads(text) if text else None

    async def do(self, method: str, path: str, body: Any = None, wait: float = 900.0) -> Any:
        """Let the owner change something, which has to succeed, and wait until it is done."""
        status, answer = await self.arm(method, path, body)
        assert status < 300, (method, path, status, answer)
        self.step(wait)
        return answer

    @staticmethod
    def cluster_id(name: str) -> str:
        """Id of a cluster, whether it is there or not."""
        return f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/{name}"

    async def cluster(self, name: str, policy: str | None = None, location: str = "westeurope", **tags: str) -> str:
        """Create a cluster and wait until it runs; its id."""
        self.cloud.seed(GROUP, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
        path = self.cluster_id(name)
        body = {
            "location": location,
            "identity": {"type": "SystemAssigned"},
            "tags": {**({"aks-backup": policy} if policy else {}), **tags},
            "properties": {"dnsPrefix": name, "agentPoolProfiles": [{"name": "pool", "mode": "System", "count": 1}]},
        }
        await self.do("PUT", path, body, wait=600)
        return path

    async def protect(self, name: str, policy: str = "gold", **tags: str) -> str:
        """A cluster that has been protected for two days."""
        cluster = await self.cluster(name, policy, **tags)
        row = await self.look(cluster)
        assert row.state is State.PROTECTED, (row.state, row.reason, row.message, row.steps)
        self.step(2 * 86400.0)
        return cluster

    async def tag(self, cluster: str, **tags: str | None) -> None:
        """Replace the cluster's tags."""
        kept = {name.replace("_", "-"): value for name, value in tags.items() if value is not None}
        path = f"{cluster}/providers/Microsoft.Resources/tags/default"
        await self.do("PUT", path, {"properties": {"tags": kept}}, wait=60)

    def resources(self, kind: str, scope: str = "") -> list[Any]:
        """Resources of a type, whoever made them."""
        self.cloud.clock.settle()
        return list(self.cloud.store.of_type(kind, scope))

    def instances(self, cluster: str) -> list[Any]:
        """The backup instances of a cluster."""
        kind = "Microsoft.DataProtection/backupVaults/backupInstances"
        return [
            item
            for item in self.resources(kind)
            if item.properties["dataSourceInfo"]["resourceID"].casefold() == cluster.casefold()
        ]

    def ours(self, cluster: str) -> list[Any]:
        """Those of them that the app made."""
        return [item for item in self.instances(cluster) if "/resourceGroups/rg-theirs/" not in item.id]

    def writes(self, since: int = 0) -> list[str]:
        """The app's writes so far, or after some number of requests: method and path."""
        app = self.cloud.app.object_id
        entries = self.cloud.ledger.select(principal=app, since=since, kind="write")
        return [f"{entry.listing()['method']} {entry.listing()['path']}" for entry in entries]

    def _rows(self, table: MemoryTable, kind: Any) -> Rows[Any]:
        return Rows(cast("TableClient", table), kind, VERSION, lambda _: {})

    async def _count(self) -> int:
        return sum([stored.value.places is not None async for stored in self.reconciler.clusters.all()])

    async def _on_protected(self, instance: str, cluster: ClusterId, policy: str, now: float) -> None:
        del cluster, policy, now
        self.protected.append(instance)
