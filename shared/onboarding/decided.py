"""A pass's line of the decision log."""

from __future__ import annotations

from collections.abc import Sequence

from shared.arm.requests import Requested
from shared.fleet.messages import Message
from shared.governance.decisions import line
from shared.onboarding.outcomes import Outcome
from shared.onboarding.run import Pass

UNLOGGED = 20
"""Lines that a row keeps while the log doesn't take them; the oldest are left out, and stand in the app's own log."""


def decided(message: Message, outcome: Outcome, work: Pass, requests: Sequence[Requested], at: float) -> str:
    """What a pass was asked, decided and did."""
    return line(
        at,
        str(message.cluster),
        asked=message.reason,
        by=message.by,
        decided=type(outcome).__name__,
        reason=outcome.reason,
        message=outcome.message,
        policy=work.policy,
        started=work.started,
        requests=requests,
    )


def broken_off(message: Message, requests: Sequence[Requested], at: float) -> str:
    """What a pass did that came to no end: its claim was lost, or something unforeseen happened."""
    return line(at, str(message.cluster), asked=message.reason, by=message.by, decided="BrokenOff", requests=requests)
