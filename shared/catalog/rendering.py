"""Policy -> the body of the ARM backup policy.

Form as recorded for AKS policies: one backup rule, a default retention rule in the operational tier, and for each
rule of the vault tier a tag that selects backups and a retention rule that declares the copy. A rule without its tag
would do nothing.
"""

import json
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from msgspec import to_builtins

from shared.catalog.model import Catalog, Policy, Schedule, minutes
from shared.catalog.zones import known_zone, local_start

DATASOURCE_TYPE = "Microsoft.ContainerService/managedClusters"
_ANCHOR_DAY = date(2023, 1, 4)  # the day in the public client's default template; only the time of day matters
_DEFAULT_PRIORITY = 99
_VAULT_RULES = (
    # field of VaultTier, name of tag and rule, marker, priority: the rarer rule wins where several match
    ("daily", "Daily", "FirstOfDay", 25),
    ("weekly", "Weekly", "FirstOfWeek", 20),
    ("monthly", "Monthly", "FirstOfMonth", 15),
    ("yearly", "Yearly", "FirstOfYear", 10),
)


def backup_rule_name(policy: Policy) -> str:
    """Name of the policy's backup rule; on-demand backups have to give it."""
    return "BackupDaily" if policy.schedule.every == "P1D" else "BackupHourly"


def _store(name: str) -> dict[str, str]:
    return {"dataStoreType": name, "objectType": "DataStoreInfoBase"}


def _lifecycle(store: str, duration: str, *, copy_to: str | None = None) -> dict[str, Any]:
    lifecycle: dict[str, Any] = {
        "deleteAfter": {"duration": duration, "objectType": "AbsoluteDeleteOption"},
        "sourceDataStore": _store(store),
    }
    if copy_to:
        lifecycle["targetDataStoreCopySettings"] = [
            {"copyAfter": {"objectType": "ImmediateCopyOption"}, "dataStore": _store(copy_to)}
        ]
    return lifecycle


def _retention_rule(name: str, lifecycles: list[dict[str, Any]], *, default: bool) -> dict[str, Any]:
    return {"isDefault": default, "lifecycles": lifecycles, "name": name, "objectType": "AzureRetentionRule"}


def _tagging(name: str, priority: int, marker: str | None) -> dict[str, Any]:
    tagging: dict[str, Any] = {
        "isDefault": marker is None,
        "tagInfo": {"id": f"{name}_", "tagName": name},
        "taggingPriority": priority,
    }
    if marker:
        tagging["criteria"] = [{"absoluteCriteria": [marker], "objectType": "ScheduleBasedBackupCriteria"}]
    return tagging


def bucket_of(policy: Policy, cluster_key: str) -> int:
    """Which of the schedule's start times a cluster has: always the same one, by a hash of its id.

    Args:
        policy: the policy.
        cluster_key: hex digits that stand for the cluster, such as `ClusterId.key`.
    """
    return int(cluster_key[:8], 16) % policy.schedule.buckets if policy.schedule.spread else 0


def start_of(schedule: Schedule, bucket: int) -> str:
    """The first start of a bucket, ISO 8601 with the time zone's offset."""
    window = minutes(schedule.spread) if schedule.spread else 0
    after = timedelta(minutes=window * bucket // schedule.buckets)
    return local_start(_ANCHOR_DAY, schedule.start, after, schedule.time_zone)


def _schedule(schedule: Schedule, bucket: int) -> dict[str, Any]:
    rendered: dict[str, Any] = {"repeatingTimeIntervals": [f"R/{start_of(schedule, bucket)}/{schedule.every}"]}
    if schedule.time_zone != "UTC":
        rendered["timeZone"] = known_zone(schedule.time_zone)
    return rendered


def render(policy: Policy, bucket: int = 0) -> dict[str, Any]:
    """The `properties` of the ARM backup policy for the clusters of one bucket of start times."""
    tagging: list[dict[str, Any]] = []
    retention = [
        _retention_rule("Default", [_lifecycle("OperationalStore", policy.operational_retention)], default=True)
    ]
    for field, name, marker, priority in _VAULT_RULES:
        duration = getattr(policy.vault_tier, field, None)
        if duration:
            tagging.append(_tagging(name, priority, marker))
            copied = _lifecycle("OperationalStore", policy.operational_retention, copy_to="VaultStore")
            kept = {**_lifecycle("VaultStore", duration), "targetDataStoreCopySettings": []}
            retention.append(_retention_rule(name, [copied, kept], default=False))
    tagging.append(_tagging("Default", _DEFAULT_PRIORITY, None))
    backup_rule = {
        "backupParameters": {"backupType": "Incremental", "objectType": "AzureBackupParams"},
        "dataStore": _store("OperationalStore"),
        "name": backup_rule_name(policy),
        "objectType": "AzureBackupRule",
        "trigger": {
            "objectType": "ScheduleBasedTriggerContext",
            "schedule": _schedule(policy.schedule, bucket),
            "taggingCriteria": tagging,
        },
    }
    return {
        "datasourceTypes": [DATASOURCE_TYPE],
        "objectType": "BackupPolicy",
        "policyRules": [backup_rule, *retention],
    }


def arm_name(name: str, policy: Policy, bucket: int = 0) -> str:
    """Name of the ARM policy: an existing one can't be edited for AKS, so a changed content is another policy."""
    digest = sha256(json.dumps(render(policy, bucket), sort_keys=True).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def policy_fingerprint(catalog: Catalog, policy: Policy, cluster_key: str) -> str:
    """Of everything that the catalog says about one cluster of a policy: another one means that something moves."""
    said = [
        render(policy, bucket_of(policy, cluster_key)),
        render_contents(policy),
        to_builtins([catalog.profile_of(policy), policy.existing, catalog.naming]),
        policy.vault_profile,
        policy.on_move,
    ]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def render_contents(policy: Policy) -> dict[str, Any]:
    """The `backupDatasourceParametersList` entry of a backup instance: what of the cluster is backed up."""
    contents = policy.contents
    filters = {
        "includedNamespaces": contents.included_namespaces,
        "excludedNamespaces": contents.excluded_namespaces,
        "includedResourceTypes": contents.included_resource_types,
        "excludedResourceTypes": contents.excluded_resource_types,
        "labelSelectors": contents.label_selectors,
        "backupHookReferences": [{"name": hook.name, "namespace": hook.namespace} for hook in contents.hooks],
        "includedVolumeTypes": contents.volume_types,
    }
    return {
        "objectType": "KubernetesClusterBackupDatasourceParameters",
        "snapshotVolumes": contents.volume_snapshots,
        "includeClusterScopeResources": contents.cluster_scope_resources,
        **{name: list(values) for name, values in filters.items() if values},
    }
