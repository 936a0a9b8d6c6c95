"""The catalog's JSON Schema (2020-12), generated from the model, so that editors complete and check while one writes.

It says what a single field may hold. What fields mean for each other (a profile that a policy names, a time zone that
exists, what can't be undone) only `check` knows.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from shared.catalog import model, naming
from shared.catalog.model import Catalog
from shared.catalog.value import CatalogValue

ID = "urn:aks-backup-autopilot:backup-policies"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MEANINGS: Mapping[str, Mapping[str, str]] = {
    # fields without a docstring of their own in the model: what they mean
    "Catalog": {
        "vaultProfiles": "Kinds of backup vaults, by name; a policy names one.",
        "policies": "Ways of backing up a cluster, by the name that the cluster's tag gives.",
        "naming": "Patterns for the names of what the app makes.",
    },
    "VaultProfile": {
        "redundancy": "Where the copies in the vault tier lie. Another redundancy is another vault.",
        "crossRegionRestore": "Whether the paired region can restore; needs redundancy GeoRedundant.",
        "softDelete": "Whether deleted points can be had back; AlwaysOn can't be taken back.",
        "softDeleteDays": "How long deleted points can be had back.",
        "immutability": "Whether points can be deleted before they expire; Locked can't be taken back.",
        "confirmIrreversible": "Has to be true where AlwaysOn or Locked is meant, and only there.",
    },
    "Schedule": {
        "every": "Time between two backups.",
        "start": "Time of day of the first backup, in the time zone; the others are counted from it.",
        "timeZone": "IANA name of the time zone of start, such as Europe/Berlin.",
        "spread": "Span after start over which clusters are spread; at most the time between two backups.",
        "buckets": "How many start times there are within the spread; each is an ARM policy of its own.",
    },
    "VaultTier": {
        "daily": "How long the copy of the first backup of a day is kept.",
        "weekly": "How long the copy of the first backup of a week is kept.",
        "monthly": "How long the copy of the first backup of a month is kept.",
        "yearly": "How long the copy of the first backup of a year is kept.",
    },
    "Hook": {
        "name": "Name of the custom resource.",
        "namespace": "Namespace that it is in.",
    },
    "Contents": {
        "includedNamespaces": "Only these namespaces are backed up.",
        "excludedNamespaces": "All namespaces but these are backed up.",
        "includedResourceTypes": "Only these resource types are backed up.",
        "excludedResourceTypes": "All resource types but these are backed up.",
        "labelSelectors": "Only what has these labels is backed up.",
        "hooks": "Backup hooks to run.",
        "clusterScopeResources": "Whether resources that belong to no namespace are backed up.",
        "volumeSnapshots": "Whether the data of volumes is backed up.",
    },
    "PlannedWindow": {
        "day": "Weekday of the planned change.",
        "time": "Its time of day, in UTC.",
        "lead": "How long before it the backup is started.",
    },
    "OnDemand": {
        "afterProtection": "Start a backup as soon as a cluster is protected.",
        "catchUp": "Start a backup when rpoTarget isn't kept.",
        "every": "Start a backup so often, beside the schedule.",
        "before": "Start a backup before planned changes.",
        "retention": "The rule that says how long these backups are kept.",
    },
    "Existing": {
        "vault": "ARM id of the vault to use.",
        "policy": "ARM id of the backup policy to use; it lies in that vault.",
        "storageAccount": "ARM id of the storage account to use, in the cluster's region and subscription.",
    },
    "Tags": {
        "fixed": "Names and values of tags.",
        "copied": "Names of tags whose value is the cluster's.",
    },
    "Policy": {
        "vaultProfile": "Name of the vault profile.",
        "description": "For people; has no effect.",
        "schedule": "When backups are due.",
        "operationalRetention": "How long each backup is kept beside the cluster; at most 360 days.",
        "vaultTier": "What is copied to the vault, and for how long; without it nothing is.",
        "contents": "What of the cluster is backed up.",
        "onDemand": "Backups that the app starts beside the schedule.",
        "existing": "Resources of yours to use in place of ours.",
        "tags": "Tags for what is made for a cluster.",
        "accountSku": "SKU of the storage account that is made for a cluster.",
    },
    "Names": {
        "vaultGroup": "Resource group of the vaults.",
        "vault": "Backup vault.",
        "backupGroup": "Resource group with the snapshots and the storage account of one cluster.",
        "regionalGroup": "Resource group with the snapshots of a region (isolation by region).",
        "storageAccount": "Storage account; at most 8 letters and digits of it are used.",
        "container": "Blob container of one cluster.",
    },
    "Override": {
        "region": "Region in which it applies; without it in all.",
        "subscription": "Subscription in which it applies; without it in all.",
    },
    "Naming": {
        "overrides": "Other patterns by region or subscription; the narrowest rule wins.",
    },
}


def meanings(struct: type[CatalogValue]) -> dict[str, str]:
    """What each field of a value means, by its name in the file; a docstring in the model comes first."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, CatalogValue) and base is not CatalogValue:
            names = {item.name: item.encode_name for item in msgspec.structs.fields(base)}
            found |= _MEANINGS.get(base.__name__, {})
            found |= {names[name]: text for name, text in _docstrings(base) if name in names}
    return found


def _docstrings(struct: type[CatalogValue]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield statement.target.id, inspect.cleandoc(text.value)


def structs() -> dict[str, type[CatalogValue]]:
    """All kinds of values of a catalog, by name."""
    found = {**vars(model), **vars(naming)}
    return {name: item for name, item in found.items() if isinstance(item, type) and issubclass(item, CatalogValue)}


def schema() -> dict[str, Any]:
    """The schema of a catalog file."""
    generated = _portable(msgspec.json.schema(Catalog))
    known = structs()
    for name, definition in generated["$defs"].items():
        _describe(definition, known[name])
    return {
        "$schema": _DIALECT,
        "$id": ID,
        "title": "AKS Backup Autopilot: backup policy catalog",
        **generated,
    }


def _portable(value: Any) -> Any:
    """Without what only Python's patterns need: elsewhere `$` matches at the end alone, and not all know lookaheads."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item) for item in value]
    return value.removesuffix(r"(?!\n)") if isinstance(value, str) else value


def _describe(definition: dict[str, Any], struct: type[CatalogValue]) -> None:
    text = meanings(struct)
    for item in msgspec.structs.fields(struct):
        described = definition["properties"][item.encode_name]
        form = f" Form: {described['description']}." if "description" in described else ""
        described["description"] = text.get(item.encode_name, "") + form
    definition["description"] = inspect.cleandoc(struct.__doc__ or "")


def schema_text() -> str:
    """The schema as the file `schemas/backup-policies.schema.json` holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
