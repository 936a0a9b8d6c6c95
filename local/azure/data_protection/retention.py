"""Which retention tag a backup gets, and how long its recovery point is kept in which store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from local.azure.data_protection.schedules import OPERATIONAL, VAULT, days
from local.azure.data_protection.timetable import Timetable, backup_rule
from local.azure.errors import Json

_PERIODS: dict[str, Callable[[dt.date], tuple[int, ...]]] = {
    "FirstOfDay": lambda day: (day.year, day.month, day.day),
    "FirstOfWeek": lambda day: day.isocalendar()[:2],
    "FirstOfMonth": lambda day: (day.year, day.month),
    "FirstOfYear": lambda day: (day.year,),
}
"""The period that a moment belongs to. Weeks start on Monday here; which day Azure takes isn't known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """How long recovery points are kept.

    Attributes:
        operational: In the operational store, from the point's creation.
        vault: In the vault store, counted the same, or None when no copy goes there.
    """

    operational: dt.timedelta | None
    vault: dt.timedelta | None = None


def tags(policy: Json) -> list[Json]:
    """The tagging criteria of a policy, most important first."""
    trigger = (backup_rule(policy) or {}).get("trigger") or {}
    return sorted(trigger.get("taggingCriteria") or [], key=lambda tag: int(tag.get("taggingPriority") or 0))


def tag_name(tag: Json) -> str:
    """The name of a tagging criterion's tag."""
    return str((tag.get("tagInfo") or {}).get("tagName") or "")


def known_tag(policy: Json, name: str) -> bool:
    """Whether a policy has a tag; names are compared without case, as `default` stands for `Default` (recorded)."""
    return any(tag_name(tag).lower() == name.lower() for tag in tags(policy))


def scheduled_tag(policy: Json, due: dt.datetime, earlier: Iterable[tuple[str, dt.datetime]]) -> str:
    """The tag of a scheduled backup: the first whose criterion it meets, else the default one.

    Args:
        policy: Properties of the policy.
        due: When the backup is due.
        earlier: Tag and time of the instance's recovery points: the first of a day is the first that has the tag.
    """
    table = Timetable.of(policy)
    zone = table.zone if table else dt.UTC
    today = due.astimezone(zone).date()
    taken = [(name.lower(), at.astimezone(zone).date()) for name, at in earlier] if len(tags(policy)) > 1 else []
    for tag in tags(policy):
        name = tag_name(tag)
        if tag.get("isDefault"):
            continue
        for marker in _markers(tag):
            period = _PERIODS.get(marker)
            if period is None or not any(
                other == name.lower() and period(day) == period(today) for other, day in taken
            ):
                return name
    return next((tag_name(tag) for tag in tags(policy) if tag.get("isDefault")), "Default")


def _markers(tag: Json) -> Iterator[str]:
    for criterion in tag.get("criteria") or []:
        yield from criterion.get("absoluteCriteria") or []


def kept(policy: Json, tag: str) -> Kept:
    """How long a point with a tag is kept: by the rule of the tag's name, else by the default rule."""
    rules = [rule for rule in policy.get("policyRules") or [] if rule.get("objectType") == "AzureRetentionRule"]
    named = [rule for rule in rules if str(rule.get("name")).lower() == tag.lower()]
    for rule in [*named, *(rule for rule in rules if rule.get("isDefault"))]:
        spans = {_store_of(cycle): dt.timedelta(days=days(cycle)) for cycle in rule.get("lifecycles") or []}
        return Kept(spans.get(OPERATIONAL), spans.get(VAULT) if _copies(rule) else None)
    return Kept(None)


def _store_of(lifecycle: Json) -> str:
    return str((lifecycle.get("sourceDataStore") or {}).get("dataStoreType") or "")


def _copies(rule: Json) -> bool:
    """A copy to the vault has to be declared by the operational lifecycle."""
    return any(
        (copy.get("dataStore") or {}).get("dataStoreType") == VAULT
        for cycle in rule.get("lifecycles") or []
        for copy in cycle.get("targetDataStoreCopySettings") or []
    )
