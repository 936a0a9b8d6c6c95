"""Backup vaults (dp_backup_vault_create_and_delete.json)."""

from __future__ import annotations

import copy
import re
from typing import Any

from local.azure import regions
from local.azure.data_protection import dialect
from local.azure.data_protection.dialect import DELETED_INSTANCES, INSTANCES, VAULTS, invalid_input, user_error
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.regions import Region
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

ALWAYS_ON_FROM = "2025-09-01"
"""From this api-version on, vaults whose soft delete isn't AlwaysOn are refused."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,49}")
_STORES = ("VaultStore", "OperationalStore", "ArchiveStore")
_REDUNDANCIES = ("LocallyRedundant", "ZoneRedundant", "GeoRedundant")
_SOFT_DELETE = ("Off", "On", "AlwaysOn")
_IMMUTABILITY = ("Disabled", "Unlocked", "Locked")
_RETENTION_DAYS = (14.0, 180.0)
_IRREVERSIBLE = {"softDeleteSettings": "AlwaysOn", "immutabilitySettings": "Locked"}

_READS, _WRITES = provider_budget(500), provider_budget(100)


def soft_delete(vault: Resource) -> tuple[bool, float]:
    """Whether deleted instances of a vault are kept, and for how many days."""
    settings = (vault.properties.get("securitySettings") or {}).get("softDeleteSettings") or {}
    return settings.get("state") != "Off", float(settings.get("retentionDurationInDays", _RETENTION_DAYS[0]))


def _chosen(value: Any, allowed: tuple[str, ...], what: str) -> str:
    if value not in allowed:
        raise invalid_input(f"{what} must be one of {', '.join(allowed)}.")
    return str(value)


def _storage(sent: Json) -> list[Json]:
    settings = sent.get("storageSettings")
    if not isinstance(settings, list) or not settings:
        raise invalid_input("properties.storageSettings must name a store and its redundancy.")
    return [
        {
            "datastoreType": _chosen(setting.get("datastoreType"), _STORES, "datastoreType"),
            "type": _chosen(setting.get("type"), _REDUNDANCIES, "type"),
        }
        for setting in settings
    ]


def _security(sent: Json) -> Json:
    settings: Json = copy.deepcopy(sent.get("securitySettings") or {})
    # a vault starts with soft delete on; the documented default
    soft = settings.setdefault("softDeleteSettings", {})
    soft["state"] = _chosen(soft.get("state", "On"), _SOFT_DELETE, "softDeleteSettings.state")
    days = float(soft.get("retentionDurationInDays", _RETENTION_DAYS[0]))
    if not _RETENTION_DAYS[0] <= days <= _RETENTION_DAYS[1]:
        raise invalid_input("softDeleteSettings.retentionDurationInDays must be between 14 and 180.")
    soft["retentionDurationInDays"] = days
    if settings.get("immutabilitySettings"):
        _chosen(settings["immutabilitySettings"].get("state"), _IMMUTABILITY, "immutabilitySettings.state")
    return settings


def cross_region(features: Json) -> bool:
    """Whether a vault's `featureSettings` let its paired region restore."""
    return (features.get("crossRegionRestoreSettings") or {}).get("state") == "Enabled"


def _check_features(features: Json, storage: list[Json], region: Region) -> None:
    geo = any(setting["type"] == "GeoRedundant" for setting in storage)
    if cross_region(features) and not (geo and region.pair):
        raise invalid_input(
            "crossRegionRestoreSettings can be enabled for a geo-redundant vault in a paired region only."
        )


def _check_always_on(call: Call, security: Json) -> None:
    """Known of the service; its code isn't."""
    if call.version[:10] >= ALWAYS_ON_FROM and security["softDeleteSettings"]["state"] != "AlwaysOn":
        raise user_error(
            "BMSUserErrorSoftDeleteStateMustBeAlwaysOn",
            f"Soft delete of a Backup vault must be AlwaysOn from api-version {ALWAYS_ON_FROM} on.",
        )


def _check_change(vault: Resource, properties: Json) -> None:
    """What can't be changed in a vault that exists; codes not recorded."""
    if vault.properties["storageSettings"] != properties["storageSettings"]:
        raise user_error("PropertyChangeNotAllowed", "The storage settings of a Backup vault can't be changed.")
    have, wanted = vault.properties.get("securitySettings") or {}, properties["securitySettings"]
    for name, final in _IRREVERSIBLE.items():
        state = (have.get(name) or {}).get("state")
        if state == final and (wanted.get(name) or {}).get("state") != final:
            raise user_error("PropertyChangeNotAllowed", f"{name} of a Backup vault can't be changed from {final}.")
    if cross_region(vault.properties.get("featureSettings") or {}) and not cross_region(
        properties.get("featureSettings") or {}
    ):
        raise user_error("PropertyChangeNotAllowed", "Cross-region restore can't be disabled once it is enabled.")


def _secure_score(security: Json) -> str:
    """`None` and `Adequate` are recorded; the steps between follow the documented order."""
    immutability = (security.get("immutabilitySettings") or {}).get("state", "Disabled")
    soft = security["softDeleteSettings"]["state"]
    if immutability == "Disabled":
        return "None" if soft == "Off" else "Minimum"
    return "Maximum" if immutability == "Locked" and soft == "AlwaysOn" else "Adequate"


def _resilience(storage: list[Json], features: Json) -> str:
    """`Poor` and `Good` are recorded; `Fair` is documented."""
    redundancy = storage[0]["type"]
    if redundancy == "LocallyRedundant":
        return "Poor"
    return "Good" if redundancy == "GeoRedundant" and cross_region(features) else "Fair"


def _properties(call: Call, region: Region) -> Json:
    sent = call.body.get("properties")
    if not isinstance(sent, dict):
        raise invalid_input("properties is missing.")
    storage, security = _storage(sent), _security(sent)
    features: Json = copy.deepcopy(sent.get("featureSettings") or {})
    _check_features(features, storage, region)
    _check_always_on(call, security)
    geo = storage[0]["type"] == "GeoRedundant"
    properties: Json = {
        "provisioningState": "Provisioning",
        "storageSettings": storage,
        "isVaultProtectedByResourceGuard": False,
        "securitySettings": security,
        "secureScore": _secure_score(security),
        "bcdrSecurityLevel": _resilience(storage, features),
        "replicatedRegions": [region.pair] if geo and region.pair else [],
    }
    if features:
        properties["featureSettings"] = features
    if sent.get("monitoringSettings"):
        properties["monitoringSettings"] = copy.deepcopy(sent["monitoringSettings"])
    return properties


def _identity(call: Call, existing: Resource | None) -> Json | None:
    sent = call.body.get("identity")
    if not sent or sent.get("type") in {None, "None"}:
        return existing.body.get("identity") if existing and not sent else None
    identity: Json = {"type": sent["type"]}
    if "SystemAssigned" in sent["type"]:
        have = (existing.body.get("identity") or {}).get("principalId") if existing else None
        identity["principalId"] = have or call.cloud.directory.new_identity(call.id, call.at).object_id
        identity["tenantId"] = call.cloud.options.tenant
    if sent.get("userAssignedIdentities"):
        identity["userAssignedIdentities"] = copy.deepcopy(sent["userAssignedIdentities"])
    return identity


def _put(call: Call) -> Reply:
    region = call.region(VAULTS)
    existing = call.stored()
    call.stay_in(existing, region)
    if not _NAME.fullmatch(call.arguments["vault"]):
        raise invalid_input("A vault's name has 2 to 50 letters, digits and hyphens and starts with a letter.")
    if existing and existing.properties.get("provisioningState") == "Deleting":
        raise dialect.busy(existing.id)
    properties = _properties(call, region)
    if existing:
        _check_change(existing, properties)
        properties["isVaultProtectedByResourceGuard"] = existing.properties["isVaultProtectedByResourceGuard"]
    identity = _identity(call, existing)
    body: Json = {"location": region.name}
    body.update({"identity": identity} if identity else {})
    body.update({"tags": call.body["tags"]} if call.body.get("tags") else {})
    body.update(
        properties=properties,
        id=existing.id if existing else call.id,
        name=existing.name if existing else call.arguments["vault"],
        type=VAULTS,
    )
    vault = call.cloud.store.put(Resource(body["id"], VAULTS, body))
    operation = _written(call, vault, "vaultUpdate" if existing else "vaultWrite")
    return dialect.created(call, vault, operation, copy.deepcopy(body), 200 if existing else 201)


def _written(call: Call, vault: Resource, kind: str) -> Operation:
    def end(state: str) -> None:
        vault.properties["provisioningState"] = state

    return call.start(
        kind,
        vault.id,
        operation_id=dialect.new_operation_id(call, vault),
        succeed=lambda _: end("Succeeded"),
        fail=lambda _, __: end("Failed"),
    )


def _patch(call: Call) -> Reply:
    """Change tags, identity or settings; answered at once. Not recorded."""
    vault = call.existing()
    region = regions.find(vault.location) or regions.REGIONS["eastus"]
    sent = call.body.get("properties") or {}
    changed = copy.deepcopy(vault.properties)
    for name in ("securitySettings", "featureSettings", "monitoringSettings"):
        if sent.get(name):
            changed[name] = {**(changed.get(name) or {}), **copy.deepcopy(sent[name])}
    changed["securitySettings"] = _security(changed)
    _check_features(changed.get("featureSettings") or {}, changed["storageSettings"], region)
    _check_change(vault, changed)
    changed["secureScore"] = _secure_score(changed["securitySettings"])
    changed["bcdrSecurityLevel"] = _resilience(changed["storageSettings"], changed.get("featureSettings") or {})
    vault.body["properties"] = changed
    if "tags" in call.body:
        vault.body["tags"] = call.body["tags"] or {}
    identity = _identity(call, vault)
    if identity:
        vault.body["identity"] = identity
    return Reply(200, vault.body)


def _get(call: Call) -> Reply:
    return Reply(200, call.existing().body)


def _list(call: Call) -> Reply:
    return Reply(200, {"value": [vault.body for vault in call.cloud.store.of_type(VAULTS, call.target.scope)]})


def _delete(call: Call) -> Reply:
    vault = call.stored()
    if vault is None:
        return Reply(204)
    for kind in (INSTANCES, DELETED_INSTANCES):
        if next(call.cloud.store.of_type(kind, vault.id), None):
            # the code isn't recorded
            raise user_error(
                "UserErrorVaultContainsBackupInstances",
                f"The Backup vault {vault.id} can't be deleted: it contains backup instances, maybe soft-deleted ones.",
                recommended=["Delete the backup instances and wait until soft-deleted ones are purged."],
            )
    vault.properties["provisioningState"] = "Deleting"
    cloud = call.cloud

    def succeed(operation: Operation) -> None:
        cloud.remove(vault.id, operation.ends, operation)

    def fail(_: Operation, __: ArmError) -> None:
        vault.properties["provisioningState"] = "Succeeded"

    operation = call.start(
        "vaultDelete", vault.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed, fail=fail
    )
    return dialect.accepted(call, vault, operation, vault.location)


ROUTES = (
    Route("PUT", "backupVaults/{vault}", _put, _WRITES),
    Route("PATCH", "backupVaults/{vault}", _patch, _WRITES),
    Route("GET", "backupVaults/{vault}", _get, _READS),
    Route("DELETE", "backupVaults/{vault}", _delete, _WRITES),
    Route("GET", "backupVaults", _list, _READS),
    Route("GET", "backupVaults/{vault}/operationStatus/{id}", dialect.operation_status, dialect.STATUS_BUDGET),
    Route("GET", "backupVaults/{vault}/operationResults/{id}", dialect.operation_results, dialect.RESULTS_BUDGET),
    Route("GET", "locations/{location}/operationStatus/{id}", dialect.operation_status, dialect.LOCATION_STATUS_BUDGET),
    Route("GET", "locations/{location}/operationResults/{id}", dialect.operation_results, dialect.RESULTS_BUDGET),
)
