"""What a request for a restore of an AKS cluster says (dp_backup_and_restore_aks.json).

What Azure answers to one that is malformed isn't recorded; the code is that of other malformed requests.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from local.azure import paths, regions
from local.azure.data_protection.dialect import AKS, invalid_input
from local.azure.data_protection.schedules import OPERATIONAL, VAULT
from local.azure.errors import Json

_CRITERIA = {OPERATIONAL: "KubernetesClusterRestoreCriteria", VAULT: "KubernetesClusterVaultTierRestoreCriteria"}
"""What the criteria must be by the store that is read; inferred for the vault from the published model."""

_LISTS = (
    "includedNamespaces",
    "excludedNamespaces",
    "includedResourceTypes",
    "excludedResourceTypes",
    "labelSelectors",
    "restoreHookReferences",
)
_CHOICES = {
    "conflictPolicy": ("Skip", "Patch"),
    "persistentVolumeRestoreMode": ("RestoreWithVolumeData", "RestoreWithoutVolumeData"),
}
_STAGING = {
    "stagingResourceGroupId": "Microsoft.Resources/resourceGroups",
    "stagingStorageAccountId": "Microsoft.Storage/storageAccounts",
}


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A well-formed request.

    Attributes:
        point: Name of the recovery point.
        store: The store that it is read from.
        target: `datasourceInfo` of the target.
        target_set: `datasourceSetInfo` of the target.
        location: Region of the target, as asked.
        namespaces: Namespaces that are restored; empty for all.
        staging_group: Id of the staging resource group, for the vault tier.
        staging_account: Id of the staging storage account, for the vault tier.
    """

    point: str
    store: str
    target: Json
    target_set: Json
    location: str
    namespaces: tuple[str, ...]
    staging_group: str = ""
    staging_account: str = ""

    @property
    def target_id(self) -> str:
        """Id of the target; `resourceId` is what the recorded client sent, `resourceID` the SDK's spelling."""
        return source_id(self.target)


def source_id(source: Json) -> str:
    """Id in a `datasourceInfo`."""
    return str(source.get("resourceID") or source.get("resourceId") or "")


def read(sent: Any) -> RestoreRequest:
    """Take a restore request apart.

    Raises:
        ArmError: DppPluginInvalidInputParameters.
    """
    request = _object(sent, "restoreRequestObject", "AzureBackupRecoveryPointBasedRestoreRequest")
    point, store = request.get("recoveryPointId"), request.get("sourceDataStoreType")
    if not isinstance(point, str) or not point:
        raise invalid_input("recoveryPointId is missing.")
    if store not in _CRITERIA:
        raise invalid_input(f"sourceDataStoreType must be out of {', '.join(_CRITERIA)}.")
    target = _object(request.get("restoreTargetInfo"), "restoreTargetInfo", "ItemLevelRestoreTargetInfo")
    if target.get("recoveryOption") != "FailIfExists":
        raise invalid_input("recoveryOption must be FailIfExists.")
    location = target.get("restoreLocation")
    if not isinstance(location, str) or regions.find(location) is None:
        raise invalid_input("restoreLocation must be a region.")
    criteria = _criteria(target.get("restoreCriteria"), store)
    return RestoreRequest(
        point,
        store,
        _source(target.get("datasourceInfo"), "datasourceInfo", "Datasource"),
        _source(target.get("datasourceSetInfo"), "datasourceSetInfo", "DatasourceSet"),
        location,
        tuple(map(str, criteria.get("includedNamespaces") or ())),
        *(str(criteria[name]) for name in _STAGING if store == VAULT),
    )


def _object(sent: Any, name: str, object_type: str) -> Json:
    if not isinstance(sent, dict) or sent.get("objectType") != object_type:
        raise invalid_input(f"{name} must be of objectType {object_type}.")
    return sent


def _source(sent: Any, name: str, object_type: str) -> Json:
    if not isinstance(sent, dict) or sent.get("objectType") not in {None, object_type}:
        raise invalid_input(f"{name} must be of objectType {object_type}.")
    source: Json = sent
    if str(source.get("datasourceType")).lower() != AKS.lower():
        raise invalid_input(f"datasourceType of {name} must be {AKS}.")
    if paths.full_type(source_id(source)).lower() != AKS.lower():
        raise invalid_input(f"{name} needs the resourceId of a managed cluster.")
    return source


def _criteria(sent: Any, store: str) -> Json:
    if not isinstance(sent, list) or len(sent) != 1:
        raise invalid_input("restoreCriteria must hold the criteria of the restore.")
    criteria = _object(sent[0], "restoreCriteria", _CRITERIA[store])
    if not isinstance(criteria.get("includeClusterScopeResources"), bool):
        raise invalid_input("includeClusterScopeResources must be true or false.")
    for name in _LISTS:
        if not isinstance(criteria.get(name) or [], list):
            raise invalid_input(f"{name} must be a list.")
    if not isinstance(criteria.get("namespaceMappings") or {}, dict):
        raise invalid_input("namespaceMappings must be an object.")
    for name, choices in _CHOICES.items():
        if criteria.get(name) not in {None, *choices}:
            raise invalid_input(f"{name} must be out of {', '.join(choices)}.")
    for name, kind in _STAGING.items() if store == VAULT else ():
        if paths.full_type(str(criteria.get(name) or "/")).lower() != kind.lower():
            raise invalid_input(f"{name} is needed to restore from the vault tier.")
    return criteria
