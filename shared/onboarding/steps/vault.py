"""The backup vault of a region and vault profile, and the backup policy in it; both are shared by many clusters."""

from typing import Any

from shared.arm.door import DATA_PROTECTION_API
from shared.arm.ids import group_of, name_of
from shared.errors import ArmError
from shared.onboarding.desired import OWNER_TAG
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.step import Step
from shared.onboarding.steps.groups import VAULT_GROUP
from shared.onboarding.steps.providers import DATA_PROTECTION
from shared.onboarding.world import World, owned

VAULT = "vault"
POLICY = "policy"
RETIRED = "retired-policies"
INSTANCE = "backup-instance"


class VaultStep(Step):
    """The vault with its system-assigned identity (0.5 s, recorded)."""

    name = VAULT
    parents = (VAULT_GROUP,)
    needs = (DATA_PROTECTION,)
    shared = True
    usual = 1.0

    async def observe(self, world: World) -> Observation:
        """Met when it is provisioned and has an identity."""
        vault = await world.vault()
        if isinstance(vault, ArmError):
            return _missing_vault(world) if world.desired.vault_given else Absent("no vault")
        if not world.desired.vault_given and not owned(vault.tags, world.desired):
            message = f"vault {name_of(world.desired.vault)} isn't tagged {OWNER_TAG}={world.desired.owner}"
            return Stuck("NameTaken", message, Who.OPERATOR)
        if vault.state == "Failed" and not world.desired.vault_given:
            return Absent("its provisioning failed")
        return Met() if vault.state == "Succeeded" and vault.principal_id else self.under_way("CreatingVault")

    async def start(self, world: World) -> Observation:
        """Create it."""
        # not by the typed client: 2.2.0's begin_create_or_update refuses every API version before 2025-09-01
        # ("'x_ms_deleted_vault_id' is not available"), and the later ones refuse vaults without AlwaysOn
        body = world.desired.vault_body | {"tags": world.desired.owned}
        answer = await world.door.put(world.desired.vault, DATA_PROTECTION_API, body)
        return self.under_way("CreatingVault", retry_after=answer.operation.retry_after)


class PolicyStep(Step):
    """The backup policy; its name carries a hash of its content, so one that is there is as wanted."""

    name = POLICY
    parents = (VAULT,)
    shared = True

    async def observe(self, world: World) -> Observation:
        """A policy that an instance uses is there; otherwise it is read."""
        instance = await world.instance()
        if instance is not None and instance.policy_id.casefold() == world.desired.policy.casefold():
            return Met()  # a used policy can't be deleted (UserErrorDppPolicyObjectInUse) or edited
        if await world.policy() is None:
            return Met()
        if world.desired.policy_given:
            message = f"the catalog names backup policy {world.desired.policy}, which doesn't exist"
            return Stuck("PolicyMissing", message, Who.OPERATOR)
        return Absent("no such policy in the vault")

    async def start(self, world: World) -> Observation:
        """Create it; synchronous (policy PUT is no long-running operation)."""
        path, vault = world.desired.policy, world.desired.vault
        create = world.backup_client.backup_policies.create_or_update
        body: Any = world.desired.policy_body  # plain wire JSON; the signature names only the model and bytes
        await world.door.call(create(group_of(path), name_of(vault), name_of(path), body))
        return Met()


class RetiredPoliciesStep(Step):
    """Backup policies that this cluster's instance has left: the last one to leave deletes them."""

    name = RETIRED
    drifts = False
    needs = (INSTANCE,)
    shared = True

    async def observe(self, world: World) -> Observation:
        """Only a pass that moved an instance has anything to clear away."""
        return Absent(f"left {len(world.progress.retired)}") if world.progress.retired else Met()

    async def start(self, world: World) -> Observation:
        """Delete what the vault's own list of instances shows as unused; what is still used is left to its users."""
        used = await world.policies_in_use()
        vault = world.desired.vault
        delete = world.backup_client.backup_policies.delete
        for policy in world.progress.retired:
            if policy.casefold() not in used:
                await world.door.call(delete(group_of(vault), name_of(vault), name_of(policy)))
        world.progress.retired.clear()
        return Met()


def _missing_vault(world: World) -> Observation:
    message = f"the catalog names vault {world.desired.vault}, which doesn't exist"
    return Stuck("VaultMissing", message, Who.OPERATOR)
