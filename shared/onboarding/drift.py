"""Repairs after an onboarding: what counts as one, how many there may be, and what is remembered of a whole cluster.

What is absent after the cluster was protected with the very same things was taken away by somebody. It is put back, but
not for ever: a thing that is gone again three times without a day in between stays away until somebody has seen to it.
"""

from collections.abc import Callable

from shared import logs
from shared.fleet.life import Life, Repair
from shared.onboarding.desired import Desired
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.step import Step

HELD = 86400.0
"""Seconds after which a repair has held."""

REPAIRS = 3
"""Of one thing, without a day in between in which it held."""


class Repairs:
    """The repairs of one pass; before a cluster was protected, or with something else wanted, there are none."""

    def __init__(self, life: Life, desired: Desired, now: Callable[[], float]) -> None:
        self._life = life
        self._cluster = desired.cluster.id
        self._now = now
        self._active = life.settled == desired.fingerprint

    def judge(self, step: Step, seen: Observation) -> Observation:
        """What an observation means in the light of the repairs so far: one too many is for a person."""
        record = self._life.repairs.get(step.name)
        if not self._active or record is None:
            return seen
        if isinstance(seen, Met):
            if seen_whole(record, self._now()):
                del self._life.repairs[step.name]
            return seen
        if isinstance(seen, Absent) and given_up(record, self._now()):
            message = f"{step.name} was put back {record.count} times and was gone again ({seen.message})"
            return Stuck("RepairDidNotHold", message, Who.OPERATOR)
        return seen

    def begun(self, step: Step, found: Observation) -> None:
        """Count a repair that is being started; going on with one is no further one."""
        if not self._active or not step.drifts:
            return
        record = self._life.repairs.setdefault(step.name, Repair())
        if record.open:
            return
        begin(record, self._now())
        message = found.message if isinstance(found, Absent) else ""
        self._life.mended.append(f"{step.name}: {message}" if message else step.name)
        logs.info("drift", cluster=self._cluster, step=step.name, found=message, repair=record.count)


def begin(record: Repair, now: float) -> None:
    """Start a repair; one that held for a day before is forgotten."""
    record.count = 1 if now - record.last >= HELD else record.count + 1
    record.last, record.open = now, True


def seen_whole(record: Repair, now: float) -> bool:
    """Take in that the thing is there; whether it has held and the record can go."""
    if record.open or record.given_up:  # ours has ended, or somebody else has put it right: the day begins
        record.open = record.given_up = False
        record.last = now
        return False
    return now - record.last >= HELD


def given_up(record: Repair, now: float) -> bool:
    """Whether what is absent again isn't put back any more."""
    if not record.open and record.count >= REPAIRS and now - record.last < HELD:
        record.given_up = True
    return record.given_up


def settle(life: Life, desired: Desired) -> None:
    """Remember a cluster that was found protected, with everything around it as wanted."""
    life.settled, life.identity = desired.fingerprint, desired.cluster.identity
    life.on_removal, life.adopted = desired.on_removal, desired.adopted
    life.offboarded = 0.0
    life.paused.pop(desired.instance.casefold(), None)
    life.release, life.gone, life.leftovers, life.external = None, 0.0, [], []


def forgive(life: Life) -> None:
    """Somebody asks for another try: what was given up is put back as if for the first time."""
    life.repairs = {step: record for step, record in life.repairs.items() if not record.given_up}


def notice_another(life: Life, desired: Desired) -> None:
    """Under the id that was protected there is another cluster now: what was remembered of repairs is void."""
    if life.identity in ("", desired.cluster.identity) or not life.settled:
        return
    logs.info("cluster_created_anew", cluster=desired.cluster.id)
    life.settled, life.repairs = "", {}
    life.mended.append("cluster: created anew under the same id")
