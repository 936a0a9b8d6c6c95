"""The role assignments, as a table. Source: "Azure Kubernetes Service backup prerequisites"."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import ArmError
from shared.onboarding import names
from shared.onboarding.desired import Desired
from shared.onboarding.outcomes import Absent, Met, Observation
from shared.onboarding.readings import ROLES_API, Vault
from shared.onboarding.step import Step
from shared.onboarding.steps.extension import EXTENSION, our_extension, same_storage
from shared.onboarding.steps.groups import BACKUP_GROUP
from shared.onboarding.steps.storage import ACCOUNT
from shared.onboarding.steps.vault import VAULT
from shared.onboarding.world import World


@dataclass(frozen=True, slots=True)
class Role:
    """Who gets which built-in role on what. `grantee` and `on` are steps; no grantee is the cluster's own identity."""

    name: str
    id: str
    grantee: str | None
    on: str | None
    vault_tier: bool = False


ROLES = (
    Role("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", None, BACKUP_GROUP),
    Role("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", EXTENSION, ACCOUNT),
    Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", VAULT, None),
    Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", VAULT, BACKUP_GROUP),
    Role("Disk Snapshot Contributor", "7efff54f-a5b4-42b5-a1c5-5411624893ce", VAULT, BACKUP_GROUP, vault_tier=True),
    Role(
        "Data Operator for Managed Disks", "959f8984-c045-4866-89c7-12bf9737be2e", VAULT, BACKUP_GROUP, vault_tier=True
    ),
    Role("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", VAULT, ACCOUNT, vault_tier=True),
)

_SCOPES: dict[str | None, Callable[[Desired], str]] = {
    None: lambda desired: str(desired.cluster.id),
    BACKUP_GROUP: lambda desired: desired.group,
    ACCOUNT: lambda desired: desired.account,
}


class RoleStep(Step):
    """One role assignment. Before there is an instance it is put unread: its name is computed, twice makes one."""

    proven = True

    def __init__(self, role: Role) -> None:
        self._role = role
        self.name = f"role/{role.name} on {role.on or 'cluster'}"
        self.parents = tuple(step for step in (role.grantee, role.on) if step)

    async def observe(self, world: World) -> Observation:
        """Look at the assignments at and above the scope: one made higher up serves as well."""
        if not world.settled and self.name not in world.progress.granted and await world.instance() is None:
            return Absent("not granted yet")
        principal = await self._principal(world)
        scope = _SCOPES[self._role.on](world.desired).casefold()
        try:
            grants = await world.grants(self._list_at(world))
        except ArmError as error:
            if error.status != 404:  # noqa: PLR2004  # HTTP: not found
                raise
            return Absent("what it is listed with isn't there")
        for grant in grants:
            above = f"{scope}/".startswith(f"{grant.scope.casefold().rstrip('/')}/")
            if above and grant.principal_id == principal and grant.role_id.casefold() == self._role.id:
                return Met()
        return Absent(f"{self._role.name} isn't granted")

    async def start(self, world: World) -> Observation:
        """Grant it; synchronous. With principalType Azure accepts an identity that isn't replicated yet."""
        scope = _SCOPES[self._role.on](world.desired)
        principal = await self._principal(world)
        if not principal:
            return Absent(f"{self._role.grantee or 'the cluster'} has no identity to grant {self._role.name} to")
        role_id = (
            f"/subscriptions/{world.cluster.id.subscription}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{self._role.id}"
        )
        assignment = {"roleDefinitionId": role_id, "principalId": principal, "principalType": "ServicePrincipal"}
        path = names.role_assignment(scope, principal, self._role.id)
        body = {"properties": assignment}
        new = await world.door.put_once(path, ROLES_API, body, exists="RoleAssignmentExists")
        world.progress.granted[self.name] = world.now() if new else 0.0
        return Met()

    async def _principal(self, world: World) -> str:
        """The grantee's principal id, read in this pass: never from the row."""
        if self._role.grantee is None:
            return await world.cluster_principal()
        if self._role.grantee == EXTENSION:
            extension = await our_extension(world)
            # what the row remembers of a foreign extension's storage isn't believed here: the extension itself says
            return extension.principal_id if extension and same_storage(extension, world) else ""
        vault = await world.vault()
        return vault.principal_id if isinstance(vault, Vault) else ""

    def _list_at(self, world: World) -> str:
        """Where to list: an account's list shows what is assigned on its resource group too."""
        if self._role.on is None:
            return str(world.cluster.id)
        inside = world.desired.account.casefold().startswith(f"{world.desired.group.casefold()}/")
        return world.desired.account if self._role.on == ACCOUNT or inside else world.desired.group


def steps(desired: Desired) -> tuple[RoleStep, ...]:
    """The roles that this cluster's protection takes: four, and three more for the vault tier."""
    return tuple(RoleStep(role) for role in ROLES if desired.vault_tier or not role.vault_tier)
