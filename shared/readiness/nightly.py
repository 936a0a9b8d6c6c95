"""The nightly check of the fleet: everyone is checked, a share is validated by Azure, changes are told once each.

A run has a budget and never waits beyond it. What it doesn't get to, the next one does: whose turn it is comes from the
rows alone. A validateRestore that outlasts the run leaves its URL in the row, and the next run looks how it ended. A
run may die anywhere: what it hadn't written is done again, and asking Azure to validate twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from shared import logs
from shared.arm.clock import AzureClock
from shared.arm.ids import ClusterId, folded
from shared.errors import ArmError, RowChanged
from shared.fleet.records import State
from shared.fleet.scope import Scope, lies_in
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.outbox import tell
from shared.notify.publisher import Notifier
from shared.readiness.deep import decisive
from shared.readiness.kept import ReadinessRow, Validated, Validating, end, keep, start, verdict_of
from shared.readiness.members import Standing
from shared.readiness.model import Readiness, Verdict
from shared.readiness.rotation import to_check, to_validate

BUDGET = 200.0
"""Real seconds of one run, of the five minutes that a function may take (host.json)."""

_LAST_START = 0.8  # share of the budget after which nothing new is begun
_AT_ONCE = 3
"""Clusters. A check takes a second or more, up to 15 reads and one query to Resource Graph, which allows 3 a second."""

_LONGEST = 2 * 3600.0  # seconds of Azure's time after which an operation's end isn't awaited any more
_PAUSE = 5.0  # seconds between two looks at operations, times the wait scale


class Asks(Protocol):
    """Somebody who asks Azure about one cluster."""

    async def check(self, cluster: ClusterId) -> Readiness | None:
        """Check a cluster; None: neither Azure nor the app knows it."""

    async def begin(self, cluster: ClusterId) -> Validating | Validated | None:
        """Ask Azure to validate a restore of the newest point; None: there is nothing to validate."""

    async def look(self, operation: Validating) -> Validated | None:
        """How a validation ended; None while it runs."""


@dataclass(slots=True)
class Report:
    """What a run did.

    Attributes:
        clusters: that are to be restorable.
        checked: by this run.
        begun: validations that Azure was asked for.
        ended: validations whose end was seen, `refused` of them with a refusal.
        running: validations that still run.
        events: that were sent.
        conflicts: rows that somebody else wrote meanwhile.
        verdicts: how many clusters stand how.
    """

    clusters: int = 0
    checked: int = 0
    begun: int = 0
    ended: int = 0
    refused: int = 0
    running: int = 0
    events: int = 0
    conflicts: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nightly:
    """Everything that a run takes. `nights` is how many it takes until everyone has been validated; 0 is never."""

    scope: Scope
    nights: int
    wait_scale: float
    clock: AzureClock
    clusters: Rows[Standing]
    kept: Rows[ReadinessRow]
    notifier: Notifier
    asks: Asks

    async def run(self, budget: float = BUDGET) -> Report:
        """Do as much of the night's work as the budget (real seconds) allows.

        Raises:
            Exception: the tables or the topic don't answer; the next run goes on.
            ExceptionGroup: single clusters couldn't be worked on for reasons that nobody foresaw; all others were.
        """
        run = _Run(self, Report(), monotonic() + budget * _LAST_START, monotonic() + budget, await self._rows())
        await run.look_after_operations()
        await run.each(to_check(run.all_rows(), self.now()), run.check)
        await run.each(to_validate(run.open_rows(), self.now(), self.nights), run.validate)
        await run.wait_for_operations()
        return await run.finish()

    async def tell(self) -> int:
        """Send the news that stands in rows: of checks that somebody asked for, and what the topic didn't take before.

        Raises:
            Exception: the tables or the topic don't answer; it stays in the rows.
        """
        untold = [(key_of(stored.value.cluster_id), stored) async for stored in self.kept.all() if stored.value.outbox]
        return await tell(self.notifier, self.kept, untold)

    def now(self) -> float:
        """Azure's time, epoch seconds."""
        return self.clock.now().timestamp()

    async def _rows(self) -> dict[str, Stored[ReadinessRow]]:
        """The rows of all clusters that are or were to be protected, by lower-cased id; new ones for new clusters."""
        allowed = await self.scope.subscriptions()
        known = {folded(stored.value.cluster_id): stored async for stored in self.kept.all()}
        found: dict[str, Stored[ReadinessRow]] = {}
        async for stored in self.clusters.all():
            row = stored.value
            if _matters(row) and lies_in(allowed, row.cluster_id):
                key = folded(row.cluster_id)
                found[key] = known.get(key) or Stored(ReadinessRow(row.cluster_id), None)
        return found


def _matters(row: Standing) -> bool:
    """Whether there is something to restore, or ought to be; after the tag is gone, backups go on or stay."""
    return row.state is not State.RELEASED or bool(row.fingerprint and row.reason != "ClusterNotFound")


def key_of(cluster_id: str) -> Key:
    """Where the row of a cluster stands.

    Raises:
        InvalidResourceId: it is no cluster's id.
    """
    cluster = ClusterId.parse(cluster_id)
    return Key(cluster.subscription, cluster.key)


@dataclass(slots=True)
class _Run:
    """One run: what it has read, and until when it may go on."""

    nightly: Nightly
    report: Report
    last_start: float
    deadline: float
    rows: dict[str, Stored[ReadinessRow]]
    faults: list[Exception] = field(default_factory=list)

    def all_rows(self) -> list[ReadinessRow]:
        return [stored.value for stored in self.rows.values()]

    def open_rows(self) -> list[ReadinessRow]:
        """Those for which Azure's word would tell something new: what isn't ready anyway needs no proof."""
        rows = self.all_rows()
        return [row for row in rows if row.checked is not None and row.checked.verdict is not Verdict.NOT_READY]

    async def each(self, rows: Iterable[ReadinessRow], work: Callable[[ReadinessRow], Awaitable[None]]) -> None:
        """Work on clusters, several at a time, as long as there is time to begin."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(row: ReadinessRow) -> None:
            async with limit:
                if monotonic() < self.last_start:
                    await work(row)

        for result in await asyncio.gather(*(one(row) for row in rows), return_exceptions=True):
            if isinstance(result, Exception):
                self.faults.append(result)
            elif result is not None:  # the process ends
                raise result

    async def check(self, row: ReadinessRow) -> None:
        answer = await self.nightly.asks.check(ClusterId.parse(row.cluster_id))
        if answer is None:
            return
        keep(row, answer)
        self.report.checked += 1
        await self._write(row)

    async def validate(self, row: ReadinessRow) -> None:
        cluster = ClusterId.parse(row.cluster_id)
        try:
            begun = await self.nightly.asks.begin(cluster)
        except ArmError as error:  # in trouble, or throttled: another run asks again
            logs.warning("validation_not_begun", cluster=row.cluster_id, code=error.code, status=error.status)
            return
        if begun is None:
            return
        self.report.begun += 1
        if isinstance(begun, Validated):  # refused at once
            row.asked = begun.at
            self._end(row, begun)
        else:
            start(row, begun)
        await self._write(row)

    async def look_after_operations(self) -> None:
        """Look once how the validations stand that were begun before."""
        waiting = [row for row in self.all_rows() if row.validating is not None]
        await self.each(waiting, self._look)

    async def wait_for_operations(self) -> None:
        """Look again and again, as long as there is time."""
        pause = max(1.0, _PAUSE * self.nightly.wait_scale)
        while any(row.validating for row in self.all_rows()) and monotonic() + pause < self.deadline:
            await asyncio.sleep(pause)
            self.last_start = self.deadline
            await self.look_after_operations()

    async def _look(self, row: ReadinessRow) -> None:
        operation = row.validating
        if operation is None:
            return
        try:
            ended = await self.nightly.asks.look(operation)
        except ArmError as error:
            logs.warning("validation_not_seen", cluster=row.cluster_id, code=error.code, status=error.status)
            ended = None
        if ended is None and self.nightly.now() - operation.started < _LONGEST:
            return
        self._end(row, ended if ended is not None and decisive(ended) else None)
        await self._write(row)

    def _end(self, row: ReadinessRow, result: Validated | None) -> None:
        end(row, result, self.nightly.now())
        if result is not None:
            self.report.ended += 1
            self.report.refused += not result.passed

    async def _write(self, row: ReadinessRow) -> None:
        name = folded(row.cluster_id)
        try:
            self.rows[name] = await self.nightly.kept.write(key_of(row.cluster_id), self.rows[name])
        except RowChanged:  # another run works on it: what that one says stands
            self.report.conflicts += 1
            del self.rows[name]

    async def finish(self) -> Report:
        """Tell what is news, and say what was done."""
        report = self.report
        told = [(key_of(stored.value.cluster_id), stored) for stored in self.rows.values() if stored.value.outbox]
        report.events = await tell(self.nightly.notifier, self.nightly.kept, told)
        report.clusters = len(self.rows) + report.conflicts
        report.running = sum(row.validating is not None for row in self.all_rows())
        for row in self.all_rows():
            verdict, _ = verdict_of(row)
            report.verdicts[verdict] = report.verdicts.get(verdict, 0) + 1
        _log(report)
        if self.faults:
            raise ExceptionGroup("clusters that couldn't be worked on", self.faults)
        return report


def _log(report: Report) -> None:
    logs.info(
        "nightly_readiness",
        **{
            "aks_backup.readiness.clusters": report.clusters,
            **{f"aks_backup.readiness.{verdict}": report.verdicts.get(verdict, 0) for verdict in Verdict},
            "aks_backup.readiness.checked": report.checked,
            "aks_backup.readiness.validations_begun": report.begun,
            "aks_backup.readiness.validations_ended": report.ended,
            "aks_backup.readiness.validations_refused": report.refused,
            "aks_backup.readiness.validations_running": report.running,
            "aks_backup.readiness.events": report.events,
            "aks_backup.readiness.conflicts": report.conflicts,
        },
    )
