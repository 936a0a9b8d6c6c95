"""One pass over one cluster: read it, find out what is wanted, bring the steps forward, say where it stands."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.arm.answers import Json
from shared.arm.door import Door
from shared.arm.failures import FailureClass, classify
from shared.arm.ids import ClusterId, group_id, same_id
from shared.arm.policies import CORRELATION
from shared.arm.writes import ACTING_FOR
from shared.catalog.model import Catalog
from shared.catalog.rendering import policy_fingerprint
from shared.catalog.selection import Selected, Selection, select, tag_value
from shared.errors import ArmError
from shared.fleet.life import Life
from shared.fleet.records import Places, Progress, Storage
from shared.onboarding.cluster import Cluster, preflight, read_cluster
from shared.onboarding.desired import Desired, desired_protection
from shared.onboarding.drift import Repairs, notice_another, settle
from shared.onboarding.engine import CARRIED, Engine, Gate
from shared.onboarding.outcomes import (
    Blocked,
    Observation,
    Outcome,
    Protected,
    Rejected,
    Released,
    Waiting,
    Who,
    describe,
)
from shared.onboarding.plan import Planned, in_words, planned
from shared.onboarding.readings import CLUSTERS_API, GROUPS_API
from shared.onboarding.steps import steps_for
from shared.onboarding.steps.extension import our_extension, storage_of
from shared.onboarding.world import World
from shared.settings import Inherit, Settings

_SUBSCRIPTIONS_API = "2022-12-01"
_INHERITED = "inheritedTags"
# of the cluster's properties
_KEPT = ("provisioningState", "powerState", "storageProfile", "resourceUID", "nodeResourceGroup")
_REFUSED_WAIT = 30.0  # Azure's seconds after the cluster itself couldn't be read


@dataclass(slots=True)
class Pass:
    """What a pass needs and what it leaves behind."""

    cluster_id: ClusterId
    progress: Progress
    door: Door
    catalog: Catalog
    settings: Settings
    gate: Gate
    fresh: bool
    """Read the cluster whatever was carried: somebody said that it changed."""

    life: Life = field(default_factory=Life)
    """What is remembered of the cluster; changed in place."""

    remember: Callable[[], Awaitable[None]] | None = None
    """Writes that down before the pass goes on."""

    jitter: random.Random = field(default_factory=random.SystemRandom)
    policy: str = ""
    fingerprint: str = ""
    instance: str = ""
    places: Places | None = None
    seen: dict[str, Observation] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
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
        if isinstance(outcome, Protected | Rejected | Released):
            self.progress = Progress()  # the next pass relies on nothing
        return outcome

    async def _run(self) -> Outcome:
        carried = self._carried_cluster()
        try:
            body = carried or await self.door.find(str(self.cluster_id), CLUSTERS_API)
        except ArmError as error:
            return _unreadable(error)
        if isinstance(body, ArmError):
            return Released("ClusterNotFound", "the cluster doesn't exist; what protected it was left as it is")
        if not carried:
            try:
                body = {**_essence(body), _INHERITED: await self._inherited(body.get("tags"))}
            except ArmError as error:
                return _unreadable(error)
            self.progress.cluster = body
            self.progress.read_at = self.door.clock.now().timestamp()
        cluster = read_cluster(self.cluster_id, body)
        tags = {**body.get(_INHERITED, {}), **cluster.tags}
        selected = select(tags, self.catalog, self.settings.tag, self.settings.default_policy)
        self.policy = selected.name
        return self._unwanted(selected) or preflight(cluster) or await self._advance(cluster, selected, carried)

    async def _inherited(self, own: Mapping[str, str] | None) -> dict[str, str]:
        """The tag of the resource group, or then of the subscription; {} when the cluster has one itself."""
        cluster, level = self.cluster_id, self.settings.inherit
        places: list[tuple[str, str]] = []
        if level is not Inherit.NONE:
            places.append((group_id(cluster.subscription, cluster.group), GROUPS_API))
        if level is Inherit.SUBSCRIPTION:
            places.append((f"/subscriptions/{cluster.subscription}", _SUBSCRIPTIONS_API))
        tags: Mapping[str, str] = own or {}
        for path, api_version in places:
            found = tag_value(tags, self.settings.tag)
            if found is not None:
                break
            tags = (await self.door.get(path, api_version)).get("tags") or {}
        value = None if tags is own else tag_value(tags, self.settings.tag)
        return {} if value is None else {self.settings.tag: value}

    def _carried_cluster(self) -> Json | None:
        clock, progress = self.door.clock, self.progress
        if self.fresh or progress.cluster is None or not clock.reliable:
            return None
        return progress.cluster if clock.now().timestamp() - progress.read_at < CARRIED else None

    def _unwanted(self, selected: Selected) -> Outcome | None:
        tag = self.settings.tag
        match selected.selection:
            case Selection.NOT_SELECTED:
                return Released("NotSelected", f"the cluster has no tag {tag}")
            case Selection.EXCLUDED:
                return Released("Excluded", f"the tag {tag} says none")
            case Selection.UNKNOWN:
                known = ", ".join(sorted(self.catalog.policies))
                message = f"the tag {tag} says {selected.name[:100]!r}, which is no policy; known: {known}"
                return Rejected("UnknownPolicy", message)
        return None

    async def _advance(self, cluster: Cluster, selected: Selected, carried: Json | None) -> Outcome:
        if selected.policy is None:
            raise ValueError(f"selection {selected.selection} has no policy")
        named = (selected.name, selected.policy)
        self.fingerprint = policy_fingerprint(self.catalog, selected.policy, self.cluster_id.key)
        wanted = desired_protection(cluster, named, self.catalog, self.settings, storage=self.progress.storage)
        world = World(
            self.door,
            wanted,
            self.progress,
            cluster_read=carried is None,
            life=self.life,
            remember=self.remember,
        )
        if carried is None:
            storage = await _foreign_storage(world)
            wanted = desired_protection(cluster, named, self.catalog, self.settings, storage=storage)
            self.progress.storage = storage
            world.desired = wanted
        self._restart_if_changed(wanted)
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
        if isinstance(outcome, Protected):
            settle(self.life, wanted)
        return outcome

    def _restart_if_changed(self, desired: Desired) -> None:
        """With something else wanted than before, what was seen before says nothing."""
        if self.progress.fingerprint != desired.fingerprint:
            old = self.progress
            kept = Progress(cluster=old.cluster, read_at=old.read_at, storage=old.storage)
            kept.granted, kept.retired, kept.unregistered = old.granted, old.retired, old.unregistered
            kept.admitted = old.admitted
            for name in Progress.__struct_fields__:  # in place: the world holds it already
                setattr(old, name, getattr(kept, name))
            old.fingerprint = desired.fingerprint


async def _foreign_storage(world: World) -> Storage | None:
    """The storage of a backup extension that somebody else installed, if it can serve."""
    try:
        extension = await our_extension(world)
    except ArmError:
        return None  # the extension's step meets the same answer and deals with it
    storage = storage_of(extension.settings) if extension else None
    if storage is None:
        return None
    wanted = desired_is_ours(world.desired, storage)
    same_subscription = storage.account_id.casefold().startswith(
        f"/subscriptions/{world.cluster.id.subscription}/".casefold()
    )
    return storage if same_subscription and not wanted else None


def desired_is_ours(desired: Desired, storage: Storage) -> bool:
    """Whether an extension's storage is the one that this app would have given it."""
    same = same_id(storage.account_id, desired.account) and storage.container == desired.container
    return same and not desired.adopted


def places_of(desired: Desired) -> Places:
    """Where everything is that protects a cluster, once it does."""
    cluster = desired.cluster
    return Places(
        location=desired.location,
        policy=desired.policy,
        vault=desired.vault,
        instance=desired.instance,
        group=desired.group,
        account=desired.account,
        container=desired.container,
        binding=desired.binding,
        node_group=group_id(cluster.id.subscription, cluster.node_group) if cluster.node_group else "",
    )


def _essence(body: Json) -> dict[str, Any]:
    """What of the cluster later passes look at: names of tags and parts, no secrets, no logs."""
    properties: Mapping[str, Any] = body.get("properties") or {}
    pools = properties.get("agentPoolProfiles") or ()
    return {
        **{key: body.get(key) for key in ("location", "tags", "identity")},
        "properties": {
            **{key: properties.get(key) for key in _KEPT},
            "agentPoolProfiles": [{key: pool.get(key) for key in ("name", "osType", "vmSize")} for pool in pools],
        },
    }


def _unreadable(error: ArmError) -> Outcome:
    message = f"the cluster can't be read: {error.code or error.status}: {error.message}"
    if classify(error) in (FailureClass.RETRY, FailureClass.REGISTER):
        return Waiting(error.code or "Unreachable", message, _REFUSED_WAIT, error.retry_after or 0.0)
    return Blocked(error.code or "Refused", message, Who.OPERATOR)
