"""Many protected clusters, put as they stand."""

from __future__ import annotations

import datetime as dt

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from local.azure.options import Options
from local.azure.providers import PROVIDERS
from tests.local_azure import backup
from tests.local_azure.backup import ACCOUNT, BINDING, CLUSTER, CONTAINER, EXTENSION, GROUP, POLICY, VAULT


def fleet(clusters: int) -> Cloud:
    """Clusters that are protected by one vault with a policy of four hours, put as they stand."""
    cloud = Cloud(Options(time_scale=0.001), PROVIDERS, dt.datetime(2024, 6, 1, tzinfo=dt.UTC))
    vault_identity = "00000000-0000-0000-0000-0000000000a1"
    cloud.seed(GROUP, {"location": "westeurope"})
    cloud.seed(VAULT, {**backup.vault(), "identity": {"type": "SystemAssigned", "principalId": vault_identity}})
    cloud.seed(POLICY, backup.policy(frequency="PT4H"))
    cloud.seed(ACCOUNT, {"location": "westeurope", "properties": {}})
    cloud.seed(CONTAINER, {})
    _grant(cloud, backup.READER, vault_identity, GROUP)
    for number in range(clusters):
        cluster = CLUSTER.replace("/k1", f"/k{number}")
        one, other = (f"00000000-0000-0000-{kind:04d}-{number:012d}" for kind in (1, 2))
        running = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
        cloud.seed(cluster, {"location": "westeurope", "identity": {"principalId": one}, "properties": running})
        cloud.seed(BINDING.replace(CLUSTER, cluster), {"properties": backup.trusted()})
        cloud.seed(EXTENSION.replace(CLUSTER, cluster), {"properties": backup.installed(other)})
        _grant(cloud, backup.CONTRIBUTOR, one, GROUP)
        _grant(cloud, backup.BLOB_CONTRIBUTOR, other, ACCOUNT)
        _grant(cloud, backup.READER, vault_identity, cluster)
        wanted = {**backup.instance(POLICY, cluster), "currentProtectionState": "ProtectionConfigured"}
        cloud.seed(f"{VAULT}/backupInstances/k{number}", {"properties": wanted})
    return cloud


def _grant(cloud: Cloud, role: str, principal_id: str, scope: str) -> None:
    definition = cloud.roles.get(role)
    assert definition
    principal = cloud.directory.get(principal_id) or Principal(principal_id, principal_id)
    cloud.assign(cloud.directory.add(principal), definition, scope)
