"""The check of where a restore from the vault stages. Source: "Restore AKS using Azure Backup", vault tier."""

from __future__ import annotations

from shared.arm.ids import name_of, subscription_of
from shared.errors import ArmError
from shared.onboarding.cluster import Cluster
from shared.readiness.checks.finding import Finding, az, failed, passed, unread
from shared.readiness.facts import Account, Facts, Graph, Side, absent


def staging(facts: Facts) -> Finding:
    """A restore from the vault stages in a group and an account beside the target, open to Microsoft's own tenant."""
    if facts.staging is None:
        message = "a restore from the vault needs a staging resource group and a staging storage account"
        return failed("StagingMissing", message, "name both: stagingGroup and stagingAccount")
    found, group = facts.staging.account, facts.ask.staging_group or ""
    wanted = facts.ask.staging_account or ""
    for fact, what in ((facts.staging.group_grants, group), (found, wanted)):
        if absent(fact):
            return failed("StagingMissing", f"{name_of(what)} doesn't exist", "name another one, or make it", id=what)
    if isinstance(found, ArmError):
        return unread("the staging account", found, accountId=wanted)
    return _usable(facts, found, group)


def _usable(facts: Facts, found: Account, group: str) -> Finding:
    target, graph = facts.restored_to, facts.graph
    for fact in (target.cluster, graph):
        if isinstance(fact, ArmError):
            return unread("the regions of target and staging group", fact)
    evidence = {"accountId": found.id, "groupId": group}
    if _places(facts, found, group) != {_home(target)}:
        message = "staging group and account must be in the target's region and subscription"
        return failed("StagingElsewhere", message, "name others", **evidence)
    if not (found.public and found.default_allow and found.crosses_tenants):
        public = ("--public-network-access", "Enabled", "--default-action", "Allow")
        crossing = ("--allow-cross-tenant-replication", "true")
        fix = az("storage", "account", "update", "--ids", found.id, *public, *crossing)
        message = f"staging account {name_of(found.id)} lacks public access or cross-tenant replication"
        return failed("StagingClosed", message, fix, **evidence)
    return passed("StagingThere", f"it stages in {name_of(found.id)}", **evidence)


def _home(target: Side) -> tuple[str, str]:
    return target.id.subscription, target.cluster.location if isinstance(target.cluster, Cluster) else ""


def _places(facts: Facts, found: Account, group: str) -> set[tuple[str, str]]:
    """Subscription and region of account and group."""
    locations = facts.graph.locations if isinstance(facts.graph, Graph) else {}
    return {
        (subscription_of(found.id), found.location),
        (subscription_of(group), locations.get(group.casefold(), "")),
    }
