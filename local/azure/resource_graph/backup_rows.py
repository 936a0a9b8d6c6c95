"""Backup jobs and instances as Resource Graph shows them, which isn't as ARM does.

Times have seven decimals, durations are .NET time spans, nulls are spelled out, instances have a part that ARM doesn't
have (dp_job_list_and_show.json, dp_backup_instance_list_resource_graph.json, dp_recovery_point_list.json).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from local.azure import regions
from local.azure.resource_graph.kql.values import TICKS, span_text

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.store import Resource

JOBS = "microsoft.dataprotection/backupvaults/backupjobs"

# The recorded order of a job's properties.
_JOB_FIELDS = (
    "dataSourceId",
    "policyId",
    "dataSourceType",
    "extendedInfo",
    "dataSourceLocation",
    "operationCategory",
    "backupInstanceId",
    "isUserTriggered",
    "policyName",
    "startTime",
    "errorDetails",
    "operation",
    "duration",
    "endTime",
    "status",
)
_SOURCE_FIELDS = (
    "resourceLocation",
    "datasourceType",
    "objectType",
    "resourceID",
    "resourceType",
    "resourceProperties",
    "resourceName",
    "resourceUri",
    "baseUri",
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?Z")
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7}))?S)?)?"
)
_DAY = 86400 * TICKS
# Ticks of a duration's parts; a month of retention is 31 days (P3M is 93.00:00:00 in dp_recovery_point_list.json), a
# year isn't recorded.
_PARTS = (366 * _DAY, 31 * _DAY, 7 * _DAY, _DAY, 3600 * TICKS, 60 * TICKS, TICKS)
_LEAST_SPAN = "-10675199.02:48:05.4775808"  # .NET's TimeSpan.MinValue: there is none
_ZERO_TIME = "0001-01-01T00:00:00.0000000Z"
_SIX_HOURS = 6 * 3600 * TICKS
_PROTECTED = "ProtectionConfigured"
_OPERATIONS = ("BackupNow", "Restore", "ChangePolicy", "StopBackup", "Delete")
_OPERATIONS_IN_PAIR = ("ViewSecondaryRecoveryPoint", "RestoreToSecondaryRegion")


def job_properties(properties: Mapping[str, Any]) -> Json:
    """Properties of a job, from those that its GET answers or a list's item has."""
    ordered = {name: properties.get(name) for name in _JOB_FIELDS}
    ordered |= {name: value for name, value in properties.items() if name not in ordered}
    for name in ("startTime", "endTime"):
        ordered[name] = _seven_decimals(ordered[name])
    ordered["duration"] = _as_span(ordered["duration"])
    ordered["extendedInfo"] = _with_times(ordered["extendedInfo"])
    return ordered


def instance_properties(properties: Mapping[str, Any], vault: Resource | None, policy: Resource | None) -> Json:
    """Properties of a backup instance, from ARM's."""
    status = properties.get("protectionStatus") or {}
    return {
        "protectionStatus": {"errorDetails": status.get("errorDetails"), "status": status.get("status")},
        "resourceGuardOperationRequests": properties.get("resourceGuardOperationRequests"),
        "friendlyName": properties.get("friendlyName"),
        "currentProtectionState": properties.get("currentProtectionState"),
        "objectType": properties.get("objectType"),
        "dataSourceSetInfo": _source(properties.get("dataSourceSetInfo")),
        "dataSourceInfo": _source(properties.get("dataSourceInfo")),
        "policyInfo": _policy_info(properties.get("policyInfo")),
        "backupInstanceExtendedProperties": _extended(properties, vault, policy),
        "datasourceAuthCredentials": properties.get("datasourceAuthCredentials"),
        "protectionErrorDetails": properties.get("protectionErrorDetails"),
        "dataSourceProperties": properties.get("dataSourceProperties"),
        "provisioningState": properties.get("provisioningState"),
        "identityDetails": properties.get("identityDetails"),
        "validationType": properties.get("validationType"),
    }


def _seven_decimals(value: Any) -> Any:
    found = _TIME.fullmatch(value) if isinstance(value, str) and value.endswith("Z") else None
    return f"{found[1]}.{(found[2] or '').ljust(7, '0')}Z" if found else value


def _with_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_times(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    return _seven_decimals(value)


def _ticks(duration: Any) -> int | None:
    """Ticks of an ISO 8601 duration; None for anything else."""
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if not found:
        return None
    *parts, fraction = found.groups()
    whole = sum(int(part or 0) * size for part, size in zip(parts, _PARTS, strict=True))
    return whole + int((fraction or "0").ljust(7, "0"))


def _as_span(duration: Any) -> Any:
    ticks = _ticks(duration)
    return duration if ticks is None else span_text(ticks)


def _source(info: Any) -> Json | None:
    if not isinstance(info, dict):
        return None
    filled = {name: info.get(name) for name in _SOURCE_FIELDS}
    return filled | {name: value for name, value in info.items() if name not in filled}


def _policy_info(info: Any) -> Json | None:
    if not isinstance(info, dict):
        return None
    parameters = info.get("policyParameters")
    if isinstance(parameters, dict):
        names = ("backupDatasourceParametersList", "dataStoreParametersList", "tags")
        parameters = {name: parameters.get(name) for name in names}
    return {
        "policyId": info.get("policyId"),
        "policyParameters": parameters,
        "policyVersion": info.get("policyVersion"),
    }


def _extended(properties: Mapping[str, Any], vault: Resource | None, policy: Resource | None) -> Json:
    """What only the graph knows.

    Recovery points: the recorded instance had one a day, and zero dates here. Another one, of another kind of
    datasource, had real dates; nothing is recorded of an AKS cluster.
    """
    features = (vault.properties.get("featureSettings") or {}) if vault else {}
    paired = (features.get("crossRegionRestoreSettings") or {}).get("state") == "Enabled"
    region = regions.find(vault.location) if vault else None
    state = properties.get("currentProtectionState")
    return {
        "allowedOperations": _allowed(str(state), paired=paired),
        "protectionStateInSecondaryRegion": state if paired else "NotProtected",
        "protectedPrimaryRegion": vault.location if vault else "",
        "vaultId": vault.id if vault else "",
        "protectedSecondaryRegion": region.pair if paired and region else "",
        "dataSourceExtendedInfo": {"dataSourceId": properties.get("friendlyName")},
        "policyExtendedInfo": _policy_spans(policy, paired=paired),
        "recoveryPointInfo": dict.fromkeys(
            (
                "oldestRecoveryPointInSecondaryRegion",
                "latestRecoveryPointInSecondaryRegion",
                "latestRecoveryPointInPrimaryRegion",
                "oldestRecoveryPointInPrimaryRegion",
            ),
            _ZERO_TIME,
        ),
    }


def _allowed(state: str, *, paired: bool) -> list[str]:
    """Recorded for protected instances only; for others it is a choice."""
    if state != _PROTECTED:
        return ["Restore", "Delete"]
    return [*_OPERATIONS, *(_OPERATIONS_IN_PAIR if paired else ())]


def _policy_spans(policy: Resource | None, *, paired: bool) -> Json:
    """Frequency, retention and when a missing point is late: after one and a half times the frequency.

    In the paired region everything is six hours slower; both by dp_recovery_point_list.json.
    """
    rules = policy.properties.get("policyRules") or [] if policy else []
    frequency = _longest(map(_interval, _intervals(rules)))
    retention = _span_or_none(_longest(_kept(rules)))
    in_pair = frequency + _SIX_HOURS if frequency and paired else None
    return {
        "configuredRPGenerationFrequencyInSecondaryRegion": _span_or_none(in_pair),
        "configuredMaximumRetentionInSecondaryRegion": retention if paired else _LEAST_SPAN,
        "rpoWarningThresholdInSecondaryRegion": _span_or_none(in_pair and in_pair * 3 // 2),
        "rpoWarningThresholdInPrimaryRegion": _span_or_none(frequency and frequency * 3 // 2),
        "configuredRPGenerationFrequency": _span_or_none(frequency),
        "configuredMaximumRetention": retention,
    }


def _intervals(rules: Iterable[Json]) -> list[Any]:
    schedules = [(rule.get("trigger") or {}).get("schedule") or {} for rule in rules]
    return [interval for schedule in schedules for interval in schedule.get("repeatingTimeIntervals") or []]


def _interval(text: Any) -> int | None:
    return _ticks(str(text).rsplit("/", 1)[-1])


def _kept(rules: Iterable[Json]) -> list[int | None]:
    lifecycles = [lifecycle for rule in rules for lifecycle in rule.get("lifecycles") or []]
    return [_ticks((lifecycle.get("deleteAfter") or {}).get("duration")) for lifecycle in lifecycles]


def _longest(spans: Iterable[int | None]) -> int | None:
    return max((span for span in spans if span), default=None)


def _span_or_none(ticks: int | None) -> str:
    return span_text(ticks) if ticks else _LEAST_SPAN
