"""What Azure's refusal means where no step is to blame: it passes by itself, or somebody has to act. Pure."""

from shared.arm.failures import GUARD_APPROVAL, FailureClass, classify, guard_advice
from shared.errors import ArmError
from shared.onboarding.outcomes import Blocked, Waiting, Who

_PASSING = frozenset({FailureClass.RETRY, FailureClass.REGISTER})


def told(error: ArmError, what: str) -> str:
    """A refusal in a sentence: what was refused, Azure's code and words."""
    return f"{what}: {error.code or error.status}: {error.message}"


def refusal(error: ArmError, what: str, again_after: float = 60.0) -> Blocked | Waiting:
    """Where a cluster stands after Azure has refused something.

    Args:
        error: Azure's answer.
        what: what was refused, for people.
        again_after: Azure's seconds until the next try of what passes by itself.
    """
    advice = guard_advice(error)
    if advice:
        return Blocked(GUARD_APPROVAL, f"{told(error, what)} {advice}", Who.OPERATOR)
    if classify(error) in _PASSING:
        return Waiting(error.code or "Unreachable", told(error, what), again_after, error.retry_after or 0.0)
    return Blocked(error.code or "Refused", told(error, what), Who.OPERATOR)
