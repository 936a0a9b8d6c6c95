"""The complete request for a restore of a cluster, and for its validation, spelled as Azure's own clients send it.

Pure. `datasourceInfo` has `resourceId` here, not the `resourceID` of backup instances; filters that aren't used are
null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.arm.ids import ClusterId, ResourceId
from shared.errors import InvalidResourceId, InvalidRestoreRequest
from shared.readiness.ask import OPERATIONAL, VAULT

INSTANCE = "Microsoft.DataProtection/backupVaults/backupInstances"
_GROUP, _ACCOUNT = "", "Microsoft.Storage/storageAccounts"
_CLUSTER = "Microsoft.ContainerService/managedClusters"
_CRITERIA = {OPERATIONAL: "KubernetesClusterRestoreCriteria", VAULT: "KubernetesClusterVaultTierRestoreCriteria"}
_CONFLICTS = ("Skip", "Patch")

POINT = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
"""Names of recovery points."""

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
"""A DNS label (RFC 1123), as Kubernetes has it for the names of namespaces."""

_REGION = re.compile(r"[a-z0-9]{2,40}", re.ASCII)
_MOST_NAMESPACES = 800
"""Namespaces of a backup instance, as documented in the support matrix of AKS backup."""

_NEVER_BACKED_UP = frozenset({"kube-system", "kube-node-lease", "kube-public"})


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A restore that makes sense as far as its text goes.

    Attributes:
        instance: id of the backup instance.
        point: name of the recovery point.
        target: the cluster to restore to.
        location: the target's region, by its short name.
        tier: the store to restore from: OperationalStore or VaultStore.
        namespaces: the namespaces to restore; empty for all.
        mappings: pairs of a backed-up namespace and the one that it is restored as.
        conflict: what to do with what is in the target already: Skip or Patch.
        volume_data: whether volumes come with their data.
        staging_group: id of the resource group in the target's region and subscription that a restore from the vault
            puts disks in; "" for the operational store.
        staging_account: likewise of the storage account.
        home: the vault's region, by its short name; with another location the paired region is asked. "" for the same.

    Raises:
        InvalidRestoreRequest: something of it can't be; all of it is told.
    """

    instance: str
    point: str
    target: ClusterId
    location: str
    tier: str = OPERATIONAL
    namespaces: tuple[str, ...] = ()
    mappings: tuple[tuple[str, str], ...] = ()
    conflict: str = "Skip"
    volume_data: bool = True
    staging_group: str = ""
    staging_account: str = ""
    home: str = ""

    def __post_init__(self) -> None:
        faults = [*_faults(self), *_namespace_faults(self.namespaces, self.mappings)]
        if faults:
            raise InvalidRestoreRequest(faults)

    @property
    def across(self) -> bool:
        """Whether the paired region restores, by calls of its own."""
        return self.home not in {"", self.location}

    @property
    def validation(self) -> tuple[str, dict[str, Any]]:
        """Path and body of the call that validates the restore."""
        return self._call("validateCrossRegionRestore", "validateRestore", {"restoreRequestObject": self.body})

    @property
    def start(self) -> tuple[str, dict[str, Any]]:
        """Path and body of the call that starts it."""
        return self._call("crossRegionRestore", "restore", self.body)

    def _call(self, there: str, here: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if not self.across:
            return f"{self.instance}/{here}", body
        found = ResourceId.parse(self.instance, INSTANCE)
        group = f"/subscriptions/{found.subscription}/resourceGroups/{found.group}"
        details = {"sourceRegion": self.home, "sourceBackupInstanceId": self.instance}
        asked = {"crossRegionRestoreDetails": details, "restoreRequestObject": self.body}
        return f"{group}/providers/Microsoft.DataProtection/locations/{self.location}/{there}", asked

    @property
    def body(self) -> dict[str, Any]:
        """The restore request object: the body of `POST {instance}/restore`, which other calls wrap."""
        source = {
            "datasourceType": _CLUSTER,
            "objectType": "Datasource",
            "resourceId": str(self.target),
            "resourceLocation": self.location,
            "resourceName": self.target.name,
            "resourceType": "Microsoft.ContainerService/managedclusters",
            "resourceUri": str(self.target),
        }
        return {
            "objectType": "AzureBackupRecoveryPointBasedRestoreRequest",
            "recoveryPointId": self.point,
            "restoreTargetInfo": {
                "datasourceInfo": source,
                "datasourceSetInfo": {**source, "objectType": "DatasourceSet"},
                "objectType": "ItemLevelRestoreTargetInfo",
                "recoveryOption": "FailIfExists",
                "restoreCriteria": [self._criteria],
                "restoreLocation": self.location,
            },
            "sourceDataStoreType": self.tier,
        }

    @property
    def _criteria(self) -> dict[str, Any]:
        volumes = "RestoreWithVolumeData" if self.volume_data else "RestoreWithoutVolumeData"
        return {
            "conflictPolicy": self.conflict,
            "excludedNamespaces": None,
            "excludedResourceTypes": None,
            "includeClusterScopeResources": True,
            "includedNamespaces": list(self.namespaces) or None,
            "includedResourceTypes": None,
            "labelSelectors": None,
            "namespaceMappings": dict(self.mappings) or None,
            "objectType": _CRITERIA[self.tier],
            "persistentVolumeRestoreMode": volumes,
            "resourceModifierReference": None,
            "restoreHookReferences": None,
            "stagingResourceGroupId": self.staging_group or None,
            "stagingStorageAccountId": self.staging_account or None,
        }


def mappings_of(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Read mappings as people write them, `from:to`.

    Raises:
        InvalidRestoreRequest: one isn't of that form.
    """
    split = [(text, *text.split(":")) for text in texts]
    wrong = [f"map: {entry[0][:200]!r} isn't of the form from:to" for entry in split if len(entry) != _PARTS]
    if wrong:
        raise InvalidRestoreRequest(wrong)
    return tuple((source, target) for _, source, target in split)


_PARTS = 3  # the text and its two halves


def _faults(request: RestoreRequest) -> Iterator[str]:
    if not POINT.fullmatch(request.point):
        yield f"recoveryPoint: {request.point[:200]!r} is no recovery point's name: 32 hex digits, as Azure lists them"
    if not _REGION.fullmatch(request.location):
        yield f"location: {request.location[:200]!r} is no region's short name, such as westeurope"
    if request.home and not _REGION.fullmatch(request.home):
        yield f"home: {request.home[:200]!r} is no region's short name, such as westeurope"
    if request.across and request.tier == OPERATIONAL:
        yield f"target: only the vault tier can be restored in another region than the vault's, {request.home[:200]}"
    if request.conflict not in _CONFLICTS:
        yield f"conflict: {request.conflict[:200]!r} is none of {', '.join(_CONFLICTS)}"
    yield from _id_fault("instance", request.instance, INSTANCE)
    if request.tier not in _CRITERIA:
        yield f"tier: {request.tier[:200]!r} is none of {', '.join(_CRITERIA)}"
    elif request.tier == VAULT:
        yield from _staging_faults("stagingGroup", request.staging_group, _GROUP)
        yield from _staging_faults("stagingAccount", request.staging_account, _ACCOUNT)
    elif request.staging_group or request.staging_account:
        yield "stagingGroup, stagingAccount: only a restore from the vault tier is staged"


def _staging_faults(name: str, text: str, kind: str) -> Iterator[str]:
    if text:
        yield from _id_fault(name, text, kind)
    else:
        yield f"{name}: a restore from the vault needs the id of one in the target's region and subscription"


def _id_fault(name: str, text: str, kind: str) -> Iterator[str]:
    try:
        ResourceId.parse(text, kind)
    except InvalidResourceId as error:
        yield f"{name}: {error}"


def _namespace_faults(namespaces: tuple[str, ...], mappings: tuple[tuple[str, str], ...]) -> Iterator[str]:
    named = [("namespaces", one) for one in namespaces] + [("map", one) for pair in mappings for one in pair]
    for where, name in named:
        if not _NAMESPACE.fullmatch(name):
            yield f"{where}: {name[:200]!r} is no name of a namespace"
        elif name in _NEVER_BACKED_UP:
            yield f"{where}: {name} is never backed up"
    if len(namespaces) > _MOST_NAMESPACES:
        yield f"namespaces: {len(namespaces)} are more than the {_MOST_NAMESPACES} that an instance can have"
    sources = [source for source, _ in mappings]
    for name in sorted({one for one in sources if sources.count(one) > 1}):
        yield f"map: {name} is restored as two others"
    for name in sorted(set(sources) - set(namespaces)) if namespaces else ():
        yield f"map: {name} isn't among the namespaces to restore"
