"""In which order steps come, which of them can be started, and what they amount to. Pure."""

from collections.abc import Iterable, Mapping

from shared.onboarding.outcomes import Absent, Blocked, Met, Observation, Outcome, Protected, Stuck, UnderWay, Waiting
from shared.onboarding.step import Step


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Parents first; steps come listed that way but for those that only some clusters have."""
    ordered: list[Step] = []
    pending = list(steps)
    while pending:
        waiting_for = {step.name for step in pending}
        free = [step for step in pending if not waiting_for & set(step.parents)]
        if not free:
            raise ValueError(f"steps wait for each other: {sorted(waiting_for)}")
        ordered += free
        pending = [step for step in pending if step not in free]
    return ordered


def startable(steps: Iterable[Step], seen: Mapping[str, Observation]) -> list[Step]:
    """The steps that are absent and whose parents and needs are all met.

    None while something is stuck: nothing that costs money is made for a cluster whose protection needs a person first.
    """
    if any(isinstance(found, Stuck) for found in seen.values()):
        return []
    return [
        step
        for step in steps
        if isinstance(seen.get(step.name), Absent)
        and all(isinstance(seen.get(need), Met) for need in (*step.parents, *step.needs))
    ]


def summarize(seen: Mapping[str, Observation]) -> Outcome:
    """What the observations of all steps amount to: stuck outweighs under way, under way outweighs met."""
    stuck = next((item for item in seen.values() if isinstance(item, Stuck)), None)
    under_way = [item for item in seen.values() if isinstance(item, UnderWay)]
    soonest = min((item.again_after for item in under_way), default=0.0)
    if stuck is not None:
        blocked = Blocked(stuck.reason, stuck.message, stuck.who)
        return Blocked(stuck.reason, stuck.message, stuck.who, soonest) if under_way else blocked
    if under_way:
        first = min(under_way, key=lambda item: (item.again_after, item.retry_after))
        return Waiting(first.reason, first.message, soonest, first.retry_after)
    if all(isinstance(item, Met) for item in seen.values()):
        return Protected()
    missing = ", ".join(name for name, item in seen.items() if not isinstance(item, Met))
    return Waiting("Unsettled", f"not met and not under way: {missing}", 60.0)
