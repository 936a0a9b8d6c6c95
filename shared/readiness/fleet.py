"""The readiness of the whole fleet: a few queries to Resource Graph and the tables of the app, whatever its size."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from shared.arm.door import Door
from shared.arm.ids import ClusterId, folded, same_id
from shared.backups.policies import Policies
from shared.backups.schedule import rpo_seconds
from shared.catalog.selection import Selection, select
from shared.fleet.records import State
from shared.fleet.scope import Scope, lies_in
from shared.fleet.tables import Rows
from shared.notify.events import iso
from shared.onboarding.cluster import Cluster, read_cluster
from shared.onboarding.readings import Instance
from shared.readiness.facts import PROTECTED
from shared.readiness.kept import ReadinessRow
from shared.readiness.members import Backups, Member, Standing, findings, newest_point
from shared.readiness.model import Check, Verdict
from shared.readiness.restore_tests import RestoreTest, RestoreTests, expected_seconds, last_success, restorations
from shared.readiness.verdict import verdict_of
from shared.resync.inventory import Inventory, Reader, Seen
from shared.settings import Settings

_PARTS = frozenset({"clusters", "instances", "extensions"})


class MemberReadiness(Struct, frozen=True, rename="camel"):
    """How one cluster of the fleet stands. Times are ISO 8601, null for never; ages and durations are seconds.

    Attributes:
        checked_at: when the cluster itself was checked last, with roles, network and points.
        validated_at: when Azure's own validateRestore ended last.
        last_restored_at: when the last real restore that succeeded began.
        expected_data_loss_seconds: age of the newest recovery point.
        expected_duration_seconds: median of past restores and restore tests.
        checks: what each check finds.
    """

    cluster_id: str
    verdict: Verdict
    reason: str
    policy: str
    last_recovery_point: str | None
    checked_at: str | None
    validated_at: str | None
    last_restored_at: str | None
    expected_data_loss_seconds: int | None
    expected_duration_seconds: int | None
    checks: list[Check]


def judge(member: Member, now: float) -> MemberReadiness:
    """The verdict on a cluster from what is known of the fleet. `now` is Azure's time, epoch seconds."""
    checks = findings(member, now)
    verdict, reason = verdict_of(checks)
    kept, point = member.kept, newest_point(member)
    expected, success = expected_seconds(member.past), last_success(member.past)
    return MemberReadiness(
        cluster_id=str(member.id),
        verdict=verdict,
        reason=reason,
        policy=member.row.policy if member.row else member.policy,
        last_recovery_point=_time(point),
        checked_at=_time(kept.checked.at if kept and kept.checked else 0.0),
        validated_at=_time(kept.validated.at if kept and kept.validated else 0.0),
        last_restored_at=_time(success.at if success else 0.0),
        expected_data_loss_seconds=round(now - point) if point else None,
        expected_duration_seconds=None if expected is None else round(expected),
        checks=checks,
    )


_WORST = (Verdict.NOT_READY, Verdict.UNKNOWN, Verdict.AT_RISK, Verdict.READY)


def _worst_first(item: tuple[Verdict, Member]) -> tuple[int, str]:
    return _WORST.index(item[0]), folded(str(item[1].id))


def _time(moment: float) -> str | None:
    return iso(moment) if moment else None


class Judged(NamedTuple):
    """How many clusters stand how, and those that were asked for, the worst first."""

    counts: Counter[Verdict]
    items: Sequence[MemberReadiness]


@dataclass(frozen=True, slots=True)
class FleetReader:
    """Everything that reading the fleet takes."""

    settings: Settings
    scope: Scope
    door: Door
    policies: Policies
    clusters: Rows[Standing]
    backups: Rows[Backups]
    tests: RestoreTests
    kept: Rows[ReadinessRow]

    async def judged(self, verdict: Verdict | None = None, skip: int = 0, top: int = 1000) -> Judged:
        """Every cluster that is to be protected or still is, the worst first.

        Args:
            verdict: only those with this one.
            skip: how many to leave out.
            top: how many to show; only of those everything is kept.
        """
        members = await self._members()
        now = self.door.clock.now().timestamp()
        verdicts = [verdict_of(findings(member, now))[0] for member in members]
        order = sorted(zip(verdicts, members, strict=True), key=_worst_first)
        page = [member for found, member in order if verdict in (None, found)][skip : skip + top]
        return Judged(Counter(verdicts), [judge(member, now) for member in page])

    async def _members(self) -> list[Member]:
        allowed = await self.scope.subscriptions()
        inventory, statuses, tests, rows, kept = await asyncio.gather(
            Reader(self.door, self.settings, allowed).read(_PARTS),
            _of_clusters(self.backups),
            self.tests.all(),
            _by_cluster(self.clusters),
            _by_cluster(self.kept),
        )
        known = _Known(inventory, rows, kept, tests, statuses)
        return [self._member(cluster, known) for cluster in self._chosen(known, allowed)]

    def _chosen(self, known: _Known, allowed: frozenset[str]) -> Iterable[ClusterId]:
        """Clusters with a backup instance, those whose tags ask for one, and those that the app works on."""
        worked_on = {key for key, row in known.rows.items() if row.state is not State.RELEASED}
        for key, seen in known.inventory.clusters.items():
            if seen.instances or key in worked_on or self._asks(seen):
                yield seen.id
        for key in worked_on - known.inventory.clusters.keys():
            if lies_in(allowed, key):
                yield ClusterId.parse(known.rows[key].cluster_id)

    def _asks(self, seen: Seen) -> bool:
        chosen = select(seen.tags, self.policies.catalog, self.settings.tag, self.settings.default_policy)
        return chosen.selection in (Selection.POLICY, Selection.UNKNOWN)

    def _member(self, cluster: ClusterId, known: _Known) -> Member:
        key = folded(str(cluster))
        seen, statuses = known.inventory.clusters.get(key), known.statuses.get(key, [])
        instance = _instance(seen) if seen else None
        status = next((item for item in statuses if instance and same_id(item.instance_id, instance.id)), None)
        return Member(
            id=cluster,
            row=known.rows.get(key),
            seen=_cluster(seen) if seen else None,
            instance=instance,
            whole=known.inventory.knows("instances", cluster.subscription),
            extension=seen.extension if seen else None,
            policy=self.policies.name_of_arm(instance.policy_id) if instance else "",
            status=status,
            rpo=self._rpo(status) if status else None,
            kept=known.kept.get(key),
            past=restorations(statuses, known.tests.get(key, ())),
        )

    def _rpo(self, status: Backups) -> float | None:
        policy = self.policies.catalog.policies.get(status.policy)
        return rpo_seconds(policy) if policy else None


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything by lower-cased cluster id."""

    inventory: Inventory
    rows: Mapping[str, Standing]
    kept: Mapping[str, ReadinessRow]
    tests: Mapping[str, Sequence[RestoreTest]]
    statuses: Mapping[str, Sequence[Backups]]


async def _by_cluster[T: (Standing, ReadinessRow)](rows: Rows[T]) -> dict[str, T]:
    return {folded(stored.value.cluster_id): stored.value async for stored in rows.all()}


async def _of_clusters(rows: Rows[Backups]) -> dict[str, list[Backups]]:
    found: dict[str, list[Backups]] = defaultdict(list)
    async for stored in rows.all():
        found[folded(stored.value.cluster_id)].append(stored.value)
    return found


def _instance(seen: Seen) -> Instance | None:
    """The backup instance of a cluster: of several the one that protects it."""
    found = sorted(seen.instances.items(), key=lambda item: item[1].state != PROTECTED)
    return next((Instance(name, item.state, item.policy, "", {}, None) for name, item in found), None)


def _cluster(seen: Seen) -> Cluster:
    properties = {"powerState": {"code": seen.power or "Running"}, "provisioningState": seen.state}
    return read_cluster(seen.id, {"location": seen.location, "tags": dict(seen.tags), "properties": properties})
