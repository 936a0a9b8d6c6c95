"""What Azure Backup accepts as a backup policy for AKS."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from tzlocal.windows_tz import win_tz

from local.azure.data_protection.dialect import invalid_input
from local.azure.errors import Json

OPERATIONAL, VAULT = "OperationalStore", "VaultStore"

_INTERVAL = re.compile(r"R/(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))/(\w+)")
_FREQUENCIES = ("PT4H", "PT6H", "PT8H", "PT12H", "P1D")
_DURATION = re.compile(r"P(\d+)([DWMY])")
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
_MAX_OPERATIONAL_DAYS = 360
_MARKERS = ("AllBackup", "FirstOfDay", "FirstOfWeek", "FirstOfMonth", "FirstOfYear")


def _objects(value: Any, what: str) -> list[Json]:
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise invalid_input(f"{what} must be a list of objects with at least one entry.")
    return value


def _store(holder: Json, name: str) -> str:
    return str((holder.get(name) or {}).get("dataStoreType") or "")


def check(properties: Json) -> None:
    """Check an AKS policy.

    Raises:
        ArmError: DppPluginInvalidInputParameters; which rule of a policy it breaks is told in its recommended action.
    """
    rules = _objects(properties.get("policyRules"), "policyRules")
    backups = [rule for rule in rules if rule.get("objectType") == "AzureBackupRule"]
    retentions = [rule for rule in rules if rule.get("objectType") == "AzureRetentionRule"]
    if len(backups) != 1 or len(backups) + len(retentions) != len(rules):
        raise invalid_input("An AKS policy has one AzureBackupRule and otherwise AzureRetentionRules.")
    _check_backup(backups[0])
    names = [str(rule.get("name") or "") for rule in retentions]
    defaults = [rule for rule in retentions if rule.get("isDefault")]
    if len(defaults) != 1 or len(set(names)) != len(names):
        raise invalid_input("Retention rules have different names, and one of them is the default.")
    for rule in retentions:
        _check_retention(rule)
    missing = {str(tag["tagInfo"]["tagName"]) for tag in _tags(backups[0])} - set(names)
    if missing:
        raise invalid_input(f"The tags {', '.join(sorted(missing))} have no retention rule of their name.")


def _check_backup(rule: Json) -> None:
    if not rule.get("name"):
        raise invalid_input("The backup rule has no name.")
    if (rule.get("backupParameters") or {}).get("backupType") != "Incremental":
        raise invalid_input("backupParameters.backupType must be Incremental.")
    if _store(rule, "dataStore") != OPERATIONAL:
        raise invalid_input("The backup rule's dataStore must be the OperationalStore.")
    schedule = (rule.get("trigger") or {}).get("schedule") or {}
    intervals = schedule.get("repeatingTimeIntervals")
    if not isinstance(intervals, list) or len(intervals) != 1 or not _is_interval(str(intervals[0])):
        raise invalid_input(f"repeatingTimeIntervals must be one R/start/frequency of {', '.join(_FREQUENCIES)}.")
    # names of time zones are those of Windows; what Azure says to others isn't recorded
    if schedule.get("timeZone", "UTC") not in win_tz:
        raise invalid_input("timeZone must be the Windows name of a time zone, such as W. Europe Standard Time.")
    tags = list(_tags(rule))
    if sum(bool(tag.get("isDefault")) for tag in tags) != 1:
        raise invalid_input("Exactly one tagging criterion is the default.")
    if len({str(tag["tagInfo"]["tagName"]) for tag in tags}) < len(tags):
        raise invalid_input("Tagging criteria have different tags.")
    for tag in tags:
        _check_tag(tag)


def _is_interval(text: str) -> bool:
    found = _INTERVAL.fullmatch(text)
    if not found or found.group(2) not in _FREQUENCIES:
        return False
    try:
        dt.datetime.fromisoformat(found.group(1))
    except ValueError:
        return False
    return True


def _tags(rule: Json) -> Iterator[Json]:
    for tag in _objects((rule.get("trigger") or {}).get("taggingCriteria"), "taggingCriteria"):
        if not isinstance(tag.get("tagInfo"), dict) or not tag["tagInfo"].get("tagName"):
            raise invalid_input("A tagging criterion has no tagInfo.tagName.")
        yield tag


def _check_tag(tag: Json) -> None:
    if not isinstance(tag.get("taggingPriority"), int):
        raise invalid_input("A tagging criterion has no taggingPriority.")
    if tag.get("isDefault"):
        return
    for criterion in _objects(tag.get("criteria"), "criteria"):
        markers = criterion.get("absoluteCriteria") or []
        if not markers or not set(markers) <= set(_MARKERS):
            raise invalid_input(f"absoluteCriteria must be out of {', '.join(_MARKERS)}.")


def days(lifecycle: Json) -> int:
    """For how many days a lifecycle keeps a recovery point.

    Raises:
        ArmError: Its duration has another form than P7D, P2W, P3M or P1Y.
    """
    found = _DURATION.fullmatch(str((lifecycle.get("deleteAfter") or {}).get("duration")))
    if not found or not int(found.group(1)):
        raise invalid_input("deleteAfter.duration must be of the form P7D, P2W, P3M or P1Y.")
    return int(found.group(1)) * _DAYS[found.group(2)]


def _check_retention(rule: Json) -> None:
    """A copy to the vault tier is declared by the operational lifecycle, which the vault's own follows."""
    lifecycles = _objects(rule.get("lifecycles"), "lifecycles")
    stores = [_store(lifecycle, "sourceDataStore") for lifecycle in lifecycles]
    if stores not in ([OPERATIONAL], [OPERATIONAL, VAULT]):
        raise invalid_input("lifecycles are one in the OperationalStore, and one in the VaultStore after it or none.")
    if any(days(lifecycle) > _MAX_OPERATIONAL_DAYS for lifecycle in lifecycles[:1]):
        raise invalid_input(f"Operational retention is at most {_MAX_OPERATIONAL_DAYS} days.")
    copies = lifecycles[0].get("targetDataStoreCopySettings") or []
    copied = [_store(copy, "dataStore") for copy in copies]
    if copied != stores[1:] or any(lifecycle.get("targetDataStoreCopySettings") for lifecycle in lifecycles[1:]):
        raise invalid_input("A lifecycle in the VaultStore and a copy to it by the OperationalStore's belong together.")
    if any((copy.get("copyAfter") or {}).get("objectType") != "ImmediateCopyOption" for copy in copies):
        raise invalid_input("copyAfter must be an ImmediateCopyOption.")
    for lifecycle in lifecycles:
        days(lifecycle)


def uses_vault_tier(properties: Json) -> bool:
    """Whether a policy keeps recovery points in the vault tier."""
    return any(
        _store(lifecycle, "sourceDataStore") == VAULT
        for rule in properties.get("policyRules") or []
        for lifecycle in rule.get("lifecycles") or []
    )
