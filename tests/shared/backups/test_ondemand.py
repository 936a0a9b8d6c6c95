"""When the catalog asks for an on-demand backup, and why none may be started."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.backups.jobs import Job, Kind
from shared.backups.ondemand import STARTING, Cause, Refusal, next_window, refusal, wanted
from shared.backups.status import DAY, TOO_LONG, BackupStatus
from shared.catalog.model import OnDemand, PlannedWindow

HOUR = 3600.0
WEDNESDAY_NOON = 1_800_014_400.0 - 1_800_014_400.0 % DAY + 12 * HOUR - 2 * DAY
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
EARLY, LATE = "00000000", "ffffffff"
NOW = WEDNESDAY_NOON


def status(**known: object) -> BackupStatus:
    """An instance that has been protected for a day, with what is known of it."""
    one = BackupStatus(f"{VAULT}/backupInstances/i", CLUSTER, protection_state="ProtectionConfigured", since=NOW - DAY)
    for name, value in known.items():
        setattr(one, name, value)
    return one


def cause(
    wish: OnDemand,
    known: Mapping[str, object] | None = None,
    *,
    now: float = NOW,
    key: str = EARLY,
    rpo: float = 4 * HOUR,
) -> Cause | None:
    """Why a backup is wanted."""
    return wanted(status(**(known or {})), wish, now, rpo, key)


FIRST = OnDemand(after_protection=True)
CATCH_UP = OnDemand(catch_up=True)
EVERY = OnDemand(every="PT6H")
WINDOW = OnDemand(before=(PlannedWindow(day="Wednesday", time="14:00", lead="PT4H"),))
JOB = Job("/j", "/i", CLUSTER, Kind.SCHEDULED, "Failed", NOW - 10, NOW)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, Cause.FIRST),
        ({"last_point": NOW - DAY}, None),
        ({"last_job": JOB}, None),
        ({"on_demand": [NOW - 700]}, None),  # started; no sweep has seen its job yet
        ({"on_demand": [NOW - 2 * HOUR]}, Cause.FIRST),  # claimed by a run that died before it asked Azure
        ({"rerun": True}, Cause.RERUN),
    ],
)
def test_the_first_backup_is_wanted_until_there_is_one(known: dict[str, object], expected: Cause | None) -> None:
    """A claim alone is no backup: after an hour without a job it is made good."""
    assert cause(FIRST, known) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"last_point": NOW - 3 * HOUR}, None),
        ({"last_point": NOW - 5 * HOUR}, Cause.CATCH_UP),
        ({"last_point": NOW - 5 * HOUR, "on_demand": [NOW - HOUR / 2]}, None),
        ({"last_point": NOW - 5 * HOUR, "on_demand": [NOW - 2 * HOUR]}, Cause.CATCH_UP),
        ({"last_point": NOW - 5 * HOUR, "protection_state": "ProtectionStopped"}, None),
    ],
)
def test_an_old_point_is_caught_up_with_once_an_hour(known: dict[str, object], expected: Cause | None) -> None:
    """Only where protection is configured: nothing is due else."""
    assert cause(CATCH_UP, known) == expected


def test_a_cadence_is_one_a_beat_and_each_cluster_has_its_own() -> None:
    """The beats of the fleet are spread; within a beat nothing more is wanted."""
    starts = [
        moment
        for moment in range(0, int(DAY), 600)
        if cause(EVERY, {"on_demand": [NOW + moment - 600]}, now=NOW + moment)
    ]
    others = [
        moment
        for moment in range(0, int(DAY), 600)
        if cause(EVERY, {"on_demand": [NOW + moment - 600]}, now=NOW + moment, key="80000000")
    ]
    assert len(starts) == len(others) == 4
    assert set(starts) != set(others)


@pytest.mark.parametrize(
    ("hours_before", "key", "last", "expected"),
    [
        (4.5, EARLY, None, None),
        (3.9, EARLY, None, Cause.WINDOW),
        (3.9, LATE, None, None),
        (1.9, LATE, None, Cause.WINDOW),
        (1.0, EARLY, 3.0, None),  # had one in the lead
        (1.0, EARLY, 5.0, Cause.WINDOW),
        (-0.1, EARLY, None, None),
    ],
)
def test_a_planned_window_has_a_backup_in_its_lead(
    hours_before: float, key: str, last: float | None, expected: Cause | None
) -> None:
    """Spread over the first half of the lead, once."""
    begins = next_window(WINDOW.before[0], NOW)
    started = [] if last is None else [begins - last * HOUR]
    assert cause(WINDOW, {"on_demand": started}, now=begins - hours_before * HOUR, key=key) == expected


@pytest.mark.parametrize(
    ("known", "reserve", "expected"),
    [
        ({}, 0, None),
        ({"protection_state": "ProtectionStopped"}, 0, Refusal.NOT_PROTECTED),
        ({"running": "/j", "running_since": NOW - HOUR}, 0, Refusal.RUNNING),
        ({"running": "/j", "running_since": NOW - TOO_LONG}, 0, None),  # nobody believes in it any more
        ({"starting": NOW - STARTING + 1}, 0, Refusal.STARTING),
        ({"starting": NOW - STARTING}, 0, None),
        ({"on_demand": [NOW - HOUR] * 9}, 0, None),
        ({"on_demand": [NOW - HOUR] * 10}, 0, Refusal.LIMIT),
        ({"on_demand": [NOW - HOUR] * 6}, 4, Refusal.LIMIT),
        ({"on_demand": [NOW - 13 * HOUR] * 10}, 0, None),  # yesterday's
    ],
)
def test_why_none_may_be_started(known: dict[str, object], reserve: int, expected: Refusal | None) -> None:
    """Azure's ten a day, less what is kept for people; one at a time."""
    assert refusal(status(**known), NOW, reserve) == expected
