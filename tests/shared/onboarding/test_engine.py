"""The engine, with steps made for the purpose: order, side by side, refusals, what is carried."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.arm.ids import ClusterId
from shared.errors import ArmError, ClaimLost
from shared.fleet.records import Progress
from shared.onboarding.engine import CARRIED, Engine
from shared.onboarding.ordering import in_order, startable, summarize
from shared.onboarding.outcomes import (
    Absent,
    Blocked,
    Met,
    Observation,
    Outcome,
    Protected,
    Stuck,
    UnderWay,
    Unmade,
    Waiting,
    Who,
)
from shared.onboarding.plan import in_words, planned
from shared.onboarding.step import Step

CLUSTER = ClusterId.parse(
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"
    "/providers/Microsoft.ContainerService/managedClusters/c"
)


@dataclass
class ToyWorld:
    """As much of a world as the engine sees."""

    progress: Progress = field(default_factory=Progress)
    moment: float = 1_000_000.0
    cluster: Any = None
    desired: Any = None
    forgotten: int = 0

    def __post_init__(self) -> None:
        self.cluster = type("Cluster", (), {"id": CLUSTER})()
        self.desired = type("Desired", (), {"shared_place": ("subscription", "region")})()

    def now(self) -> float:
        return self.moment

    def forget_shared(self) -> None:
        self.forgotten += 1


@dataclass
class ToyGate:
    """Lets writes through, or not."""

    region: bool = True
    lost: bool = False
    held: Waiting | None = None
    checks: int = 0

    async def check(self) -> None:
        self.checks += 1
        if self.lost:
            raise ClaimLost("taken over")

    async def enter_region(self, place: tuple[str, str]) -> bool:
        return self.region

    async def hold(self, ready: Any, world: Any) -> Waiting | None:
        return self.held


class ToyRepairs:
    """Counts nothing."""

    def judge(self, step: Step, seen: Observation) -> Observation:
        del step
        return seen

    def begun(self, step: Step, found: Observation) -> None:
        """Nothing is counted."""


class Toy(Step):
    """A step that shows what it is told to, and counts."""

    def __init__(
        self,
        name: str,
        shows: Observation | ArmError,
        becomes: Observation | ArmError | None = None,
        **traits: Any,
    ) -> None:
        self.name = name
        self.shows, self.becomes = shows, becomes or Met()
        self.looks = self.starts = 0
        for trait, value in traits.items():
            setattr(self, trait, value)

    async def observe(self, world: Any) -> Observation:
        self.looks += 1
        return _given(self.shows)

    async def start(self, world: Any) -> Observation:
        self.starts += 1
        result = _given(self.becomes)
        self.shows = result
        return result


def _given(what: Observation | ArmError) -> Observation:
    if isinstance(what, ArmError):
        raise what
    return what


async def run(steps: list[Toy], world: ToyWorld | None = None, gate: ToyGate | None = None) -> tuple[Outcome, Engine]:
    """One pass over toy steps."""
    engine = Engine(
        steps,
        world or ToyWorld(),  # type: ignore[arg-type]  # as much of a world as the engine sees
        gate or ToyGate(),
        repairs=ToyRepairs(),
        wait_scale=1.0,
        jitter=random.Random(1),
    )
    return await engine.run(), engine


async def test_a_converged_cluster_is_observed_and_left_alone() -> None:
    """Everything met: one look at each, no start, no check of the claim, Protected."""
    steps = [Toy("a", Met()), Toy("b", Met(), parents=("a",))]
    gate = ToyGate()
    outcome, _ = await run(steps, gate=gate)
    assert isinstance(outcome, Protected)
    assert [(step.looks, step.starts) for step in steps] == [(1, 0), (1, 0)]
    assert gate.checks == 0


async def test_synchronous_steps_follow_each_other_within_one_pass() -> None:
    """What is met at once lets its children start in the same pass."""
    steps = [Toy("c", Absent(), parents=("b",)), Toy("b", Absent(), parents=("a",)), Toy("a", Absent())]
    outcome, _ = await run(steps)
    assert isinstance(outcome, Protected)
    assert [step.starts for step in steps] == [1, 1, 1]


async def test_the_absence_of_a_parent_answers_for_its_children() -> None:
    """While a parent is under way, its children are neither looked at nor started."""
    parent = Toy("parent", Absent(), UnderWay("Making", "", 0.0), usual=60.0)
    child = Toy("child", Absent(), parents=("parent",))
    outcome, engine = await run([parent, child])
    assert isinstance(outcome, Waiting)
    assert outcome.again_after == pytest.approx(48)  # 80 % of the usual 60 s
    assert (child.looks, child.starts) == (0, 0)
    assert isinstance(engine.seen["child"], Unmade)


async def test_needs_are_waited_for_but_do_not_hide() -> None:
    """A step is looked at beside what it needs, and started only after it."""
    slow = Toy("slow", UnderWay("Making", "", 20.0))
    late = Toy("late", Absent(), needs=("slow",))
    outcome, _ = await run([late, slow])
    assert (late.looks, late.starts) == (1, 0)
    assert outcome == Waiting("Making", "", 20.0, 0.0)


async def test_a_step_that_is_not_due_is_not_asked() -> None:
    """What takes minutes isn't polled because something else is due."""
    world = ToyWorld()
    step = Toy("slow", UnderWay("Making", "", 100.0))
    await run([step], world)
    world.moment += 10
    outcome, _ = await run([step], world)
    assert step.looks == 1
    assert isinstance(outcome, Waiting)
    assert outcome.again_after == pytest.approx(90)
    world.moment += 90
    await run([step], world)
    assert step.looks == 2


async def test_what_was_met_is_carried_and_read_again_at_the_end() -> None:
    """Carried while something is under way; the last look, before Protected, reads it; proven steps are spared."""
    world = ToyWorld()
    plain, proven = Toy("plain", Met()), Toy("proven", Met(), proven=True)
    last = Toy("last", UnderWay("Making", "", 5.0), needs=("proven",))
    await run([plain, proven, last], world)
    world.moment += 5
    await run([plain, proven, last], world)
    assert (plain.looks, proven.looks, last.looks) == (1, 1, 2)
    last.shows = Met()
    world.moment += 5
    outcome, _ = await run([plain, proven, last], world)
    assert isinstance(outcome, Protected)
    assert (plain.looks, proven.looks, last.looks) == (2, 1, 3)


async def test_the_last_look_finds_what_went_missing() -> None:
    """Something that was met and is gone at the end is made again, and the cluster isn't called protected before."""
    world = ToyWorld()
    plain, last = Toy("plain", Met()), Toy("last", UnderWay("Making", "", 5.0))
    await run([plain, last], world)
    plain.shows, plain.becomes = Absent("gone"), UnderWay("Making", "", 7.0)
    last.shows = Met()
    world.moment += 5
    outcome, _ = await run([plain, last], world)
    assert plain.starts == 1
    assert isinstance(outcome, Waiting)


async def test_what_was_met_too_long_ago_is_read_again() -> None:
    """After ten minutes nothing is carried."""
    world = ToyWorld()
    plain, last = Toy("plain", Met()), Toy("last", UnderWay("Making", "", 5.0))
    await run([plain, last], world)
    world.moment += CARRIED + 1
    await run([plain, last], world)
    assert plain.looks == 2


@pytest.mark.parametrize(
    ("refusal", "kind", "who"),
    [
        (ArmError("busy", status=409, code="Conflict"), Waiting, None),
        (ArmError("slow down", status=429, code="TooManyRequests", retry_after=17), Waiting, None),
        (ArmError("no", status=403, code="AuthorizationFailed"), Blocked, Who.OPERATOR),
        (ArmError("locked", status=409, code="ScopeLocked"), Blocked, Who.CLUSTER_OWNER),
        (ArmError("bad", status=400, code="InvalidParameter"), Blocked, Who.OPERATOR),
    ],
)
async def test_a_refusal_waits_or_blocks_with_its_reason(
    refusal: ArmError, kind: type[Outcome], who: Who | None
) -> None:
    """The error's class decides; its code is the reason; Azure's Retry-After is kept."""
    outcome, _ = await run([Toy("step", Absent(), refusal)])
    assert type(outcome) is kind
    assert outcome.reason == refusal.code
    if isinstance(outcome, Waiting):
        assert outcome.retry_after == (refusal.retry_after or 0)
    if isinstance(outcome, Blocked):
        assert outcome.who is who


async def test_nothing_is_started_while_a_person_has_to_act_first() -> None:
    """A step that is stuck holds back all the others, those that it has nothing to do with too."""
    steps = [Toy("taken", Stuck("NameTaken", "m", Who.OPERATOR)), Toy("other", Absent()), Toy("there", Met())]
    outcome, _ = await run(steps)
    assert outcome == Blocked("NameTaken", "m", Who.OPERATOR)
    assert [step.starts for step in steps] == [0, 0, 0]


async def test_a_refusal_soon_after_a_grant_is_waited_out() -> None:
    """A role that was just granted may not have arrived: AuthorizationFailed isn't final then."""
    world = ToyWorld()
    world.progress.granted["role"] = world.moment - 60
    step = Toy("step", Absent(), ArmError("no", status=403, code="AuthorizationFailed"))
    assert isinstance((await run([step], world))[0], Waiting)
    world.moment += 3600
    assert isinstance((await run([step], world))[0], Blocked)


async def test_failures_in_a_row_back_off_and_success_forgets_them() -> None:
    """Each failure doubles the pause; a success starts from the beginning."""
    world = ToyWorld()
    step = Toy("step", Absent(), ArmError("busy", status=409, code="Conflict"))
    pauses = []
    for _ in range(4):
        step.shows = Absent()
        outcome, _engine = await run([step], world)
        assert isinstance(outcome, Waiting)
        pauses.append(outcome.again_after)
        world.moment += outcome.again_after
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    step.shows, step.becomes = Absent(), Met()
    await run([step], world)
    assert not world.progress.attempts


async def test_a_repairable_failure_looks_again_at_what_the_step_needs() -> None:
    """After the second failure in a row, what the step stands on is read again instead of being relied on."""
    world = ToyWorld()
    base = Toy("base", Met(), proven=True)
    code = "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation"
    step = Toy("step", Absent(), ArmError("no role", status=200, code=code), needs=("base",))
    for _ in range(3):
        step.shows = Absent()
        outcome, _engine = await run([base, step], world)
        assert isinstance(outcome, Waiting)
        world.moment += outcome.again_after
    assert base.looks == 2


async def test_a_missing_registration_starts_the_step_that_registers() -> None:
    """MissingSubscriptionRegistration isn't a failure of the step that met it."""
    name = "provider/Microsoft.X"
    refusal = ArmError("not registered", status=409, code="MissingSubscriptionRegistration", target="microsoft.x")
    for step in (Toy("step", refusal, needs=(name,)), Toy("step", Absent(), refusal, needs=(name,))):
        provider = Toy(name, Met(), UnderWay("RegisteringProvider", "", 30.0), registers="Microsoft.X")
        world = ToyWorld()
        outcome, _ = await run([provider, step], world)
        assert outcome.reason == "RegisteringProvider"
        assert provider.starts == 1
        assert world.progress.unregistered == ["Microsoft.X"]
        assert not world.progress.attempts


async def test_shared_things_have_one_writer() -> None:
    """Who doesn't get the region starts none of them and comes back in 1-3 s; the rest goes on."""
    shared, own = Toy("shared", Absent(), shared=True), Toy("own", Absent())
    outcome, _ = await run([shared, own], gate=ToyGate(region=False))
    assert (shared.starts, own.starts) == (0, 1)
    assert isinstance(outcome, Waiting)
    assert outcome.reason == "RegionBusy"
    assert 1 <= outcome.retry_after <= 3


async def test_the_writer_of_a_region_looks_again_before_it_writes() -> None:
    """Between the first look and the claim somebody else may have made it."""
    world = ToyWorld()

    class MadeMeanwhile(Toy):
        async def observe(self, world: Any) -> Observation:
            await super().observe(world)
            return Met() if world.forgotten else Absent()

    step = MadeMeanwhile("shared", Absent(), shared=True)
    outcome, _ = await run([step], world)
    assert isinstance(outcome, Protected)
    assert (step.looks, step.starts) == (2, 0)


async def test_a_lost_claim_stops_before_the_write() -> None:
    """Whoever has taken over writes; this pass doesn't."""
    step = Toy("step", Absent())
    with pytest.raises(ClaimLost):
        await run([step], gate=ToyGate(lost=True))
    assert step.starts == 0


def test_stuck_outweighs_under_way_outweighs_met() -> None:
    """What only a person can mend is what the status says, while the rest goes on."""
    stuck, busy = Stuck("Locked", "m", Who.CLUSTER_OWNER), UnderWay("Making", "", 9.0)
    assert summarize({"a": Met(), "b": busy, "c": stuck}) == Blocked("Locked", "m", Who.CLUSTER_OWNER, 9.0)
    assert summarize({"a": Met(), "b": busy}) == Waiting("Making", "", 9.0, 0.0)
    assert summarize({"a": Met()}) == Protected()
    assert isinstance(summarize({"a": Met(), "b": Unmade("waits")}), Waiting)


def test_parents_come_first_and_circles_are_refused() -> None:
    """An order is found whatever the list's; steps that wait for each other are a fault of ours."""
    a, b = Toy("a", Met(), parents=("b",)), Toy("b", Met())
    assert [step.name for step in in_order([a, b])] == ["b", "a"]
    with pytest.raises(ValueError, match="wait for each other"):
        in_order([a, Toy("b", Met(), parents=("a",))])


def test_only_absent_steps_with_everything_met_are_started() -> None:
    """Steps under way, stuck or waiting are left alone."""
    steps = [Toy("a", Met()), Toy("b", Met(), needs=("a",)), Toy("c", Met(), parents=("b",))]
    seen: dict[str, Observation] = {"a": Met(), "b": Absent(), "c": Absent()}
    assert [step.name for step in startable(steps, seen)] == ["b"]


async def test_an_absent_step_is_not_asked_again_before_it_can_be_started() -> None:
    """While what it needs is under way, asking about something absent would only cost requests."""
    world = ToyWorld()
    slow, late = Toy("slow", UnderWay("Making", "", 5.0)), Toy("late", Absent(), needs=("slow",))
    await run([slow, late], world)
    world.moment += 5
    await run([slow, late], world)
    assert (slow.looks, late.looks) == (2, 1)
    slow.shows = Met()
    world.moment += 5
    outcome, _ = await run([slow, late], world)
    assert isinstance(outcome, Protected)
    assert late.starts == 1


async def test_the_next_look_counts_from_the_start() -> None:
    """The longer something has been under way, the sooner it is due: not a whole usual time after every look."""
    world = ToyWorld()
    step = Toy("slow", Absent(), UnderWay("Making", "", 0.0), usual=100.0)
    outcome, _ = await run([step], world)
    assert isinstance(outcome, Waiting)
    assert outcome.again_after == pytest.approx(80)
    world.moment += 80
    outcome, _ = await run([step], world)
    assert isinstance(outcome, Waiting)
    assert outcome.again_after == pytest.approx(16)


async def test_what_is_held_is_looked_at_and_not_started() -> None:
    """The gate's word is the outcome; nothing is claimed or started, what is under way is still looked at."""
    steps = [Toy("there", Met()), Toy("absent", Absent(), shared=True), Toy("slow", UnderWay("Making", "", 9.0))]
    gate = ToyGate(held=Waiting("Paused", "by kim", 300.0))
    outcome, engine = await run(steps, gate=gate)
    assert outcome == Waiting("Paused", "by kim", 300.0)
    assert [(step.looks, step.starts) for step in steps] == [(1, 0), (1, 0), (1, 0)]
    assert gate.checks == 0
    assert engine.held is gate.held


async def test_a_converged_cluster_is_protected_whatever_is_held() -> None:
    """Nobody asks the gate when there is nothing to start."""
    outcome, _ = await run([Toy("there", Met())], gate=ToyGate(held=Waiting("Paused", "", 300.0)))
    assert isinstance(outcome, Protected)


async def test_a_plan_goes_on_as_if_each_step_went_well() -> None:
    """Round by round; what stands in something missing is planned unseen; what is under way counts as done then."""
    steps = [
        Toy("group", Absent("no group")),
        Toy("vault", Absent(), parents=("group",), needs=("provider",), usual=1.0),
        Toy("provider", UnderWay("Registering", "", 60.0)),
        Toy("policy", Absent(), parents=("vault",)),
        Toy("there", Met()),
    ]
    _, engine = await run(steps, gate=ToyGate(held=Waiting("Observed", "", 0.0)))
    plan = planned(steps, engine.seen)
    assert [(item.name, item.seen) for item in plan] == [("group", True), ("vault", False), ("policy", False)]
    rounds = [item.round for item in plan]
    assert rounds == sorted(set(rounds))
    assert plan[0].reason == "no group"
    assert in_words(plan) == "would start group; then vault; then policy"


async def test_a_plan_with_somebody_in_the_way_is_empty() -> None:
    """While a step is stuck, nothing would be started."""
    steps = [Toy("stuck", Stuck("NameTaken", "m", Who.OPERATOR)), Toy("absent", Absent())]
    _, engine = await run(steps)
    assert planned(steps, engine.seen) == ()
