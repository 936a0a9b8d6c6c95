"""Observe, plan, start: the engine that brings steps forward. It knows none of them by name.

It never waits: it starts what can be started and leaves. What it decides by stands in ordering.py.
"""

import asyncio
import random
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

from shared import logs
from shared.arm.failures import GUARD_APPROVAL, FailureClass, classify, guard_advice
from shared.errors import ArmError
from shared.fleet.records import Due
from shared.onboarding.ordering import in_order, startable, summarize
from shared.onboarding.outcomes import (
    Absent,
    Met,
    Observation,
    Outcome,
    Stuck,
    UnderWay,
    Unmade,
    Waiting,
    Who,
    describe,
)
from shared.onboarding.step import Step
from shared.onboarding.timing import backoff, look_again
from shared.onboarding.world import World

CARRIED = 600.0
"""Azure's seconds for which an onboarding relies on what it saw before; the last look reads it again."""

_JUST_GRANTED = 900.0  # a refusal this soon after a grant of ours may pass by itself
_EARLY = 0.6  # real seconds by which a delayed message may be early: queues count whole seconds
_ROUNDS = 12  # of starting within one pass; a chain of synchronous PUTs is shorter
_REPAIR_AFTER = 2  # failures in a row before what a step needs is looked at again


class Gate(Protocol):
    """What stands between the engine and a write."""

    async def check(self) -> None:
        """Make sure that this pass still holds its claim.

        Raises:
            ClaimLost: it doesn't.
        """

    async def enter_region(self, place: tuple[str, str]) -> bool:
        """Try to become the one writer of what a subscription and region share, until the pass ends."""

    async def hold(self, ready: Sequence[Step], world: World) -> Waiting | None:
        """Why these steps must not be started now, though they could; None: they may."""


class Ledger(Protocol):
    """What counts the repairs."""

    def judge(self, step: Step, seen: Observation) -> Observation:
        """What an observation means in the light of earlier repairs."""

    def begun(self, step: Step, found: Observation) -> None:
        """A step is being started that was found so."""


class Engine:
    """Brings the steps of one cluster forward, once."""

    def __init__(
        self,
        steps: Sequence[Step],
        world: World,
        gate: Gate,
        *,
        repairs: Ledger,
        wait_scale: float,
        jitter: random.Random,
    ) -> None:
        self._steps = steps
        self._world = world
        self._progress = world.progress
        self._gate = gate
        self._repairs = repairs
        self._wait_scale = wait_scale
        self._jitter = jitter
        self._carried: set[str] = set()
        self._in_region = False
        self.seen: dict[str, Observation] = {}
        self.started: dict[str, str] = {}
        self.held: Waiting | None = None

    async def run(self) -> Outcome:
        """Observe everything, start what can be started, and say where the cluster stands.

        Raises:
            ClaimLost: another pass has taken over.
        """
        await self._look(self._steps, carry=True)
        await self._start_all()
        if self._all_met() and self._carried:
            # the last look: whatever was carried is read again, but for what Azure has just proven
            again = [step for step in self._steps if step.name in self._carried and not step.proven]
            await self._look(again, carry=False)
            await self._start_all()
        return self.held or summarize(self.seen)

    async def _look(self, steps: Iterable[Step], *, carry: bool) -> None:
        """Observe steps side by side; each waits only for its parents."""
        tasks: dict[str, asyncio.Task[Observation]] = {}

        async def one(step: Step) -> Observation:
            for parent in step.parents:
                found = await tasks[parent] if parent in tasks else self.seen.get(parent)
                if not isinstance(found, Met):
                    return Unmade(f"waits for {parent}")
            if carry and self._recent(self._progress.met, step):
                self._carried.add(step.name)
                return Met()
            if carry and self._recent(self._progress.absent, step):
                needs = [await tasks[need] for need in step.needs if need in tasks]
                if not all(isinstance(found, Met) for found in needs):
                    return Absent("not started yet")
            return await self._observe(step)

        async with asyncio.TaskGroup() as group:
            for step in in_order(steps):
                tasks[step.name] = group.create_task(one(step))
        for step in steps:
            self._note(step, tasks[step.name].result())

    async def _observe(self, step: Step) -> Observation:
        due = self._progress.due.get(step.name)
        remaining = due.at - self._world.now() if due else 0.0
        if due and remaining * self._wait_scale > _EARLY:
            return UnderWay(due.reason, due.message, remaining)
        return self._timed(step, await self._tried(step, step.observe(self._world)))

    async def _start_all(self) -> None:
        for _ in range(_ROUNDS):
            ready = startable(self._steps, self.seen)
            self.held = await self._gate.hold(ready, self._world) if ready else None
            if self.held:
                return
            if any(step.shared for step in ready) and not self._in_region:
                ready = await self._enter_region(ready)
            if not ready:
                return
            await self._gate.check()
            async with asyncio.TaskGroup() as group:
                tasks = {step.name: group.create_task(self._start(step)) for step in ready}
            for step in ready:
                self._note(step, tasks[step.name].result())
                self._carried.discard(step.name)
            await self._look([step for step in self._steps if isinstance(self.seen[step.name], Unmade)], carry=False)

    async def _enter_region(self, ready: list[Step]) -> list[Step]:
        """Become the region's one writer and look at what is shared again, or leave it to whoever is."""
        shared = [step for step in self._steps if step.shared]
        if not await self._gate.enter_region(self._world.desired.shared_place):
            pause = self._jitter.uniform(1, 3)  # real seconds: how long somebody's pass takes doesn't scale
            for step in ready:
                if step.shared:
                    self.seen[step.name] = UnderWay("RegionBusy", "another cluster's pass writes", 0.0, pause)
            return [step for step in ready if not step.shared]
        self._in_region = True
        self._world.forget_shared()
        await self._look([step for step in shared if step.name not in self._carried], carry=False)
        return startable(self._steps, self.seen)

    async def _start(self, step: Step) -> Observation:
        now, why = self._world.now(), describe(self.seen[step.name])
        self._repairs.begun(step, self.seen[step.name])
        self._progress.due.pop(step.name, None)
        started = await self._tried(step, step.start(self._world))
        if isinstance(started, Met) or (isinstance(started, UnderWay) and not started.again_after):
            self._progress.started[step.name] = now
            self.started[step.name] = why
            logs.info("started", cluster=self._world.cluster.id, step=step.name)
        return self._timed(step, started)

    async def _tried(self, step: Step, attempt: Awaitable[Observation]) -> Observation:
        """Turn Azure's refusal into an observation; everything else is a fault of ours and goes up."""
        try:
            return await attempt
        except ArmError as error:
            return self._failed(step, error)

    def _timed(self, step: Step, observation: Observation) -> Observation:
        """Say when what is under way is worth the next look."""
        if isinstance(observation, UnderWay) and not observation.again_after:
            started = self._progress.started.get(step.name, self._world.now())
            pause = look_again(step.usual, self._world.now() - started)
            return UnderWay(observation.reason, observation.message, pause, observation.retry_after)
        return observation

    def _failed(self, step: Step, error: ArmError) -> Observation:
        logs.warning("refused", cluster=self._world.cluster.id, step=step.name, code=error.code, status=error.status)
        advice = guard_advice(error)
        if advice:
            return Stuck(GUARD_APPROVAL, f"{step.name}: {error.message} {advice}", Who.OPERATOR)
        failure = classify(error)
        if failure is FailureClass.REGISTER:
            return self._unregistered(error)
        if failure is FailureClass.ACCESS and self._just_granted():
            failure = FailureClass.RETRY
        message = f"{step.name}: {error.code or error.status}: {error.message}"
        if failure not in (FailureClass.RETRY, FailureClass.REPAIR):
            who = Who.CLUSTER_OWNER if failure in (FailureClass.OWNER, FailureClass.ADOPT) else Who.OPERATOR
            return Stuck(error.code or "Refused", message, who)
        attempt = self._progress.attempts[step.name] = self._progress.attempts.get(step.name, 0) + 1
        if failure is FailureClass.REPAIR and attempt >= _REPAIR_AFTER:
            for need in (*step.parents, *step.needs):
                self._progress.met.pop(need, None)
        return UnderWay(error.code or "Retrying", message, backoff(attempt, self._jitter), error.retry_after or 0.0)

    def _unregistered(self, error: ArmError) -> Observation:
        """The subscription lacks a resource provider: hand over to the step that registers it."""
        for step in self._steps:
            if step.registers and step.registers.casefold() == error.target.casefold():
                if step.registers not in self._progress.unregistered:
                    self._progress.unregistered.append(step.registers)
                if not isinstance(self.seen.get(step.name), UnderWay):
                    self.seen[step.name] = Absent("not registered")
                    self._progress.met.pop(step.name, None)
                return Unmade(f"waits for {step.name}")
        return Stuck("MissingSubscriptionRegistration", f"{error.target} isn't registered", Who.OPERATOR)

    def _just_granted(self) -> bool:
        newest = max(self._progress.granted.values(), default=0.0)
        return self._world.now() - newest < _JUST_GRANTED

    def _recent(self, times: Mapping[str, float], step: Step) -> bool:
        return self._world.now() - times.get(step.name, 0.0) < CARRIED

    def _note(self, step: Step, observation: Observation) -> None:
        """Remember what a step showed, for this pass and for the next ones."""
        progress, now = self._progress, self._world.now()
        if isinstance(observation, Met) and step.registers in progress.unregistered:
            observation = Absent("not registered")  # another step learned it in the meantime
        observation = self._repairs.judge(step, observation)
        self.seen[step.name] = observation
        if not isinstance(observation, Absent):
            progress.absent.pop(step.name, None)
        elif not self._recent(progress.absent, step):
            progress.absent[step.name] = now
        if isinstance(observation, UnderWay):
            progress.due[step.name] = Due(now + observation.again_after, observation.reason, observation.message)
            return
        progress.due.pop(step.name, None)
        if not isinstance(observation, Met):
            progress.met.pop(step.name, None)
        elif step.name not in self._carried:
            progress.met[step.name] = now
            progress.attempts.pop(step.name, None)
            for proven in self._steps:
                if proven.proven and proven.name in step.needs and proven.name in progress.met:
                    progress.met[proven.name] = now

    def _all_met(self) -> bool:
        return all(isinstance(self.seen[step.name], Met) for step in self._steps)
