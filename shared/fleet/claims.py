"""One pass at a time over a row, and one chain of delayed messages: the decisions, without I/O."""

from enum import StrEnum

from shared.fleet.messages import Message
from shared.fleet.records import Claim, ClusterRow

CLAIM_SECONDS = 240.0
PASS_SECONDS = 180.0
"""A pass is cancelled well before its claim ends, so that two never write at once."""


class Verdict(StrEnum):
    """What to do with a message."""

    TAKE = "take"
    """Claim the row and run a pass."""

    LATER = "later"
    """A pass runs; ask it to go once more."""

    STALE = "stale"
    """The delayed message of a pass that another one has replaced."""


def live(claim: Claim | None, message_id: str, now: float) -> bool:
    """Whether somebody else works: a redelivered message takes over its own claim at once."""
    return claim is not None and claim.until > now and claim.message_id != message_id


def judge(row: ClusterRow, *, exists: bool, message: Message, message_id: str, now: float) -> Verdict:
    """Decide about a message.

    Args:
        row: the cluster's row, or a new one.
        exists: whether the row is in the table; a missing row accepts any message.
        message: what arrived.
        message_id: Queue Storage's id of it; a redelivered message keeps it.
        now: real time, epoch seconds.
    """
    if live(row.claim, message_id, now):
        return Verdict.LATER
    if exists and message.wake is not None and message.wake != row.wake:
        return Verdict.STALE
    return Verdict.TAKE
