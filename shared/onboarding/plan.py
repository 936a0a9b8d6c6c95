"""What a pass would start, and what would follow: worked out from its own observations, by its own rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.onboarding.ordering import startable
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, UnderWay, Unmade
from shared.onboarding.step import Step

_SHOWN = 3  # rounds in a status message; the answer about a plan has all


@dataclass(frozen=True, slots=True)
class Planned:
    """A step that would be started.

    Attributes:
        name: of the step.
        round: 1 for what would be started now, higher for what would follow when that is there.
        reason: why: what was seen of it.
        seen: whether it could be looked at; what stands in something that isn't there yet may turn out to be met.
        seconds: how long it usually takes, in Azure's seconds.
    """

    name: str
    round: int
    reason: str
    seen: bool
    seconds: float


def planned(steps: Sequence[Step], seen: Mapping[str, Observation]) -> tuple[Planned, ...]:
    """The steps that would be started, round by round, as if each went well and what is under way ended well."""
    if any(isinstance(found, Stuck) for found in seen.values()):
        return ()
    now = dict(seen)
    plan: list[Planned] = []
    for number in range(1, len(steps) + 1):
        ready = startable(steps, now)
        for step in ready:
            plan.append(_planned(step, number, seen[step.name]))
            now[step.name] = Met()
        if not ready:
            passing = [name for name, found in now.items() if isinstance(found, UnderWay)]
            if not passing:
                break
            now |= {name: Met() for name in passing}
        now |= {step.name: Absent() for step in steps if _reachable(step, now)}
    return tuple(plan)


def _reachable(step: Step, now: Mapping[str, Observation]) -> bool:
    """Whether what hid a step would be there by now."""
    return isinstance(now.get(step.name), Unmade) and all(isinstance(now.get(name), Met) for name in step.parents)


def _planned(step: Step, number: int, found: Observation) -> Planned:
    looked_at = isinstance(found, Absent)
    reason = found.message if isinstance(found, Absent | Unmade) else ""
    return Planned(step.name, number, reason or "missing", looked_at, step.usual)


def in_words(plan: Sequence[Planned]) -> str:
    """A plan for a status message: `would start a, b; then c, d; then 5 more`."""
    rounds: dict[int, list[str]] = {}
    for item in plan:
        rounds.setdefault(item.round, []).append(item.name)
    listed = [", ".join(names) for names in rounds.values()]
    rest = sum(len(names) for names in list(rounds.values())[_SHOWN:])
    return "would start " + "; then ".join([*listed[:_SHOWN], *([f"{rest} more"] if rest else [])])
