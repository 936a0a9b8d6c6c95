"""Checks of what may talk to what: extension, trusted access, role assignments."""

from __future__ import annotations

from shared.arm.ids import group_of, name_of, same_id, subscription_of
from shared.errors import ArmError
from shared.notify.events import iso
from shared.onboarding.desired import BACKUP_OPERATOR, EXTENSION_NAME, EXTENSION_TYPE
from shared.onboarding.names import binding as binding_id
from shared.onboarding.readings import Extension
from shared.onboarding.steps.extension import storage_of
from shared.readiness.answers import moment
from shared.readiness.checks.finding import (
    Finding,
    az,
    extension_command,
    failed,
    in_group,
    passed,
    unread,
    warned,
)
from shared.readiness.facts import Account, Facts, Side
from shared.readiness.needs import Need, by_groups, covers, direct, member_key

_BY_IDENTITY = "configuration.backupStorageLocation.config.useAAD"
_CHANGING = frozenset({"Creating", "Updating", "Deleting"})
_PROPAGATION = 600.0
"""Seconds for which a new role assignment may not count yet ("Troubleshoot Azure RBAC": up to 10 minutes)."""


def extension(facts: Facts) -> Finding:
    """The source's backup extension."""
    return _extension(facts, facts.source)


def target_extension(facts: Facts) -> Finding:
    """The target's backup extension."""
    return _extension(facts, facts.restored_to)


def _extension(facts: Facts, side: Side) -> Finding:
    """It is installed, has succeeded, has an identity and keeps its backups where this cluster's are."""
    found = side.extension
    if isinstance(found, ArmError):
        return unread("the cluster's extensions", found, clusterId=str(side.id))
    if found is None:
        message = f"cluster {side.id.name} has no backup extension"
        return failed("ExtensionMissing", message, _install(facts, side), clusterId=str(side.id))
    evidence = {"clusterId": str(side.id), "extension": found.name, "state": found.state}
    # a target's own backups may lie elsewhere; the source's lie where they lay when it was last protected
    account = facts.remembered.account if facts.remembered and side is facts.source else ""
    keyless = isinstance(facts.account, Account) and facts.account.keyless
    for wrong, reason, message in _faults(found, account, keyless=keyless):
        if wrong:
            return failed(reason, message, _mend(facts, side, found), **evidence)
    return passed("ExtensionHealthy", f"backup extension {found.name} is healthy", **evidence)


def _faults(found: Extension, account: str, *, keyless: bool) -> tuple[tuple[bool, str, str], ...]:
    why = f": {found.error.code}: {found.error.message}" if found.error else ""
    storage = storage_of(found.settings)
    by_key = str(found.settings.get(_BY_IDENTITY, "")).casefold() != "true"
    elsewhere = storage is not None and bool(account) and not same_id(storage.account_id, account)
    return (
        (found.state != "Succeeded", "ExtensionUnhealthy", f"the backup extension is {found.state}{why}"),
        (not found.principal_id, "ExtensionHasNoIdentity", "the backup extension has no identity"),
        (
            keyless and by_key,
            "ExtensionUsesKeys",
            "the backup extension wants the account's key, which the account doesn't allow",
        ),
        (storage is None, "ExtensionUnconfigured", "the backup extension's settings name no storage account"),
        (
            elsewhere,
            "ExtensionElsewhere",
            f"the backup extension keeps its backups in {storage and storage.account_id}",
        ),
    )


def _install(facts: Facts, side: Side) -> str:
    kind = ("--extension-type", EXTENSION_TYPE, "--scope", "cluster", "--release-train", "stable")
    return extension_command(side.id, "create", "--name", EXTENSION_NAME, *kind, *_stored(facts))


def _mend(facts: Facts, side: Side, found: Extension) -> str:
    """What an extension takes that is there already: `create` doesn't change one that failed."""
    if found.state in _CHANGING:
        return "ask again in some minutes"
    if found.state != "Succeeded" or not found.principal_id:
        delete = extension_command(side.id, "delete", "--name", found.name, "--yes")
        return f"{delete} && {_install(facts, side)}"
    return extension_command(side.id, "update", "--name", found.name, *_stored(facts), "--yes")


def _stored(facts: Facts) -> tuple[str, ...]:
    """The settings as `az k8s-extension` wants them for this extension; it knows them by these names only."""
    account = facts.places.account
    return (
        "--configuration-settings",
        f"blobContainer={facts.places.container or '<container>'}",
        f"storageAccount={name_of(account) or '<account>'}",
        f"storageAccountResourceGroup={group_of(account) if account else '<group>'}",
        f"storageAccountSubscriptionId={subscription_of(account) if account else '<subscription>'}",
        "useAAD=true",
    )


def trusted(facts: Facts) -> Finding:
    """The vault may talk to the source's API server."""
    return _trusted(facts, facts.source)


def target_trusted(facts: Facts) -> Finding:
    """The vault may talk to the target's API server."""
    return _trusted(facts, facts.restored_to)


def _trusted(facts: Facts, side: Side) -> Finding:
    vault = facts.places.vault
    if isinstance(side.bindings, ArmError):
        return unread("trusted access", side.bindings, clusterId=str(side.id))
    if not vault:
        return unread("the vault", ArmError("no backup instance names one", code="NotAsked"), clusterId=str(side.id))
    ours = [item for item in side.bindings if same_id(item.source, vault) and _operates(item.roles)]
    ready = next((item for item in ours if item.state == "Succeeded"), None)
    if ready is not None:
        return passed("Trusted", f"role binding {name_of(ready.id)} lets the vault in", bindingId=ready.id)
    name = name_of(ours[0].id) if ours else name_of(binding_id(side.id, vault))
    named = (*in_group(str(side.id)), "--cluster-name", side.id.name, "--name", name, "--roles", BACKUP_OPERATOR)
    if ours:  # `create` refuses a name that is taken
        fix = az("aks", "trustedaccess", "rolebinding", "update", *named)
        return failed("BindingNotReady", f"role binding {name} is {ours[0].state}", fix, bindingId=ours[0].id)
    message = f"no trusted access role binding lets the vault reach cluster {side.id.name}"
    fix = az("aks", "trustedaccess", "rolebinding", "create", *named, "--source-resource-id", vault)
    return failed("NotTrusted", message, fix, clusterId=str(side.id), vaultId=vault)


def _operates(roles: tuple[str, ...]) -> bool:
    return BACKUP_OPERATOR.casefold() in {role.casefold() for role in roles}


def role(facts: Facts, need: Need) -> Finding:
    """One role assignment: direct or by way of a group, on the scope or above it, this role or a stronger one."""
    evidence: dict[str, object] = {"scope": need.scope, "role": need.role.name}
    if isinstance(need.principal, ArmError) or not need.principal:
        error = need.principal if isinstance(need.principal, ArmError) else ArmError("it has none", code="NotAsked")
        return unread(f"the identity of {need.who}", error, **evidence)
    evidence["principalId"] = need.principal
    if isinstance(need.grants, ArmError):
        scope = name_of(need.scope) or "a scope that isn't known"
        return unread(f"role assignments on {scope}", need.grants, **evidence)
    granted = direct(need)
    if granted:
        return _propagated(facts, need, [moment(grant.created) for grant in granted], evidence)
    if by_groups(need):
        memberships = facts.memberships.get(member_key(need), ArmError("its groups weren't asked for", code="NotAsked"))
        if isinstance(memberships, ArmError):
            return unread(f"the groups of {need.who}", memberships, **evidence)
        if any(need.role.met_by(grant.role_id) and covers(grant, need.scope) for grant in memberships):
            return passed("HeldByGroup", f"{need.who} holds {need.role.name} by way of a group", **evidence)
    message = f"{need.who} lacks {need.role.name} on {name_of(need.scope)}"
    return failed("RoleMissing", message, _grant(need), **evidence)


def _propagated(facts: Facts, need: Need, made: list[float], evidence: dict[str, object]) -> Finding:
    """A grant counts some minutes after it was made; a backup that needs it and was made since proves that it does."""
    points = () if isinstance(facts.points, ArmError) or not need.by_backups else facts.points.items
    newest = max((point.time for point in points), default=0.0)
    oldest = min(made)
    if facts.at - oldest >= _PROPAGATION or newest > oldest or not oldest:
        return passed("RoleHeld", f"{need.who} holds {need.role.name} on {name_of(need.scope)}", **evidence)
    message = f"{need.who} was given {need.role.name} at {iso(oldest)}; it may take ten minutes to count"
    return warned("RolePropagating", message, "ask again in ten minutes", **evidence)


def _grant(need: Need) -> str:
    to = ("--assignee-object-id", str(need.principal), "--assignee-principal-type", "ServicePrincipal")
    return az("role", "assignment", "create", *to, "--role", need.role.name, "--scope", need.scope)
