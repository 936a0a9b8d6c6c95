"""What must be so in the end, whatever happened on the way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.fleet import Fleet


_BINDINGS: Final = "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings"


async def one_of_each(fleet: Fleet, clusters: Sequence[str], location: str) -> None:
    """Each cluster has one instance, which is protected; the region one vault; nothing else was made twice."""
    vaults = await fleet.resources("Microsoft.DataProtection/backupVaults")
    [vault] = [item["id"] for item in vaults if item["body"]["location"] == location]
    instances = await fleet.resources("Microsoft.DataProtection/backupVaults/backupInstances")
    protected = Counter(item["body"]["properties"]["dataSourceInfo"]["resourceID"].casefold() for item in instances)
    assert protected == Counter(cluster.casefold() for cluster in clusters)
    assert {item["body"]["properties"]["currentProtectionState"] for item in instances} == {"ProtectionConfigured"}
    assert all(item["id"].casefold().startswith(vault.casefold()) for item in instances)
    for cluster in clusters:
        name = cluster.rsplit("/", 1)[-1]
        assert len(await fleet.extensions(cluster)) == 1
        assert (
            len(await fleet.resources("Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings", cluster))
            == 1
        )
        accounts = await fleet.resources("Microsoft.Storage/storageAccounts")
        assert len([item for item in accounts if f"-{name}-" in item["id"]]) == 1


async def at_rest(fleet: Fleet, clusters: Sequence[str]) -> None:
    """No claim on a cluster is left behind, no message waits, and none was one that nobody could read."""
    await fleet.drained("reconcile", "reconcile-urgent", "reconcile-poison")
    for cluster in clusters:
        row = await fleet.settled(cluster, "Protected")
        assert (row["claim"], row["wake"], row["again"]) == (None, None, False)
    assert await fleet.rows("deadletters") == []
