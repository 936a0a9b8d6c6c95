"""A plan on request: a pass by the same engine over the same steps, behind a gate that lets nothing start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.json import decode, encode

from shared.arm.ids import ClusterId
from shared.arm.writes import LOOKING_ONLY
from shared.errors import ClaimLost
from shared.fleet.life import Life
from shared.fleet.records import ClusterRow, Progress, RegionRow
from shared.fleet.tables import Key
from shared.onboarding.governed import hold, stopped
from shared.onboarding.outcomes import Outcome, Waiting
from shared.onboarding.reconcile import Reconciler
from shared.onboarding.run import Pass
from shared.onboarding.step import Step
from shared.onboarding.vault_tier import REMEMBERED
from shared.onboarding.world import World

PLANNED = "Planned"


@dataclass(slots=True)
class _PlanGate:
    """Starts nothing, and asks the governor what it would say."""

    reconciler: Reconciler
    subscription: str
    governed: Waiting | None = None

    async def check(self) -> None:
        raise ClaimLost("a plan holds no claim and writes nothing")

    async def enter_region(self, place: tuple[str, str]) -> bool:
        del place
        return False

    async def lacks_vault_tier(self, location: str, now: float) -> bool:
        row = (await self.reconciler.regions.read(Key(self.subscription, location), RegionRow)).value
        return row.no_vault_tier > now - REMEMBERED

    async def learn_no_vault_tier(self, location: str, now: float) -> None:
        """A plan learns nothing: Azure isn't asked for anything that it could refuse."""

    async def remember(self) -> None:
        raise ClaimLost("a plan remembers nothing")

    async def expect_release(self, due: float) -> None:
        del due

    async def forget_release(self) -> None:
        """The plan's own copy of the row has forgotten it."""

    async def admit_release(self, now: float) -> bool:
        del now
        raise ClaimLost("a plan releases nothing")

    async def stopped(self) -> Waiting | None:
        self.governed = await stopped(self.reconciler.governor, self.subscription)
        return Waiting(PLANNED, "nothing is started while a plan is made", 0.0)

    async def hold(self, ready: Sequence[Step], world: World) -> Waiting | None:
        self.governed = await hold(self.reconciler.governor, ready, world, take=False)
        return Waiting(PLANNED, "nothing is started while a plan is made", 0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass would do now.

    Attributes:
        outcome: what it would end with; `Waiting` with reason `Planned` when it would start something.
        work: the pass, with what it saw and what it would start.
        held: why it wouldn't start that at once: a pause, a window, a cap.
    """

    outcome: Outcome
    work: Pass
    held: Waiting | None


async def plan(reconciler: Reconciler, cluster: ClusterId) -> Plan:
    """Find out what a pass would do; neither Azure nor the app's own rows are written.

    Raises:
        ArmError: Azure didn't answer.
    """
    stored = await reconciler.clusters.read(Key(cluster.subscription, cluster.key), lambda: ClusterRow(str(cluster)))
    gate = _PlanGate(reconciler, cluster.subscription)
    work = Pass(
        cluster_id=cluster,
        progress=decode(encode(stored.value.progress), type=Progress),
        life=decode(encode(stored.value.life), type=Life),
        known=stored.value.places,
        door=reconciler.door,
        catalog=reconciler.catalog,
        settings=reconciler.settings,
        scope=reconciler.scope,
        gate=gate,
        fresh=True,
    )
    token = LOOKING_ONLY.set(True)
    try:
        outcome = await work.run()
    finally:
        LOOKING_ONLY.reset(token)
    return Plan(outcome, work, gate.governed)
