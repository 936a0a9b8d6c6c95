"""The trusted access roles that exist (aks_trusted_access_roles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.azure.errors import Json

# Source type, role, and its rules: verbs, API group and resources. Both casings of the vault type are Azure's own.
_ROLES: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Microsoft.Compute/virtualMachineScaleSets",
        "test-node-reader",
        (("list", "", "nodes"),),
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets",
        "test-pod-reader",
        (("list", "", "pods"),),
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets",
        "test-admin",
        (("*", "", "*"),),
    ),
    (
        "Microsoft.DataProtection/BackupVaults",
        "pvbackup",
        (
            ("list", "", "events"),
            ("get list", "", "namespaces"),
            ("get list", "apps", "deployments statefulsets replicasets daemonsets"),
            ("create get list patch update delete", "", "persistentvolumes persistentvolumeclaims"),
            ("get list", "storage.k8s.io", "csidrivers"),
            ("create get list patch update", "storage.k8s.io", "storageclasses volumeattachments"),
            (
                "create get list patch update delete",
                "snapshot.storage.k8s.io",
                "volumesnapshots volumesnapshotcontents volumesnapshotclasses",
            ),
        ),
    ),
    (
        "Microsoft.DataProtection/backupVaults",
        "backup-operator",
        (
            (
                "get list watch create update patch delete",
                "clusterbackup.dataprotection.microsoft.com",
                "backups validateforbackups restores validateforrestores deletebackups",
            ),
            ("get list", "", "configmaps"),
        ),
    ),
    (
        "Microsoft.MachineLearningServices/workspaces",
        "training",
        (("create get list patch update delete", "", "services services/proxy"),),
    ),
    (
        "Microsoft.MachineLearningServices/workspaces",
        "inferenceV2",
        (("create get list patch update delete", "", "services services/proxy"),),
    ),
    (
        "Microsoft.MachineLearningServices/workspaces",
        "inferenceV1",
        (
            ("get list watch create update patch delete", "", "persistentvolumes persistentvolumeclaims"),
            ("update patch", "", "persistentvolumeclaims/status"),
            ("get list watch create update patch", "", "events"),
            ("get list watch", "", "nodes endpoints"),
            ("get list watch", "storage.k8s.io", "storageclasses"),
            ("get list watch", "storage.k8s.io", "csinodes"),
            ("create get list patch update delete", "storage.k8s.io", "csidrivers"),
            ("get list watch create update patch", "coordination.k8s.io", "leases"),
            (
                "create get list patch update delete",
                "",
                "namespaces pods pods/log configmaps secrets services services/proxy serviceaccounts",
            ),
            (
                "create get list patch update delete",
                "apps",
                "deployments replicasets daemonsets deployments/scale deployments/status",
            ),
            ("create get list", "batch", "jobs"),
            ("create get list update patch", "rbac.authorization.k8s.io", "clusterroles clusterrolebindings"),
            ("watch", "", "pods configmaps services"),
            ("watch", "apps", "deployments deployments/scale"),
            ("get list patch update watch", "", "deployments deployments/scale"),
            ("get list watch", "apps", "pods configmaps endpoints nodes services"),
        ),
    ),
)

# Bound in a recording of westus2 (aks_create_trusted_access_rolebinding), but not in the recorded list of eastus.
_UNLISTED = (("Microsoft.MachineLearningServices/workspaces", "mlworkload"),)


def listed() -> list[Json]:
    """All roles as the service lists them."""
    return [
        {
            "sourceResourceType": source,
            "name": name,
            "rules": [
                {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
                for verbs, group, resources in rules
            ],
        }
        for source, name, rules in _ROLES
    ]


def exists(source_type: str, name: str) -> bool:
    """Whether a source type has a role; types are compared without case, as the list itself has two casings of one."""
    known = [*_UNLISTED, *((source, role) for source, role, _ in _ROLES)]
    return any(source.lower() == source_type.lower() and role == name for source, role in known)
