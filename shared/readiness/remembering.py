"""A check that somebody asked for counts for the fleet too: what was put right at noon needn't wait for the night."""

from __future__ import annotations

from shared import logs
from shared.errors import ArmError, RowChanged
from shared.fleet.tables import Rows
from shared.readiness.ask import OPERATIONAL, Ask
from shared.readiness.deep import decisive
from shared.readiness.kept import ReadinessRow, Validated, Validating, end, keep
from shared.readiness.model import Readiness
from shared.readiness.nightly import key_of


def usual(ask: Ask) -> bool:
    """Whether the question is the nightly one: the newest point, from the operational store, to the cluster itself."""
    return ask.target is None and ask.recovery_point is None and ask.tier == OPERATIONAL


async def remember(
    rows: Rows[ReadinessRow] | None, answer: Readiness, outcome: Validated | Validating | ArmError | None = None
) -> None:
    """Keep an answer to the usual question; news of it is told by the next sweep or night.

    Args:
        rows: the table `readiness`; None for another question, of which nothing is kept.
        answer: what the checks said, without Azure's own word.
        outcome: that word, when it was asked for; what isn't one changes nothing.
    """
    if rows is None:
        return
    key = key_of(answer.cluster_id)
    stored = await rows.read(key, lambda: ReadinessRow(answer.cluster_id))
    keep(stored.value, answer)
    if isinstance(outcome, Validated) and decisive(outcome):
        end(stored.value, outcome, outcome.at)
    try:
        await rows.write(key, stored)
    except RowChanged:
        logs.info("readiness_kept_by_another", cluster=answer.cluster_id)
