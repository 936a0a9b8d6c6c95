"""The storage account and the blob container that hold the backed-up resources of a cluster."""

from collections.abc import Mapping
from typing import Any

from shared.arm.answers import Json
from shared.arm.ids import name_of
from shared.errors import ArmError
from shared.onboarding.desired import OWNER_TAG
from shared.onboarding.network import as_wanted
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.readings import STORAGE_API
from shared.onboarding.step import Step
from shared.onboarding.steps.groups import BACKUP_GROUP
from shared.onboarding.steps.providers import STORAGE
from shared.onboarding.world import World, owned

ACCOUNT = "storage-account"
CONTAINER = "container"

_PROPERTIES: Mapping[str, Any] = {
    "minimumTlsVersion": "TLS1_2",
    "allowBlobPublicAccess": False,
    "allowSharedKeyAccess": False,
    "supportsHttpsTrafficOnly": True,
}


class AccountStep(Step):
    """The account: general purpose v2, in the cluster's region and subscription (2-18 s, recorded)."""

    name = ACCOUNT
    parents = (BACKUP_GROUP,)
    needs = (STORAGE,)
    usual = 10.0

    async def observe(self, world: World) -> Observation:
        """While its creation runs, the operation is asked; the account itself may not be readable yet."""
        creation = await world.operation(self.name)
        if creation is not None:
            if creation.running:
                return self.under_way("CreatingStorageAccount", retry_after=creation.retry_after)
            if creation.error:
                raise creation.error
            return Met()
        account = await world.account()
        if isinstance(account, ArmError):
            return self._absent(world)
        if world.desired.adopted or world.desired.account_given:
            return self._judge_adopted(world, str(account.get("location", "")))
        return self._judge(world, account)

    def _judge(self, world: World, account: Json) -> Observation:
        if not owned(account.get("tags"), world.desired):
            message = f"storage account {name_of(world.desired.account)} isn't tagged {OWNER_TAG}={world.desired.owner}"
            return Stuck("NameTaken", message, Who.OPERATOR)
        properties = account.get("properties") or {}
        if properties.get("provisioningState") != "Succeeded":
            return self.under_way("CreatingStorageAccount")
        return Met() if as_wanted(world.desired.network, properties) else Absent("its network rules differ")

    async def start(self, world: World) -> Observation:
        """Create it: 202 and a Location to ask, or at once when it is there."""
        body = {
            "location": world.cluster.location,
            "kind": "StorageV2",
            "sku": {"name": world.desired.account_sku},
            "tags": world.desired.tags,
            "properties": {**_PROPERTIES, **world.desired.network.rules},
        }
        answer = await world.door.put(world.desired.account, STORAGE_API, body)
        if not answer.operation.url:
            return Met()
        world.progress.operations[self.name] = answer.operation.url
        return self.under_way("CreatingStorageAccount", retry_after=answer.operation.retry_after)

    def _absent(self, world: World) -> Observation:
        name, group = name_of(world.desired.account), name_of(world.desired.group)
        if world.desired.adopted:
            message = f"the installed backup extension keeps its backups in {name}, which doesn't exist"
            return Stuck("ForeignExtension", message, Who.CLUSTER_OWNER)
        if world.desired.account_given:
            message = f"the catalog names storage account {world.desired.account}, which doesn't exist"
            return Stuck("StorageAccountMissing", message, Who.OPERATOR)
        if world.desired.regional:
            command = (
                f"az storage account create --name {name} --resource-group {group} --location "
                f"{world.cluster.location} --sku Standard_LRS --allow-blob-public-access false "
                f"--allow-shared-key-access false --tags {OWNER_TAG}={world.desired.owner}"
            )
            message = f"the region's storage account is missing; make it: {command}"
            return Stuck("StorageAccountMissing", message, Who.OPERATOR)
        return Absent("no storage account")

    def _judge_adopted(self, world: World, location: str) -> Observation:
        if location.replace(" ", "").casefold() == world.cluster.location:
            return Met()
        name = name_of(world.desired.account)
        if world.desired.account_given:
            message = f"storage account {name}, which the catalog names, is in {location}, not in the cluster's region"
            return Stuck("StorageAccountElsewhere", message, Who.OPERATOR)
        message = (
            f"the installed backup extension keeps its backups in {name} in {location}, not in the cluster's region"
        )
        return Stuck("ForeignExtension", message, Who.CLUSTER_OWNER)


class ContainerStep(Step):
    """The cluster's own container. Its PUT is idempotent and needs no GET while nothing is protected yet."""

    name = CONTAINER
    parents = (ACCOUNT,)

    async def observe(self, world: World) -> Observation:
        """Read it once it was made, or once an instance depends on it."""
        unmade = not (world.settled or world.desired.adopted or self.name in world.progress.started)
        if unmade and await world.instance() is None:
            return Absent("not made yet")
        if not isinstance(await world.container(), ArmError):
            return Met()
        if world.desired.adopted:
            message = f"the installed backup extension wants container {world.desired.container}, which doesn't exist"
            return Stuck("ForeignExtension", message, Who.CLUSTER_OWNER)
        return Absent("no container")

    async def start(self, world: World) -> Observation:
        """Create it; synchronous (201 new, 200 there)."""
        path = f"{world.desired.account}/blobServices/default/containers/{world.desired.container}"
        await world.door.put(path, STORAGE_API, {"properties": {"publicAccess": "None"}})
        return Met()
