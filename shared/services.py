"""Puts the parts together, once per process and event loop, when the first function needs them."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue.aio import QueueServiceClient
from msgspec import Struct

from shared import startup
from shared.arm.clock import AzureClock
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.backups.policies import Policies
from shared.backups.rollup import MonthRow
from shared.backups.starter import Starter
from shared.backups.status import BackupStatus
from shared.backups.store import StatusStore
from shared.backups.sweep import Report, Sweeper, SweepRow
from shared.errors import InvalidMessage
from shared.fleet.messages import QUEUE, URGENT_QUEUE
from shared.fleet.queues import Sender
from shared.fleet.records import VERSION, ClusterRow, Glance, RegionRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows
from shared.governance.caps import CapRow, Caps
from shared.governance.governor import Governor
from shared.governance.journal import BlobJournal, Journal, NoJournal
from shared.governance.pause import Pause, PauseRow
from shared.governance.unlogged import catch_up
from shared.notify.outbox import tell
from shared.notify.owners import OwnerNotifier
from shared.notify.publisher import LogNotifier, Notifier, TopicNotifier
from shared.onboarding.breaker import Breaker, BreakerRow
from shared.onboarding.poison import DeadLetter, record_poisoned, record_unreadable
from shared.onboarding.reconcile import Reconciler
from shared.readiness.asking import Asker
from shared.readiness.fleet import FleetReader
from shared.readiness.kept import ReadinessRow, verdict_of
from shared.readiness.members import Backups, Standing
from shared.readiness.nightly import Nightly
from shared.readiness.operations import Operations, Pending
from shared.readiness.restore_tests import RecordedTests, RestoreTests
from shared.readiness.service import Checker, recall_from
from shared.resync.fleet import Resync, ResyncRow
from shared.settings import Settings, StorageConnection

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


@dataclass(frozen=True, slots=True)
class Services:
    """What the functions call."""

    settings: Settings
    reconciler: Reconciler
    breaker: Breaker
    clusters: Rows[ClusterRow]
    deadletters: Rows[DeadLetter]
    resync: Resync
    urgent: Sender
    sweeper: Sweeper
    starter: Starter
    restore_tests: RestoreTests
    door: Door
    governor: Governor
    journal: Journal
    scope: Scope
    store: StatusStore
    policies: Policies
    checker: Checker
    fleet: FleetReader
    nightly: Nightly
    operations: Operations

    async def sweep(self) -> Report:
        """Look at the fleet's backups once; tell and log what is left of clusters and their readiness."""
        report = await self.sweeper.sweep()
        kept = [
            (_key(stored.value), stored)
            async for stored in self.clusters.all()
            if stored.value.outbox or stored.value.unlogged
        ]
        await catch_up(self.journal, self.clusters, [item for item in kept if item[1].value.unlogged])
        untold = [item for item in kept if item[1].value.outbox]
        report.events += await tell(self.reconciler.notifier, self.clusters, untold)
        report.events += await self.nightly.tell()
        report.events += await self.breaker.tell(self.reconciler.notifier)
        return report

    async def reconcile(self, body: bytes, message_id: str) -> None:
        """Work on one message of a reconcile queue; what can't be read is kept and done with.

        Raises:
            Exception: anything unforeseen; the queue delivers the message again.
        """
        try:
            message = await self.scope.message(body)
        except InvalidMessage as fault:
            await record_unreadable(self.deadletters, body, fault)
            return
        await self.reconciler.handle(message, message_id)

    async def record_poisoned(self, body: bytes, message_id: str) -> None:
        """Record a message of a poison queue."""
        await record_poisoned(self.reconciler, self.scope, self.deadletters, body, message_id)


_made: dict[int, Services] = {}


def services() -> Services:
    """The services of the running event loop; clients belong to the loop that they were made in.

    Raises:
        ConfigurationError: settings or catalog changed for the worse since the start.
    """
    loop = id(asyncio.get_running_loop())
    if loop not in _made:
        logging.getLogger("azure").setLevel(logging.WARNING)  # the SDKs log a line for every request at INFO
        _made[loop] = build()
    return _made[loop]


def build() -> Services:
    """Make the services from the process environment.

    Raises:
        ConfigurationError: settings or catalog are broken.
    """
    settings, catalog = startup.load(os.environ)
    tables, queues = _storage(settings.storage)

    def rows[T: Struct](table: str, kind: type[T], columns: Callable[[T], dict[str, str]] = lambda _: {}) -> Rows[T]:
        return Rows(tables.get_table_client(table), kind, VERSION, columns)

    credential = ManagedIdentityCredential(client_id=settings.client_id)
    clock = AzureClock(speed=1 / settings.wait_scale)
    pause = Pause(rows("marks", PauseRow), always=settings.paused)
    governor = Governor(settings, pause, Caps(rows("marks", CapRow)))
    door = Door(settings.arm_endpoint, settings.arm_audience, credential, clock, guard=governor)
    scope = Scope(door, settings.subscriptions, settings.management_groups)
    clusters = rows("clusters", ClusterRow, _cluster_columns)
    sender, notifier = Sender(queues, QUEUE), OwnerNotifier(_notifier(settings, credential), clusters)
    policies = Policies.of(catalog)
    store = StatusStore(rows("jobs", BackupStatus, _status_columns), rows("rollups", MonthRow), notifier, sender)
    journal = _journal(settings)
    starter = Starter(scope, door, policies, store, governor, journal)
    regions = rows("regions", RegionRow)
    restore_tests = RestoreTests(rows("restoretests", RecordedTests))
    recall = recall_from(clusters, store, restore_tests)
    kept = rows("readiness", ReadinessRow, _readiness_columns)
    breaker = Breaker(rows("marks", BreakerRow), settings, partial(_protected, clusters))
    standings, backups = rows("clusters", Standing), rows("jobs", Backups)
    checker = Checker(settings, catalog, policies, door, recall)
    fleet = FleetReader(settings, scope, door, policies, standings, backups, restore_tests, kept)
    nights = settings.deep_check_share
    asker = Asker(checker, door)
    return Services(
        settings=settings,
        reconciler=Reconciler(
            settings=settings,
            scope=scope,
            catalog=catalog,
            door=door,
            clusters=clusters,
            regions=regions,
            sender=sender,
            notifier=notifier,
            governor=governor,
            breaker=breaker,
            journal=journal,
            on_protected=store.welcome,
        ),
        breaker=breaker,
        clusters=clusters,
        deadletters=rows("deadletters", DeadLetter, lambda row: {"fault": row.fault}),
        resync=Resync(settings, scope, catalog, door, rows("clusters", Glance), rows("marks", ResyncRow), sender),
        urgent=Sender(queues, URGENT_QUEUE),
        sweeper=Sweeper(scope, door, policies, store, rows("marks", SweepRow)),
        starter=starter,
        restore_tests=restore_tests,
        door=door,
        governor=governor,
        journal=journal,
        scope=scope,
        store=store,
        policies=policies,
        checker=checker,
        fleet=fleet,
        nightly=Nightly(scope, nights, settings.wait_scale, clock, standings, kept, notifier, asker),
        operations=Operations(rows("operations", Pending)),
    )


def _notifier(settings: Settings, credential: ManagedIdentityCredential) -> Notifier:
    if settings.topic_endpoint is None:
        return LogNotifier()
    source = f"/aks-backup-autopilot/{settings.deployment_id}"
    return TopicNotifier(settings.topic_endpoint, source, credential, settings.topic_key)


def _journal(settings: Settings) -> Journal:
    connection, container = settings.storage, settings.decision_log
    if container is None:
        return NoJournal()

    def connect() -> "BlobServiceClient":
        from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415  # costs 70 ms: with the first line

        if connection.connection_string:
            return BlobServiceClient.from_connection_string(connection.connection_string, retry_total=1)
        credential = ManagedIdentityCredential(client_id=connection.client_id)
        return BlobServiceClient(connection.blob_endpoint or "", credential=credential, retry_total=1)

    return BlobJournal(connect, container)


def _storage(connection: StorageConnection) -> tuple[TableServiceClient, QueueServiceClient]:
    if connection.connection_string:
        text = connection.connection_string
        return TableServiceClient.from_connection_string(text), QueueServiceClient.from_connection_string(text)
    credential = ManagedIdentityCredential(client_id=connection.client_id)
    return (
        TableServiceClient(connection.table_endpoint or "", credential=credential),
        QueueServiceClient(connection.queue_endpoint or "", credential=credential),
    )


async def _protected(clusters: Rows[ClusterRow]) -> int:
    """How many clusters this app protects."""
    ended = (State.RELEASED, State.ORPHANED)
    return sum([row.value.places is not None and row.value.state not in ended async for row in clusters.all()])


def _key(row: ClusterRow) -> Key:
    cluster = ClusterId.parse(row.cluster_id)
    return Key(cluster.subscription, cluster.key)


def _status_columns(row: BackupStatus) -> dict[str, str]:
    return {"cluster": row.cluster_id, "policy": row.policy, "state": row.protection_state}


def _cluster_columns(row: ClusterRow) -> dict[str, str]:
    return {"cluster": row.cluster_id, "state": row.state, "reason": row.reason, "policy": row.policy}


def _readiness_columns(row: ReadinessRow) -> dict[str, str]:
    verdict, reason = verdict_of(row)
    return {"cluster": row.cluster_id, "verdict": verdict, "reason": reason}
