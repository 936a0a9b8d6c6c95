"""Microsoft.DataProtection: backup vaults, policies and instances, backups, restores, jobs and recovery points."""

import dataclasses

from local.azure.data_protection import (
    adhoc,
    cross_region,
    deleted,
    guards,
    instances,
    jobs,
    policies,
    protection,
    recovery_points,
    restores,
    scheduled,
    vaults,
)
from local.azure.data_protection.dialect import NAMESPACE, plain_json
from local.azure.routing import Provider, ResourceType

_VERSIONS = (
    "2026-06-01",
    "2026-03-01",
    "2025-09-01",
    "2025-07-01",
    "2025-01-01",
    "2024-04-01",
    "2023-11-01",
    "2023-01-01",
)

_TABLES = (
    vaults.ROUTES,
    policies.ROUTES,
    instances.ROUTES,
    deleted.ROUTES,
    protection.ROUTES,
    guards.ROUTES,
    adhoc.ROUTES,
    jobs.ROUTES,
    recovery_points.ROUTES,
    restores.ROUTES,
    cross_region.ROUTES,
)

PROVIDER = Provider(
    NAMESPACE,
    tuple(dataclasses.replace(route, handler=plain_json(route.handler)) for table in _TABLES for route in table),
    ("2021-01-01", "2026-12-31"),
    tuple(
        ResourceType(name, _VERSIONS, capabilities)
        for name, capabilities in (
            ("backupVaults", "SupportsTags, SupportsLocation, SystemAssignedResourceIdentity"),
            ("backupVaults/backupPolicies", "None"),
            ("backupVaults/backupInstances", "None"),
            ("backupVaults/backupInstances/recoveryPoints", "None"),
            ("backupVaults/backupJobs", "None"),
            ("backupVaults/deletedBackupInstances", "None"),
            ("resourceGuards", "SupportsTags, SupportsLocation"),
            ("backupVaults/backupResourceGuardProxies", "None"),
            ("backupInstances", "SupportsExtension"),
            ("locations", "None"),
        )
    ),
    attach=scheduled.attach,
)
