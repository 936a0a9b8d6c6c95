"""Token buckets behind the rate-limit headers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """A budget of requests.

    Attributes:
        header: The remaining count is sent as `x-ms-ratelimit-remaining-{header}`.
        size: Requests in a full bucket.
        per_second: Refill in requests per virtual second.
    """

    header: str
    size: int
    per_second: float


READS = Budget("subscription-reads", 250, 25)
WRITES = Budget("subscription-writes", 200, 10)
DELETES = Budget("subscription-deletes", 200, 10)
# ARM's own buckets, per subscription and principal: documented sizes; recorded values are from before token buckets

ARM_BUDGETS = {"GET": READS, "HEAD": READS, "DELETE": DELETES}


def provider_budget(size: int) -> Budget:
    """A resource provider's budget for one operation; the sizes are recorded, the refill (a minute) is not."""
    return Budget("subscription-resource-requests", size, size / 60)


@dataclasses.dataclass(slots=True)
class _Bucket:
    tokens: float
    at: dt.datetime


class Throttle:
    """Who has how many requests left."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def take(self, budget: Budget, now: dt.datetime, *owner: str) -> tuple[int, float]:
        """Take one request out of `owner`'s bucket.

        Returns:
            What remains, and 0; or -1 and the virtual seconds until there is a token again.
        """
        bucket = self._buckets.setdefault((budget.header, *owner), _Bucket(budget.size, now))
        refill = (now - bucket.at).total_seconds() * budget.per_second
        bucket.tokens, bucket.at = min(budget.size, bucket.tokens + max(0.0, refill)), now
        if bucket.tokens < 1:
            return -1, (1 - bucket.tokens) / budget.per_second
        bucket.tokens -= 1
        return math.floor(bucket.tokens), 0.0
