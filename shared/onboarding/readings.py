"""What is read from Azure about a protected cluster, and the few fields of it that decide something.

Onboarding and restore readiness read through here; the rest of Azure's answers is left where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.arm.answers import Json
from shared.arm.door import Door
from shared.arm.ids import ClusterId, group_of, name_of, subscription_of
from shared.errors import ArmError

GROUPS_API = "2024-11-01"
STORAGE_API = "2024-01-01"
CLUSTERS_API = "2024-09-01"
ROLES_API = "2022-04-01"

PROVIDER, RESOURCE_TYPE = "Microsoft.ContainerService", "managedClusters"


@dataclass(frozen=True, slots=True)
class Vault:
    """A backup vault and its identity; `replicated` are the regions that hold copies. "" and 0: Azure says nothing."""

    state: str
    principal_id: str
    tenant_id: str
    tags: Mapping[str, str]
    location: str = ""
    redundancy: str = ""
    soft_delete: str = ""
    soft_delete_days: float = 0.0
    immutability: str = "Disabled"
    cross_region_restore: bool = False
    cross_subscription_restore: bool = True
    replicated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A cluster extension; `principal_id` is that of the identity which it brought along, "" while it has none."""

    name: str
    type: str
    state: str
    settings: Mapping[str, str]
    principal_id: str
    error: ArmError | None


@dataclass(frozen=True, slots=True)
class Instance:
    """A backup instance of the cluster, in whatever vault."""

    id: str
    state: str
    policy_id: str
    group_id: str
    contents: Json
    error: ArmError | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role assignment: all ids as Azure spells them; `created` is ISO 8601, "" where Azure doesn't say."""

    scope: str
    principal_id: str
    role_id: str
    principal_type: str = ""
    created: str = ""


async def vault(door: Door, vault_id: str) -> Vault:
    """Read a vault.

    Raises:
        ArmError: Azure refused, 404 included.
    """
    client = door.data_protection(subscription_of(vault_id))
    found = await door.call(client.backup_vaults.get(group_of(vault_id), name_of(vault_id)))
    return _vault(found.as_dict())  # the wire's own JSON: the model's enums don't print as their values


async def extensions(door: Door, cluster: ClusterId) -> Sequence[Extension]:
    """Read the extensions of a cluster, under any name.

    Raises:
        ArmError: Azure refused.
    """
    client = door.kubernetes_configuration(cluster.subscription)

    async def read() -> list[Extension]:
        pages = client.extensions.list(cluster.group, PROVIDER, RESOURCE_TYPE, cluster.name)
        return [_extension(item) async for item in pages]

    return await door.call(read())


async def instances(door: Door, cluster: ClusterId) -> Sequence[Instance]:
    """Read the backup instances of a cluster, in any vault.

    Raises:
        ArmError: Azure refused.
    """
    client = door.data_protection(cluster.subscription)

    async def read() -> list[Instance]:
        pages = client.backup_instances_extension_routing.list(str(cluster).lstrip("/"))
        return [read_instance(item.as_dict()) async for item in pages]

    return await door.call(read())


async def grants(door: Door, scope: str, condition: str = "atScope()") -> Sequence[Grant]:
    """Read role assignments: by default those at a scope and above it.

    Raises:
        ArmError: Azure refused.
    """
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    return [_grant(item.get("properties") or {}) for item in await door.list(path, ROLES_API, filter=condition)]


def _grant(row: Json) -> Grant:
    return Grant(
        scope=str(row.get("scope") or ""),
        principal_id=str(row.get("principalId") or ""),
        role_id=name_of(str(row.get("roleDefinitionId") or "")),
        principal_type=str(row.get("principalType") or ""),
        created=str(row.get("createdOn") or ""),
    )


def _vault(body: Json) -> Vault:
    identity, properties = body.get("identity") or {}, body.get("properties") or {}
    security, features = properties.get("securitySettings") or {}, properties.get("featureSettings") or {}
    soft, immutability = security.get("softDeleteSettings") or {}, security.get("immutabilitySettings") or {}
    storage, crossing = (
        properties.get("storageSettings") or [{}],
        features.get("crossSubscriptionRestoreSettings") or {},
    )
    return Vault(
        state=str(properties.get("provisioningState", "")),
        principal_id=str(identity.get("principalId") or ""),
        tenant_id=str(identity.get("tenantId") or ""),
        tags=body.get("tags") or {},
        location=str(body.get("location", "")).replace(" ", "").casefold(),
        redundancy=str(storage[0].get("type", "")),
        soft_delete=str(soft.get("state", "")),
        soft_delete_days=float(soft.get("retentionDurationInDays") or 0.0),
        immutability=str(immutability.get("state") or "Disabled"),
        cross_region_restore=(features.get("crossRegionRestoreSettings") or {}).get("state") == "Enabled",
        cross_subscription_restore=not str(crossing.get("state", "")).endswith("Disabled"),
        replicated=tuple(
            str(region).replace(" ", "").casefold() for region in properties.get("replicatedRegions") or ()
        ),
    )


def _extension(item: Any) -> Extension:
    identity, error = item.aks_assigned_identity, item.error_info
    return Extension(
        name=item.name or "",
        type=(item.extension_type or "").casefold(),
        state=item.provisioning_state or "",
        settings=item.configuration_settings or {},
        principal_id=(identity.principal_id if identity else None) or "",
        error=ArmError(error.message or "", status=200, code=error.code or "") if error else None,
    )


def protection_state(item: Json) -> str:
    """The protection state in a backup instance's JSON, "" where Azure doesn't say."""
    return str((item.get("properties") or {}).get("currentProtectionState", ""))


def read_instance(item: Json) -> Instance:
    """Read a backup instance's JSON."""
    properties = item.get("properties") or {}
    policy = properties.get("policyInfo") or {}
    parameters = policy.get("policyParameters") or {}
    stores = parameters.get("dataStoreParametersList") or [{}]
    contents = parameters.get("backupDatasourceParametersList") or [{}]
    fault = properties.get("protectionErrorDetails") or (properties.get("protectionStatus") or {}).get("errorDetails")
    return Instance(
        id=str(item.get("id", "")),
        state=protection_state(item),
        policy_id=str(policy.get("policyId", "")),
        group_id=str(stores[0].get("resourceGroupId", "")),
        contents={key: value for key, value in contents[0].items() if value is not None},
        error=ArmError(str(fault.get("message")), status=200, code=str(fault.get("code"))) if fault else None,
    )
