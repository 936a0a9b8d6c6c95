from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION
from tests.local_azure.conftest import Start
from tests.local_azure.world import GROUP, World, running

ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/backups1"
CONTAINERS = f"{ACCOUNT}/blobServices/default/containers"
PROPERTIES = {
    "minimumTlsVersion": "TLS1_2",
    "allowBlobPublicAccess": False,
    "allowSharedKeyAccess": False,
    "supportsHttpsTrafficOnly": True,
}


def account(**changes: Any) -> dict[str, Any]:
    """An account as a client asks for it."""
    return {
        "sku": {"name": "Standard_LRS"},
        "kind": "StorageV2",
        "location": "westeurope",
        "properties": PROPERTIES,
        **changes,
    }


@pytest.fixture
async def world(start: Start) -> AsyncIterator[World]:
    """A simulated Azure with two subscriptions."""
    subscriptions = tuple(path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
    async with running(start, subscriptions=subscriptions) as world:
        yield world


async def create(world: World, **changes: Any) -> dict[str, Any]:
    """Create the account and wait for it."""
    made = await world.ask("PUT", ACCOUNT, account(**changes))
    assert made.status == 202, made
    await world.advance(20)
    body: dict[str, Any] = (await world.ask("GET", ACCOUNT)).body
    return body


async def test_the_app_creates_an_account(world: World) -> None:
    """A new account is polled by its Location, which answers 202 until it answers with the account."""
    made = await world.ask("PUT", ACCOUNT, account(), caller="app")
    assert (made.status, made.body) == (202, "")
    assert (await world.ask("GET", ACCOUNT, caller="app")).body["properties"]["provisioningState"] == "Creating"
    assert (await world.ask("GET", made.headers["location"], caller="app")).status == 202
    await world.advance(20)
    polled = await world.ask("GET", made.headers["location"], caller="app")
    assert (polled.status, polled.body["properties"]["provisioningState"]) == (200, "Succeeded")
    assert polled.body["properties"].items() >= PROPERTIES.items()


async def test_a_put_on_an_existing_account_changes_it(world: World) -> None:
    """It answers 200 at once; what it doesn't name stays."""
    before = await create(world, tags={"a": "b"})
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24", "action": "Allow"}]}
    body = {"sku": {"name": "Standard_LRS"}, "location": "westeurope", "properties": {"networkAcls": rules}}
    changed = await world.ask("PUT", ACCOUNT, body)
    assert changed.status == 200
    inner = changed.body["properties"]
    assert inner["networkAcls"] == before["properties"]["networkAcls"] | rules
    assert inner["allowSharedKeyAccess"] is False
    assert changed.body["tags"] == {"a": "b"}


async def test_patch(world: World) -> None:
    """PATCH changes settings, redundancy and tags."""
    await create(world)
    body = {"sku": {"name": "Standard_ZRS"}, "tags": {"a": "b"}, "properties": {"publicNetworkAccess": "Disabled"}}
    changed = (await world.ask("PATCH", ACCOUNT, body)).body
    assert (changed["sku"]["name"], changed["tags"]) == ("Standard_ZRS", {"a": "b"})
    assert changed["properties"]["publicNetworkAccess"] == "Disabled"


async def test_geo_redundancy_names_the_paired_region(world: World) -> None:
    """GRS has a secondary region, read access gives it endpoints, and local redundancy has neither."""
    inner = (await create(world, sku={"name": "Standard_GRS"}))["properties"]
    assert (inner["secondaryLocation"], "secondaryEndpoints" in inner) == ("northeurope", False)


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("ab", {}, "AccountNameInvalid"),
        ("a" * 25, {}, "AccountNameInvalid"),
        ("Backups1", {}, "AccountNameInvalid"),
        ("back-ups", {}, "AccountNameInvalid"),
        ("backups1", {"sku": {"name": "Cheap_LRS"}}, "InvalidRequestPropertyValue"),
        ("backups1", {"sku": None}, "InvalidRequestPropertyValue"),
        ("backups1", {"kind": "Bucket"}, "InvalidRequestPropertyValue"),
        ("backups1", {"location": None}, "LocationRequired"),
    ],
)
async def test_what_cannot_be_created(world: World, name: str, changes: dict[str, Any], code: str) -> None:
    """A request against the rules is refused with 400."""
    refused = await world.ask("PUT", ACCOUNT.replace("backups1", name), account(**changes))
    assert (refused.status, refused.code) == (400, code)


async def test_names_are_unique_in_all_of_azure(world: World) -> None:
    """A name in another group or subscription is taken, and the check for it says so."""
    await create(world)
    await world.seed(GROUP.replace("/rg", "/two"), location="westeurope")
    elsewhere = GROUP.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
    await world.seed(elsewhere, location="westeurope")
    group = await world.ask("PUT", ACCOUNT.replace("/rg/", "/two/"), account())
    assert (group.status, group.code) == (409, "StorageAccountInAnotherResourceGroup")
    subscription = await world.ask("PUT", ACCOUNT.replace(GROUP, elsewhere), account())
    assert (subscription.status, subscription.code) == (409, "StorageAccountAlreadyTaken")
    check = f"{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"
    kind = "Microsoft.Storage/storageAccounts"
    answers = [
        (await world.ask("POST", check, {"name": name, "type": kind})).body for name in ("backups1", "B", "free1")
    ]
    assert [answer.get("reason") for answer in answers] == ["AlreadyExists", "AccountNameInvalid", None]
    assert [answer["nameAvailable"] for answer in answers] == [False, False, True]


async def test_one_creation_at_a_time(world: World) -> None:
    """A second PUT while the account is created is a conflict, and a container has to wait."""
    await world.ask("PUT", ACCOUNT, account())
    again = await world.ask("PUT", ACCOUNT, account())
    assert (again.status, again.code) == (409, "StorageAccountOperationInProgress")
    early = await world.ask("PUT", f"{CONTAINERS}/one", {})
    assert (early.status, early.code) == (409, "StorageAccountIsNotProvisioned")


async def test_an_ordered_failure_leaves_nothing(world: World) -> None:
    """The Location answers with the error, and the account isn't there."""
    fault = {"match": {"path": "storageAccounts"}, "action": "fail_late", "status": 409, "code": "StorageFailed"}
    await world.control("POST", "/faults", fault)
    made = await world.ask("PUT", ACCOUNT, account())
    await world.advance(20)
    failed = await world.ask("GET", made.headers["location"])
    assert (failed.status, failed.code) == (409, "StorageFailed")
    assert (await world.ask("GET", ACCOUNT)).status == 404


async def test_accounts_are_listed_and_removed(world: World) -> None:
    """Lists are by subscription and group; a removed account takes its containers with it."""
    await create(world)
    await world.ask("PUT", f"{CONTAINERS}/one", {})
    path = "providers/Microsoft.Storage/storageAccounts"
    for scope in (SUBSCRIPTION, GROUP):
        assert [item["name"] for item in (await world.ask("GET", f"{scope}/{path}")).body["value"]] == ["backups1"]
    assert (await world.ask("DELETE", ACCOUNT)).status == 200
    assert (await world.ask("GET", ACCOUNT)).code == "ResourceNotFound"
    assert (await world.ask("PUT", f"{CONTAINERS}/one", {})).code == "ParentResourceNotFound"
    assert (await world.ask("DELETE", ACCOUNT)).status == 204


async def test_keys_are_for_owners(world: World) -> None:
    """The owner sees two keys, the app none."""
    await create(world)
    keys = (await world.ask("POST", f"{ACCOUNT}/listKeys")).body["keys"]
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    refused = await world.ask("POST", f"{ACCOUNT}/listKeys", caller="app")
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")


async def test_containers(world: World) -> None:
    """The app makes a container: 201 when new, 200 when it is there."""
    await create(world)
    body = {"properties": {"publicAccess": "None"}}
    statuses = [(await world.ask("PUT", f"{CONTAINERS}/one", body, caller="app")).status for _ in range(2)]
    assert statuses == [201, 200]
    container = (await world.ask("GET", f"{CONTAINERS}/one", caller="app")).body
    assert (container["name"], container["properties"]["publicAccess"]) == ("one", "None")
    assert [item["name"] for item in (await world.ask("GET", CONTAINERS)).body["value"]] == ["one"]
    patched = await world.ask("PATCH", f"{CONTAINERS}/one", {"properties": {"metadata": {"a": "b"}}})
    assert patched.body["properties"]["metadata"] == {"a": "b"}
    assert (await world.ask("DELETE", f"{CONTAINERS}/one")).status == 200
    absent = await world.ask("GET", f"{CONTAINERS}/one")
    assert (absent.status, absent.code) == (404, "ContainerNotFound")
    assert (await world.ask("DELETE", f"{CONTAINERS}/one")).status == 204


@pytest.mark.parametrize("name", ["ab", "Upper", "two--dashes", "-first", "last-", "a" * 64, "dot.dot"])
async def test_container_names(world: World, name: str) -> None:
    """A name against the rules is refused."""
    await create(world)
    refused = await world.ask("PUT", f"{CONTAINERS}/{name}", {})
    assert (refused.status, refused.code) == (400, "InvalidResourceName")


async def test_there_is_one_blob_service(world: World) -> None:
    """It is named default and shows its defaults; another one doesn't exist."""
    await create(world)
    service = await world.ask("GET", f"{ACCOUNT}/blobServices/default")
    assert service.body["properties"]["deleteRetentionPolicy"]["enabled"] is False
    assert (await world.ask("GET", f"{ACCOUNT}/blobServices/other")).status == 404
