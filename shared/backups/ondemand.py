"""On-demand backups: when the catalog asks for one, and why none may be started. The decisions, without I/O.

Azure allows ten on-demand backups of an instance a day, and the catalog keeps some of them for people. Times are
Azure's, in epoch seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from shared.backups.status import DAY, TOO_LONG, BackupStatus, on_demand_today, too_old
from shared.catalog.model import MAX_ON_DEMAND, OnDemand, PlannedWindow, minutes

STARTING = 600.0
"""How long a claimed start without a job is believed in; a started job is seen much sooner."""

_PAUSE = 3600.0  # between two tries to catch up, and after a first start that no sweep has seen a job of: it died
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Cause(StrEnum):
    """Why a backup is started beside the schedule."""

    FIRST = "first backup after protection"
    CATCH_UP = "recovery point older than the RPO target"
    CADENCE = "on-demand cadence"
    WINDOW = "planned window ahead"
    RERUN = "the last one failed in passing"
    PERSON = "asked for"


class Refusal(StrEnum):
    """Why none is started now."""

    NOT_PROTECTED = "NotProtected"
    RUNNING = "BackupRunning"
    STARTING = "BackupStarting"
    LIMIT = "DailyLimitReached"


def refusal(status: BackupStatus, now: float, reserve: int) -> Refusal | None:
    """Why a backup of this instance can't be started now; None: it can.

    Args:
        status: what is known of the instance.
        now: Azure's time.
        reserve: how many of the day's ten are not for the asker; people have them all.
    """
    if status.protection_state.casefold() != "protectionconfigured":
        return Refusal.NOT_PROTECTED
    if status.running and now - status.running_since < TOO_LONG:
        return Refusal.RUNNING
    if now - status.starting < STARTING:
        return Refusal.STARTING
    return Refusal.LIMIT if on_demand_today(status, now) >= MAX_ON_DEMAND - reserve else None


def wanted(status: BackupStatus, wish: OnDemand, now: float, rpo: float, key: str) -> Cause | None:
    """Why the catalog wants a backup now; None: it doesn't.

    Args:
        status: what is known of the instance.
        wish: the policy's on-demand block.
        now: Azure's time.
        rpo: how old the newest recovery point may get, in seconds.
        key: hex digits that stand for the cluster; they spread the fleet over time.
    """
    last = max(status.on_demand, default=0.0)
    if status.rerun:
        return Cause.RERUN
    if wish.after_protection and not status.last_point and status.last_job is None and now - last > _PAUSE:
        return Cause.FIRST
    if wish.catch_up and too_old(status, now, rpo) and now - last > _PAUSE:
        return Cause.CATCH_UP
    if wish.every and _slot(now, minutes(wish.every) * 60.0, key) > _slot(last, minutes(wish.every) * 60.0, key):
        return Cause.CADENCE
    return Cause.WINDOW if any(_ahead(window, now, last, key) for window in wish.before) else None


def _slot(moment: float, every: float, key: str) -> int:
    """Which interval a moment is in; each cluster's intervals begin at an offset of its own."""
    return int((moment - _share(key) * every) // every)


def _share(key: str) -> float:
    """A number in [0, 1) that stays with the cluster."""
    return int(key[:8], 16) / 2**32


def _ahead(window: PlannedWindow, now: float, last: float, key: str) -> bool:
    """Whether a window's lead has begun for this cluster and no backup has been started in it."""
    lead = minutes(window.lead) * 60.0
    begins = next_window(window, now)
    # spread over the first half of the lead: the second half is for the backup itself
    from_here = begins - lead + _share(key) * lead / 2
    return from_here <= now and last < begins - lead


def next_window(window: PlannedWindow, now: float) -> float:
    """When the window begins next, UTC."""
    today = datetime.fromtimestamp(now, UTC)
    days = (_WEEKDAYS.index(window.day) - today.weekday()) % 7
    begins = datetime.combine(today.date() + timedelta(days=days), time.fromisoformat(window.time), UTC).timestamp()
    return begins if begins > now else begins + 7 * DAY
