"""When the backups of a policy are due."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Self
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from local.azure.errors import Json

_INTERVAL = re.compile(r"R/([^/]+)/(?:PT(\d+)H|P(\d+)([DW]))")
_HOURS = {"D": 24, "W": 168}
_DAY = dt.timedelta(days=1)


def backup_rule(policy: Json) -> Json | None:
    """The rule of a policy's properties that says when to back up, if it has one."""
    for rule in policy.get("policyRules") or []:
        if rule.get("objectType") == "AzureBackupRule":
            found: Json = rule
            return found
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Timetable:
    """The moments of a schedule.

    Hours are counted from the start, days keep the time of day in the schedule's time zone through the changes of
    its clocks. No recording shows a time zone other than UTC; that days keep their time of day is documented.

    Attributes:
        start: The first moment.
        every: Time between two.
        zone: Time zone of the time of day, and of what is the first backup of a day, week, month or year.
    """

    start: dt.datetime
    every: dt.timedelta
    zone: dt.tzinfo

    @classmethod
    def of(cls, policy: Json) -> Self | None:
        """The timetable of a policy's properties, or None when it has no schedule that can be read."""
        rule = backup_rule(policy)
        schedule = ((rule or {}).get("trigger") or {}).get("schedule") or {}
        found = _INTERVAL.fullmatch(str(next(iter(schedule.get("repeatingTimeIntervals") or []), "")))
        if not found:
            return None
        try:
            start = dt.datetime.fromisoformat(found[1])
        except ValueError:
            return None
        hours = int(found[2]) if found[2] else int(found[3]) * _HOURS[found[4]]
        start = start if start.tzinfo else start.replace(tzinfo=dt.UTC)
        return cls(start, dt.timedelta(hours=hours), _zone(str(schedule.get("timeZone") or "UTC"))) if hours else None

    def after(self, moment: dt.datetime) -> dt.datetime:
        """The first moment after another one, in UTC."""
        if moment < self.start:
            return self.start.astimezone(dt.UTC)
        if self.every % _DAY:
            return (self.start + ((moment - self.start) // self.every + 1) * self.every).astimezone(dt.UTC)
        first, local = self.start.astimezone(self.zone), moment.astimezone(self.zone)
        wall = first.replace(tzinfo=None)
        steps = (local.replace(tzinfo=None) - wall) // self.every
        while True:
            # adding to a time of day and giving it its zone again is what keeps the time of day
            due = (wall + steps * self.every).replace(tzinfo=self.zone).astimezone(dt.UTC)
            if due > moment:
                return due
            steps += 1


def _zone(windows_name: str) -> dt.tzinfo:
    return ZoneInfo(win_tz[windows_name]) if windows_name in win_tz else dt.UTC
