"""The backup extension in the cluster; it brings its own managed identity."""

import re
from collections.abc import Mapping

from shared.arm.extension_faults import extension_fault
from shared.arm.failures import FailureClass, classify
from shared.arm.ids import ResourceId, group_id, name_of
from shared.errors import ArmError, InvalidResourceId
from shared.fleet.records import Storage
from shared.onboarding.desired import EXTENSION_NAME, EXTENSION_TYPE, extension_settings, limit_settings
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.readings import PROVIDER, RESOURCE_TYPE, Extension, Vault
from shared.onboarding.step import Step
from shared.onboarding.steps.providers import KUBERNETES_CONFIGURATION
from shared.onboarding.steps.storage import CONTAINER
from shared.onboarding.steps.vault import VAULT
from shared.onboarding.world import World

EXTENSION = "extension"

_SETTINGS = (
    # what is wanted, its names in the settings: as it goes on the wire, and as people type it
    ("account", "configuration.backupStorageLocation.config.storageAccount", "storageAccount"),
    ("group", "configuration.backupStorageLocation.config.resourceGroup", "storageAccountResourceGroup"),
    ("subscription", "configuration.backupStorageLocation.config.subscriptionId", "storageAccountSubscriptionId"),
    ("container", "configuration.backupStorageLocation.bucket", "blobContainer"),
)
_CONTAINER = re.compile(r"[a-z0-9$-]{1,63}", re.ASCII)  # names of containers, $root among them
_REINSTALLS = 3
_SLOW = 3600.0  # Azure's seconds between two tries of what the cluster's owner has to mend


def storage_of(settings: Mapping[str, str]) -> Storage | None:
    """Where an installed extension keeps its backups; None when its settings don't say.

    Whoever may install extensions writes the settings, and Azure looks at none of them: what is no name is none.
    """
    values = {what: settings.get(wire) or settings.get(short) for what, wire, short in _SETTINGS}
    if not all(values.values()):
        return None
    group = group_id(str(values["subscription"]).casefold(), str(values["group"]))
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{values['account']}"
    try:
        ResourceId.parse(account, "Microsoft.Storage/storageAccounts")
    except InvalidResourceId:
        return None
    container = str(values["container"])
    return Storage(account, container) if _CONTAINER.fullmatch(container) else None


async def our_extension(world: World) -> Extension | None:
    """The backup extension of the cluster, under any name: there can be only one of its type."""
    return next((item for item in await world.extensions() if item.type == EXTENSION_TYPE), None)


def same_storage(extension: Extension, world: World) -> bool:
    """Whether an extension keeps its backups where it is wanted."""
    storage = storage_of(extension.settings)
    return (
        storage is not None
        and name_of(storage.account_id).casefold() == name_of(world.desired.account).casefold()
        and storage.container == world.desired.container
    )


class ExtensionStep(Step):
    """The extension (381-412 s, recorded)."""

    name = EXTENSION
    needs: tuple[str, ...] = (KUBERNETES_CONFIGURATION, CONTAINER, VAULT)
    installs = True
    usual = 400.0

    def __init__(self, after: tuple[str, ...] = ()) -> None:
        """Install it after some more steps: those without which it doesn't reach its storage."""
        self.needs = (*ExtensionStep.needs, *after)

    async def observe(self, world: World) -> Observation:
        """Met when it succeeded and its identity is known."""
        extension = await our_extension(world)
        if extension is None:
            taken = next((item for item in await world.extensions() if item.name == EXTENSION_NAME), None)
            if taken:
                message = f"an extension of type {taken.type} is named {EXTENSION_NAME}"
                return Stuck("NameTaken", message, Who.CLUSTER_OWNER)
            return Absent("not installed")
        if not same_storage(extension, world):
            message = f"extension {extension.name} keeps its backups elsewhere: {storage_of(extension.settings)}"
            return Stuck("ForeignExtension", message, Who.CLUSTER_OWNER)
        if extension.state in ("Failed", "Canceled"):
            return self._failed(extension, world)
        if extension.state != "Succeeded" or not extension.principal_id:
            return self.under_way("InstallingExtension")
        return Met() if _limited(extension, world) else Absent("its limits differ from the settings'")

    async def start(self, world: World) -> Observation:
        """Install it."""
        cluster, vault = world.cluster.id, await world.vault()
        tenant = vault.tenant_id if isinstance(vault, Vault) else ""
        begin = world.door.kubernetes_configuration(cluster.subscription).extensions.begin_create
        body = {
            "properties": {
                "extensionType": EXTENSION_TYPE,
                "autoUpgradeMinorVersion": True,
                "releaseTrain": "stable",
                "scope": {"cluster": {"releaseNamespace": "dataprotection-microsoft"}},
                "configurationSettings": extension_settings(world.desired, tenant),
            }
        }
        operation = await world.door.start(
            begin, cluster.group, PROVIDER, RESOURCE_TYPE, cluster.name, EXTENSION_NAME, body
        )
        return self.under_way("InstallingExtension", retry_after=operation.retry_after)

    def _failed(self, extension: Extension, world: World) -> Observation:
        """Try again slowly what the cluster's owner has to mend, a few times what may pass by itself."""
        error = extension.error or ArmError("the extension failed without saying why", code="ExtensionFailed")
        fault = extension_fault(error)
        reason = fault.reason if fault else "ExtensionFailed"
        message = f"{error.code}: {error.message}" + (f"; {fault.advice}" if fault else "")
        owner = fault is not None or classify(error) is FailureClass.OWNER
        if world.desired.adopted:
            return Stuck(reason, message, Who.CLUSTER_OWNER)
        since = world.now() - world.progress.started.get(self.name, 0.0)
        tries = world.progress.attempts.get(self.name, 0)
        if (owner and since < _SLOW) or (not owner and tries >= _REINSTALLS and since < _SLOW):
            who = Who.CLUSTER_OWNER if owner else Who.OPERATOR
            return Stuck(reason, message, who)
        world.progress.attempts[self.name] = tries + 1
        return Absent(f"installing it failed: {error.code}")


def _limited(extension: Extension, world: World) -> bool:
    """Whether an extension of ours has the limits that the settings ask for; without any, its own are fine."""
    wanted = limit_settings(world.desired)
    return world.desired.adopted or all(extension.settings.get(name) == limit for name, limit in wanted.items())
