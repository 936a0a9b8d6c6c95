"""What a pass is about to do, in the governor's words, and its answer in the pass's."""

from __future__ import annotations

from collections.abc import Sequence

from shared.arm.ids import same_id
from shared.governance.governor import Governor, Hold, Kind, Work
from shared.onboarding.outcomes import Waiting
from shared.onboarding.step import Step
from shared.onboarding.world import World


async def hold(governor: Governor, ready: Sequence[Step], world: World, *, take: bool = True) -> Waiting | None:
    """Why these steps must wait; None: they may be started, and what they belong to is let in from now on.

    Without `take` it is only asked: no turn is taken and nothing is remembered.
    """
    found = await governor.stopped(world.cluster.id.subscription)
    if found is None and governor.asks_for_work:
        kind = await kind_of_work(world)
        begun = kind in world.progress.admitted
        installs = any(step.installs for step in ready)
        work = Work(world.cluster.id.key, world.cluster.id.subscription, kind, begun, installs)
        found = await governor.hold(work, world.now(), take=take)
        if found is None and not begun and take:
            world.progress.admitted.append(kind)
    return _waiting(found) if found else None


async def stopped(governor: Governor, subscription: str) -> Waiting | None:
    """Why nothing at all may be written for clusters of a subscription; None: it may."""
    found = await governor.stopped(subscription)
    return _waiting(found) if found else None


async def kind_of_work(world: World) -> Kind:
    """Whether a cluster gets its first backup instance, another backup policy, or a repair."""
    instance = await world.instance()
    if instance is None:
        return Kind.ROLLOVER if await world.previous_instances() else Kind.ONBOARDING
    return Kind.REPAIR if same_id(instance.policy_id, world.desired.policy) else Kind.ROLLOVER


def _waiting(hold: Hold) -> Waiting:
    return Waiting(hold.reason, hold.message, hold.again_after)
