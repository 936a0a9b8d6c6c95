"""Disks of clusters, and the snapshots that backups leave of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.azure.data_protection import snapshots
from local.azure.data_protection.dialect import POINTS
from tests.local_azure import test_resource_graph as graph
from tests.local_azure.backup import CLUSTER, CLUSTER_GROUP, GROUP, INSTANCE, VAULT, protected
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION
from tests.local_azure.ondemand import DAY, advance, run_one
from tests.local_azure.world import cluster_body

if TYPE_CHECKING:
    from tests.local_azure.client import Client

NODES = f"{SUBSCRIPTION}/resourceGroups/MC_clusters_k1_westeurope"
SNAPSHOTS = f"{GROUP}/providers/Microsoft.Compute/snapshots"


def disk(name: str, group: str = NODES) -> str:
    """Id of a disk."""
    return f"{group}/providers/Microsoft.Compute/disks/{name}"


def seed_disk(azure: Client, name: str, sku: str = "StandardSSD_LRS", namespace: str | None = "shop") -> str:
    """Put the disk of a persistent volume into the node resource group of the protected cluster."""
    azure.cloud.seed(NODES, {"location": "westeurope", "managedBy": CLUSTER})
    tags = {"kubernetes.io-created-for-pvc-name": name, "kubernetes.io-created-for-pvc-namespace": namespace}
    body: dict[str, Any] = {
        "location": "westeurope",
        "sku": {"name": sku, "tier": "Standard"},
        "tags": tags if namespace else {"team": "ops"},
        "properties": {"diskSizeGB": 8, "networkAccessPolicy": "AllowAll", "diskState": "Attached"},
    }
    return azure.cloud.seed(disk(name), body).id


async def _with_disks(azure: Client) -> None:
    await protected(azure)
    cluster = azure.cloud.store.get(CLUSTER)
    assert cluster
    cluster.properties["nodeResourceGroup"] = NODES.rsplit("/", 1)[-1]


async def _snapshots(azure: Client) -> list[dict[str, Any]]:
    answer = await azure.arm("GET", SNAPSHOTS, caller="app", version="2024-03-02")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.body["value"]
    return found


async def test_disks_are_read_alone_and_by_group_and_subscription(azure: Client) -> None:
    """The app reads them as they were put; another subscription's aren't listed; it may not delete them."""
    one = seed_disk(azure, "pvc-1")
    azure.cloud.seed(disk("os", await azure.group("other")), {"location": "westeurope"})
    azure.cloud.seed(disk("far", await azure.group("far", subscription=OTHER_SUBSCRIPTION)), {"location": "eastus"})

    async def names(scope: str) -> list[str]:
        answer = await azure.arm("GET", f"{scope}/providers/Microsoft.Compute/disks", caller="app")
        return [item["name"] for item in answer.body["value"]]

    assert await names(NODES) == ["pvc-1"]
    assert await names(SUBSCRIPTION) == ["pvc-1", "os"]
    alone = await azure.arm("GET", one, caller="app")
    assert alone.body["properties"]["diskSizeGB"] == 8
    assert alone.body["type"] == "Microsoft.Compute/disks"
    assert (await azure.arm("GET", disk("none"), caller="app")).code == "ResourceNotFound"
    assert (await azure.arm("DELETE", one, caller="app")).code == "AuthorizationFailed"
    assert (await azure.arm("DELETE", one)).status == 200
    assert (await azure.arm("DELETE", one)).status == 204


async def test_disks_are_rows_of_the_graph(azure: Client) -> None:
    """With SKU, tags and properties."""
    seed_disk(azure, "pvc-1", "PremiumV2_LRS")
    (row,) = await graph.rows(azure, "Resources | where type =~ 'microsoft.compute/disks'", caller="app")
    assert (row["resourceGroup"], row["sku"]["name"]) == ("mc_clusters_k1_westeurope", "PremiumV2_LRS")
    assert row["tags"]["kubernetes.io-created-for-pvc-namespace"] == "shop"


async def test_the_node_resource_group_of_a_new_cluster_is_a_group(azure: Client) -> None:
    """Its disks can be listed at once, and it goes with the cluster."""
    await azure.group("clusters")
    assert (await azure.arm("PUT", CLUSTER, cluster_body())).status == 201
    listed = await azure.arm("GET", f"{NODES}/providers/Microsoft.Compute/disks", caller="app")
    assert listed.body == {"value": []}
    await advance(azure, 300)
    assert (await azure.arm("DELETE", CLUSTER)).status == 202
    await advance(azure, 300)
    assert (await azure.arm("GET", NODES)).code == "ResourceGroupNotFound"


async def test_a_backup_leaves_a_snapshot_of_each_volume(azure: Client) -> None:
    """Not of disks without a claim, of kinds that can't be backed up, or of Kubernetes' own namespaces."""
    await _with_disks(azure)
    kept = [seed_disk(azure, "pvc-1"), seed_disk(azure, "pvc-2", "Premium_LRS")]
    seed_disk(azure, "pvc-3", "PremiumV2_LRS")
    seed_disk(azure, "pvc-4", namespace="kube-system")
    seed_disk(azure, "os", namespace=None)
    assert (await run_one(azure))["status"] == "Completed"
    found = await _snapshots(azure)
    assert [item["properties"]["creationData"]["sourceResourceId"] for item in found] == kept
    assert all(item["properties"]["incremental"] and item["properties"]["diskSizeGB"] == 8 for item in found)
    assert found[0]["tags"]["kubernetes.io-created-for-pvc-name"] == "pvc-1"


@pytest.mark.parametrize(
    ("configuration", "left"),
    [
        ({"snapshotVolumes": False}, 0),
        ({"includedVolumeTypes": ["AzureFileShareSMB"]}, 0),
        ({"includedNamespaces": ["other"]}, 0),
        ({"excludedNamespaces": ["shop"]}, 0),
        ({"includedNamespaces": ["shop"], "includedVolumeTypes": ["AzureDisk"]}, 1),
    ],
)
async def test_the_instance_decides_what_is_snapshotted(
    azure: Client, configuration: dict[str, Any], left: int
) -> None:
    """By its backup configuration."""
    await _with_disks(azure)
    seed_disk(azure, "pvc-1")
    instance = azure.cloud.store.get(INSTANCE)
    assert instance
    instance.properties["policyInfo"]["policyParameters"]["backupDatasourceParametersList"][0].update(configuration)
    await run_one(azure)
    assert len(await _snapshots(azure)) == left


async def test_snapshots_go_when_their_point_expires(azure: Client) -> None:
    """Those of newer points stay; one removed by hand is missed by its point."""
    await _with_disks(azure)
    seed_disk(azure, "pvc-1")
    await run_one(azure)
    (first,) = await _snapshots(azure)
    (point,) = azure.cloud.store.of_type(POINTS)
    assert snapshots.missing(azure.cloud, point) == []
    await advance(azure, 9 * DAY)
    later = await _snapshots(azure)
    assert later
    assert first["name"] not in {item["name"] for item in later}
    newest = list(azure.cloud.store.of_type(POINTS))[-1]
    assert (await azure.arm("DELETE", later[-1]["id"])).status == 200
    assert snapshots.missing(azure.cloud, newest) == [later[-1]["id"]]


@pytest.mark.parametrize(("deleted", "left"), [(False, 0), (True, 1)])
async def test_a_purged_instance_takes_its_snapshots_along(azure: Client, *, deleted: bool, left: int) -> None:
    """Two weeks after its deletion, unless its cluster is gone: then somebody has to remove them."""
    await _with_disks(azure)
    seed_disk(azure, "pvc-1")
    await run_one(azure)
    if deleted:
        azure.cloud.remove(CLUSTER, azure.cloud.clock.now())
    assert (await azure.arm("DELETE", INSTANCE)).status == 202
    await advance(azure, 120)
    assert len(await _snapshots(azure)) == 1
    await advance(azure, 15 * DAY)
    assert (await azure.arm("GET", f"{VAULT}/deletedBackupInstances")).body["value"] == []
    assert len(await _snapshots(azure)) == left
    assert azure.cloud.store.get(CLUSTER_GROUP)
