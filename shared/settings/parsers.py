"""One setting's text -> its value. Each raises ValueError with what is wanted, in words for people."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from shared.settings.values import Act, Acting

_ROOT = Path(__file__).resolve().parents[2]
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LONGEST_SPACING = 3600
_MOST_NIGHTS = 90


def optional[T](parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Nothing set becomes None."""
    return lambda text: parse(text) if text else None


def plain(text: str) -> str:
    """Any text."""
    return text


def subscriptions(text: str) -> frozenset[str]:
    """Subscription ids, separated by commas; lower case."""
    if not text:
        return frozenset()
    ids = [part.strip().lower() for part in text.split(",") if part.strip()]
    bad = [part for part in ids if not _GUID.fullmatch(part)]
    if bad or not ids:
        raise ValueError("comma-separated subscription ids, such as 00000000-0000-0000-0000-000000000000")
    return frozenset(ids)


def management_groups(text: str) -> tuple[str, ...]:
    """Names of management groups, separated by commas."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    # "Naming rules and restrictions for Azure resources": 1-90 letters, digits and -_().
    if not all(re.fullmatch(r"[A-Za-z0-9\-_().]{1,90}", name) and not name.endswith(".") for name in names):
        raise ValueError("comma-separated names (not display names) of management groups, such as mg-platform")
    return names


def matching(pattern: str, allowed: str) -> Callable[[str], str]:
    """A text of a pattern, which `allowed` puts in words.

    It is compiled when the setting has a value: each cold start would pay for all of them.
    """

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(allowed)
        return text

    return parse


def https(text: str) -> str:
    """The address of a service, without a trailing slash."""
    url = urlsplit(text)
    if url.scheme != "https" or not url.hostname or url.query or url.path not in ("", "/"):
        raise ValueError("an https address without path or query, such as https://management.azure.com")
    return text.rstrip("/")


def act(text: str) -> Act:
    """`auto` or `observe` for the deployment, then `subscription=auto` or `=observe` for single ones."""
    default, by_subscription = Acting.AUTO, {}
    for position, part in enumerate(text.split(",")):
        subscription, given, word = part.strip().lower().rpartition("=")
        known = word in set(Acting)
        if not known or (position > 0 and not given) or (given and not _GUID.fullmatch(subscription.strip())):
            raise ValueError("auto or observe, then single subscriptions: observe,00000000-...-000000000000=auto")
        if given:
            by_subscription[subscription.strip()] = Acting(word)
        else:
            default = Acting(word)
    return Act(default, by_subscription)


def nights(text: str) -> int:
    """Nights until everybody has had a turn, up to a quarter of a year; 0 for never."""
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > _MOST_NIGHTS:
        raise ValueError(f"whole nights, 1 to {_MOST_NIGHTS}, or 0 for never")
    return int(text)


def switch(text: str) -> bool:
    """`on` or `off`."""
    if text not in ("on", "off"):
        raise ValueError("on or off")
    return text == "on"


def container_or_off(text: str) -> str | None:
    """The name of a blob container, or `off`."""
    if text == "off":
        return None
    # "Naming and referencing containers, blobs, and metadata"
    if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9](-?[a-z0-9])*", text):
        raise ValueError("the name of a blob container (3 to 63 lower-case letters, digits and single hyphens), or off")
    return text


_GROUP = r"/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[\w\-.()]{1,90}/providers"
_GUARD = r"Microsoft\.DataProtection/resourceGuards/[A-Za-z0-9-]{3,63}"
GUARD_REQUEST = rf"{_GROUP}/{_GUARD}/[A-Za-z]+Requests/[A-Za-z0-9-]+"
SUBNET = rf"{_GROUP}/Microsoft\.Network/virtualNetworks/[\w\-.]{{2,64}}/subnets/[\w\-.]{{1,80}}"


def by_place(pattern: str, what: str) -> Callable[[str], dict[str, tuple[str, ...]]]:
    """`place=id` pairs, separated by commas: a place (a region, a vault profile, `*` for all) may have several ids."""

    def parse(text: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            place, _, identity = (piece.strip() for piece in part.partition("="))
            if not re.fullmatch(r"\*|[a-z0-9-]{1,32}", place) or not re.fullmatch(pattern, identity, re.IGNORECASE):
                raise ValueError(f"comma-separated region=id, profile=id or *=id, with the ARM id of {what}")
            found[place] = (*found.get(place, ()), identity)
        return found

    return parse


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number, {least} to {most}")
        return int(text)

    return parse


def topic(text: str) -> str:
    """The endpoint of an Event Grid topic, without a trailing slash."""
    if urlsplit(text).scheme != "https":
        raise ValueError(
            "the https endpoint of an Event Grid topic, such as https://x.westeurope-1.eventgrid.azure.net"
        )
    return text.rstrip("/")


def scale(text: str) -> float:
    """A factor above 0, at most 1."""
    value = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
    if not 0 < value <= 1:
        raise ValueError("a number above 0, at most 1")
    return value


def seconds(text: str) -> float:
    """Whole seconds up to an hour."""
    if not re.fullmatch(r"\d{1,5}", text) or int(text) > _LONGEST_SPACING:
        raise ValueError(f"whole seconds, 0 to {_LONGEST_SPACING}")
    return float(text)


def file(text: str) -> Path:
    """A file that exists, relative to the app or absolute."""
    path = Path(text) if Path(text).is_absolute() else _ROOT / text
    if not path.is_file():
        raise ValueError(f"a file that exists; there is none at {path}")
    return path


def word(*allowed: str) -> Callable[[str], str]:
    """One of a few words that mean something elsewhere."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def one_of[E: StrEnum](kind: type[E]) -> Callable[[str], E]:
    """One of a few words."""

    def parse(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(" or ".join(member.value for member in kind)) from None

    return parse
