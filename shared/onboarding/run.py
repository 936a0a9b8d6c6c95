"""One pass over one cluster: read it, find out what is wanted, bring the steps forward, say where it stands."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from shared.arm.answers import Json
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.arm.policies import CORRELATION
from shared.arm.writes import ACTING_FOR
from shared.catalog.model import Catalog
from shared.catalog.rendering import policy_fingerprint
from shared.catalog.selection import Selected, Selection, select, tag_value
from shared.errors import ArmError
from shared.fleet.life import Life
from shared.fleet.records import Places, Progress
from shared.fleet.scope import Scope
from shared.onboarding import foreign, readings
from shared.onboarding.cluster import Cluster, essence, preflight, read_cluster
from shared.onboarding.desired import desired_protection, places_of
from shared.onboarding.drift import Repairs, notice_another, settle
from shared.onboarding.engine import CARRIED, Engine, Gate
from shared.onboarding.gone import bereaved
from shared.onboarding.guards import requests_of
from shared.onboarding.inherited import inherited
from shared.onboarding.network import unreachable
from shared.onboarding.offboarding import Offboarding, offboarded
from shared.onboarding.optout import note_tag, read_note, without_expired
from shared.onboarding.outcomes import (
    Observation,
    Orphaned,
    Outcome,
    Protected,
    Rejected,
    Released,
    Stuck,
    Waiting,
    describe,
)
from shared.onboarding.plan import Planned, in_words, planned
from shared.onboarding.readings import CLUSTERS_API
from shared.onboarding.refusal import refusal
from shared.onboarding.release import LONGEST_WAKE, ReleaseGate, Releasing, call_off
from shared.onboarding.steps import steps_for
from shared.onboarding.steps.instance import PROTECTED_BY_OTHERS
from shared.onboarding.steps.vault import INSTANCE
from shared.onboarding.vault_tier import can_learn, refused, unfitting
from shared.onboarding.world import World
from shared.settings import Settings

_INHERITED = "inheritedTags"
_REFUSED_WAIT = 30.0  # Azure's seconds after the cluster itself couldn't be read


class PassGate(Gate, ReleaseGate, Protocol):
    """What stands between a pass and what it writes, to Azure and to the app's own rows."""

    async def lacks_vault_tier(self, location: str, now: float) -> bool:
        """Whether Azure has said lately that a region has no vault tier."""

    async def learn_no_vault_tier(self, location: str, now: float) -> None:
        """Remember that it did."""


@dataclass(slots=True)
class Pass:
    """What a pass needs and what it leaves behind."""

    cluster_id: ClusterId
    progress: Progress
    door: Door
    catalog: Catalog
    settings: Settings
    scope: Scope
    gate: PassGate
    fresh: bool
    """Read the cluster whatever was carried: somebody said that it changed."""

    life: Life
    """What is remembered of the cluster; changed in place."""

    known: Places | None
    """Where everything was when the cluster was last protected."""

    jitter: random.Random = field(default_factory=random.SystemRandom)
    policy: str = ""
    owner: str | None = None
    """Value of the owner tag; None when the cluster wasn't read."""

    fingerprint: str = ""
    instance: str = ""
    places: Places | None = None
    seen: dict[str, Observation] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)
    """Step -> why it was started."""

    plan: tuple[Planned, ...] = ()
    """What would be started, in a pass that was held."""

    @property
    def described(self) -> dict[str, str]:
        """Step -> what was seen of it, and of those that would be started why; {} when no step was looked at."""
        seen = {name: describe(found) for name, found in self.seen.items()}
        return seen | {item.name: f"Planned: {item.reason}" for item in self.plan}

    async def run(self) -> Outcome:
        """Bring the cluster forward once.

        Raises:
            ClaimLost: another pass has taken over.
        """
        CORRELATION.set(self.cluster_id.correlation)
        ACTING_FOR.set(self.cluster_id.subscription)
        outcome = await self._run()
        if isinstance(outcome, Protected | Rejected | Released | Orphaned):
            self.progress = Progress()  # the next pass relies on nothing
        return outcome

    async def _run(self) -> Outcome:
        carried = self._carried_cluster()
        try:
            body = carried or await self.door.find(str(self.cluster_id), CLUSTERS_API)
        except ArmError as error:
            return _unreadable(error)
        if isinstance(body, ArmError) and self.life.offboarding:
            return await self._offboard()
        if isinstance(body, ArmError):
            return await bereaved(
                self.cluster_id, self.life, self.known, self.door, scope=self.scope, settings=self.settings
            )
        if not carried:
            try:
                body = {
                    **essence(body),
                    _INHERITED: await inherited(
                        self.door, self.cluster_id, self._counting(body.get("tags")), self.settings
                    ),
                }
            except ArmError as error:
                return _unreadable(error)
            self.progress.cluster = body
            self.progress.read_at = self.door.clock.now().timestamp()
        cluster = read_cluster(self.cluster_id, body)
        tags = {**body.get(_INHERITED, {}), **self._counting(cluster.tags)}
        selected = select(tags, self.catalog, self.settings.tag, self.settings.default_policy)
        self.policy, self.owner = selected.name, tag_value(tags, self.settings.owner_tag) or ""
        unwanted = await self._unwanted(selected, cluster, tags)
        return unwanted or preflight(cluster) or await self._advance(cluster, selected, carried)

    def _counting(self, tags: Mapping[str, str] | None) -> dict[str, str]:
        """The cluster's tags without a `none` whose day is over."""
        return without_expired(tags or {}, self.settings.tag, self.door.clock.now().timestamp())

    def _carried_cluster(self) -> Json | None:
        clock, progress = self.door.clock, self.progress
        if self.fresh or progress.cluster is None or not clock.reliable:
            return None
        return progress.cluster if clock.now().timestamp() - progress.read_at < CARRIED else None

    async def _unwanted(self, selected: Selected, cluster: Cluster, tags: Mapping[str, str]) -> Outcome | None:
        tag = self.settings.tag
        if selected.selection not in (Selection.NOT_SELECTED, Selection.EXCLUDED):
            await call_off(self.life, self.gate)
        match selected.selection:
            case Selection.NOT_SELECTED:
                return await self._release("NotSelected", f"the cluster has no tag {tag}")
            case Selection.EXCLUDED:
                note = read_note(tag_value(tags, note_tag(tag)))
                said = f": {note}" if str(note) else ""
                return self._until(await self._release("Excluded", f"the tag {tag} says none{said}"), note.until)
            case Selection.EXTERNAL:
                return await self._watch(cluster, f"the tag {tag} says external")
            case Selection.UNKNOWN:
                known = ", ".join(sorted(self.catalog.policies))
                message = f"the tag {tag} says {selected.name[:100]!r}, which is no policy; known: {known}"
                return Rejected("UnknownPolicy", message)
        return None

    async def _release(self, reason: str, message: str) -> Outcome:
        if self.life.offboarding:
            return await self._offboard()
        if self.life.offboarded:
            return offboarded()
        return await Releasing(
            cluster=self.cluster_id,
            instance=self.known.instance if self.known else "",
            life=self.life,
            door=self.door,
            gate=self.gate,
            grace=self.settings.grace_days * 86400.0,
            guard_requests=requests_of(self.settings.resource_guards, self.known, self.catalog),
        ).run(reason, message)

    async def _offboard(self) -> Outcome:
        requests = requests_of(self.settings.resource_guards, self.known, self.catalog)
        return await Offboarding(self.cluster_id, self.life, self.door, self.gate, requests).run()

    def _until(self, outcome: Outcome, until: float | None) -> Outcome:
        """An exclusion that ends by itself is looked at again when it does."""
        if not isinstance(outcome, Released) or until is None:
            return outcome
        wait = max(0.0, until - self.door.clock.now().timestamp())
        return Released(outcome.reason, outcome.message, min(wait, LONGEST_WAKE))

    async def _watch(self, cluster: Cluster, asked: str) -> Outcome:
        """Others protect the cluster, and an instance that an earlier tag left counts like theirs."""
        try:
            instances = await readings.instances(self.door, cluster.id)
        except ArmError as error:
            return _unreadable(error)
        self.life.external, self.places = [item.id for item in foreign.serving(instances)], self.known
        return foreign.judge(instances, asked=asked)

    async def _advance(self, cluster: Cluster, selected: Selected, carried: Json | None) -> Outcome:
        if selected.policy is None:
            raise ValueError(f"selection {selected.selection} has no policy")
        unfit = unfitting(selected.policy, selected.name, cluster.location, self.settings)
        unfit = unfit or unreachable(self.settings, cluster.location)
        if unfit:
            return unfit
        named = (selected.name, selected.policy)
        self.fingerprint = policy_fingerprint(self.catalog, selected.policy, self.cluster_id.key)
        learns = can_learn(selected.policy, self.settings)
        compute = partial(
            desired_protection,
            cluster,
            named,
            self.catalog,
            self.settings,
            no_vault_tier=learns and await self.gate.lacks_vault_tier(cluster.location, self._now()),
        )
        wanted = compute(storage=self.progress.storage)
        world = World(
            self.door,
            wanted,
            self.progress,
            cluster_read=carried is None,
            life=self.life,
            known=self.known,
            remember=self.gate.remember,
        )
        if carried is None:
            storage = await foreign.storage(world)
            wanted = compute(storage=storage)
            self.progress.storage = storage
            world.desired = wanted
        self.progress.want(wanted.fingerprint)
        self.instance, self.places = wanted.instance, places_of(wanted)
        notice_another(self.life, wanted)
        steps = steps_for(wanted)
        engine = Engine(
            steps,
            world,
            self.gate,
            repairs=Repairs(self.life, wanted, world.now),
            wait_scale=self.settings.wait_scale,
            jitter=self.jitter,
        )
        try:
            outcome = await engine.run()
        finally:
            self.seen, self.started = engine.seen, engine.started
        if engine.held:
            self.plan = planned(steps, engine.seen)
            return replace(engine.held, message=f"{engine.held.message}; {in_words(self.plan)}")
        if learns and refused(outcome):
            await self.gate.learn_no_vault_tier(cluster.location, self._now())
            return Waiting("VaultTierFallback", f"{cluster.location} has no vault tier; going on without it", 1.0)
        return await self._judge(outcome, world)

    def _now(self) -> float:
        """Azure's time."""
        return self.door.clock.now().timestamp()

    async def _judge(self, outcome: Outcome, world: World) -> Outcome:
        """What the steps' outcome means: a cluster that others protect needs nothing of ours."""
        instance = self.seen.get(INSTANCE)
        if isinstance(instance, Stuck) and instance.reason == PROTECTED_BY_OTHERS:
            theirs = foreign.others(await world.instances(), self.instance)
            self.life.external = [item.id for item in foreign.serving(theirs)]
            self.instance, self.places = "", None
            return foreign.judge(theirs, asked=f"the tag says {self.policy}")
        if isinstance(outcome, Protected):
            settle(self.life, world.desired)
            theirs = foreign.others(await world.instances(), self.instance)
            self.life.external = [item.id for item in foreign.serving(theirs)]
        return outcome


def _unreadable(error: ArmError) -> Outcome:
    return refusal(error, "the cluster can't be read", _REFUSED_WAIT)
