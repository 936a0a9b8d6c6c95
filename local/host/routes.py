"""Route templates of HTTP functions, matched as ASP.NET Core matches them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_HOLE: Final = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>[A-Za-z_]\w*)(?P<constraints>(?::\w+)*)(?:=(?P<default>[^}?]*))?(?P<optional>\?)?\}"
)
_ENCODED_SLASH: Final = re.compile("%2[fF]")
_CONSTRAINTS: Final = {
    "alpha": "[a-zA-Z]*",
    "bool": "(?:true|false)",
    "guid": "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "int": r"[-+]?\d{1,10}",
    "long": r"[-+]?\d{1,19}",
}
_LITERAL_RANK: Final = 0
_CONSTRAINED_RANK: Final = 1
_FREE_RANK: Final = 2
_REST_RANK: Final = 3


@dataclass(frozen=True, slots=True)
class Route:
    """A template such as `clusters/{name}/{kind?}` below a prefix.

    Attributes:
        prefix: host.json's route prefix, may be empty.
        template: as written, without the prefix and without slashes at its ends.
        pattern: matches a decoded path without slashes at its ends.
        defaults: values of parameters that the path may leave out.
        rank: smaller is more specific; where several routes match, the smallest wins.
    """

    prefix: str
    template: str
    pattern: re.Pattern[str]
    defaults: tuple[tuple[str, str], ...]
    rank: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters in a decoded path, None when it isn't this route's."""
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        return dict(self.defaults) | {name: value for name, value in match.groupdict().items() if value is not None}


def decode_path(raw_path: str) -> str:
    """Undo percent-encoding as Azure's web server does: an encoded slash stays as it is."""
    return "%2F".join(unquote(part) for part in _ENCODED_SLASH.split(raw_path)).strip("/")


def parse_route(prefix: str, template: str) -> Route:
    """Compile a template below a prefix.

    Raises:
        ValueError: the template is malformed or uses a constraint that this host doesn't know.
    """
    template = template.strip("/")
    parts: list[str] = []
    defaults: list[tuple[str, str]] = []
    ranks: list[int] = []
    for segment in filter(None, [*prefix.split("/"), *template.split("/")]):
        pattern, rank = _segment(segment, defaults)
        slash = "/" if parts else ""
        may_be_missing = pattern.endswith("?") and rank >= _CONSTRAINED_RANK
        parts.append(f"(?:{slash}{pattern[:-1]})?" if may_be_missing else slash + pattern)
        ranks.append(rank)
    try:
        compiled = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise ValueError(f"route {template!r} is malformed: {error}") from error
    return Route(prefix, template, compiled, tuple(defaults), tuple(ranks))


def _segment(segment: str, defaults: list[tuple[str, str]]) -> tuple[str, int]:
    """The pattern of one segment, a question mark at its end when it may be missing, and its rank."""
    pattern, rank, end = "", _LITERAL_RANK, 0
    for hole in _HOLE.finditer(segment):
        pattern += re.escape(_literal(segment[end : hole.start()]))
        end = hole.end()
        pattern += f"(?P<{hole['name']}>{_hole_pattern(hole)})"
        rank = max(rank, _hole_rank(hole))
        if hole["default"] is not None:
            defaults.append((hole["name"], hole["default"]))
        if hole["rest"] or hole["optional"] or hole["default"] is not None:
            if (hole.start(), hole.end()) != (0, len(segment)):
                raise ValueError(f"{hole[0]} must be a segment of its own")
            pattern += "?"
    return pattern + re.escape(_literal(segment[end:])), rank


def _literal(text: str) -> str:
    if set(text) & set("{}*?"):
        raise ValueError(f"the route segment part {text!r} is malformed")
    return text


def _hole_pattern(hole: re.Match[str]) -> str:
    if hole["rest"]:
        return ".*"
    pattern = "[^/]+"
    for constraint in filter(None, hole["constraints"].split(":")):
        if constraint not in _CONSTRAINTS:
            raise ValueError(f"the route constraint {constraint!r} is none of {', '.join(_CONSTRAINTS)}")
        pattern = _CONSTRAINTS[constraint]
    return pattern


def _hole_rank(hole: re.Match[str]) -> int:
    if hole["rest"]:
        return _REST_RANK
    return _CONSTRAINED_RANK if hole["constraints"] else _FREE_RANK
