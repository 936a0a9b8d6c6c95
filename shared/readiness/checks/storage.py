"""Checks of where backups are kept: account, container, network rules, snapshot group."""

from __future__ import annotations

from shared.arm.ids import name_of
from shared.errors import ArmError
from shared.onboarding.cluster import Cluster
from shared.readiness.checks.finding import Finding, az, failed, in_group, passed, unread, warned
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
        return failed("AccountNotReady", message, az("storage", "account", "show", "--ids", wanted), accountId=wanted)
    return passed("AccountThere", f"storage account {name_of(wanted)} is there", accountId=wanted)


def container(facts: Facts) -> Finding:
    """The blob container is there."""
    found, places = facts.container, facts.places
    evidence = {"accountId": places.account, "container": places.container}
    if absent(found):
        message = f"blob container {places.container} doesn't exist"
        return failed("ContainerMissing", message, _undelete(places.account, places.container), **evidence)
    if isinstance(found, ArmError):
        return unread("the blob container", found, **evidence)
    return passed("ContainerThere", f"blob container {places.container} is there", **evidence)


def _undelete(account: str, container: str) -> str:
    """Bring the newest of a container's deleted versions back, as long as the account keeps them."""
    there = ("--account-name", name_of(account), "--auth-mode", "login")
    query = ("--query", f"[?name=='{container}' && deleted].version | [-1]", "--output", "tsv")
    newest = az("storage", "container", "list", *there, "--include-deleted", *query)
    return f'{az("storage", "container", "restore", *there, "--name", container)} --deleted-version "$({newest})"'


def network(facts: Facts) -> Finding:
    """The pods of the backup extension get through the account's network rules.

    Address rules don't count for callers in the account's own region ("Configure Azure Storage firewalls"), which the
    cluster always is.
    """
    found, cluster = facts.account, facts.restored_to.cluster
    if isinstance(found, ArmError) or isinstance(cluster, ArmError):
        error = found if isinstance(found, ArmError) else cluster
        return unread("the network rules", error if isinstance(error, ArmError) else ArmError(""))
    evidence = {
        "accountId": found.id,
        "publicNetworkAccess": found.public,
        "defaultAllow": found.default_allow,
        "privateEndpoints": list(found.endpoints),
        "subnets": list(found.subnets),
        "privateCluster": cluster.private,
    }
    if found.public and found.default_allow:
        return passed("Open", "the account's network rules let everybody try", **evidence)
    if not found.endpoints and not (found.public and _by_subnets(found, cluster)):
        message = (
            f"storage account {name_of(found.id)} is closed, and no subnet rule or private endpoint lets the nodes in"
        )
        return failed("NoWayIn", message, _endpoint(found, cluster), **evidence)
    if "azureservices" not in found.bypass.replace(" ", "").casefold():
        fix = az("storage", "account", "update", "--ids", found.id, "--bypass", "AzureServices")
        return warned("ServiceShutOut", "the account's rules shut Azure's trusted services out", fix, **evidence)
    return passed("LetIn", "the account's network rules let the nodes in", **evidence)


def _by_subnets(account: Account, cluster: Cluster) -> bool:
    allowed = {subnet.casefold() for subnet in account.subnets}
    return bool(cluster.node_pools) and all(pool.subnet.casefold() in allowed for pool in cluster.node_pools)


def _endpoint(found: Account, cluster: Cluster) -> str:
    named = (*in_group(found.id), "--name", f"{name_of(found.id)}-blob", "--location", cluster.location)
    behind = ("--private-connection-resource-id", found.id, "--group-id", "blob", "--connection-name", "blob")
    subnet = next((pool.subnet for pool in cluster.node_pools if pool.subnet), "<id of the nodes' subnet>")
    return az("network", "private-endpoint", "create", *named, *behind, "--subnet", subnet)


def group(facts: Facts) -> Finding:
    """The snapshot group is there, in the cluster's region."""
    wanted, graph = facts.places.group, facts.graph
    if absent(facts.group_grants):
        message = f"snapshot resource group {name_of(wanted)} doesn't exist"
        fix = az("group", "create", *in_group(wanted), "--location", facts.places.location)
        return failed("GroupMissing", f"{message}; the snapshots in it are gone", fix, groupId=wanted)
    if isinstance(facts.group_grants, ArmError):
        return unread("the snapshot group", facts.group_grants, groupId=wanted)
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
    return failed("GroupLocked", message, az("lock", "delete", "--ids", *ids), groupId=wanted, locks=ids)
