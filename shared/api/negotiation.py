"""Which form an answer has: what the request's Accept header says (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.api.problems import Problem

JSON, TEXT, MARKDOWN = "application/json", "text/plain", "text/markdown"

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2
_RANGE = re.compile(rf"({_NAME})/({_NAME})")
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


class _Range(NamedTuple):
    """A media range and its weight, 0 to 1."""

    kind: str
    subkind: str
    weight: float

    def covers(self, media_type: str) -> int:
        """How closely it names a media type: 0 not at all, 1 as one of all, 2 as one of a kind, 3 itself."""
        if (self.kind, self.subkind) == ("*", "*"):
            return 1
        if (self.kind, "*") == (media_type.partition("/")[0], self.subkind):
            return 2
        return 3 if f"{self.kind}/{self.subkind}" == media_type else 0


def choose(accept: str | None, offered: tuple[str, ...]) -> str:
    """The best of the media types that an endpoint offers, the first one where the caller doesn't mind.

    Raises:
        Problem: 406, the caller wants none of them.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = list(_ranges(accept))
    best = max(offered, key=lambda media_type: _weight(media_type, ranges))  # the first of equals
    if not _weight(best, ranges):
        raise Problem(406, "NotAcceptable", f"this endpoint answers {', '.join(offered)}")
    return best


def _ranges(accept: str) -> Iterator[_Range]:
    """The ranges that can be read; others say nothing."""
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        found = _RANGE.fullmatch(name)
        weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")] or ["1"]
        if found and _WEIGHT.fullmatch(weights[0]):
            yield _Range(found[1], found[2], float(weights[0]))


def _weight(media_type: str, ranges: list[_Range]) -> float:
    """The weight of the closest range; 0 without one."""
    closest = max(ranges, key=lambda item: item.covers(media_type), default=None)
    return closest.weight if closest and closest.covers(media_type) else 0.0
