"""The catalog's values, as they stand in `backup-policies.yaml`.

Rules come from "About AKS backup using Azure Backup" and "AKS backup support matrix": frequencies of 4, 6, 8, 12 hours
or a day, at most 360 days in the operational tier, one scheduled copy to the vault tier a day.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

NAME = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
"""Names of policies and vault profiles: they become parts of Azure names."""

MAX_OPERATIONAL_DAYS = 360

Days = Annotated[str, Meta(pattern=r"^P[1-9][0-9]{0,3}D$", description="a number of days, such as P7D")]
LongDuration = Annotated[
    str, Meta(pattern=r"^P[1-9][0-9]{0,3}[DWMY]$", description="days, weeks, months or years, such as P90D or P1Y")
]
TimeOfDay = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='a time of day in UTC, such as "02:00"')
]


class CatalogValue(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What all values of the catalog have in common: immutable, camelCase in the file, no unknown fields."""


class VaultProfile(CatalogValue, frozen=True):
    """What belongs to a vault and therefore to all policies in it."""

    redundancy: Literal["LocallyRedundant", "ZoneRedundant", "GeoRedundant"]
    soft_delete_days: Annotated[int, Meta(ge=14, le=180, description="14 to 180 days")] = 14


class Schedule(CatalogValue, frozen=True):
    """When backups are due: every so often, counted from a time of day in UTC."""

    every: Literal["PT4H", "PT6H", "PT8H", "PT12H", "P1D"]
    start: TimeOfDay = "09:00"


class VaultTier(CatalogValue, frozen=True):
    """How long the copies in the vault are kept: of the first backup of each day, week, month, year."""

    daily: LongDuration | None = None
    weekly: LongDuration | None = None
    monthly: LongDuration | None = None
    yearly: LongDuration | None = None

    def __post_init__(self) -> None:
        """Refuse a block that copies nothing."""
        if not any((self.daily, self.weekly, self.monthly, self.yearly)):
            raise ValueError("names no retention; give one of daily, weekly, monthly, yearly, or leave vaultTier out")


class Contents(CatalogValue, frozen=True):
    """What of the cluster is backed up; an empty list means everything."""

    included_namespaces: tuple[str, ...] = ()
    excluded_namespaces: tuple[str, ...] = ()
    included_resource_types: tuple[str, ...] = ()
    excluded_resource_types: tuple[str, ...] = ()
    label_selectors: tuple[str, ...] = ()
    cluster_scope_resources: bool = True
    volume_snapshots: bool = True

    def __post_init__(self) -> None:
        """Refuse an inclusion and an exclusion of the same kind: Azure takes one of them."""
        for kind in ("namespaces", "resource_types"):
            if getattr(self, f"included_{kind}") and getattr(self, f"excluded_{kind}"):
                words = kind.replace("_", " ")
                raise ValueError(f"both includes and excludes {words}; give one of the two lists")


class Policy(CatalogValue, frozen=True):
    """One named way of backing up a cluster."""

    vault_profile: str
    schedule: Schedule
    operational_retention: Days
    description: str = ""
    vault_tier: VaultTier | None = None
    contents: Contents = field(default_factory=Contents)

    def __post_init__(self) -> None:
        """Keep the operational tier's limit."""
        days = int(re.sub(r"\D", "", self.operational_retention))
        if days > MAX_OPERATIONAL_DAYS:
            raise ValueError(f"operationalRetention is {days} days; at most {MAX_OPERATIONAL_DAYS} are allowed")


class Catalog(CatalogValue, frozen=True):
    """All policies and the vault profiles that they name."""

    vault_profiles: dict[str, VaultProfile]
    policies: dict[str, Policy]

    def profile_of(self, policy: Policy) -> VaultProfile:
        """The vault profile that a policy of this catalog names."""
        return self.vault_profiles[policy.vault_profile]
