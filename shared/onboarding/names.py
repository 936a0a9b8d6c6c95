"""Deterministic names: computed from the cluster, the deployment and the catalog, so that a repeat finds what it made.

Lengths and alphabets follow "Naming rules and restrictions for Azure resources". The readable part comes from the
catalog's patterns and is cut; the digest at the end keeps apart what a pattern or the cut made equal.
"""

import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid5

from shared.arm.ids import ClusterId, folded, group_id
from shared.catalog.naming import Naming, fill

_ROLE_NAMESPACE = UUID("5e2a7c0e-6a43-5b0e-9d1c-3b7f3f0c9a51")  # ours; role assignment names are UUIDs


def _digest(*parts: str, length: int) -> str:
    """Lower-case letters and digits, 5 bits each."""
    raw = sha256(folded("|".join(parts)).encode()).digest()
    return b32encode(raw).decode().lower()[:length]


def _readable(text: str, length: int) -> str:
    """The letters, digits and single hyphens of a name, cut, with a letter in front."""
    kept = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
    return (kept if kept[:1].isalpha() else f"b{kept}")[:length].strip("-")


@dataclass(frozen=True, slots=True)
class Namer:
    """Names of what protecting one cluster takes. `location` is the cluster's region, `profile` its vault profile."""

    naming: Naming
    deployment: str
    cluster: ClusterId
    location: str
    profile: str
    redundancy: str

    def vault_group(self, subscription: str) -> str:
        """Id of the resource group of a region's vaults (name: at most 90 characters)."""
        return group_id(subscription, _readable(self._filled("vault_group", subscription), 90))

    def vault(self, subscription: str) -> str:
        """Id of the vault of a region and vault profile (name: 2-50 letters, digits and hyphens).

        Redundancy can't be changed, so it is part of the digest: another one is another vault.
        """
        place = (subscription, self.location, self.profile, self.redundancy, self.deployment)
        name = f"{_readable(self._filled('vault', subscription), 41)}-{_digest(*place, length=8)}"
        return f"{self.vault_group(subscription)}/providers/Microsoft.DataProtection/backupVaults/{name}"

    def backup_group(self) -> str:
        """Id of the resource group with the snapshots and the storage account of one cluster."""
        digest = _digest(str(self.cluster), self.deployment, length=10)
        return group_id(self.cluster.subscription, f"{_readable(self._filled('backup_group'), 79)}-{digest}")

    def regional_group(self) -> str:
        """Id of the resource group with the snapshots and the storage account of a region (isolation by region).

        Snapshots lie in the cluster's region: the name ends with it, so regions never share a group.
        """
        front = _readable(self._filled("regional_group").removesuffix(self.location), 89 - len(self.location))
        return group_id(self.cluster.subscription, f"{front}-{self.location}")

    def storage_account(self, group: str) -> str:
        """Id of the storage account in a backup group (3-24 lower-case letters and digits, unique in the world)."""
        digest = _digest(group, self.deployment, length=16)
        readable = _readable(self._filled("storage_account"), 24).replace("-", "")
        return f"{group}/providers/Microsoft.Storage/storageAccounts/{readable[:8]}{digest}"

    def container(self) -> str:
        """Name of the blob container of one cluster (3-63 lower-case letters, digits and single hyphens)."""
        return f"{_readable(self._filled('container'), 50)}-{_digest(str(self.cluster), length=12)}"

    def instance(self, vault_id: str) -> str:
        """Id of the backup instance."""
        return f"{vault_id}/backupInstances/{_readable(self.cluster.name, 45)}-{_digest(str(self.cluster), length=12)}"

    def _filled(self, kind: str, subscription: str = "") -> str:
        subscription = subscription or self.cluster.subscription
        values: Mapping[str, str] = {
            "cluster": self.cluster.name,
            "group": self.cluster.group,
            "region": self.location,
            "profile": self.profile,
            "deployment": self.deployment,
            "subscription": subscription[:8],
        }
        return fill(self.naming.pattern(kind, self.location, subscription), values)


def binding(cluster: ClusterId, vault_id: str) -> str:
    """Id of the trusted access role binding (name: at most 24 characters)."""
    name = f"backup-{_digest(vault_id, length=16)}"
    return f"{cluster}/trustedAccessRoleBindings/{name}"


def role_assignment(scope: str, principal: str, role: str) -> str:
    """Id of a role assignment: the same grant always has the same name, so granting twice makes one."""
    name = uuid5(_ROLE_NAMESPACE, folded(f"{scope}|{principal}|{role}"))
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
