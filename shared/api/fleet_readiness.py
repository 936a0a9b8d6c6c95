"""Whether the fleet could be restored."""

from __future__ import annotations

from collections import Counter
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
    found = await services.fleet.judged()
    shown = [item for item in found if wanted.verdict in (None, item.verdict)]
    counts = dict(Counter(str(item.verdict) for item in found))
    return Answer(FleetReadiness(len(found), counts, shown[wanted.skip : wanted.skip + wanted.top]))
