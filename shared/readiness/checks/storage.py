"""Checks of where backups are kept: account, container, network rules, snapshot group, vault."""

from __future__ import annotations

from shared.arm.ids import group_of, name_of
from shared.catalog.model import VaultProfile
from shared.errors import ArmError
from shared.onboarding.cluster import Cluster
from shared.onboarding.readings import Vault
from shared.readiness.checks.finding import Finding, failed, passed, unread, warned
from shared.readiness.facts import Account, Facts, absent


def account(facts: Facts) -> Finding:
    """The storage account is there."""
    found, wanted = facts.account, facts.places.account
    if absent(found):
        message = f"storage account {name_of(wanted)} doesn't exist; what the backups say of resources is gone"
        return failed("AccountMissing", message, "restore a deleted storage account in the portal", accountId=wanted)
    if isinstance(found, ArmError):
        return unread("the storage account", found, accountId=wanted)
    if found.state != "Succeeded":
        message = f"storage account {name_of(wanted)} is {found.state}"
        return failed("AccountNotReady", message, f"az storage account show --ids {wanted}", accountId=wanted)
    return passed("AccountThere", f"storage account {name_of(wanted)} is there", accountId=wanted)


def container(facts: Facts) -> Finding:
    """The blob container is there."""
    found, places = facts.container, facts.places
    evidence = {"accountId": places.account, "container": places.container}
    if absent(found):
        fix = f"az storage container-rm restore --storage-account {places.account} --name {places.container}"
        return failed("ContainerMissing", f"blob container {places.container} doesn't exist", fix, **evidence)
    if isinstance(found, ArmError):
        return unread("the blob container", found, **evidence)
    return passed("ContainerThere", f"blob container {places.container} is there", **evidence)


def network(facts: Facts) -> Finding:
    """Cluster and vault get through the account's network rules."""
    found = facts.account
    if isinstance(found, ArmError):
        return unread("the account's network rules", found, accountId=facts.places.account)
    evidence = {
        "accountId": found.id,
        "publicNetworkAccess": found.public,
        "defaultAllow": found.default_allow,
        "privateEndpoints": list(found.endpoints),
        "subnets": list(found.subnets),
    }
    if found.public and found.default_allow:
        return passed("Open", "the account's network rules let everybody try", **evidence)
    private = isinstance(facts.restored_to.cluster, Cluster) and facts.restored_to.cluster.private
    ways = found.endpoints or (found.public and not private and (found.subnets or found.ip_rules))
    if not ways:
        what = "a private cluster needs a private endpoint" if private else "no rule or endpoint lets the cluster in"
        message = f"storage account {name_of(found.id)} is closed and {what}"
        return failed("NoWayIn", message, _endpoint(found), **evidence)
    if "azureservices" not in found.bypass.replace(" ", "").casefold():
        fix = f"az storage account update --ids {found.id} --bypass AzureServices"
        return failed("ServiceShutOut", "the account's rules shut Azure Backup out", fix, **evidence)
    return passed("LetIn", "the account's network rules name ways in", **evidence)


def _endpoint(found: Account) -> str:
    return (
        f"az network private-endpoint create --name {name_of(found.id)}-blob --resource-group {group_of(found.id)} "
        f"--private-connection-resource-id {found.id} --group-id blob --connection-name blob --subnet <subnet id>"
    )


def group(facts: Facts) -> Finding:
    """The snapshot group is there, in the cluster's region."""
    wanted, graph = facts.places.group, facts.graph
    if absent(facts.locks):
        message = f"snapshot resource group {name_of(wanted)} doesn't exist"
        fix = f"az group create --name {name_of(wanted)} --location {facts.places.location}"
        return failed("GroupMissing", f"{message}; the snapshots in it are gone", fix, groupId=wanted)
    if isinstance(facts.locks, ArmError):
        return unread("the snapshot group", facts.locks, groupId=wanted)
    region = "" if isinstance(graph, ArmError) else graph.locations.get(wanted.casefold(), "")
    if region and facts.places.location and region != facts.places.location:
        message = f"snapshot group {name_of(wanted)} is in {region}, the cluster in {facts.places.location}"
        return failed("GroupElsewhere", message, "use a snapshot group in the cluster's region", groupId=wanted)
    return passed("GroupThere", f"snapshot group {name_of(wanted)} is there", groupId=wanted)


def unlocked(facts: Facts) -> Finding:
    """No lock keeps Azure Backup from making and removing snapshots (UserErrorSnapshotResourceGroupHasLocks)."""
    locks, wanted = facts.locks, facts.places.group
    if isinstance(locks, ArmError):
        return unread("the snapshot group's locks", locks, groupId=wanted)
    if not locks:
        return passed("Unlocked", f"snapshot group {name_of(wanted)} has no locks", groupId=wanted)
    ids = [lock.id for lock in locks]
    names = ", ".join(f"{name_of(lock.id)} ({lock.level})" for lock in locks)
    message = f"snapshot group {name_of(wanted)} is locked: {names}"
    return failed("GroupLocked", message, f"az lock delete --ids {' '.join(ids)}", groupId=wanted, locks=ids)


def vault(facts: Facts) -> Finding:
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
        fix = f"az dataprotection backup-vault update --ids {wanted} --type SystemAssigned"
        return failed(
            "VaultNotReady",
            f"{message} and {'has' if found.principal_id else 'lacks'} an identity",
            fix,
            vaultId=wanted,
        )
    return passed("VaultReady", f"vault {name_of(wanted)} is ready", vaultId=wanted)


def vault_profile(facts: Facts) -> Finding:
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
    options = " ".join(option for *_, option in weaker if option)
    fix = (
        f"az dataprotection backup-vault update --ids {facts.places.vault} {options}"
        if options
        else "move to a new vault"
    )
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


def staging(facts: Facts) -> Finding:
    """A restore from the vault stages in a group and an account that are open to it."""
    if facts.staging is None:
        message = "a restore from the vault needs a staging resource group and a staging storage account"
        return failed("StagingMissing", message, "name both: stagingGroup and stagingAccount")
    found, wanted = facts.staging.account, facts.ask.staging_account or ""
    if absent(found):
        return failed(
            "StagingMissing", f"staging account {name_of(wanted)} doesn't exist", "name another", accountId=wanted
        )
    if isinstance(found, ArmError):
        return unread("the staging account", found, accountId=wanted)
    if not (found.public and found.default_allow):
        fix = f"az storage account update --ids {wanted} --public-network-access Enabled --default-action Allow"
        return failed("StagingClosed", f"staging account {name_of(wanted)} has no public access", fix, accountId=wanted)
    return passed("StagingThere", f"it stages in {name_of(wanted)}", accountId=wanted)
