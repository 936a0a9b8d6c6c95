"""A changed catalog reaches protected clusters: policies roll over, contents change in place, profiles make vaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION
from tests.e2e.azure_view import BACKUP_API, GROUPS_API, STORAGE_API
from tests.e2e.fleet import Fleet, eventually, fleet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

type Stage = tuple[Fleet, dict[str, str], dict[str, list[dict[str, Any]]]]
"""The running app, cluster ids by name, and their instances before the catalog changed."""

_REGION: Final = "westeurope"
_GIVEN: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-given"
_ACCOUNT: Final = f"{_GIVEN}/providers/Microsoft.Storage/storageAccounts/givenaccount"
_CATALOG: Final = f"""
vaultProfiles:
  local: {{redundancy: LocallyRedundant}}
  geo: {{redundancy: GeoRedundant, crossRegionRestore: true, immutability: Unlocked}}
naming:
  backupGroup: "backups-{{cluster}}"
policies:
  rolling: {{vaultProfile: local, schedule: {{every: PT6H, spread: PT2H, buckets: 1}}}}
  filtered: {{vaultProfile: local, contents: {{excludedNamespaces: [scratch]}}}}
  moving: {{vaultProfile: local, operationalRetention: P10D}}
  leaving: {{vaultProfile: local, operationalRetention: P11D, onMove: stop}}
  given:
    vaultProfile: local
    operationalRetention: P12D
    existing: {{storageAccount: {_ACCOUNT}}}
    tags: {{fixed: {{env: test}}, copied: [owner, absent]}}
    accountSku: Standard_ZRS
"""
_CHANGES: Final = {
    "every: PT6H": "every: PT8H",
    "excludedNamespaces: [scratch]": "excludedNamespaces: [scratch, sandbox]",
    "moving: {vaultProfile: local": "moving: {vaultProfile: geo",
    "leaving: {vaultProfile: local": "leaving: {vaultProfile: geo",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def before_and_after(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Stage]:
    """Six clusters protected by one catalog, which is then changed and deployed; their instances from before."""
    folder = tmp_path_factory.mktemp("rollout")
    catalog = folder / "backup-policies.yaml"
    catalog.write_text(_CATALOG)
    settings = {
        "AUTOPILOT_CATALOG": str(catalog),
        "AUTOPILOT_ROLLOUT_SECONDS": "1",
        "AUTOPILOT_INHERIT": "group",
    }
    async with fleet(folder, settings) as running:
        await running.owner.put(_GIVEN, GROUPS_API, {"location": _REGION})
        sku = {"name": "Standard_LRS"}
        account = {"location": _REGION, "kind": "StorageV2", "sku": sku, "tags": {"whose": "the operator's"}}
        await running.seed(_ACCOUNT, account | {"properties": {"provisioningState": "Succeeded"}})
        wanted = {"roll-1": "rolling", "roll-2": "rolling", "filter": "filtered", "move": "moving", "leave": "leaving"}
        clusters = {name: await running.onboard(name, policy) for name, policy in wanted.items()}
        clusters["given"] = await running.seed_cluster("given", "given")
        await running.parts.tag(clusters["given"], {"owner": "team-a"})
        await running.announce(clusters["given"])
        await running.protected(*clusters.values())
        first = {name: await running.instances(cluster) for name, cluster in clusters.items()}
        await _deploy(running, catalog)
        yield running, clusters, first


async def _deploy(running: Fleet, catalog: Path) -> None:
    text = catalog.read_text()
    for old, new in _CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    catalog.write_text(text)
    await running.parts.running_host.stop()
    await running.parts.start_host()
    ready = running.parts.running_host.ready
    url, headers = f"{ready['base_url']}/admin/functions/catalog_rollout", {"x-functions-key": ready["master_key"]}
    async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers) as response:
        assert response.status == 202


def _policy(instance: dict[str, Any]) -> str:
    return str(instance["properties"]["policyInfo"]["policyId"])


async def test_both_clusters_move_and_the_last_one_deletes_the_old_policy(
    before_and_after: Stage,
) -> None:
    """The same instances, now with the policy of the changed content; nothing of the old one is left."""
    running, clusters, first = before_and_after
    old = _policy(first["roll-1"][0])
    assert _policy(first["roll-2"][0]) == old

    async def moved() -> bool:
        found = [await running.instances(clusters[name]) for name in ("roll-1", "roll-2")]
        gone = not await running.exists(old, BACKUP_API)
        return gone and all(_policy(item[0]) != old for item in found)

    await eventually(moved, lambda: "both instances moved and the old policy gone")
    for name in ("roll-1", "roll-2"):
        await running.settled(clusters[name], "Protected")
        now = await running.instances(clusters[name])
        assert [item["id"] for item in now] == [first[name][0]["id"]]
        kept = ("friendlyName", "dataSourceInfo")
        assert [now[0]["properties"][key] for key in kept] == [first[name][0]["properties"][key] for key in kept]
        stores = "dataStoreParametersList"
        parameters = now[0]["properties"]["policyInfo"]["policyParameters"]
        assert parameters[stores] == first[name][0]["properties"]["policyInfo"]["policyParameters"][stores]
    policy = await running.get(_policy((await running.instances(clusters["roll-1"]))[0]), BACKUP_API)
    interval = policy["properties"]["policyRules"][0]["trigger"]["schedule"]["repeatingTimeIntervals"][0]
    assert interval.endswith("/PT8H")


async def test_contents_change_in_place(
    before_and_after: Stage,
) -> None:
    """Another namespace is excluded: the same instance and the same policy, other parameters."""
    running, clusters, first = before_and_after

    async def changed() -> bool:
        found = (await running.instances(clusters["filter"]))[0]["properties"]["policyInfo"]["policyParameters"]
        return bool(found["backupDatasourceParametersList"][0]["excludedNamespaces"] == ["scratch", "sandbox"])

    await eventually(changed, lambda: "the changed namespaces")
    await running.settled(clusters["filter"], "Protected")
    now = await running.instances(clusters["filter"])
    assert [(item["id"], _policy(item)) for item in now] == [(item["id"], _policy(item)) for item in first["filter"]]


@pytest.mark.parametrize(("name", "left"), [("move", "ProtectionConfigured"), ("leave", "ProtectionStopped")])
async def test_another_profile_makes_a_new_instance_beside_the_old_one(
    before_and_after: Stage, name: str, left: str
) -> None:
    """Two redundancies are two vaults; the old instance keeps its points and stops only where the policy says so."""
    running, clusters, first = before_and_after
    old = first[name][0]["id"]

    async def states() -> dict[str, str]:
        return {
            item["id"]: item["properties"]["currentProtectionState"] for item in await running.instances(clusters[name])
        }

    async def moved() -> bool:
        now = await states()
        return sorted(now.values()) == sorted(["ProtectionConfigured", left]) and now[old] == left

    await eventually(moved, lambda: f"two instances of {name}, the old one {left}")
    row = await running.settled(clusters[name], "Protected")
    assert row["reason"] == "ProtectionConfigured"
    new = next(item for item in await states() if item != old)
    vault = await running.get(new.rpartition("/backupInstances/")[0], BACKUP_API)
    assert vault["properties"]["storageSettings"][0]["type"] == "GeoRedundant"
    assert vault["properties"]["securitySettings"]["immutabilitySettings"]["state"] == "Unlocked"
    assert vault["properties"]["featureSettings"]["crossRegionRestoreSettings"]["state"] == "Enabled"


async def test_a_given_account_is_used_and_never_changed(
    before_and_after: Stage,
) -> None:
    """The operator's own account holds the cluster's container; tags go to what was made for the cluster."""
    running, clusters, first = before_and_after
    account = await running.get(_ACCOUNT, STORAGE_API)
    assert account["tags"] == {"whose": "the operator's"}
    assert account["sku"]["name"] == "Standard_LRS"
    containers = await running.resources("Microsoft.Storage/storageAccounts/blobServices/containers", _ACCOUNT)
    assert [item["id"].rpartition("/")[2].startswith("given-") for item in containers] == [True]
    group = await running.get(
        first["given"][0]["properties"]["policyInfo"]["policyParameters"]["dataStoreParametersList"][0][
            "resourceGroupId"
        ],
        GROUPS_API,
    )
    assert group["name"].startswith("backups-given-")
    assert group["tags"] == {"env": "test", "owner": "team-a", "managed-by": "aks-backup-autopilot/default"}
    assert (await running.row(clusters["given"]) or {})["state"] == "Protected"


async def test_the_groups_tag_serves_a_cluster_without_one(
    before_and_after: Stage,
) -> None:
    """With AUTOPILOT_INHERIT=group an untagged cluster takes its group's policy; its own tag wins."""
    running, _, _ = before_and_after
    tagged = {"location": _REGION, "tags": {"AKS-Backup": "filtered"}}
    heir = await running.seed_cluster("heir", group="rg-tagged")
    own = await running.seed_cluster("own-will", "none", group="rg-tagged")
    await running.seed(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-tagged", tagged)
    await running.announce(heir)
    await running.announce(own)
    assert (await running.settled(heir, "Protected"))["policy"] == "filtered"
    assert (await running.settled(own, "Released"))["reason"] == "Excluded"
