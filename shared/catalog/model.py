"""The catalog's values, as they stand in `backup-policies.yaml`.

Rules come from "About AKS backup using Azure Backup" and "AKS backup support matrix": frequencies of 4, 6, 8, 12 hours
or a day, at most 360 days in the operational tier, one scheduled copy to the vault tier a day.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from shared.catalog.naming import Naming
from shared.catalog.value import CatalogValue

NAME = r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$(?!\n)"
"""Names of policies and vault profiles: they become parts of Azure names, which start with a letter.

Python's `$` also matches before a line break at the end, hence what follows it in all patterns.
"""

MAX_OPERATIONAL_DAYS = 360
MAX_NAMESPACES = 800
MAX_ON_DEMAND = 10
"""On-demand backups of an instance a day."""

_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_VAULT = r"Microsoft\.DataProtection/backupVaults/[A-Za-z0-9-]{2,50}"
_ACCOUNT = r"Microsoft\.Storage/storageAccounts/[a-z0-9]{3,24}"
_IN_GROUP = rf"^/subscriptions/{_GUID}/resourceGroups/[\w\-.()]{{1,90}}/providers/"

Name = Annotated[str, Meta(pattern=NAME, description="1 to 32 lower-case letters, digits and hyphens as a name")]
Days = Annotated[str, Meta(pattern=r"^P[1-9][0-9]{0,3}D$(?!\n)", description="a number of days, such as P7D")]
LongDuration = Annotated[
    str,
    Meta(pattern=r"^P[1-9][0-9]{0,3}[DWMY]$(?!\n)", description="days, weeks, months or years, such as P90D or P1Y"),
]
Span = Annotated[
    str,
    Meta(
        pattern=r"^(PT[1-9][0-9]{0,3}[HM]|P[1-9][0-9]{0,2}D)$(?!\n)",
        description="minutes, hours or days: PT30M, PT6H, P1D",
    ),
]
TimeOfDay = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)",
        description='a time of day with two digits each, such as "02:00"',
    ),
]
Namespace = Annotated[
    str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$(?!\n)", description="the name of a Kubernetes namespace")
]
ResourceType = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z][A-Za-z0-9.-]{0,252}$(?!\n)", description="a Kubernetes resource type, such as secrets"),
]
LabelSelector = Annotated[
    str, Meta(pattern=r"^[^\s=]{1,253}=[^\s=]{0,63}$(?!\n)", description="a label and its value, such as app=shop")
]
VaultId = Annotated[
    str,
    Meta(
        pattern=_IN_GROUP + r"Microsoft\.DataProtection/backupVaults/[A-Za-z0-9-]{2,50}$(?!\n)",
        description="a vault's ARM id",
    ),
]
PolicyId = Annotated[
    str,
    Meta(
        pattern=_IN_GROUP
        + r"Microsoft\.DataProtection/backupVaults/[A-Za-z0-9-]{2,50}/backupPolicies/[A-Za-z0-9-]{3,150}$(?!\n)",
        description="a backup policy's ARM id",
    ),
]
AccountId = Annotated[
    str,
    Meta(
        pattern=_IN_GROUP + r"Microsoft\.Storage/storageAccounts/[a-z0-9]{3,24}$(?!\n)",
        description="a storage account's ARM id",
    ),
]
SubscriptionId = Annotated[str, Meta(pattern=rf"^{_GUID}$(?!\n)", description="a subscription's id")]
AccountSku = Literal["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS"]
TagName = Annotated[
    str,
    Meta(
        pattern=r"^[^<>%&\\?/\x00-\x1f]{1,128}$(?!\n)",
        description="a tag's name: 1 to 128 characters, none of < > % & \\ ? /",
    ),
]
"""Storage accounts take 128 characters, other resources 512 ("Use tags to organize your Azure resources")."""
TagValue = Annotated[str, Meta(max_length=256, description="a tag's value: at most 256 characters")]


class VaultProfile(CatalogValue, frozen=True):
    """What belongs to a vault and therefore to all policies in it."""

    redundancy: Literal["LocallyRedundant", "ZoneRedundant", "GeoRedundant"]
    cross_region_restore: bool = False
    soft_delete: Literal["On", "Off", "AlwaysOn"] = "On"
    soft_delete_days: Annotated[int, Meta(ge=14, le=180, description="14 to 180 days")] = 14
    immutability: Literal["Disabled", "Unlocked", "Locked"] = "Disabled"
    confirm_irreversible: bool = False
    subscription: SubscriptionId | None = None
    """Central subscription of the vaults; None: that of each cluster."""

    def __post_init__(self) -> None:
        """Keep what depends on each other together, and demand a word for what can't be undone."""
        if self.cross_region_restore and self.redundancy != "GeoRedundant":
            raise ValueError("crossRegionRestore needs redundancy GeoRedundant")
        final = [name for name, is_final in self._irreversible() if is_final]
        if final and not self.confirm_irreversible:
            raise ValueError(f"{' and '.join(final)} can't be undone; say confirmIrreversible: true if it is meant")
        if self.confirm_irreversible and not final:
            raise ValueError("confirmIrreversible has nothing to confirm; leave it out")

    def _irreversible(self) -> tuple[tuple[str, bool], ...]:
        return (
            ("softDelete AlwaysOn", self.soft_delete == "AlwaysOn"),
            ("immutability Locked", self.immutability == "Locked"),
        )


class Schedule(CatalogValue, frozen=True):
    """When backups are due: every so often, counted from a time of day in a time zone.

    With `spread`, clusters start within that span after `start`, each always at its own time, out of `buckets`
    different ones: a fleet doesn't start at one minute, and there are few policy objects.
    """

    every: Literal["PT4H", "PT6H", "PT8H", "PT12H", "P1D"] = "PT4H"
    start: TimeOfDay = "09:00"
    time_zone: str = "UTC"
    spread: Span | None = None
    buckets: Annotated[int, Meta(ge=1, le=24, description="1 to 24")] = 4

    def __post_init__(self) -> None:
        """Know the time zone, and keep the spread within the frequency."""
        from shared.catalog.zones import known_zone  # noqa: PLC0415  # brings time zones: only where one is named

        if self.time_zone != "UTC":
            known_zone(self.time_zone)
        if self.spread and minutes(self.spread) > minutes(self.every):
            raise ValueError(f"spread {self.spread} is longer than the time between two backups, {self.every}")


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


class Hook(CatalogValue, frozen=True):
    """A backup hook: a custom resource in the cluster that says what to run before and after a backup."""

    name: Namespace
    namespace: Namespace


class Contents(CatalogValue, frozen=True):
    """What of the cluster is backed up; an empty list means everything."""

    included_namespaces: tuple[Namespace, ...] = ()
    excluded_namespaces: tuple[Namespace, ...] = ()
    included_resource_types: tuple[ResourceType, ...] = ()
    excluded_resource_types: tuple[ResourceType, ...] = ()
    label_selectors: tuple[LabelSelector, ...] = ()
    hooks: tuple[Hook, ...] = ()
    cluster_scope_resources: bool = True
    volume_snapshots: bool = True
    volume_types: tuple[Literal["AzureDisk", "AzureFileShareSMB"], ...] = ()
    """Kinds of volumes; empty means what Azure does by itself: Azure disks."""

    def __post_init__(self) -> None:
        """Refuse an inclusion and an exclusion of the same kind, and more namespaces than an instance takes."""
        for kind in ("namespaces", "resource_types"):
            if getattr(self, f"included_{kind}") and getattr(self, f"excluded_{kind}"):
                words = kind.replace("_", " ")
                raise ValueError(f"both includes and excludes {words}; give one of the two lists")
        for listed in (self.included_namespaces, self.excluded_namespaces):
            if len(listed) > MAX_NAMESPACES:
                raise ValueError(f"lists {len(listed)} namespaces; a backup instance takes {MAX_NAMESPACES}")
        if self.volume_types and not self.volume_snapshots:
            raise ValueError("volumeTypes has no effect with volumeSnapshots: false")


class PlannedWindow(CatalogValue, frozen=True):
    """A planned change, such as the weekly upgrade, before which a backup is wanted."""

    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    time: TimeOfDay
    lead: Span = "PT2H"


class OnDemand(CatalogValue, frozen=True):
    """Backups that the app starts by itself, beside the schedule."""

    after_protection: bool = False
    catch_up: bool = False
    every: Span | None = None
    before: tuple[PlannedWindow, ...] = ()
    retention: Literal["Default", "Daily", "Weekly", "Monthly", "Yearly"] = "Default"
    reserve: Annotated[int, Meta(ge=0, le=MAX_ON_DEMAND - 1, description="0 to 9 of the 10 a day")] = 3
    """How many of the day's on-demand backups are left to people."""

    def __post_init__(self) -> None:
        """Refuse a block that starts nothing, and a cadence that the daily limit can't keep."""
        if not (self.after_protection or self.catch_up or self.every or self.before):
            raise ValueError(
                "starts no backup; give one of afterProtection, catchUp, every, before, or leave onDemand out"
            )
        per_day = 24 * 60 / minutes(self.every) if self.every else 0
        if per_day > MAX_ON_DEMAND - self.reserve:
            raise ValueError(
                f"every {self.every} is {per_day:g} backups a day; of {MAX_ON_DEMAND} that Azure allows, "
                f"{self.reserve} are kept for people"
            )


class Existing(CatalogValue, frozen=True):
    """What is there already and is used, never changed, in place of what the app would make."""

    vault: VaultId | None = None
    policy: PolicyId | None = None
    storage_account: AccountId | None = None

    def __post_init__(self) -> None:
        """A policy lies in its vault."""
        if self.policy and not self.vault:
            raise ValueError("an existing policy needs the existing vault that it lies in")
        if self.policy and not self.policy.casefold().startswith(f"{self.vault}/".casefold()):
            raise ValueError("the existing policy isn't in the existing vault")


class Tags(CatalogValue, frozen=True):
    """Tags of the resources that are made for a cluster: fixed ones, and names of tags copied from the cluster."""

    fixed: dict[TagName, TagValue] = field(default_factory=dict)
    copied: tuple[TagName, ...] = ()

    def __post_init__(self) -> None:
        """Azure allows 50 tags; one is the app's own. Names of tags have no case."""
        names = [name.casefold() for name in (*self.fixed, *self.copied)]
        if len(names) > MAX_TAGS:
            raise ValueError(f"sets more than {MAX_TAGS} tags")
        if "managed-by" in names:
            raise ValueError("managed-by is the app's own tag")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"sets {', '.join(twice)} twice; names of tags have no case")
        reserved = [name for name in names if name.startswith(RESERVED_TAGS)]
        if reserved:
            raise ValueError(f"{', '.join(reserved)}: Azure keeps names that start with {', '.join(RESERVED_TAGS)}")


MAX_TAGS = 49
RESERVED_TAGS = ("azure", "microsoft", "windows")


class Policy(CatalogValue, frozen=True):
    """One named way of backing up a cluster. Without anything said, it is the public client's default AKS policy."""

    vault_profile: str
    description: str = ""
    schedule: Schedule = field(default_factory=Schedule)
    operational_retention: Days = "P7D"
    vault_tier: VaultTier | None = None
    contents: Contents = field(default_factory=Contents)
    rpo_target: Span | None = None
    """How old the newest recovery point may get."""

    rto_target: Span | None = None
    """How long a restore may take; restore readiness holds past restores against it."""

    on_demand: OnDemand | None = None
    on_removal: Literal["keep", "suspend", "stop"] = "keep"
    """What becomes of the protection when the tag is removed."""

    on_move: Literal["keep", "stop"] = "keep"
    """What becomes of the old backup instance when the policy moves to another vault; its points are kept anyway."""

    existing: Existing = field(default_factory=Existing)
    tags: Tags = field(default_factory=Tags)
    account_sku: Literal["Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS"] = (
        "Standard_LRS"
    )
    cost_ceiling: Annotated[float, Meta(gt=0, description="an amount of money above 0")] | None = None
    """What one cluster may cost a month, in the currency of the price file; `cost` warns above it."""

    def __post_init__(self) -> None:
        """Keep the operational tier's limit and what depends on each other."""
        days = minutes(self.operational_retention) // (24 * 60)
        if days > MAX_OPERATIONAL_DAYS:
            raise ValueError(f"operationalRetention is {days} days; at most {MAX_OPERATIONAL_DAYS} are allowed")
        if self.on_demand and self.on_demand.catch_up and not self.rpo_target:
            raise ValueError("onDemand.catchUp needs an rpoTarget to catch up with")
        wanted = self.on_demand.retention.lower() if self.on_demand else "default"
        if wanted != "default" and not getattr(self.vault_tier, wanted, None):
            raise ValueError(f"onDemand.retention {wanted.title()} needs vaultTier.{wanted}")


class Catalog(CatalogValue, frozen=True):
    """All policies, the vault profiles that they name, and how things are named."""

    vault_profiles: dict[Name, VaultProfile]
    policies: dict[Name, Policy]
    naming: Naming = field(default_factory=Naming)

    def profile_of(self, policy: Policy) -> VaultProfile:
        """The vault profile that a policy of this catalog names."""
        return self.vault_profiles[policy.vault_profile]


_UNITS = {"PTM": 1, "PTH": 60, "PD": 24 * 60, "PW": 7 * 24 * 60, "PM": 30 * 24 * 60, "PY": 365 * 24 * 60}


def minutes(duration: str) -> int:
    """Minutes of an ISO 8601 duration with one part; a month counts 30 days, a year 365."""
    match = re.fullmatch(r"(PT?)(\d+)([MHDWY])", duration)
    if match is None:
        raise ValueError(f"{duration!r} is no duration of one part, such as PT4H or P30D")
    return int(match[2]) * _UNITS[match[1] + match[3]]
