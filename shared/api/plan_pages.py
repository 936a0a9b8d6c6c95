"""What a pass would do, as a page for people."""

from __future__ import annotations

from collections.abc import Iterator

from shared.api.governance_views import PlanStep, PlanView
from shared.api.pages import Block, Facts, Table, Title, Words, duration
from shared.arm.ids import name_of


def plan(view: PlanView) -> Iterator[Block]:
    """How the pass would end, what it would start and in which order, and what the policy costs."""
    yield Title(f"{name_of(view.cluster_id)}: {view.state}")
    yield Words(view.message)
    yield Facts(
        (
            ("cluster", view.cluster_id),
            ("policy", view.policy),
            ("reason", view.reason),
            ("held by", f"{view.held_by}: {view.held_message}" if view.held_by else None),
        )
    )
    steps = sorted(view.steps, key=lambda step: (step.round, step.step))
    rows = tuple((step.round, step.step, _why(step), duration(step.usual_seconds)) for step in steps)
    yield Title("Would be started", 2)
    yield Table(("round", "step", "why", "usually takes"), rows) if rows else Words("Nothing.")
    if view.cost is not None:
        yield Title("Cost", 2)
        month = "" if view.cost.a_month is None else f"{view.cost.a_month:.2f} {view.cost.currency or ''} a month: "
        yield Words(f"{month}{view.cost.note}")
        yield Table(("quantity",), tuple((line,) for line in view.cost.quantities))


def _why(step: PlanStep) -> str:
    return step.reason if step.looked_at else f"{step.reason} (not looked at yet)"
