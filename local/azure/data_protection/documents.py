"""The JSON of a backup instance (dp_backup_and_restore_aks.json)."""

from __future__ import annotations

import copy
from typing import Any

from local.azure.data_protection.candidate import datasource_id
from local.azure.data_protection.dialect import INSTANCES, invalid_input
from local.azure.errors import Json

_SOURCE_FIELDS = ("resourceUri", "datasourceType", "resourceName", "resourceType", "resourceLocation")
_KUBERNETES = "KubernetesClusterBackupDatasourceParameters"
_FILTERS = (
    "includedNamespaces",
    "excludedNamespaces",
    "includedResourceTypes",
    "excludedResourceTypes",
    "labelSelectors",
    "backupHookReferences",
)
_MAX_NAMESPACES = 800
_VOLUME_TYPES = ("AzureDisk", "AzureFileShareSMB")


def _source(sent: Json, object_type: str) -> Json:
    source: Json = {"resourceID": sent.get("resourceID") or sent.get("resourceId")}
    source.update({field: sent[field] for field in _SOURCE_FIELDS if field in sent})
    return {**source, "objectType": sent.get("objectType") or object_type}


def _kubernetes(sent: Json) -> Json:
    """Filters that weren't sent come back as null (wire facts)."""
    for flag in ("snapshotVolumes", "includeClusterScopeResources"):
        if not isinstance(sent.get(flag), bool):
            raise invalid_input(f"{flag} must be true or false.")
    for name in (*_FILTERS, "includedVolumeTypes"):
        if not isinstance(sent.get(name) or [], list):
            raise invalid_input(f"{name} must be a list.")
    if len(sent.get("includedNamespaces") or []) > _MAX_NAMESPACES:
        raise invalid_input(f"A backup instance covers at most {_MAX_NAMESPACES} namespaces.")
    if any(kind not in _VOLUME_TYPES for kind in sent.get("includedVolumeTypes") or []):
        raise invalid_input(f"includedVolumeTypes must be out of {', '.join(_VOLUME_TYPES)}.")
    return {**copy.deepcopy(sent), **{name: copy.deepcopy(sent.get(name)) for name in _FILTERS}}


def _policy(sent: Any) -> Json:
    if not isinstance(sent, dict) or not sent.get("policyId"):
        raise invalid_input("policyInfo.policyId is missing.")
    policy: Json = {"policyId": sent["policyId"]}
    parameters = sent.get("policyParameters")
    if isinstance(parameters, dict):
        kept: Json = {}
        if parameters.get("dataStoreParametersList") is not None:
            kept["dataStoreParametersList"] = copy.deepcopy(parameters["dataStoreParametersList"])
        if parameters.get("backupDatasourceParametersList") is not None:
            kept["backupDatasourceParametersList"] = [
                _kubernetes(one) if one.get("objectType") == _KUBERNETES else copy.deepcopy(one)
                for one in parameters["backupDatasourceParametersList"]
            ]
        policy["policyParameters"] = kept
    return policy


def requested(sent: Any) -> Json:
    """What a request says of an instance, in the form of an answer.

    Raises:
        ArmError: Something that every instance has is missing.
    """
    if not isinstance(sent, dict) or not isinstance(sent.get("dataSourceInfo"), dict) or not datasource_id(sent):
        raise invalid_input("dataSourceInfo with the id of the datasource is missing.")
    if sent.get("objectType") != "BackupInstance":
        raise invalid_input("objectType must be BackupInstance.")
    properties: Json = {}
    if sent.get("friendlyName"):
        properties["friendlyName"] = sent["friendlyName"]
    properties["dataSourceInfo"] = _source(sent["dataSourceInfo"], "Datasource")
    if isinstance(sent.get("dataSourceSetInfo"), dict):
        properties["dataSourceSetInfo"] = _source(sent["dataSourceSetInfo"], "DatasourceSet")
    properties["policyInfo"] = _policy(sent.get("policyInfo"))
    for name in ("datasourceAuthCredentials", "identityDetails"):
        if sent.get(name) is not None:
            properties[name] = copy.deepcopy(sent[name])
    return properties


def instance(instance_id: str, properties: Json, tags: Any) -> Json:
    """A new instance whose protection is being configured."""
    body: Json = {"tags": tags} if tags else {}
    return {
        **body,
        "properties": {
            **properties,
            "protectionStatus": {"status": "ConfiguringProtection"},
            "currentProtectionState": "ConfiguringProtection",
            "provisioningState": "Provisioning",
            "objectType": "BackupInstance",
        },
        "id": instance_id,
        "name": instance_id.rsplit("/", 1)[-1],
        "type": INSTANCES,
    }
