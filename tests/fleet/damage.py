"""What people do to protected clusters by hand, each as one function of the app's world and a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.fleet.app import App

EXTENSION: Final = "/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
_BINDINGS: Final = "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings"
_ROLES: Final = "Microsoft.Authorization/roleAssignments"
_ACCOUNTS: Final = "Microsoft.Storage/storageAccounts"
_GIVEN: Final = ("extensionType", "autoUpgradeMinorVersion", "releaseTrain", "scope", "configurationSettings")


def backup_group(app: App, cluster: str) -> str:
    """Id of the resource group with the cluster's account and snapshots."""
    stores = app.ours(cluster)[0].properties["policyInfo"]["policyParameters"]["dataStoreParametersList"]
    return str(stores[0]["resourceGroupId"])


async def extension_removed(app: App, cluster: str) -> None:
    """`az k8s-extension delete`."""
    await app.do("DELETE", cluster + EXTENSION)


async def extension_failed(app: App, cluster: str) -> None:
    """An upgrade of the extension went wrong."""
    extension = app.cloud.store.get(cluster + EXTENSION)
    assert extension is not None
    extension.properties["provisioningState"] = "Failed"


async def extension_reinstalled(app: App, cluster: str) -> None:
    """The same extension with a new identity."""
    extension = app.cloud.store.get(cluster + EXTENSION)
    assert extension is not None
    body = {"properties": {name: extension.properties[name] for name in _GIVEN}}
    await app.do("DELETE", cluster + EXTENSION)
    await app.do("PUT", cluster + EXTENSION, body)


async def binding_deleted(app: App, cluster: str) -> None:
    """The vault may not talk to the cluster any more."""
    for binding in app.resources(_BINDINGS, cluster):
        await app.do("DELETE", binding.id)


async def roles_deleted(app: App, cluster: str) -> None:
    """Every role assignment on the cluster and on its backup group."""
    group = backup_group(app, cluster)
    for scope in (cluster, group):
        for assignment in app.resources(_ROLES, scope):
            await app.do("DELETE", assignment.id, wait=1)
    app.step(900)


async def instance_deleted(app: App, cluster: str) -> None:
    """Deleted, and soft-deleted thereby."""
    await app.do("DELETE", app.ours(cluster)[0].id)


async def instance_purged(app: App, cluster: str) -> None:
    """Deleted for longer than soft delete keeps it."""
    await app.do("DELETE", app.ours(cluster)[0].id, wait=20 * 86400.0)


async def policy_changed(app: App, cluster: str) -> None:
    """The instance moved to another policy of the vault."""
    instance = app.ours(cluster)[0]
    vault = instance.id.rpartition("/backupInstances/")[0]
    policy = app.cloud.store.get(instance.properties["policyInfo"]["policyId"])
    assert policy is not None
    by_hand = f"{vault}/backupPolicies/by-hand"
    await app.do("PUT", by_hand, {"properties": policy.properties})
    _, body = await app.arm("GET", instance.id)
    body["properties"]["policyInfo"]["policyId"] = by_hand
    await app.do("PUT", instance.id, {"properties": body["properties"], "tags": body.get("tags")})


async def container_deleted(app: App, cluster: str) -> None:
    """The blob container, with what was in it."""
    for container in app.resources(f"{_ACCOUNTS}/blobServices/containers", backup_group(app, cluster)):
        await app.do("DELETE", container.id)


async def account_deleted(app: App, cluster: str) -> None:
    """The storage account."""
    for account in app.resources(_ACCOUNTS, backup_group(app, cluster)):
        await app.do("DELETE", account.id)


async def group_deleted(app: App, cluster: str) -> None:
    """The whole backup group: account, container, snapshots, role assignments."""
    await app.do("DELETE", backup_group(app, cluster))


async def protection_broken(app: App, cluster: str) -> None:
    """Azure says ProtectionError without a code that anybody knows."""
    properties: Any = app.ours(cluster)[0].properties
    properties["currentProtectionState"] = "ProtectionError"
    properties["protectionStatus"] = {"status": "ProtectionError"}


async def protection_stopped(app: App, cluster: str) -> None:
    """Somebody stopped it."""
    await app.do("POST", f"{app.ours(cluster)[0].id}/stopProtection", {})


async def backups_suspended(app: App, cluster: str) -> None:
    """Somebody suspended the schedule."""
    await app.do("POST", f"{app.ours(cluster)[0].id}/suspendBackups", {})
