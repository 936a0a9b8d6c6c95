"""Whose turn it is in a night: each cluster is checked, and each in its turn validated by Azure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from shared.readiness.kept import ReadinessRow

NIGHT = 20 * 3600.0
"""Seconds after which another night has come: runs of one night are hours apart at most."""


def to_check(rows: Sequence[ReadinessRow], now: float) -> list[ReadinessRow]:
    """Those that weren't checked this night, longest ago first."""
    due = [row for row in rows if _checked_at(row) <= now - NIGHT]
    return sorted(due, key=lambda row: (_checked_at(row), row.cluster_id))


def to_validate(rows: Sequence[ReadinessRow], now: float, nights: int) -> list[ReadinessRow]:
    """Those that Azure is to be asked about this night, longest ago first.

    Whom Azure refused last is asked again each night, beside the share: it stays NotReady until Azure agrees.

    Args:
        rows: of the whole fleet.
        now: Azure's time.
        nights: a cluster's turn comes once in so many nights; 0 for never.
    """
    if nights == 0:
        return []
    tonight = [row for row in rows if row.asked > now - NIGHT]
    open_ = [row for row in rows if row.asked <= now - NIGHT and row.validating is None]
    refused = [row for row in open_ if _refused(row)]
    others = sorted((row for row in open_ if not _refused(row)), key=lambda row: (row.asked, row.cluster_id))
    share = ceil(len(rows) / nights) - sum(not _refused(row) for row in tonight)
    return [*refused, *others[: max(0, share)]]


def _checked_at(row: ReadinessRow) -> float:
    return row.checked.at if row.checked else 0.0


def _refused(row: ReadinessRow) -> bool:
    return row.validated is not None and not row.validated.passed
