"""Whether the fleet could be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from shared.api.answers import Answer
from shared.readiness.fleet import MemberReadiness

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import FleetReadinessQuery
    from shared.services import Services


class FleetReadiness(Struct, frozen=True, rename="camel"):
    """How restorable the fleet is.

    Attributes:
        clusters: those that are to be protected or still are.
        by_verdict: verdict -> how many of them.
        items: the page asked for, the worst first.
    """

    clusters: int
    by_verdict: dict[str, int]
    items: list[MemberReadiness]


async def show(services: Services, asked: Asked[FleetReadinessQuery, None]) -> Answer:
    """Counts of all, and a page of the clusters, the worst first."""
    wanted = asked.query
    found = await services.fleet.judged(wanted.verdict, wanted.skip, wanted.top)
    counts = {str(verdict): number for verdict, number in found.counts.items()}
    return Answer(FleetReadiness(found.counts.total(), counts, list(found.items)))
