"""The recovery points that a policy will hold over time: counted, and as a small text chart.

What is counted: scheduled backups that all succeed, and the on-demand backups that the policy has by the clock
(`onDemand.every` and `onDemand.before`). The first backup is on a day that begins a week, a month and a year, so each
rule of the vault tier has its first copy at once, as it has when a cluster is protected for the first time.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from shared.catalog.model import Policy, minutes
from shared.catalog.wording import spoken, table

DAY = 24 * 60
"""Minutes."""

_FIRST = date(2023, 1, 1)  # a Sunday; the day that Azure begins a week with is in no recording, and any gives the count
_MARKS = ("P1D", "P1W", "P1M", "P3M", "P1Y", "P3Y", "P10Y", "P30Y", "P100Y")
_BAR = 24


@dataclass(frozen=True, slots=True)
class Held:
    """Points that one cluster holds at one time: in the operational tier and in the vault tier."""

    after: str
    operational: int
    vault: int


def _later(day: date, duration: str) -> date:
    """A day, and a duration of days, weeks, calendar months or years after it."""
    number, unit = int(duration[1:-1]), duration[-1]
    if unit in "DW":
        return day + timedelta(days=number * (7 if unit == "W" else 1))
    months = day.month - 1 + number * (12 if unit == "Y" else 1)
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _rule_of(day: date, policy: Policy) -> str | None:
    """How long the vault's copy of a day is kept: by the rarest rule that the day falls under; None without a copy."""
    tier = policy.vault_tier
    if tier is None:
        return None
    begins = (
        (tier.yearly, (day.month, day.day) == (1, 1)),
        (tier.monthly, day.day == 1),
        (tier.weekly, day.isoweekday() == _FIRST.isoweekday()),
        (tier.daily, True),
    )
    return next((duration for duration, applies in begins if duration and applies), None)


def vault_days(policy: Policy, until: date) -> list[date]:
    """The days whose copy the vault holds on a day: one scheduled copy a day at most, each as long as its rule says."""
    days = (_FIRST + timedelta(days=number) for number in range((until - _FIRST).days + 1))
    kept = ((day, _rule_of(day, policy)) for day in days)
    return [day for day, duration in kept if duration and _expires(day, duration) > until]


def _expires(day: date, duration: str) -> date:
    return date.max if minutes(duration) > minutes("P200Y") else _later(day, duration)


def on_demand_intervals(policy: Policy) -> Iterator[int]:
    """Minutes between two on-demand backups, for each cadence that the policy has by the clock."""
    if policy.on_demand and policy.on_demand.every:
        yield minutes(policy.on_demand.every)
    for _ in policy.on_demand.before if policy.on_demand else ():
        yield minutes("P1W")


def _repeated(interval: int, kept: int, passed: int) -> int:
    """How many of what comes every `interval` minutes are there, each for `kept` minutes, after `passed`."""
    return min(passed // interval + 1, -(-kept // interval))


def _operational(policy: Policy, days: int) -> int:
    kept, passed = minutes(policy.operational_retention), days * DAY
    intervals = (minutes(policy.schedule.every), *on_demand_intervals(policy))
    return sum(_repeated(interval, kept, passed) for interval in intervals)


def _on_demand_copies(policy: Policy, days: int) -> int:
    """On-demand points in the vault: those with a vault rule's tag go there too, beside the scheduled copy."""
    tag = policy.on_demand.retention.lower() if policy.on_demand else "default"
    duration: str | None = getattr(policy.vault_tier, tag, None)
    if duration is None:
        return 0
    return sum(_repeated(interval, minutes(duration), days * DAY) for interval in on_demand_intervals(policy))


def held(policy: Policy, after: str) -> Held:
    """The points of one cluster so long after its first backup.

    Args:
        policy: the policy; nothing of it changes meanwhile.
        after: days, weeks, months or years, as P90D.
    """
    until = _later(_FIRST, after)
    days = (until - _FIRST).days
    vault = len(vault_days(policy, until)) + _on_demand_copies(policy, days)
    return Held(after, _operational(policy, days), vault)


def longest(policy: Policy) -> str:
    """The longest retention of the policy: from then on as much expires as is added."""
    tier = policy.vault_tier
    copies = (tier.daily, tier.weekly, tier.monthly, tier.yearly) if tier else ()
    return max((policy.operational_retention, *(kept for kept in copies if kept)), key=minutes)


def _horizon(policy: Policy) -> str:
    return min(longest(policy), _MARKS[-1], key=minutes)


def full_vault_days(policy: Policy) -> list[date]:
    """The days whose copies the vault holds in the long run, or after a hundred years."""
    return vault_days(policy, _later(_FIRST, _horizon(policy)))


def timeline(policy: Policy) -> list[Held]:
    """Points at growing distances from the first backup, to the longest retention or a hundred years.

    The last row is what stays, but for a point or two that the calendar moves.
    """
    horizon = _horizon(policy)
    marks = [mark for mark in _MARKS if minutes(mark) < minutes(horizon)]
    return [held(policy, mark) for mark in (*marks, horizon)]


def chart(policy: Policy) -> list[str]:
    """The timeline as lines of text."""
    rows = timeline(policy)
    most = max(max(row.operational, row.vault) for row in rows)
    cells = [["", "operational tier", "", "vault tier", ""]]
    for row in rows:
        numbers = (f"{row.operational:,}", _bar(row.operational, most), f"{row.vault:,}", _bar(row.vault, most))
        final = row.after == longest(policy)
        cells.append([f"from {spoken(row.after)} on" if final else f"after {spoken(row.after)}", *numbers])
    return table(cells, right={1, 3})


def _bar(number: int, most: int) -> str:
    return "#" * -(-number * _BAR // most)
