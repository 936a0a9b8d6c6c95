"""What somebody else made is used as it is or reported; it is never changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION, cluster_id
from shared.arm.ids import ClusterId
from shared.catalog.naming import Naming
from shared.onboarding.names import Namer
from tests.e2e.azure_view import EXTENSIONS_API
from tests.e2e.conftest import SECOND_SUBSCRIPTION
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP: Final = "rg-foreign"
_LOCATION: Final = "francecentral"
_THEIRS: Final = {"managed-by": "somebody-else"}
_OURS: Final = {"managed-by": "aks-backup-autopilot/default"}
_PREFIX: Final = "configuration.backupStorageLocation"


def _namer(name: str, location: str = _LOCATION) -> Namer:
    """Names of what the app wants for a cluster."""
    cluster = ClusterId.parse(cluster_id(name, _GROUP))
    return Namer(Naming(), "default", cluster, location, "standard", "LocallyRedundant")


def _group_of(name: str) -> str:
    return _namer(name).backup_group()


def _account_of(name: str) -> str:
    return _namer(name).storage_account(_group_of(name))


def _account(tags: Mapping[str, str], location: str = _LOCATION) -> dict[str, Any]:
    properties = {"provisioningState": "Succeeded", "creationTime": "2025-01-01T00:00:00.0000000Z"}
    return {"location": location, "kind": "StorageV2", "tags": dict(tags), "properties": properties}


async def _group_taken(app: Fleet, name: str) -> str:
    await app.seed(_group_of(name), {"location": _LOCATION, "tags": _THEIRS})
    return _group_of(name)


async def _account_without_our_tag(app: Fleet, name: str) -> str:
    await app.seed(_group_of(name), {"location": _LOCATION, "tags": _OURS})
    await app.seed(_account_of(name), _account(_THEIRS))
    return _account_of(name)


async def _account_elsewhere(app: Fleet, name: str, subscription: str) -> str:
    group = f"/subscriptions/{subscription}/resourceGroups/rg-theirs"
    await app.seed(group, {"location": _LOCATION})
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{_account_of(name).rsplit('/', 1)[-1]}"
    await app.seed(account, _account(_THEIRS))
    return account


async def _account_of_a_stranger(app: Fleet, name: str) -> str:
    return await _account_elsewhere(app, name, SECOND_SUBSCRIPTION)


async def _account_of_a_colleague(app: Fleet, name: str) -> str:
    return await _account_elsewhere(app, name, SUBSCRIPTION)


async def _vault_taken(app: Fleet, name: str) -> str:
    location = "francesouth"
    namer = _namer(name, location)
    await app.seed(namer.vault_group(SUBSCRIPTION), {"location": location, "tags": _OURS})
    vault = namer.vault(SUBSCRIPTION)
    properties = {"provisioningState": "Succeeded", "storageSettings": []}
    await app.seed(vault, {"location": location, "tags": _THEIRS, "properties": properties})
    return vault


async def _other_extension_of_that_name(app: Fleet, name: str) -> str:
    return await _extension(app, name, kind="contoso.something", settings={})


async def _extension_with_storage_elsewhere(app: Fleet, name: str) -> str:
    return await _adoptable(app, name, location="westus")


async def _instance_of_another_vault(app: Fleet, name: str) -> str:
    cluster = cluster_id(name, _GROUP)
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-theirs"
    await app.seed(group, {"location": _LOCATION})
    vault = f"{group}/providers/Microsoft.DataProtection/backupVaults/theirs"
    await app.seed(vault, {"location": _LOCATION, "properties": {"provisioningState": "Succeeded"}})
    source = {"resourceID": cluster, "datasourceType": "Microsoft.ContainerService/managedClusters"}
    properties = {
        "dataSourceInfo": source,
        "policyInfo": {"policyId": f"{vault}/backupPolicies/theirs"},
        "currentProtectionState": "ProtectionConfigured",
        "provisioningState": "Succeeded",
    }
    instance = f"{vault}/backupInstances/{name}-{name}-1"
    await app.seed(instance, {"properties": properties})
    return instance


async def _extension(app: Fleet, name: str, *, kind: str, settings: Mapping[str, str]) -> str:
    extension = f"{cluster_id(name, _GROUP)}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
    principal = "6f0f0c52-7a51-4a43-8d0c-2b8f4a1f" + f"{abs(hash(name)) % 10000:04}"
    properties = {
        "extensionType": kind,
        "provisioningState": "Succeeded",
        "configurationSettings": dict(settings),
        "aksAssignedIdentity": {"principalId": principal},
    }
    await app.seed(extension, {"properties": properties})
    return extension


async def _adoptable(app: Fleet, name: str, location: str = _LOCATION) -> str:
    """A backup extension with an account of its owner's; returns the account."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-theirs"
    await app.seed(group, {"location": location})
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/theirs{name.replace('-', '')}"
    await app.seed(account, _account(_THEIRS, location))
    await app.seed(f"{account}/blobServices/default/containers/theirs", {"properties": {}})
    settings = {
        f"{_PREFIX}.bucket": "theirs",
        f"{_PREFIX}.config.storageAccount": account.rsplit("/", 1)[-1],
        f"{_PREFIX}.config.resourceGroup": "rg-theirs",
        f"{_PREFIX}.config.subscriptionId": SUBSCRIPTION,
        f"{_PREFIX}.config.useAAD": "true",
    }
    await _extension(app, name, kind="microsoft.dataprotection.kubernetes", settings=settings)
    return account


type _Seeds = Callable[[Fleet, str], Awaitable[str]]

_BLOCKED: Final[tuple[tuple[str, _Seeds, str, str], ...]] = (
    # cluster, what is there before, reason, who can act
    ("group-taken", _group_taken, "NameTaken", "operator"),
    ("vault-taken", _vault_taken, "NameTaken", "operator"),
    ("account-untagged", _account_without_our_tag, "NameTaken", "operator"),
    ("account-stranger", _account_of_a_stranger, "StorageAccountAlreadyTaken", "operator"),
    ("account-colleague", _account_of_a_colleague, "StorageAccountInAnotherResourceGroup", "operator"),
    ("extension-named", _other_extension_of_that_name, "NameTaken", "cluster owner"),
    ("extension-elsewhere", _extension_with_storage_elsewhere, "ForeignExtension", "cluster owner"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def foreign(app: Fleet) -> Mapping[str, tuple[str, str]]:
    """Clusters that meet something foreign, announced; id of the cluster and of the foreign thing by name."""
    made = {}
    others = (("adopted", _adoptable, "", ""), ("instance-theirs", _instance_of_another_vault, "", ""))
    for name, seed, _, _ in (*_BLOCKED, *others):
        location = "francesouth" if name == "vault-taken" else _LOCATION
        cluster = await app.seed_cluster(name, "gold", group=_GROUP, location=location)
        made[name] = (cluster, await seed(app, name))
        await app.announce(cluster)
    return made


async def _body(app: Fleet, resource_id: str) -> Any:
    scope, _, rest = resource_id.rpartition("/providers/")
    kind = "/".join(rest.split("/")[0:2] + rest.split("/")[3::2]) if scope else "Microsoft.Resources/resourceGroups"
    return [item["body"] for item in await app.resources(kind, resource_id)]


@pytest.mark.parametrize(("name", "_seed", "reason", "who"), _BLOCKED, ids=[case[0] for case in _BLOCKED])
async def test_a_foreign_thing_in_the_way_blocks(
    app: Fleet, foreign: Mapping[str, tuple[str, str]], name: str, _seed: object, reason: str, who: str
) -> None:
    """The row says what is in the way and who can act; nobody sent a write to it, and there is no instance of ours."""
    cluster, thing = foreign[name]
    row = await app.settled(cluster, "Blocked", reason)
    assert row["who"] == who
    assert row["message"]
    assert [item for item in await app.requests(thing) if item["kind"] == "write"] == []
    assert [item["id"] for item in await app.instances(cluster) if item["id"] != thing] == []


async def test_nothing_is_made_for_a_cluster_that_others_protect(
    app: Fleet, foreign: Mapping[str, tuple[str, str]]
) -> None:
    """Neither a group nor an extension nor anything else; the row names the instance that is there."""
    cluster, instance = foreign["instance-theirs"]
    row = await app.settled(cluster, "Protected", "ExternallyProtected")
    assert instance in row["message"]
    assert [item for item in await app.requests("instance-theirs") if item["kind"] == "write"] == []


async def test_the_storage_of_an_installed_extension_is_adopted(
    app: Fleet, foreign: Mapping[str, tuple[str, str]]
) -> None:
    """An extension with an account of the same region and subscription stays as it is, and so does its account."""
    cluster, account = foreign["adopted"]
    await app.protected(cluster)
    extension = f"{cluster}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
    settings = (await app.get(extension, EXTENSIONS_API))["properties"]["configurationSettings"]
    assert settings[f"{_PREFIX}.config.storageAccount"] == account.rsplit("/", 1)[-1]
    writes = [item for item in await app.requests(account, extension) if item["kind"] == "write"]
    assert {item["path"].rsplit("/", 2)[-2] for item in writes} == {"roleAssignments"}
    assert await app.operations("adopted", "extensionWrite") == []
    assert await app.operations("adopted", "storageAccountWrite") == []
