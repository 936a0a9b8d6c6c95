"""The verdict over all checks: pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import ArmError
from shared.notify.events import iso
from shared.readiness.facts import Facts
from shared.readiness.model import Check, Readiness, Status, Verdict
from shared.readiness.restore_tests import expected_seconds

_RANKS: tuple[tuple[Verdict, bool | None, frozenset[Status]], ...] = (
    # verdict, whether the check has to decide (None: either), statuses that lead to it; the first that fits counts
    (Verdict.NOT_READY, True, frozenset({Status.FAIL})),
    (Verdict.UNKNOWN, True, frozenset({Status.UNKNOWN})),
    (Verdict.AT_RISK, None, frozenset({Status.FAIL, Status.WARN})),
    (Verdict.AT_RISK, None, frozenset({Status.UNKNOWN})),
)


def verdict_of(checks: Sequence[Check]) -> tuple[Verdict, str]:
    """The verdict, and why in one sentence; Ready only when every check passes."""
    for verdict, decides, statuses in _RANKS:
        bad = [check for check in checks if check.status in statuses and decides in (None, check.decides)]
        if bad:
            return verdict, _sentence(bad[0], len(bad) - 1)
    return Verdict.READY, f"all {len(checks)} checks pass"


def _sentence(worst: Check, others: int) -> str:
    more = f" (and {others} more)" if others else ""
    return f"{worst.id}: {worst.message}{more}"


def conclude(facts: Facts, checks: Sequence[Check], *, deep: bool = False) -> Readiness:
    """The answer about a cluster."""
    verdict, reason = verdict_of(checks)
    point = facts.point
    known = point if point is not None and not isinstance(point, ArmError) else None
    expected = expected_seconds(facts.past)
    return Readiness(
        cluster_id=str(facts.source.id),
        verdict=verdict,
        reason=reason,
        checked_at=iso(facts.at),
        deep=deep,
        tier=facts.ask.tier,
        target=str(facts.restored_to.id),
        recovery_point=known.id if known else None,
        expected_data_loss_seconds=round(facts.at - known.time) if known else None,
        expected_duration_seconds=None if expected is None else round(expected),
        checks=list(checks),
    )
