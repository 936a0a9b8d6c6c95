"""What works as written but may not be what is meant: limits of Azure that a policy meets, blocks without effect.

The limits are those of "AKS backup support matrix" and "About AKS backup using Azure Backup".
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from shared.catalog.document import Path
from shared.catalog.model import MAX_ON_DEMAND, Catalog, OnDemand, PlannedWindow, Policy, VaultProfile, minutes
from shared.catalog.timeline import DAY, timeline
from shared.catalog.wording import counted, every, listed, spoken, spoken_minutes

SLIP = 2 * 60
"""Minutes after its time within which Azure starts a scheduled backup."""

MAX_SNAPSHOTS = 500
"""Snapshots of one disk."""

REGIONS_WITHOUT_VAULT_TIER = ("China", "US Gov", "Israel Central", "Poland Central", "Spain Central")

_COPY = 24 * 60  # minutes that a copy to the vault may take
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RULES = (("daily", "P1D"), ("weekly", "P1W"), ("monthly", "P1M"), ("yearly", "P1Y"))


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning: the field that it is about, below the policy or the vault profile, and the text."""

    field: Path
    text: str


def caveats(policy: Policy, catalog: Catalog) -> list[Caveat]:
    """Everything to be said about one policy, as fields below the policy."""
    if policy.existing.policy:
        return [*_existing(policy), *_contents(policy), *_on_demand(policy)]
    checks = (_existing, _snapshots, _gaps, _rpo, _on_demand, _contents)
    found = [caveat for check in checks for caveat in check(policy)]
    return found + list(_vault_tier(policy, catalog.profile_of(policy)))


def profile_caveats(profile: VaultProfile) -> Iterator[Caveat]:
    """Everything to be said about one vault profile, as fields below the profile."""
    if profile.soft_delete == "Off":
        yield Caveat(("softDelete",), "with soft delete off, the points of a deleted backup instance are gone at once")
    if profile.soft_delete == "AlwaysOn":
        yield Caveat(("softDelete",), "AlwaysOn can't be taken back in a vault that has it")
    if profile.immutability == "Locked":
        yield Caveat(("immutability",), "Locked can't be taken back: no point of these vaults can be deleted early")


def _existing(policy: Policy) -> Iterator[Caveat]:
    if policy.existing.policy:
        yield Caveat(
            ("existing", "policy"),
            "the existing policy's schedule and retention count, not those written here; vaultTier only says whether "
            "the vault gets the roles that copies need",
        )
    if policy.existing.vault:
        yield Caveat(("existing", "vault"), "the vault profile has no effect on the existing vault, which is as it is")


def _snapshots(policy: Policy) -> Iterator[Caveat]:
    points = timeline(policy)[-1].operational
    if policy.contents.volume_snapshots and points > MAX_SNAPSHOTS:
        each = f"{every(policy.schedule.every)} for {spoken(policy.operational_retention)}"
        extra = " and those on demand" if policy.on_demand else ""
        yield Caveat(
            ("operationalRetention",),
            f"{points:,} snapshots of each disk (one {each}{extra}); a disk takes {MAX_SNAPSHOTS}, then backups go on "
            "without it (UserErrorPVSnapshotLimitReached)",
        )


def _gaps(policy: Policy) -> Iterator[Caveat]:
    """Retention that ends before the next backup is surely there."""
    interval = minutes(policy.schedule.every)
    if minutes(policy.operational_retention) < interval + SLIP:
        yield Caveat(
            ("operationalRetention",),
            f"a point expires after {spoken(policy.operational_retention)}, and the next may come "
            f"{spoken_minutes(interval + SLIP)} after it: for a time there may be none in the operational tier",
        )
    more_often: tuple[str, str] | None = None
    for rule, period in _RULES:
        kept: str | None = getattr(policy.vault_tier, rule, None)
        if kept is None:
            continue
        if more_often and minutes(kept) < minutes(more_often[1]):
            yield Caveat(
                ("vaultTier", rule),
                f"the rarer rule wins: the {rule} copy is kept for {spoken(kept)}, shorter than the "
                f"{more_often[0]} ones around it ({spoken(more_often[1])})",
            )
        elif not more_often and minutes(kept) < minutes(period) + _COPY:
            yield Caveat(
                ("vaultTier", rule),
                f"a copy expires after {spoken(kept)}, and the next may be in the vault {spoken(period)} and a day "
                "after it: for a time there may be none in the vault tier",
            )
        more_often = rule, kept


def _rpo(policy: Policy) -> Iterator[Caveat]:
    if policy.rpo_target is None:
        return
    scheduled = minutes(policy.schedule.every) + SLIP
    by_the_clock = policy.on_demand.every if policy.on_demand else None
    if minutes(policy.rpo_target) >= min(scheduled, minutes(by_the_clock) if by_the_clock else scheduled):
        return
    left = MAX_ON_DEMAND - policy.on_demand.reserve if policy.on_demand else 0
    catching = policy.on_demand is not None and policy.on_demand.catch_up
    yield Caveat(
        ("rpoTarget",),
        f"{spoken(policy.rpo_target)} is below what the schedule keeps: a backup "
        f"{every(policy.schedule.every)}, started up to {spoken_minutes(SLIP)} late, so up to "
        f"{spoken_minutes(scheduled)} apart"
        + (f"; catchUp fills in with at most {left} on-demand backups a day" if catching else ""),
    )


def _on_demand(policy: Policy) -> Iterator[Caveat]:
    if policy.on_demand is None:
        return
    budget = MAX_ON_DEMAND - policy.on_demand.reserve
    for day, wanted in sorted(_per_day(policy.on_demand).items(), key=lambda item: _WEEKDAYS.index(item[0])):
        if wanted > budget:
            yield Caveat(
                ("onDemand",),
                f"{wanted} on-demand backups on a {day}; Azure allows {MAX_ON_DEMAND} a day and "
                f"{policy.on_demand.reserve} of them are kept for people, so {counted(wanted - budget, 'backup')} "
                "won't be started",
            )


def _per_day(on_demand: OnDemand) -> Counter[str]:
    """On-demand backups by the clock, for each weekday with one before a planned window."""
    regular = -(-DAY // minutes(on_demand.every)) if on_demand.every else 0
    planned = Counter(_start_day(window) for window in on_demand.before)
    return Counter({day: regular + number for day, number in planned.items()})


def _start_day(window: PlannedWindow) -> str:
    hour, minute = map(int, window.time.split(":"))
    start = _WEEKDAYS.index(window.day) * DAY + hour * 60 + minute - minutes(window.lead)
    return _WEEKDAYS[start // DAY % len(_WEEKDAYS)]


def _contents(policy: Policy) -> Iterator[Caveat]:
    contents = policy.contents
    if not contents.volume_snapshots:
        yield Caveat(("contents", "volumeSnapshots"), "no data of volumes is backed up, only Kubernetes resources")
    if contents.volume_types and "AzureDisk" not in contents.volume_types:
        yield Caveat(("contents", "volumeTypes"), "Azure disks aren't named, so they aren't backed up")


def _vault_tier(policy: Policy, profile: VaultProfile) -> Iterator[Caveat]:
    if policy.vault_tier is None:
        without = [("redundancy " + profile.redundancy, profile.redundancy != "LocallyRedundant")]
        without.append(("crossRegionRestore", profile.cross_region_restore))
        idle = [what for what, given in without if given]
        if idle and not policy.existing.vault:
            yield Caveat(
                ("vaultProfile",),
                f"{listed(idle)} of the profile is for copies in the vault, and without vaultTier there are none",
            )
        return
    yield Caveat(
        ("vaultTier",),
        "one scheduled copy a day goes to the vault: up to 24 hours old there"
        + (", about 36 hours in the paired region" if profile.cross_region_restore else ""),
    )
    if policy.contents.volume_snapshots:
        yield Caveat(
            ("vaultTier",),
            "disks over 1 TB are left out of the copy without a word, and so is what is above 100 disks; "
            "a disk needs public network access",
        )
    yield Caveat(
        ("vaultTier",),
        f"not available in {listed(REGIONS_WITHOUT_VAULT_TIER)} (DppUserErrorVaultTierPolicyNotSupported)",
    )
