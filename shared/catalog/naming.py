"""How things are named and where they are put: patterns of the catalog, with what keeps names apart added to each.

A pattern is only the readable part. The digest that makes a name unique is appended to it, and the readable part is cut
to what the kind of resource allows, so no pattern can make two clusters share a container.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from shared.catalog.value import CatalogValue

PLACEHOLDERS = ("cluster", "group", "region", "profile", "deployment", "subscription")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Pattern = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9{}-]{1,80}$(?!\n)",
        description="letters, digits, hyphens and placeholders such as {cluster}, at most 80 characters",
    ),
]
SubscriptionId = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$(?!\n)", description="a subscription's id")
]
Kind = Literal["vaultGroup", "vault", "backupGroup", "regionalGroup", "storageAccount", "container"]


class Names(CatalogValue, frozen=True):
    """Patterns by kind of resource; one that isn't given is looked up in the next wider rule."""

    vault_group: Pattern | None = None
    vault: Pattern | None = None
    backup_group: Pattern | None = None
    regional_group: Pattern | None = None
    storage_account: Pattern | None = None
    container: Pattern | None = None

    def __post_init__(self) -> None:
        """Know every placeholder, and let none stand where it has no value."""
        for name in self.__struct_fields__:
            pattern = getattr(self, name, None)
            if isinstance(pattern, str) and name in _ALLOWED:
                _check_pattern(name, pattern)


class Override(Names, frozen=True, kw_only=True):
    """Other patterns in one region, in one subscription, or in one region of one subscription."""

    region: (
        Annotated[str, Meta(pattern=r"^[a-z0-9]{2,40}$(?!\n)", description="a region such as westeurope")] | None
    ) = None
    subscription: SubscriptionId | None = None

    def __post_init__(self) -> None:
        """An override overrides something."""
        if not (self.region or self.subscription):
            raise ValueError("names neither region nor subscription; put the patterns beside overrides instead")
        super().__post_init__()


class Naming(Names, frozen=True, kw_only=True):
    """The patterns of the whole catalog, and what differs by place."""

    overrides: tuple[Override, ...] = ()

    def pattern(self, kind: str, region: str, subscription: str) -> str:
        """The pattern for a kind (a field of `Names`) at a place: the narrowest rule that gives one."""
        fitting = [
            rule
            for rule in self.overrides
            if rule.region in (None, region)
            and (rule.subscription is None or rule.subscription.casefold() == subscription.casefold())
        ]
        fitting.sort(key=lambda rule: (rule.subscription is None, rule.region is None))
        given = (getattr(rule, kind) for rule in (*fitting, self))
        return next((pattern for pattern in given if pattern), DEFAULTS[kind])


DEFAULTS: Mapping[str, str] = {
    "vault_group": "rg-aks-backup-vaults-{deployment}-{region}",
    "vault": "bv-{profile}-{region}",
    "backup_group": "rg-aks-backup-{cluster}",
    "regional_group": "rg-aks-backup-snapshots-{deployment}-{region}",
    "storage_account": "akbk",
    "container": "{cluster}",
}

_ALLOWED: Mapping[str, frozenset[str]] = {
    "vault_group": frozenset({"region", "deployment", "subscription"}),
    "vault": frozenset({"region", "deployment", "subscription", "profile"}),
    "backup_group": frozenset({"region", "deployment", "subscription", "cluster", "group"}),
    "regional_group": frozenset({"region", "deployment", "subscription"}),
    "storage_account": frozenset({"region", "deployment", "cluster"}),
    "container": frozenset({"cluster", "group", "deployment"}),
}


def _check_pattern(kind: str, pattern: str) -> None:
    allowed = _ALLOWED[kind]
    for name in _PLACEHOLDER.findall(pattern):
        if name not in allowed:
            listed = ", ".join(f"{{{item}}}" for item in sorted(allowed))
            raise ValueError(f"placeholder {{{name}}} isn't known in {_camel(kind)}; known there: {listed}")
    if set(_PLACEHOLDER.sub("", pattern)) & set("{}"):
        raise ValueError(f"a brace of {_camel(kind)} is never closed or opened")
    if not re.match(r"[A-Za-z{]", pattern):
        raise ValueError(f"{_camel(kind)} must start with a letter")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Put values into a pattern."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], pattern)
