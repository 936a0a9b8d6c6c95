"""What a tag of `none` says beside itself: a second tag may give a reason and a day after which it no longer counts.

Written as `aks-backup-note: "migrated by hand; until=2026-12-31"`. The day is included, in UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.catalog.selection import NONE, tag_value

_UNTIL = re.compile(r"until\s*=\s*(.*)", re.IGNORECASE | re.DOTALL)
_SHOWN = 200  # characters of a reason in a message; a tag's value has up to 256


@dataclass(frozen=True, slots=True)
class Note:
    """A reason in people's words, and when the exclusion ends: epoch seconds, None for never."""

    reason: str = ""
    until: float | None = None
    fault: str = ""

    def __str__(self) -> str:
        parts = [self.reason]
        if self.until is not None:
            parts.append(f"until {datetime.fromtimestamp(self.until - 1, UTC):%Y-%m-%d}")
        return ", ".join(part for part in (*parts, self.fault) if part)


def read_note(text: str | None) -> Note:
    """Read the second tag; a day that can't be read never comes, and the note says so."""
    reasons: list[str] = []
    until, fault = None, ""
    for part in (text or "").split(";"):
        match = _UNTIL.fullmatch(part.strip())
        if match is None:
            reasons.append(part.strip())
            continue
        try:
            day = datetime.strptime(match[1].strip(), "%Y-%m-%d").replace(tzinfo=UTC)
            until = (day + timedelta(days=1)).timestamp()
        except (ValueError, OverflowError):
            fault = f"until={match[1].strip()[:40]!r} is no day such as 2026-12-31"
    return Note("; ".join(filter(None, reasons))[:_SHOWN], until, fault)


def note_tag(tag: str) -> str:
    """Name of the second tag."""
    return f"{tag}-note"


def without_expired(tags: Mapping[str, str], tag: str, now: float) -> dict[str, str]:
    """The tags as they count: a `none` whose day is over is as good as none set."""
    value = tag_value(tags, tag)
    if value is None or value.strip().casefold() != NONE:
        return dict(tags)
    until = read_note(tag_value(tags, note_tag(tag))).until
    if until is None or now < until:
        return dict(tags)
    return {name: content for name, content in tags.items() if name.casefold() != tag.casefold()}
