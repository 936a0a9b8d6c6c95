"""When to look again: seldom while something usually takes long, often when it is due. All in Azure's seconds.

Usual durations stand with the steps; they were taken from recorded answers.
"""

import random

_SHARE = 0.8  # of the time that is left: a long wait is cut into few looks, the last of them close to the end
_SPACING = 0.04  # of the usual time: how closely the due time is watched
_SHORTEST = 5.0
_LONGEST = 300.0

_FIRST_BACKOFF = 10.0
_LONGEST_BACKOFF = 600.0
_JITTER = 0.2


def look_again(usual: float, elapsed: float) -> float:
    """Seconds until the next look at something that takes `usual` and was started `elapsed` ago."""
    closest = min(max(_SHORTEST, usual * _SPACING), usual or _SHORTEST)
    overdue = elapsed - usual
    if overdue < 0:
        return max(closest, -overdue * _SHARE)
    return min(max(closest, overdue * 0.5), _LONGEST)


def backoff(attempt: int, jitter: random.Random) -> float:
    """Seconds before the try after failure number `attempt` (1 is the first): doubling, capped, 20 % to and fro."""
    pause: float = min(_FIRST_BACKOFF * 2.0 ** min(attempt - 1, 10), _LONGEST_BACKOFF)
    return pause * jitter.uniform(1 - _JITTER, 1 + _JITTER)
