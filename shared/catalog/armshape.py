"""The fields of an ARM backup policy for AKS that are understood, and what of a policy lies outside of them.

Fields are those of dp_backup_policy_create_and_delete.json and dp_backup_policy_manual.json.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Shape = Mapping[str, Any]
"""Field -> None for a plain value, a shape for an object, a list of one of both for a list of such."""

_STORE: Shape = {"dataStoreType": None, "objectType": None}
_CRITERION: Shape = {"absoluteCriteria": [None], "objectType": None}
_TAG: Shape = {
    "criteria": [_CRITERION],
    "isDefault": None,
    "tagInfo": {"eTag": None, "id": None, "tagName": None},
    "taggingPriority": None,
}
_LIFECYCLE: Shape = {
    "deleteAfter": {"duration": None, "objectType": None},
    "sourceDataStore": _STORE,
    "targetDataStoreCopySettings": [{"copyAfter": {"objectType": None}, "dataStore": _STORE}],
}
_RULE: Shape = {
    "backupParameters": {"backupType": None, "objectType": None},
    "dataStore": _STORE,
    "isDefault": None,
    "lifecycles": [_LIFECYCLE],
    "name": None,
    "objectType": None,
    "trigger": {
        "objectType": None,
        "schedule": {"repeatingTimeIntervals": [None], "timeZone": None},
        "taggingCriteria": [_TAG],
    },
}
POLICY: Shape = {"datasourceTypes": [None], "name": None, "objectType": None, "policyRules": [_RULE]}


def misshapen(value: Any, shape: Any, path: str = "properties") -> Iterator[str]:
    """Where a value has another kind than the shape says. Null is of every kind."""
    if value is None:
        return
    if shape is None:
        if isinstance(value, dict | list):
            yield f"{path}: wanted: a plain value"
    elif isinstance(shape, list):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from misshapen(item, shape[0], f"{path}[{index}]")
        else:
            yield f"{path}: wanted: a list"
    elif isinstance(value, dict):
        for field, wanted in shape.items():
            yield from misshapen(value.get(field), wanted, f"{path}.{field}")
    else:
        yield f"{path}: wanted: an object"


def unknown(value: Any, shape: Any, path: str = "properties") -> Iterator[str]:
    """Paths of fields that hold something and aren't in the shape. The value has the shape's kinds."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown(item, shape[0], f"{path}[{index}]")
    elif isinstance(value, dict):
        for field, found in value.items():
            if field in shape:
                yield from unknown(found, shape[field], f"{path}.{field}")
            elif found not in (None, [], {}):
                yield f"{path}.{field}"
