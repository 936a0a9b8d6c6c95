"""Resource groups: the vaults' (shared by a region) and the one with snapshots and storage account."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.arm.answers import Json
from shared.arm.ids import name_of
from shared.errors import ArmError
from shared.onboarding.desired import OWNER_TAG, Desired
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.readings import GROUPS_API, Vault
from shared.onboarding.step import Step
from shared.onboarding.world import World, owned

VAULT_GROUP = "vault-group"
BACKUP_GROUP = "backup-group"


class GroupStep(Step):
    """A resource group of ours. What is in it answers for it: only when that is missing is the group read itself."""

    def __init__(
        self,
        name: str,
        group_id: Callable[[Desired], str],
        content: Callable[[World], Awaitable[Vault | Json | ArmError]],
    ) -> None:
        self.name = name
        self._group_id = group_id
        self._content = content

    async def observe(self, world: World) -> Observation:
        """Met when its content is there, or when it is there and ours."""
        content = await self._content(world)
        if not isinstance(content, ArmError):
            return Met()
        if content.code == "ResourceGroupNotFound":
            return self._absent(world)
        group = await world.group(self._group_id(world.desired))
        if isinstance(group, ArmError):
            return self._absent(world)
        return self._judge(world, group)

    async def start(self, world: World) -> Observation:
        """Create it; synchronous."""
        tags = world.desired.owned if self.shared else world.desired.tags
        body: dict[str, Any] = {"location": world.cluster.location, "tags": tags}
        await world.door.put(self._group_id(world.desired), GROUPS_API, body)
        return Met()

    def _absent(self, world: World) -> Observation:
        return Absent(f"no resource group {name_of(self._group_id(world.desired))}")

    def _judge(self, world: World, group: Json) -> Observation:
        if owned(group.get("tags"), world.desired):
            return Met()
        message = f"resource group {group.get('name')} isn't tagged {OWNER_TAG}={world.desired.owner}"
        return Stuck("NameTaken", message, Who.OPERATOR)


class SharedGroupStep(GroupStep):
    """The vaults' group: one writer at a time."""

    shared = True


class GivenVaultGroupStep(SharedGroupStep):
    """The group of a vault that the catalog names: not ours, and none of our business."""

    async def observe(self, world: World) -> Observation:
        """The vault's own step says what is wrong with it."""
        del world
        return Met()


class RegionalGroupStep(GroupStep):
    """A region's snapshot group, made by the deployment and never by the app (isolation by region)."""

    def _absent(self, world: World) -> Observation:
        name, location = name_of(world.desired.group), world.cluster.location
        command = f"az group create --name {name} --location {location} --tags {OWNER_TAG}={world.desired.owner}"
        message = f"the region's snapshot group is missing; make it: {command}"
        return Stuck("SnapshotGroupMissing", message, Who.OPERATOR)


def vault_group(desired: Desired) -> Step:
    """The resource group of the region's vaults."""
    kind = GivenVaultGroupStep if desired.vault_given else SharedGroupStep
    return kind(VAULT_GROUP, lambda desired: desired.vault_group, lambda world: world.vault())


def backup_group(desired: Desired) -> Step:
    """The resource group with snapshots and storage account."""
    kind = RegionalGroupStep if desired.regional else GroupStep
    if desired.adopted or desired.account_given:  # the account stands elsewhere and says nothing about this group
        return kind(BACKUP_GROUP, lambda wanted: wanted.group, lambda world: world.group(world.desired.group))
    return kind(BACKUP_GROUP, lambda wanted: wanted.group, lambda world: world.account())
