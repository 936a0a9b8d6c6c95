"""One readiness check: read everything at once, judge it, and take a deep check's result in afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from shared.arm.door import Door
from shared.arm.ids import ClusterId, same_id
from shared.backups.policies import Policies
from shared.backups.schedule import rpo_seconds
from shared.backups.status import BackupStatus
from shared.backups.store import StatusStore, key_of
from shared.catalog.model import Catalog, minutes
from shared.errors import ArmError
from shared.fleet.records import ClusterRow, Places
from shared.fleet.tables import Key, Rows
from shared.onboarding.readings import Instance
from shared.readiness.ask import NEWEST, Ask
from shared.readiness.checks import run_checks
from shared.readiness.deep import beside
from shared.readiness.facts import Facts, Wanted, absent
from shared.readiness.model import Check, Readiness
from shared.readiness.needs import to_ask
from shared.readiness.reading import Reader, container_of, scopes_of
from shared.readiness.restore_tests import RestoreTest, RestoreTests, restorations
from shared.readiness.verdict import conclude
from shared.readiness.wanting import wanted_of
from shared.settings import Settings

_USUAL_RPO = 27 * 3600.0  # of a daily backup: where no policy says
_MARGIN = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Known:
    """What the app's own tables say of a cluster; nothing of it is believed against Azure.

    Attributes:
        row: whether the cluster has a status row.
    """

    row: bool = False
    places: Places | None = None
    status: BackupStatus | None = None
    tests: Sequence[RestoreTest] = ()


type Recall = Callable[[ClusterId], Awaitable[Known]]


@dataclass(frozen=True, slots=True)
class UnknownCluster:
    """Neither Azure nor the app knows it."""

    cluster: ClusterId


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's facts and findings."""

    facts: Facts
    checks: tuple[Check, ...]

    @property
    def readiness(self) -> Readiness:
        """The answer."""
        return conclude(self.facts, self.checks, deep=any(check.id == "validate-restore" for check in self.checks))

    def deepened(self, validation: Check) -> Checked:
        """With the finding of Azure's own validateRestore beside the others."""
        return replace(self, checks=tuple(beside(self.checks, validation)))


@dataclass(frozen=True, slots=True)
class Checker:
    """Everything that checking takes."""

    settings: Settings
    catalog: Catalog
    policies: Policies
    door: Door
    recall: Recall
    _astray: set[str] = field(default_factory=set)
    """Clusters whose remembered places led astray, for more requests than a check may send: found out next time."""

    async def check(self, cluster: ClusterId, ask: Ask = NEWEST) -> Checked | UnknownCluster:
        """Check one cluster; what couldn't be read is part of the answer, not an error."""
        if ask.target is not None and ask.target.key == cluster.key:
            ask = replace(ask, target=None)
        known = await self.recall(cluster)
        reader = Reader(self.door, cluster, ask, self._window(known.places), self.settings.run_command)
        places = await reader.read(None if cluster.key in self._astray else known.places)
        if known.places in (None, places):
            self._astray.discard(cluster.key)
        elif reader.spent:
            self._astray.add(cluster.key)
        kept = reader.fact("instances")
        if absent(reader.fact(f"cluster {cluster}")) and not known.row and (not kept or isinstance(kept, ArmError)):
            return UnknownCluster(cluster)
        facts = self._facts(cluster, ask, known, reader, places)
        asked = to_ask(facts)
        if asked:
            memberships = await reader.read_memberships(asked)
            facts = replace(facts, memberships=memberships, requests=reader.requests)
        return Checked(facts, tuple(run_checks(facts)))

    def _window(self, places: Places | None) -> float:
        """How far back snapshots may have been made that the newest point stands on, seconds."""
        name = self.policies.name_of_arm(places.policy) if places else ""
        policy = self.catalog.policies.get(name)
        return (rpo_seconds(policy) if policy else _USUAL_RPO) + _MARGIN

    def _facts(self, cluster: ClusterId, ask: Ask, known: Known, reader: Reader, places: Places) -> Facts:
        source, graph = reader.side(cluster), reader.fact(f"graph {places.vault} {places.group} {places.node_group}")
        scopes = scopes_of(places)
        facts = Facts(
            at=self.door.clock.now().timestamp(),
            ask=ask,
            places=places,
            remembered=known.places,
            source=source,
            instances=reader.fact("instances"),
            vault=reader.fact(f"vault {places.vault}"),
            points=reader.fact(f"points {places.instance}"),
            graph=graph,
            group_grants=reader.group_grants(places),
            account_grants=reader.fact(f"grants {scopes[0]}" if scopes else ""),
            account=reader.fact(f"account {places.account}"),
            container=reader.fact(f"container {container_of(places)}"),
            locks=reader.locks(places.group),
            vault_locks=reader.locks(places.vault),
            target=reader.side(ask.target) if ask.target else None,
            staging=reader.staging(),
            wanted=wanted_of(source.cluster, graph, places, self.catalog, self.settings),
            since=known.status.since if known.status else 0.0,
            volumes=reader.fact("volumes") if ask.volumes else None,
            past=restorations([known.status] if known.status else [], known.tests),
            requests=reader.requests,
        )
        return self._with_policy(facts)

    def _with_policy(self, facts: Facts) -> Facts:
        """What the catalog says of the instance: by the policy that it has, else by the one that is wanted."""
        instance, wanted = facts.instance, facts.wanted
        name, used = "", None
        if isinstance(instance, Instance):
            name = self.policies.name_of_arm(instance.policy_id)
            used = self.catalog.policies.get(name)
            if isinstance(wanted, Wanted) and same_id(wanted.arm_policy, instance.policy_id):
                name, used = wanted.name, wanted.policy  # a region's variant isn't in the catalog as it is
        policy = used or (wanted.policy if isinstance(wanted, Wanted) else None)
        rto = minutes(policy.rto_target) * 60.0 if policy and policy.rto_target else None
        return replace(facts, used=used, used_name=name, rpo=rpo_seconds(policy) if policy else None, rto=rto)


async def recall_nothing(_: ClusterId) -> Known:
    """No tables: from a shell, with the app down."""
    return Known()


def recall_from(clusters: Rows[ClusterRow], store: StatusStore, tests: RestoreTests) -> Recall:
    """What the tables say, read side by side."""

    async def recall(cluster: ClusterId) -> Known:
        row, recorded = await asyncio.gather(
            clusters.read(Key(cluster.subscription, cluster.key), lambda: ClusterRow(str(cluster))), tests.of(cluster)
        )
        places = row.value.places
        status = None
        if places is not None:
            instance = places.instance
            stored = await store.rows.read(key_of(instance), lambda: BackupStatus(instance, str(cluster)))
            status = stored.value if stored.etag else None
        return Known(row.etag is not None, places, status, recorded)

    return recall
