"""Checks of the vault: that it is there, and as its profile in the catalog says."""

from __future__ import annotations

from shared.arm.ids import name_of
from shared.catalog.model import VaultProfile
from shared.errors import ArmError
from shared.onboarding.readings import Vault
from shared.readiness.checks.finding import Finding, az, failed, passed, unread, warned
from shared.readiness.facts import Facts, absent

UPDATE = ("dataprotection", "backup-vault", "update", "--ids")
"""The command that changes a vault, up to its id."""


def ready(facts: Facts) -> Finding:
    """The vault is there and has its identity."""
    found, wanted = facts.vault, facts.places.vault
    if absent(found):
        message = f"vault {name_of(wanted)} doesn't exist"
        return failed(
            "VaultMissing", message, "undelete the vault in the portal while it is soft-deleted", vaultId=wanted
        )
    if isinstance(found, ArmError):
        return unread("the vault", found, vaultId=wanted)
    if found.state not in ("Succeeded", "Updating") or not found.principal_id:
        message = f"vault {name_of(wanted)} is {found.state or 'in no known state'}"
        fix = az(*UPDATE, wanted, "--type", "SystemAssigned")
        return failed(
            "VaultNotReady",
            f"{message} and {'has' if found.principal_id else 'lacks'} an identity",
            fix,
            vaultId=wanted,
        )
    if found.location and facts.places.location and found.location != facts.places.location:
        message = f"vault {name_of(wanted)} is in {found.location}, the cluster in {facts.places.location}"
        return failed("VaultElsewhere", message, "protect the cluster with a vault in its region", vaultId=wanted)
    return passed("VaultReady", f"vault {name_of(wanted)} is ready", vaultId=wanted)


def unlocked(facts: Facts) -> Finding:
    """No read-only lock on the vault or above it stops the call that starts a restore (ScopeLocked)."""
    locks, wanted = facts.vault_locks, facts.places.vault
    if isinstance(locks, ArmError):
        return unread("the vault's locks", locks, vaultId=wanted)
    ids = [lock.id for lock in locks if lock.level.casefold() == "readonly"]
    if not ids:
        return passed("Unlocked", f"vault {name_of(wanted)} has no read-only locks", vaultId=wanted)
    message = f"vault {name_of(wanted)} is locked read-only: {', '.join(name_of(one) for one in ids)}"
    return failed("VaultLocked", message, az("lock", "delete", "--ids", *ids), vaultId=wanted, locks=ids)


def as_profile(facts: Facts) -> Finding:
    """Redundancy, soft delete and immutability are at least what the catalog's vault profile says."""
    found, wanted = facts.vault, facts.wanted
    if isinstance(found, ArmError):
        return unread("the vault's settings", found)
    if isinstance(wanted, ArmError):
        return unread("the vault profile", wanted)
    evidence = {
        "redundancy": found.redundancy,
        "softDelete": found.soft_delete,
        "softDeleteDays": found.soft_delete_days,
        "immutability": found.immutability,
        "crossRegionRestore": found.cross_region_restore,
    }
    if wanted.profile is None:
        return passed("NoProfile", "no vault profile of the catalog applies", **evidence)
    weaker = _weaker(found, wanted.profile)
    if not weaker:
        return passed("AsProfile", "the vault is as its profile says", **evidence)
    said = ", ".join(f"{what} is {has}, wanted {want}" for what, has, want, _ in weaker)
    options = [word for *_, option in weaker for word in option.split()]
    fix = az(*UPDATE, facts.places.vault, *options) if options else "move to a new vault"
    return warned("WeakerThanProfile", f"vault {name_of(facts.places.vault)}: {said}", fix, **evidence)


_SOFT = ("Off", "On", "AlwaysOn")
_IMMUTABLE = ("Disabled", "Unlocked", "Locked")


def _weaker(found: Vault, profile: VaultProfile) -> list[tuple[str, object, object, str]]:
    """What is weaker than wanted: its name, what it is, what it should be, the option that changes it ("": none)."""
    kept = found.soft_delete_days >= profile.soft_delete_days or profile.soft_delete == "Off"
    days = f"--retention-duration-in-days {profile.soft_delete_days}"
    crr = "--cross-region-restore-state Enabled"
    rows: tuple[tuple[bool, str, object, object, str], ...] = (
        (found.redundancy != profile.redundancy, "redundancy", found.redundancy, profile.redundancy, ""),
        (
            _below(_SOFT, found.soft_delete, profile.soft_delete),
            "soft delete",
            found.soft_delete,
            profile.soft_delete,
            f"--soft-delete-state {profile.soft_delete}",
        ),
        (not kept, "soft delete days", found.soft_delete_days, profile.soft_delete_days, days),
        (
            _below(_IMMUTABLE, found.immutability, profile.immutability),
            "immutability",
            found.immutability,
            profile.immutability,
            f"--immutability-state {profile.immutability}",
        ),
        (profile.cross_region_restore and not found.cross_region_restore, "cross-region restore", False, True, crr),
    )
    return [row[1:] for row in rows if row[0]]


def _below(order: tuple[str, ...], has: str, wanted: str) -> bool:
    return (order.index(has) if has in order else -1) < order.index(wanted)
