"""When backups are due, from the catalog's policy. All times are epoch seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from shared.catalog.model import Catalog, Policy, minutes
from shared.catalog.rendering import arm_name, start_of

SLIP = 2 * 3600.0
"""A scheduled backup starts within two hours after its time."""

_MARGIN = 3600.0  # for the job itself and for word of it to arrive


def policies_by_arm_name(catalog: Catalog) -> Mapping[str, tuple[str, Policy, int]]:
    """ARM policy name -> name, policy and bucket; what isn't in it wasn't made from this catalog."""
    return {
        arm_name(name, policy, bucket): (name, policy, bucket)
        for name, policy in catalog.policies.items()
        for bucket in range(policy.schedule.buckets if policy.schedule.spread else 1)
    }


def next_due(policy: Policy, bucket: int, after: float) -> float:
    """The first scheduled time after a moment; the start may slip by `SLIP`."""
    anchor = datetime.fromisoformat(start_of(policy.schedule, bucket)).timestamp()
    every = minutes(policy.schedule.every) * 60.0
    return anchor + (math.floor((after - anchor) / every) + 1) * every


def rpo_seconds(policy: Policy) -> float:
    """How old the newest recovery point may get: the policy's target, else one interval plus slip and margin."""
    if policy.rpo_target:
        return minutes(policy.rpo_target) * 60.0
    return minutes(policy.schedule.every) * 60.0 + SLIP + _MARGIN
