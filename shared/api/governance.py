"""What a pass would do, and the switch that stops all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.governance_views import GovernanceView, PauseView, PlanCost, PlanStep, PlanView
from shared.governance.governor import Kind
from shared.governance.pause import PauseRow
from shared.governance.quiet import quiet_until
from shared.notify.events import iso
from shared.onboarding.outcomes import describe
from shared.onboarding.planning import plan as make_plan

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import PauseOptions, PlanQuery
    from shared.catalog.model import Policy
    from shared.services import Services


async def show(services: Services, asked: Asked[None, None]) -> Answer:
    """Say what the app may do now."""
    del asked
    return Answer(_view(services, await services.governor.pause.state()))


async def pause(services: Services, asked: Asked[None, PauseOptions]) -> Answer:
    """Stop all writes to Azure, or let them go on.

    Raises:
        RowChanged: others keep setting the switch.
    """
    options = asked.body
    await services.governor.pause.set(on=options.paused, by=asked.who, reason=options.reason)
    row = await services.governor.pause.state()  # which AUTOPILOT_PAUSED outweighs
    return Answer(_view(services, row), noted=f"{_noted(row, options)}: {options.reason or 'no reason given'}")


def _noted(row: PauseRow, options: PauseOptions) -> str:
    if options.paused:
        return "paused"
    return f"switched off, still paused by {row.by}" if row.on else "let go on"


async def plan(services: Services, asked: Asked[PlanQuery, None]) -> Answer:
    """Say what a pass over a cluster would do, step by step, and what that would cost.

    Raises:
        ArmError: Azure didn't answer.
    """
    made = await make_plan(services.reconciler, asked.cluster)
    policy = services.reconciler.catalog.policies.get(made.work.policy)
    view = PlanView(
        cluster_id=str(asked.cluster),
        policy=made.work.policy,
        state=type(made.outcome).__name__,
        reason=made.outcome.reason,
        message=made.outcome.message,
        held_by=made.held.reason if made.held else "",
        held_message=made.held.message if made.held else "",
        steps=[PlanStep(item.name, item.round, item.reason, item.seen, item.seconds) for item in made.work.plan],
        standing={name: describe(found) for name, found in made.work.seen.items()},
        cost=_cost(services, policy, asked.query) if policy and not policy.existing.policy else None,
    )
    return Answer(view)


def _cost(services: Services, policy: Policy, query: PlanQuery) -> PlanCost:
    from shared.catalog.cost import Cluster, priced, quantities, read_prices  # noqa: PLC0415  # brings YAML: here only

    counted = quantities(policy, Cluster(query.namespaces, query.disks, query.gib))
    path = services.settings.prices
    if path is None:
        return PlanCost(None, None, "no prices: AUTOPILOT_PRICES names no price file", list(counted.steps))
    prices = read_prices(path.read_text(), path.name)
    redundancy = services.reconciler.catalog.profile_of(policy).redundancy
    total = priced(counted, prices, redundancy).total
    note = "an estimate for the long run" if total is not None else f"{path.name} lacks a price that is needed"
    return PlanCost(total, prices.currency, note, list(counted.steps))


def _view(services: Services, row: PauseRow) -> GovernanceView:
    settings = services.settings
    until = quiet_until(settings.quiet_windows, services.door.clock.now().timestamp())
    return GovernanceView(
        act=settings.act.default,
        exceptions={name: str(act) for name, act in settings.act.by_subscription.items()},
        pause=PauseView(row.on, iso(row.since) if row.since else None, row.by, row.reason),
        quiet_until=iso(until) if until else None,
        caps={str(Kind.ONBOARDING): settings.max_onboardings, str(Kind.ROLLOVER): settings.max_rollovers},
    )
