"""The closed list of what the tests break, each with the checks that turn, and the way back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.onboarding.names import role_assignment
from shared.onboarding.steps.roles import ROLES
from shared.readiness.restore_tests import Outcome, RestoreTest
from tests.shared.readiness.protected import (
    BARE,
    BLOB_CONTRIBUTOR,
    CLUSTER,
    CONTRIBUTOR,
    NODE_GROUP,
    READER,
    TARGET,
    principal_of,
)

if TYPE_CHECKING:
    from tests.shared.readiness.protected import Protected

EXTENSION = "providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
LOCK = "providers/Microsoft.Authorization/locks/keep"
NOTHING = "/nothing"
"""Id of what another breakage has taken away."""

type Undo = Callable[[], None]
type Find = Callable[[Protected], str]
type Break = Callable[[Protected], Undo]


@dataclass(frozen=True, slots=True)
class Breakage:
    """One thing that goes wrong.

    Attributes:
        do: breaks it in the simulated Azure, and returns what repairs it.
        turns: check -> reason, for a restore to the source.
    """

    do: Break
    turns: dict[str, str]


def change(find: Find, alter: Callable[[Any], None]) -> Break:
    """Change a resource's JSON where it lies; the way back puts the old one. What isn't there can't be changed."""

    def do(world: Protected) -> Undo:
        resource = world.azure.cloud.store.get(find(world))
        if resource is None:
            return _nothing
        before = copy.deepcopy(resource.body)
        alter(resource.body)
        world.azure.cloud.store.touch(resource.id)

        def undo() -> None:
            resource.body.clear()
            resource.body.update(before)
            world.azure.cloud.store.touch(resource.id)

        return undo

    return do


def take_away(find: Find, *, alone: bool = False) -> Break:
    """Remove a resource, with everything below it; the way back puts all of it."""

    def do(world: Protected) -> Undo:
        cloud, root = world.azure.cloud, find(world)
        gone = [item for item in cloud.store.within(root) if not alone or item.id.casefold() == root.casefold()]
        for item in gone:
            cloud.store.drop(item)

        def undo() -> None:
            for item in gone:
                cloud.store.put(item)

        return undo

    return do


def _nothing() -> None:
    """Nothing to repair."""


def put(find: Callable[[Protected], tuple[str, dict[str, Any]]]) -> Break:
    """Put a resource; the way back removes it."""

    def do(world: Protected) -> Undo:
        resource_id, body = find(world)
        world.azure.cloud.seed(resource_id, body)
        return lambda: world.azure.cloud.store.drop(world.azure.cloud.store.get(resource_id))  # type: ignore[arg-type]

    return do


def properties(**changed: Any) -> Callable[[Any], None]:
    """Set properties."""
    return lambda body: body["properties"].update(changed)


def newest_point(world: Protected) -> str:
    """Id of the newest recovery point, if there is one."""
    points = world.azure.cloud.store.children(world.desired.instance, f"{_BACKUP}/backupInstances/recoveryPoints")
    return max(points, key=lambda point: str(point.properties["recoveryPointTime"])).id if points else NOTHING


_BACKUP = "Microsoft.DataProtection/backupVaults"


def grant_of(number: int) -> Find:
    """Id of one of the role assignments that protection takes, in the order of the onboarding's table."""

    def find(world: Protected) -> str:
        role, desired = ROLES[number], world.desired
        scope = {None: CLUSTER, "backup-group": desired.group, "storage-account": desired.account}[role.on]
        grantee = {None: CLUSTER, "extension": f"{CLUSTER}/{EXTENSION}", "vault": desired.vault}[role.grantee]
        return role_assignment(scope, principal_of(grantee), role.id)

    return find


def job(
    category: str, status: str, number: int, *, minutes_ago: int = 5
) -> Callable[[Protected], tuple[str, dict[str, Any]]]:
    """A job of the cluster that began so many minutes ago; `number` makes it another one."""

    def find(world: Protected) -> tuple[str, dict[str, Any]]:
        start = world.azure.cloud.clock.now() - timedelta(minutes=minutes_ago)
        body = {
            "backupInstanceId": world.desired.instance,
            "dataSourceId": CLUSTER,
            "dataSourceType": "Microsoft.ContainerService/managedClusters",
            "operation": category,
            "operationCategory": category,
            "status": status,
            "isUserTriggered": True,
            "startTime": f"{start:%Y-%m-%dT%H:%M:%S}.0000000Z",
            "endTime": f"{start + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}.0000000Z",
            "errorDetails": None,
            "extendedInfo": None,
        }
        name = f"00000000-0000-4000-8000-0000000000{number:02}"
        return f"{world.desired.vault}/backupJobs/{name}", {"properties": body}

    return find


def several(*parts: Break) -> Break:
    """Several at once."""

    def do(world: Protected) -> Undo:
        undos = [part(world) for part in parts]

        def undo() -> None:
            for one in reversed(undos):
                one()

        return undo

    return do


def _cluster(_: Protected) -> str:
    return CLUSTER


def _account(world: Protected) -> str:
    return world.desired.account


def _container(world: Protected) -> str:
    return f"{world.desired.account}/blobServices/default/containers/{world.desired.container}"


def _group(world: Protected) -> str:
    return world.desired.group


def _extension(_: Protected) -> str:
    return f"{CLUSTER}/{EXTENSION}"


def _instance(world: Protected) -> str:
    return world.desired.instance


def _vault(world: Protected) -> str:
    return world.desired.vault


def _off(part: str) -> Callable[[Any], None]:
    return lambda body: body["properties"]["storageProfile"][part].update(enabled=False)


def _newest_snapshot(world: Protected) -> str:
    point = world.azure.cloud.store.get(newest_point(world))
    return str(point.notes["snapshots"][0]) if point is not None else NOTHING


def _expire(body: Any) -> None:
    for detail in body["properties"]["recoveryPointDataStoresDetails"]:
        detail["expiryTime"] = "2024-06-26T00:00:00.0000000Z"


def _points(world: Protected) -> list[Any]:
    """The recovery points, newest first."""
    found = world.azure.cloud.store.children(world.desired.instance, f"{_BACKUP}/backupInstances/recoveryPoints")
    return sorted(found, key=lambda point: str(point.properties["recoveryPointTime"]), reverse=True)


def _points_gone(first: int, end: int) -> Break:
    """Take points away, counted from the newest one on."""
    return lambda world: several(*(take_away(_always(point.id)) for point in _points(world)[first:end]))(world)


def _always(resource_id: str) -> Find:
    return lambda _: resource_id


def _no_copies(world: Protected) -> Undo:
    """Take every copy in the vault away."""

    def alter(body: Any) -> None:
        kept = [item for item in body["properties"]["recoveryPointDataStoresDetails"] if item["type"] != "VaultStore"]
        body["properties"]["recoveryPointDataStoresDetails"] = kept

    return several(*(change(_always(point.id), alter) for point in _points(world)))(world)


def _restore_failed(world: Protected) -> Undo:
    """Somebody recorded a restore that failed."""
    before, at = world.remembered, world.azure.cloud.clock.now().timestamp() - 3600
    failed = RestoreTest("t1", Outcome.FAILED, at, 600.0, "somebody")
    world.remembered = replace(before, tests=[failed])

    def undo() -> None:
        world.remembered = before

    return undo


BREAKAGES: dict[str, Breakage] = {
    "no backup for hours": Breakage(
        _points_gone(0, 2), {"recovery-point-age": "OlderThanTarget", "snapshots-there": "NotLookedAt"}
    ),
    "points missing": Breakage(_points_gone(1, 6), {"points-retained": "PointsMissing"}),
    "no points": Breakage(
        _points_gone(0, 99),
        {
            "recovery-point": "NoRecoveryPoint",
            "recovery-point-age": "NoRecoveryPoint",
            "points-retained": "PointsMissing",
            "vault-tier-copy": "CopyMissing",
            "snapshots-there": "NotAsked",
        },
    ),
    "no copies in the vault": Breakage(_no_copies, {"vault-tier-copy": "CopyMissing"}),
    "last restore failed": Breakage(_restore_failed, {"restore-tried": "LastRestoreFailed"}),
    "vault without identity": Breakage(
        change(_vault, lambda body: body.update(identity={})),
        {"vault-ready": "VaultNotReady"}
        | {
            f"role-vault-{what}": "NotAsked"
            for what in ("reads-cluster", "reads-snapshots", "takes-snapshots", "reads-disks", "reads-blobs")
        },
    ),
    "vault in another region": Breakage(
        change(_vault, lambda body: body.update(location="northeurope")), {"vault-ready": "VaultElsewhere"}
    ),
    "cluster stopped": Breakage(
        change(_cluster, properties(powerState={"code": "Stopped"})), {"cluster-running": "ClusterStopped"}
    ),
    "protection stopped": Breakage(
        change(_instance, properties(currentProtectionState="ProtectionStopped")),
        {"instance-protected": "ProtectionStopped"},
    ),
    "protection broken": Breakage(
        change(_instance, properties(currentProtectionState="ConfiguringProtectionFailed")),
        {"instance-protected": "ConfiguringProtectionFailed"},
    ),
    "tag changed": Breakage(
        change(_cluster, lambda body: body.update(tags={"aks-backup": "bronze"})), {"policy-as-tagged": "PolicyDiffers"}
    ),
    "newest point expired": Breakage(change(newest_point, _expire), {"recovery-point": "PointExpired"}),
    "snapshot deleted": Breakage(take_away(_newest_snapshot), {"snapshots-there": "SnapshotMissing"}),
    "newest backup failed": Breakage(put(job("Backup", "Failed", 1)), {"recent-jobs": "BackupFailed"}),
    "extension removed": Breakage(
        take_away(_extension),
        {"extension-healthy": "ExtensionMissing", "role-extension-blobs": "NotAsked"},
    ),
    "extension failed": Breakage(
        change(_extension, properties(provisioningState="Failed")), {"extension-healthy": "ExtensionUnhealthy"}
    ),
    "extension by key": Breakage(
        several(
            change(
                _extension,
                lambda body: body["properties"]["configurationSettings"].update(
                    {"configuration.backupStorageLocation.config.useAAD": "false"}
                ),
            ),
            change(_account, properties(allowSharedKeyAccess=False)),
        ),
        {"extension-healthy": "ExtensionUsesKeys"},
    ),
    "extension's settings are no names": Breakage(
        change(
            _extension,
            lambda body: body["properties"]["configurationSettings"].update(
                {"configuration.backupStorageLocation.config.subscriptionId": "mine"}
            ),
        ),
        {"extension-healthy": "ExtensionUnconfigured"},
    ),
    "binding removed": Breakage(take_away(lambda world: world.desired.binding), {"trusted-access": "NotTrusted"}),
    "account deleted": Breakage(
        take_away(_account, alone=True),
        {
            "storage-account": "AccountMissing",
            "storage-network": "ResourceNotFound",
            "storage-container": "ContainerMissing",
            "role-extension-blobs": "ResourceNotFound",
            "role-vault-reads-blobs": "ResourceNotFound",
        },
    ),
    "container deleted": Breakage(take_away(_container), {"storage-container": "ContainerMissing"}),
    "account closed": Breakage(
        change(_account, properties(publicNetworkAccess="Disabled")), {"storage-network": "NoWayIn"}
    ),
    "account denies": Breakage(
        change(_account, properties(networkAcls={"defaultAction": "Deny", "bypass": "AzureServices"})),
        {"storage-network": "NoWayIn"},
    ),
    "group locked": Breakage(
        put(lambda world: (f"{world.desired.group}/{LOCK}", {"properties": {"level": "CanNotDelete"}})),
        {"snapshot-group-unlocked": "GroupLocked"},
    ),
    "subscription locked": Breakage(
        put(lambda _: (f"/subscriptions/{BARE}/{LOCK}", {"properties": {"level": "ReadOnly"}})),
        {"snapshot-group-unlocked": "GroupLocked", "vault-unlocked": "VaultLocked"},
    ),
    "vault locked": Breakage(
        put(lambda world: (f"{world.desired.vault}/{LOCK}", {"properties": {"level": "ReadOnly"}})),
        {"vault-unlocked": "VaultLocked"},
    ),
    "snapshot group moved": Breakage(
        change(_group, lambda body: body.update(location="northeurope")), {"snapshot-group": "GroupElsewhere"}
    ),
    "soft delete off": Breakage(
        change(
            _vault,
            lambda body: body["properties"]["securitySettings"]["softDeleteSettings"].update(state="Off"),
        ),
        {"vault-as-profile": "WeakerThanProfile"},
    ),
    "ten restores today": Breakage(
        several(*(put(job("Restore", "Completed", 10 + number)) for number in range(10))),
        {"restore-quota": "QuotaUsed"},
    ),
    "disk driver off": Breakage(change(_cluster, _off("diskCSIDriver")), {"csi-drivers": "DriversOff"}),
    "volume on an ultra disk": Breakage(
        put(lambda _: _disk("pvc-2", sku="UltraSSD_LRS")), {"volumes-supported": "VolumesLeftOut"}
    ),
    "volume too large": Breakage(put(lambda _: _disk("pvc-3", size=2048)), {"volumes-supported": "VolumesLeftOut"}),
    "cluster's role gone": Breakage(take_away(grant_of(0)), {"role-cluster-snapshots": "RoleMissing"}),
    "extension's role gone": Breakage(take_away(grant_of(1)), {"role-extension-blobs": "RoleMissing"}),
    "vault's role on the cluster gone": Breakage(take_away(grant_of(2)), {"role-vault-reads-cluster": "RoleMissing"}),
    "vault's role on the group gone": Breakage(
        several(take_away(grant_of(3))), {"role-vault-reads-snapshots": "RoleMissing"}
    ),
    "vault can't take snapshots": Breakage(take_away(grant_of(4)), {"role-vault-takes-snapshots": "RoleMissing"}),
    "vault can't read disks": Breakage(take_away(grant_of(5)), {"role-vault-reads-disks": "RoleMissing"}),
    "vault can't read blobs": Breakage(take_away(grant_of(6)), {"role-vault-reads-blobs": "RoleMissing"}),
}
"""Named, closed, and each turns exactly what stands beside it."""


def _disk(name: str, *, sku: str = "Premium_LRS", size: int = 64) -> tuple[str, dict[str, Any]]:
    """A volume's disk that no backup has seen yet."""
    tags = {"kubernetes.io-created-for-pvc-name": name, "kubernetes.io-created-for-pvc-namespace": "shop"}
    made = {"diskSizeGB": size, "timeCreated": "2024-06-28T13:55:00Z", "provisioningState": "Succeeded"}
    body = {"location": "westeurope", "sku": {"name": sku}, "tags": tags, "properties": made}
    return f"{NODE_GROUP}/providers/Microsoft.Compute/disks/{name}", body


def _target(_: Protected) -> str:
    return TARGET


def _of_target(role: str, holder: str, scope: Find) -> Find:
    return lambda world: role_assignment(scope(world), principal_of(holder), role)


TARGET_BREAKAGES: dict[str, Breakage] = {
    "target stopped": Breakage(
        change(_target, properties(powerState={"code": "Stopped"})), {"target-running": "ClusterStopped"}
    ),
    "target gone": Breakage(
        take_away(_target, alone=True),
        {
            "target-running": "ClusterMissing",
            "storage-network": "ResourceNotFound",
            "csi-drivers": "ResourceNotFound",
            "target-region": "ResourceNotFound",
            "target-versions": "ResourceNotFound",
            "target-extension-healthy": "ResourceNotFound",
            "target-trusted-access": "ParentResourceNotFound",
            "target-role-cluster-snapshots": "ResourceNotFound",
            "target-role-extension-blobs": "ResourceNotFound",
            "target-role-vault-reads-cluster": "ResourceNotFound",
        },
    ),
    "target in another region": Breakage(
        change(_target, lambda body: body.update(location="northeurope")), {"target-region": "OtherRegion"}
    ),
    "target of an older Kubernetes": Breakage(
        change(_target, properties(currentKubernetesVersion="1.29.9")), {"target-versions": "OlderKubernetes"}
    ),
    "target without snapshot controller": Breakage(
        change(_target, _off("snapshotController")), {"csi-drivers": "DriversOff"}
    ),
    "target without extension": Breakage(
        take_away(lambda _: f"{TARGET}/{EXTENSION}"),
        {"target-extension-healthy": "ExtensionMissing", "target-role-extension-blobs": "NotAsked"},
    ),
    "target without binding": Breakage(
        take_away(lambda world: world.desired.binding.replace(CLUSTER, TARGET)),
        {"target-trusted-access": "NotTrusted"},
    ),
    "target's role gone": Breakage(
        take_away(_of_target(CONTRIBUTOR, TARGET, _group)), {"target-role-cluster-snapshots": "RoleMissing"}
    ),
    "target extension's role gone": Breakage(
        take_away(_of_target(BLOB_CONTRIBUTOR, f"{TARGET}/{EXTENSION}", _account)),
        {"target-role-extension-blobs": "RoleMissing"},
    ),
    "vault's role on the target gone": Breakage(
        take_away(lambda world: role_assignment(TARGET, principal_of(world.desired.vault), READER)),
        {"target-role-vault-reads-cluster": "RoleMissing"},
    ),
    "source stopped": Breakage(
        change(_cluster, properties(powerState={"code": "Stopped"})), {"cluster-running": "ClusterStopped"}
    ),
    "source's extension removed": Breakage(
        take_away(_extension), {"extension-healthy": "ExtensionMissing", "role-extension-blobs": "NotAsked"}
    ),
}
"""The same for a restore to another cluster."""
