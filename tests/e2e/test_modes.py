"""Opt-out with a default policy, isolation by region, and subscriptions that aren't registered for backup yet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION
from tests.e2e.azure_view import GROUPS_API, STORAGE_API
from tests.e2e.fleet import Fleet, eventually, fleet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_SETTINGS: Final = {
    "AUTOPILOT_MODE": "opt-out",
    "AUTOPILOT_DEFAULT_POLICY": "silver",
    "AUTOPILOT_ISOLATION": "region",
    "AUTOPILOT_DEPLOYMENT_ID": "shared1",
}
_BACKUP_PROVIDERS: Final = ("Microsoft.DataProtection", "Microsoft.KubernetesConfiguration")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def regional(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Fleet]:
    """A stack with other settings, in a subscription without the resource providers of backup."""
    folder = tmp_path_factory.mktemp("regional")
    async with fleet(folder, _SETTINGS, azure_options=("--unregistered",)) as running:
        assert await _registered(running) == dict.fromkeys(_BACKUP_PROVIDERS, "NotRegistered")
        yield running


async def _registered(fleet: Fleet) -> dict[str, str]:
    path = f"/subscriptions/{SUBSCRIPTION}/providers"
    return {name: (await fleet.get(f"{path}/{name}", GROUPS_API))["registrationState"] for name in _BACKUP_PROVIDERS}


def _command(message: str, verb: str) -> dict[str, Any]:
    """The options of the command that a message tells the operator to run."""
    words = shlex.split(message[message.index(verb) :])[len(verb.split()) :]
    return dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True))


def _tags(command: dict[str, Any]) -> dict[str, str]:
    name, _, value = command["tags"].partition("=")
    return {name: value}


async def _make_group(fleet: Fleet, message: str) -> str:
    """Do what the message says about the snapshot group."""
    wanted = _command(message, "az group create")
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{wanted['name']}"
    await fleet.owner.put(path, GROUPS_API, {"location": wanted["location"], "tags": _tags(wanted)})
    return path


async def _make_account(fleet: Fleet, message: str) -> str:
    """Do what the message says about the storage account."""
    wanted = _command(message, "az storage account create")
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{wanted['resource-group']}"
    path = f"{group}/providers/Microsoft.Storage/storageAccounts/{wanted['name']}"
    body = {
        "location": wanted["location"],
        "kind": "StorageV2",
        "sku": {"name": wanted["sku"]},
        "tags": _tags(wanted),
        "properties": {
            "allowBlobPublicAccess": wanted["allow-blob-public-access"] == "true",
            "allowSharedKeyAccess": wanted["allow-shared-key-access"] == "true",
        },
    }
    await fleet.owner.put(path, STORAGE_API, body)

    async def made() -> bool:
        return await fleet.exists(path, STORAGE_API) and (
            (await fleet.get(path, STORAGE_API))["properties"]["provisioningState"] == "Succeeded"
        )

    await eventually(made, lambda: "the storage account")
    return path


async def test_opt_out_in_a_region_that_the_deployment_prepares(regional: Fleet) -> None:
    """Untagged clusters are blocked with the commands of what is missing; once it is made, they share it.

    Providers that weren't registered are registered on the way.
    """
    clusters = [await regional.onboard(f"untagged-{number}", None) for number in (1, 2)]
    rows = [await regional.settled(cluster, "Blocked", "SnapshotGroupMissing") for cluster in clusters]
    assert {row["who"] for row in rows} == {"operator"}
    for cluster in clusters:
        await regional.untouched(cluster)
    group = await _make_group(regional, rows[0]["message"])
    assert group.endswith("/rg-aks-backup-snapshots-shared1-westeurope")
    for cluster in clusters:
        await regional.announce(cluster)
    row = await regional.settled(clusters[0], "Blocked", "StorageAccountMissing")
    account = await _make_account(regional, row["message"])
    for cluster in clusters:
        await regional.announce(cluster)
    rows = await regional.protected(*clusters)
    assert [row["policy"] for row in rows] == ["silver", "silver"]
    assert await _registered(regional) == dict.fromkeys(_BACKUP_PROVIDERS, "Registered")

    containers = (await regional.get(f"{account}/blobServices/default/containers", STORAGE_API))["value"]
    assert len(containers) == 2
    for cluster in clusters:
        [instance] = await regional.instances(cluster)
        stores = instance["properties"]["policyInfo"]["policyParameters"]["dataStoreParametersList"]
        assert [store["resourceGroupId"] for store in stores] == [group]
    groups = (await regional.get(f"/subscriptions/{SUBSCRIPTION}/resourceGroups", GROUPS_API))["value"]
    ours = sorted(item["name"] for item in groups if item["name"].startswith("rg-aks-backup"))
    assert ours == ["rg-aks-backup-snapshots-shared1-westeurope", "rg-aks-backup-vaults-shared1-westeurope"]


async def test_none_excludes_a_cluster_from_opt_out(regional: Fleet) -> None:
    """The tag `none` is the way out of the default policy."""
    cluster = await regional.onboard("excluded", "none")
    row = await regional.settled(cluster, "Released", "Excluded")
    assert row["wake"] is None
    await regional.untouched(cluster)
