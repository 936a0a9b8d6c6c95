"""Azure regions: names, pairs, and where the vault tier is missing."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """A region.

    Attributes:
        name: Canonical name, e.g. `westeurope`.
        display: Display name, e.g. `West Europe`.
        pair: Canonical name of the paired region, or "".
        vault_tier: Whether AKS backups can be copied to the vault tier there.
    """

    name: str
    display: str
    pair: str = ""
    vault_tier: bool = True


_PAIRED = (
    ("East US", "West US"),
    ("East US 2", "Central US"),
    ("North Central US", "South Central US"),
    ("West US 2", "West Central US"),
    ("Canada Central", "Canada East"),
    ("North Europe", "West Europe"),
    ("UK South", "UK West"),
    ("France Central", "France South"),
    ("Germany West Central", "Germany North"),
    ("Switzerland North", "Switzerland West"),
    ("Norway East", "Norway West"),
    ("Sweden Central", "Sweden South"),
    ("East Asia", "Southeast Asia"),
    ("Australia East", "Australia Southeast"),
    ("Australia Central", "Australia Central 2"),
    ("Japan East", "Japan West"),
    ("Korea Central", "Korea South"),
    ("Central India", "South India"),
    ("Jio India West", "Jio India Central"),
    ("South Africa North", "South Africa West"),
    ("UAE North", "UAE Central"),
    ("Central US EUAP", "East US 2 EUAP"),
)
_UNPAIRED = (
    "West US 3",
    "Brazil South",
    "Italy North",
    "Qatar Central",
    "Mexico Central",
    "Spain Central",
    "Israel Central",
    "Poland Central",
    "New Zealand North",
    "North Central US Stage",
)
_WITHOUT_VAULT_TIER = frozenset({"israelcentral", "polandcentral", "spaincentral"})


def _name(display: str) -> str:
    return display.replace(" ", "").lower()


def _regions() -> dict[str, Region]:
    pairs = [(one, _name(other)) for one, other in _PAIRED] + [(other, _name(one)) for one, other in _PAIRED]
    pairs += [(display, "") for display in _UNPAIRED]
    return {
        _name(display): Region(_name(display), display, pair, _name(display) not in _WITHOUT_VAULT_TIER)
        for display, pair in sorted(pairs)
    }


REGIONS = _regions()
"""Regions by canonical name."""


def find(location: str) -> Region | None:
    """The region with this canonical or display name; case and spaces don't matter."""
    return REGIONS.get(_name(location))
