"""Which role assignments a restore stands on, as a table, and who holds them: pure.

Source: "Azure Kubernetes Service backup prerequisites" and "Restore Azure Kubernetes Service using Azure Backup".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.arm.ids import folded, same_id, subscription_of
from shared.errors import ArmError
from shared.onboarding.cluster import Cluster
from shared.onboarding.readings import Extension, Grant, Vault
from shared.readiness.ask import VAULT
from shared.readiness.facts import Fact, Facts, Side

OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
SNAPSHOTS = "7efff54f-a5b4-42b5-a1c5-5411624893ce"
DISK_DATA = "959f8984-c045-4866-89c7-12bf9737be2e"
ACCOUNTS = "17d1049b-9a84-46fb-8f53-869881c3d3ab"


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role, and the stronger ones that serve in its place."""

    name: str
    id: str
    stronger: tuple[str, ...] = ()

    def met_by(self, role_id: str) -> bool:
        """Whether a role serves."""
        return role_id.casefold() in (self.id, *self.stronger)


_READS = Role("Reader", READER, (CONTRIBUTOR, OWNER))
_MANAGES = Role("Contributor", CONTRIBUTOR, (OWNER,))
_WRITES_BLOBS = Role("Storage Blob Data Contributor", BLOB_CONTRIBUTOR, (BLOB_OWNER,))
_READS_BLOBS = Role("Storage Blob Data Reader", BLOB_READER, (BLOB_CONTRIBUTOR, BLOB_OWNER))
_TAKES_SNAPSHOTS = Role("Disk Snapshot Contributor", SNAPSHOTS, (CONTRIBUTOR, OWNER))
_READS_DISKS = Role("Data Operator for Managed Disks", DISK_DATA)
_OWNS_BLOBS = Role("Storage Blob Data Owner", BLOB_OWNER)
_MANAGES_ACCOUNTS = Role("Storage Account Contributor", ACCOUNTS, (CONTRIBUTOR, OWNER))


@dataclass(frozen=True, slots=True)
class Need:
    """One role that an identity needs.

    Attributes:
        check: id of the check that looks for it.
        role: the role.
        who: words for the identity.
        principal: its id; an error or "" when it isn't known or there is none.
        scope: id of what the role is needed on.
        grants: role assignments at that scope and above.
    """

    check: str
    role: Role
    who: str
    principal: Fact[str]
    scope: str
    grants: Fact[Sequence[Grant]]

    @property
    def by_backups(self) -> bool:
        """Whether backups need it too, so that a recovery point proves that it counted then."""
        return self.check.startswith("role-")


def needs(facts: Facts) -> Iterator[Need]:
    """All roles that matter for this question."""
    vault, places = _vault_principal(facts), facts.places
    yield from _of_side(facts, facts.source, "role-")
    group, account = facts.group_grants, facts.account_grants
    yield Need("role-vault-reads-snapshots", _READS, "the vault", vault, places.group, group)
    if facts.used is not None and facts.used.vault_tier is not None:
        yield Need("role-vault-takes-snapshots", _TAKES_SNAPSHOTS, "the vault", vault, places.group, group)
        yield Need("role-vault-reads-disks", _READS_DISKS, "the vault", vault, places.group, group)
        yield Need("role-vault-reads-blobs", _READS_BLOBS, "the vault", vault, places.account, account)
    if facts.target is not None:
        yield from _of_side(facts, facts.target, "target-role-")
    if facts.staging is not None and facts.ask.tier == VAULT:
        where, at = facts.ask.staging_group or "", facts.ask.staging_account or ""
        yield Need("staging-role-group", _MANAGES, "the vault", vault, where, facts.staging.group_grants)
        grants = facts.staging.account_grants
        yield Need("staging-role-account", _MANAGES_ACCOUNTS, "the vault", vault, at, grants)
        yield Need("staging-role-blobs", _OWNS_BLOBS, "the vault", vault, at, grants)
        cluster, extension = _cluster_principal(facts.restored_to), _extension_principal(facts.restored_to)
        yield Need("staging-role-cluster", _MANAGES, "the cluster", cluster, where, facts.staging.group_grants)
        yield Need("staging-role-extension", _WRITES_BLOBS, "the extension", extension, at, grants)


def _of_side(facts: Facts, side: Side, prefix: str) -> Iterator[Need]:
    places, vault = facts.places, _vault_principal(facts)
    cluster, extension = _cluster_principal(side), _extension_principal(side)
    yield Need(f"{prefix}cluster-snapshots", _MANAGES, "the cluster", cluster, places.group, facts.group_grants)
    yield Need(
        f"{prefix}extension-blobs", _WRITES_BLOBS, "the extension", extension, places.account, facts.account_grants
    )
    yield Need(f"{prefix}vault-reads-cluster", _READS, "the vault", vault, str(side.id), side.grants)


def _vault_principal(facts: Facts) -> Fact[str]:
    return facts.vault.principal_id if isinstance(facts.vault, Vault) else facts.vault


def _cluster_principal(side: Side) -> Fact[str]:
    return side.cluster.principal_id or "" if isinstance(side.cluster, Cluster) else side.cluster


def _extension_principal(side: Side) -> Fact[str]:
    found = side.extension
    if isinstance(found, ArmError):
        return found
    return found.principal_id if isinstance(found, Extension) else ""


def covers(grant: Grant, scope: str) -> bool:
    """Whether an assignment lies at a scope or above it."""
    if not grant.scope:
        return False
    above = folded(grant.scope.rstrip("/"))
    below = folded(scope.rstrip("/"))
    return same_id(above, below) or below.startswith(f"{above}/")


def direct(need: Need) -> list[Grant]:
    """Assignments of sufficient roles to the identity itself."""
    if isinstance(need.grants, ArmError) or not isinstance(need.principal, str):
        return []
    return [
        grant
        for grant in need.grants
        if same_id(grant.principal_id, need.principal) and need.role.met_by(grant.role_id) and covers(grant, need.scope)
    ]


def by_groups(need: Need) -> list[Grant]:
    """Assignments of sufficient roles to groups, which the identity may be a member of."""
    if isinstance(need.grants, ArmError):
        return []
    return [
        grant
        for grant in need.grants
        if grant.principal_type.casefold() == "group" and need.role.met_by(grant.role_id) and covers(grant, need.scope)
    ]


def member_key(need: Need) -> tuple[str, str]:
    """By what an identity's own memberships are found: the scope's subscription, and its id."""
    return subscription_of(need.scope), str(need.principal)


def to_ask(facts: Facts) -> list[tuple[str, str]]:
    """Identities of which only their memberships can tell whether they hold a role, with the subscription."""
    asked: dict[tuple[str, str], None] = {}
    for need in needs(facts):
        if isinstance(need.principal, str) and need.principal and not direct(need) and by_groups(need):
            asked[member_key(need)] = None
    return list(asked)
