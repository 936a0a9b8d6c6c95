"""Deterministic names: computed from the cluster's id and the deployment's id, so that a repeat finds what it made.

Lengths and alphabets follow "Naming rules and restrictions for Azure resources". Readable parts are cut, the hash at
the end keeps apart what the cut made equal.
"""

import re
from base64 import b32encode
from hashlib import sha256
from uuid import UUID, uuid5

from shared.arm.ids import ClusterId, group_id

_ROLE_NAMESPACE = UUID("5e2a7c0e-6a43-5b0e-9d1c-3b7f3f0c9a51")  # ours; role assignment names are UUIDs


def _digest(*parts: str, length: int) -> str:
    """Lower-case letters and digits, 5 bits each."""
    raw = sha256("|".join(parts).casefold().encode()).digest()
    return b32encode(raw).decode().lower()[:length]


def _readable(text: str, length: int) -> str:
    """The letters, digits and single hyphens of a name, cut."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold())[:length].strip("-")


def vault_group(subscription: str, location: str, deployment: str) -> str:
    """Id of the resource group of a region's vaults."""
    return group_id(subscription, f"rg-aks-backup-vaults-{deployment}-{location}")


def vault(subscription: str, location: str, profile: str, deployment: str) -> str:
    """Id of the vault of a region and vault profile (name: 2-50 letters, digits and hyphens)."""
    digest = _digest(subscription, location, profile, deployment, length=8)
    name = f"bv-{_readable(profile, 14)}-{_readable(location, 20)}-{digest}"
    parent = vault_group(subscription, location, deployment)
    return f"{parent}/providers/Microsoft.DataProtection/backupVaults/{name}"


def backup_group(cluster: ClusterId, deployment: str) -> str:
    """Id of the resource group with the snapshots and the storage account of one cluster."""
    digest = _digest(str(cluster), deployment, length=10)
    return group_id(cluster.subscription, f"rg-aks-backup-{_readable(cluster.name, 50)}-{digest}")


def regional_group(subscription: str, location: str, deployment: str) -> str:
    """Id of the resource group with the snapshots and the storage account of a region (isolation by region)."""
    return group_id(subscription, f"rg-aks-backup-snapshots-{deployment}-{location}")


def storage_account(group: str, deployment: str) -> str:
    """Id of the storage account in a backup group (name: 3-24 lower-case letters and digits, unique in the world)."""
    return f"{group}/providers/Microsoft.Storage/storageAccounts/akbk{_digest(group, deployment, length=20)}"


def container(cluster: ClusterId) -> str:
    """Name of the blob container of one cluster (3-63 lower-case letters, digits and single hyphens)."""
    return f"{_readable(cluster.name, 45)}-{_digest(str(cluster), length=12)}"


def binding(cluster: ClusterId, vault_id: str) -> str:
    """Id of the trusted access role binding (name: at most 24 characters)."""
    name = f"backup-{_digest(vault_id, length=16)}"
    return f"{cluster}/trustedAccessRoleBindings/{name}"


def instance(cluster: ClusterId, vault_id: str) -> str:
    """Id of the backup instance."""
    return f"{vault_id}/backupInstances/{_readable(cluster.name, 45)}-{_digest(str(cluster), length=12)}"


def role_assignment(scope: str, principal: str, role: str) -> str:
    """Id of a role assignment: the same grant always has the same name, so granting twice makes one."""
    name = uuid5(_ROLE_NAMESPACE, f"{scope}|{principal}|{role}".casefold())
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
