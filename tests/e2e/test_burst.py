"""Many clusters at once in a region where there is nothing yet."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Final

from tests.e2e.fleet import Fleet

_LOCATION: Final = "northeurope"
_GROUP: Final = "rg-burst"
_POLICIES: Final = ("bronze", "silver", "gold", "bronze")
_CLUSTERS: Final = 20


async def test_twenty_clusters_share_what_is_made_once(app: Fleet) -> None:
    """All end protected; the vault, its group and each policy are made once, and nobody fails in making them."""
    await app.subscribe(_GROUP, _LOCATION)
    orders = [(f"burst-{number:02}", _POLICIES[number % len(_POLICIES)]) for number in range(_CLUSTERS)]
    clusters = await asyncio.gather(
        *(
            app.parts.create_cluster(name, {"aks-backup": policy}, group=_GROUP, location=_LOCATION)
            for name, policy in orders
        )
    )
    rows = await app.protected(*clusters, seconds=60)
    assert [row["policy"] for row in rows] == [policy for _, policy in orders]

    shared = f"/resourceGroups/rg-aks-backup-vaults-default-{_LOCATION}"
    writes = [
        item
        for item in await app.requests(shared)
        if item["kind"] == "write" and "backupinstances" not in item["path"].lower() and item["method"] == "PUT"
    ]
    made = Counter(item["path"].partition(shared)[2].partition("/backupVaults/")[2] for item in writes)
    vaults = await app.resources("Microsoft.DataProtection/backupVaults")
    [vault] = [item["id"] for item in vaults if shared in item["id"]]
    name = vault.rsplit("/", 1)[-1]
    policies = await app.resources("Microsoft.DataProtection/backupVaults/backupPolicies", vault)
    names = [policy["id"].rsplit("/", 1)[-1] for policy in policies]
    contents = {json.dumps(policy["body"]["properties"], sort_keys=True) for policy in policies}
    assert {policy.partition("-")[0] for policy in names} == set(_POLICIES)
    assert len(contents) == len(policies), "one policy for each content"
    assert made == Counter(["", name, *(f"{name}/backupPolicies/{policy}" for policy in names)])
    assert [item["path"] for item in writes if item["status"] >= 400] == []
    assert [item["status"] for item in await app.operations(vault, "vaultWrite")] == ["Succeeded"]
    for cluster, (short, _) in zip(clusters, orders, strict=True):
        [instance] = await app.instances(cluster)
        assert instance["id"].startswith(f"{vault}/")
        kinds = Counter(item["kind"] for item in await app.operations(short))
        assert (kinds["extensionWrite"], kinds["backupInstanceWrite"], kinds["storageAccountWrite"]) == (1, 1, 1)
