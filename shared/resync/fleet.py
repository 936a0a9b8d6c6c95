"""The resync: look at the whole fleet in a handful of requests, and ask for a pass over whatever drifted.

It changes nothing in Azure and no cluster's row. It may die anywhere: the next one finds what is still different.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct, field

from shared import logs
from shared.arm.door import Door
from shared.arm.ids import ClusterId, folded, subscription_of
from shared.catalog.model import Catalog
from shared.catalog.stamp import digest
from shared.errors import ArmError, InvalidResourceId, RowChanged
from shared.fleet.messages import ASKED, Message
from shared.fleet.queues import Sender
from shared.fleet.records import Glance, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.resync.drift import Finding, Judge, Moment, Reason
from shared.resync.inventory import Inventory, Reader
from shared.settings import Settings

PERIOD = 3600.0
"""Real seconds to the next resync when nobody says; the default schedule."""

MARK = Key("resync", "fleet")
_WINDOW = 300.0  # seconds over which a large number of messages is spread, one a second at most
_AT_ONCE = 16  # messages being sent
_LISTED = 10  # subscriptions whose resources are listed in one resync
_RESOURCES_API = "2021-04-01"


class ResyncRow(Struct):
    """What the last resync found. Times are Azure's, epoch seconds.

    Attributes:
        at: when it looked.
        next: when the next one is due, 0 for unknown.
        catalog: digest of the catalog that it compared with.
        clusters: in the allowed subscriptions.
        converged: were left alone since nothing differs.
        under_way: were left alone since a pass runs or comes by itself.
        by_reason: reason -> how many clusters were asked for a pass because of it.
        postponed: clusters that a changed catalog concerns and whose turn comes with a later resync.
        unread: subscription -> why its clusters couldn't be read.
        incomplete: which other parts of the answer weren't whole; nothing was concluded from what was missing in them.
    """

    at: float = 0.0
    next: float = 0.0
    catalog: str = ""
    clusters: int = 0
    converged: int = 0
    under_way: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)
    postponed: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resync:
    """Everything that a resync takes."""

    settings: Settings
    scope: Scope
    catalog: Catalog
    door: Door
    glances: Rows[Glance]
    marks: Rows[ResyncRow]
    sender: Sender

    async def run(self, upcoming: float | None = None, by: str = "resync_fleet") -> ResyncRow:
        """Compare the fleet once and ask for passes.

        Args:
            upcoming: real seconds until the next resync; None for one between two of the timer's.
            by: who or what asks, for the decision log.

        Raises:
            Exception: a queue or table didn't answer; the next resync finds what is left.
        """
        settings = self.settings
        before = await self.marks.read(MARK, ResyncRow)
        subscriptions = await self.scope.subscriptions()
        inventory = await Reader(self.door, settings, subscriptions, central_subscriptions(self.catalog)).read()
        now = Moment(self.door.clock.now().timestamp(), time.time())
        judge = Judge(inventory, self.catalog, settings, now)
        row = ResyncRow(now.azure, clusters=len(inventory.clusters), unread=dict(inventory.unread))
        row.incomplete = sorted(inventory.partial)
        row.catalog = digest(settings.catalog)
        interval = PERIOD if upcoming is None else upcoming
        row.next = before.value.next if upcoming is None else now.azure + upcoming / settings.wait_scale
        findings = await self._findings(judge, inventory, row, subscriptions)
        asked = self._paced(findings, interval, row)
        _tell([finding for finding, _ in asked], await self._created(asked), now.azure)
        await self._send([(Message(finding.cluster, finding.text, by=by), delay) for finding, delay in asked])
        row.by_reason = dict(sorted(Counter(str(finding.reason) for finding, _ in asked).items()))
        await self._remember(Stored(row, before.etag))
        _log(row)
        return row

    async def run_if_changed(self) -> ResyncRow | None:
        """Run only if the catalog isn't the one that the last resync compared with: its clusters needn't wait."""
        stored = await self.marks.read(MARK, ResyncRow)
        return None if stored.value.catalog == digest(self.settings.catalog) else await self.run(by="catalog_rollout")

    async def last(self) -> ResyncRow:
        """What the last resync found; an empty row before the first one."""
        return (await self.marks.read(MARK, ResyncRow)).value

    async def ask_for(self, state: State | None, reason: str | None, who: str) -> int:
        """Ask for a pass over every cluster in a state or with a reason, spread over time; how many."""
        subscriptions = await self.scope.subscriptions()
        allowed = [
            cluster
            async for cluster, row in self._rows(subscriptions)
            if state in (None, row.state) and reason in (None, row.reason)
        ]
        allowed.sort(key=lambda cluster: cluster.key)
        step = self._step(len(allowed))
        asked = [(Message(one, f"{ASKED}{who}", by=who), number * step) for number, one in enumerate(allowed)]
        await self._send(asked)
        logs.info("asked_for", state=state, reason=reason, clusters=len(allowed), who=who)
        return len(allowed)

    async def _findings(
        self, judge: Judge, inventory: Inventory, row: ResyncRow, subscriptions: frozenset[str]
    ) -> list[Finding]:
        """Every cluster's difference; rows come page by page and aren't kept."""
        findings: list[Finding] = []
        unmet = inventory.clusters
        async for cluster, glance in self._rows(subscriptions):
            seen = unmet.pop(folded(str(cluster)), None)
            found = judge.gone(glance) if seen is None else judge.known(seen, glance)
            if found is None and judge.under_way(glance):
                row.under_way += 1
                continue
            if found is None and seen is not None and judge.deep_turn(cluster, glance):
                found = Finding(cluster, Reason.DEEP_LOOK)
            if found is not None:
                findings.append(found)
            elif seen is not None:
                row.converged += 1
        for seen in unmet.values():
            found = judge.unknown(seen)
            if found is None:
                row.converged += 1
            else:
                findings.append(found)
        return findings

    async def _rows(self, subscriptions: frozenset[str]) -> AsyncIterator[tuple[ClusterId, Glance]]:
        """The rows of the clusters in these subscriptions."""
        async for stored in self.glances.all():
            try:
                cluster = ClusterId.parse(stored.value.cluster_id)
            except InvalidResourceId as error:
                logs.warning("not_a_cluster", reason=error)
                continue
            if cluster.subscription in subscriptions:
                yield cluster, stored.value

    def _paced(self, findings: Sequence[Finding], interval: float, row: ResyncRow) -> list[tuple[Finding, float]]:
        """When each message becomes visible, in real seconds.

        What a changed catalog moves goes one after the other, as many as fit before the next resync, always in the same
        order: a resync in between asks for the same ones again, some of which have moved by then. Looks without a
        finding have time until the next resync; all else is spread a little.
        """
        settings = self.settings
        ordered = sorted(findings, key=lambda finding: finding.cluster.key)
        moved = [finding for finding in ordered if finding.reason is Reason.CATALOG_CHANGED]
        pace = settings.rollout_seconds * settings.wait_scale
        fit = max(1, int(interval / pace)) if pace else len(moved)
        row.postponed = len(moved[fit:])
        deep = [finding for finding in ordered if finding.reason is Reason.DEEP_LOOK]
        others = [finding for finding in ordered if finding.reason not in (Reason.CATALOG_CHANGED, Reason.DEEP_LOOK)]
        paces = (
            (others, self._step(len(others))),
            (deep, self._step(len(deep), interval / settings.wait_scale / 2)),  # nobody waits for them
            (moved[:fit], pace),
        )
        return [(finding, number * step) for some, step in paces for number, finding in enumerate(some)]

    def _step(self, messages: int, window: float = _WINDOW) -> float:
        """Real seconds between two of so many messages, which are spread over a window of Azure's seconds."""
        return min(1.0, window / max(1, messages)) * self.settings.wait_scale

    async def _created(self, asked: Sequence[tuple[Finding, float]]) -> dict[str, float]:
        """When the clusters were created of which nobody told us: key -> Azure's time; how late they are found.

        Resource Graph doesn't have it (https://github.com/Azure/AKS/issues/4364), the list of resources does.
        """
        lost = sorted({found.cluster.subscription for found, _ in asked if found.reason is Reason.NOT_ONBOARDED})
        created: dict[str, float] = {}
        for subscription in lost[:_LISTED]:
            path, kind = f"/subscriptions/{subscription}/resources", "Microsoft.ContainerService/managedClusters"
            only = f"resourceType eq '{kind}'"
            try:
                items = await self.door.list(path, _RESOURCES_API, filter=only, expand="createdTime")
            except ArmError as error:
                logs.warning("age_unknown", subscription=subscription, code=error.code, status=error.status)
                continue
            for item in items:
                with suppress(InvalidResourceId, KeyError, ValueError):  # without a time, or no cluster: unknown
                    cluster = ClusterId.parse(str(item["id"]))
                    created[cluster.key] = datetime.fromisoformat(str(item["createdTime"])).timestamp()
        return created

    async def _send(self, messages: Sequence[tuple[Message, float]]) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(message: Message, delay: float) -> None:
            async with limit:
                await self.sender.send(message, delay)

        await asyncio.gather(*(one(message, delay) for message, delay in messages))

    async def _remember(self, row: Stored[ResyncRow]) -> None:
        try:
            await self.marks.write(MARK, row)
        except RowChanged:
            logs.info("resync_overlapped")


def central_subscriptions(catalog: Catalog) -> frozenset[str]:
    """The subscriptions that the catalog names for vaults."""
    named = {profile.subscription.lower() for profile in catalog.vault_profiles.values() if profile.subscription}
    given = {subscription_of(policy.existing.vault) for policy in catalog.policies.values() if policy.existing.vault}
    return frozenset(named | given)


def _tell(findings: Sequence[Finding], created: Mapping[str, float], now: float) -> None:
    """One line for each cluster that is asked for; of one whose event was lost, how long ago it was created."""
    for finding in findings:
        born = created.get(finding.cluster.key) if finding.reason is Reason.NOT_ONBOARDED else None
        logs.info(
            "asked",
            cluster=finding.cluster,
            reason=finding.reason,
            detail=finding.detail or None,
            seconds_since_creation=None if born is None else round(now - born),
        )


def _log(row: ResyncRow) -> None:
    logs.info(
        "resync",
        **{
            "aks_backup.clusters": row.clusters,
            "aks_backup.clusters.converged": row.converged,
            "aks_backup.clusters.under_way": row.under_way,
            "aks_backup.clusters.asked": sum(row.by_reason.values()),
            "aks_backup.clusters.postponed": row.postponed,
            "aks_backup.subscriptions.unread": len(row.unread),
            "incomplete": ",".join(row.incomplete) or None,
            **{f"aks_backup.drift.{reason}": count for reason, count in row.by_reason.items()},
        },
    )
