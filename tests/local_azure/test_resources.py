from __future__ import annotations

import datetime as dt

import pytest

from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Client

_GROUP = f"{SUBSCRIPTION}/resourceGroups/g"
_TAGS = f"{_GROUP}/providers/Microsoft.Resources/tags/default"


async def test_a_group_is_made_once_and_stays_where_it_is(azure: Client) -> None:
    """201, then 200, in the same region only; the display name of a region is as good as its name."""
    made = await azure.arm("PUT", _GROUP, {"location": "West Europe", "tags": {"a": "b"}})
    again = await azure.arm("PUT", _GROUP, {"location": "westeurope"})
    assert (made.status, again.status) == (201, 200)
    assert made.body["location"] == "westeurope"
    assert made.body["tags"] == {"a": "b"}
    assert "tags" not in again.body
    moved = await azure.arm("PUT", _GROUP, {"location": "eastus"})
    assert (moved.status, moved.code) == (409, "InvalidResourceGroupLocation")


@pytest.mark.parametrize("name", ["ends.", "white%20space", "per%25cent", "x" * 91])
async def test_group_names_have_rules(azure: Client, name: str) -> None:
    """Letters, digits and - . ( ) _, at most 90, and no period at the end."""
    answer = await azure.arm("PUT", f"{SUBSCRIPTION}/resourceGroups/{name}", {"location": "eastus"})
    assert (answer.status, answer.code) == (400, "InvalidResourceGroup")


async def test_groups_are_listed_per_subscription(azure: Client) -> None:
    """A subscription shows its own groups only."""
    here, there = await azure.group("g"), await azure.group("g", subscription=OTHER_SUBSCRIPTION)
    for subscription, group in ((SUBSCRIPTION, here), (OTHER_SUBSCRIPTION, there)):
        answer = await azure.arm("GET", f"{subscription}/resourceGroups")
        assert [item["id"] for item in answer.body["value"]] == [group]


async def test_a_deleted_group_takes_everything_with_it(azure: Client) -> None:
    """202 with a Location that answers 202 until the group is gone; nothing can be made in it meanwhile."""
    await azure.group("g")
    inner = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/a"
    azure.cloud.seed(inner, {"location": "westeurope", "identity": {"principalId": "p"}})
    accepted = await azure.arm("DELETE", _GROUP)
    assert (accepted.status, accepted.body) == (202, "")
    assert int(accepted.headers["Retry-After"]) >= 1
    assert "Content-Type" not in accepted.headers
    assert (await azure.arm("GET", _GROUP)).body["properties"]["provisioningState"] == "Deleting"
    assert (await azure.arm("PUT", _GROUP, {"location": "westeurope"})).code == "ResourceGroupBeingDeleted"
    assert (await azure.arm("GET", accepted.headers["Location"])).status == 202
    await azure.control("POST", "/clock", {"advance": 61})
    done = await azure.arm("GET", accepted.headers["Location"])
    assert (done.status, done.body) == (200, "")
    assert "Retry-After" not in done.headers
    assert (await azure.arm("GET", _GROUP)).code == "ResourceGroupNotFound"
    assert azure.cloud.store.get(inner) is None
    assert azure.cloud.directory.get("p") is None


async def test_tags_are_merged_replaced_and_deleted(azure: Client) -> None:
    """The tags API changes tags of a resource and nothing else of it."""
    await azure.arm("PUT", _GROUP, {"location": "westeurope", "tags": {"one": "1", "two": "2"}})

    async def patch(operation: str, tags: dict[str, str]) -> dict[str, str]:
        answer = await azure.arm("PATCH", _TAGS, {"operation": operation, "properties": {"tags": tags}})
        assert answer.status == 200
        kept: dict[str, str] = answer.body["properties"]["tags"]
        return kept

    assert await patch("Merge", {"TWO": "II", "three": "3"}) == {"one": "1", "TWO": "II", "three": "3"}
    assert await patch("Delete", {"one": "1", "three": "other"}) == {"TWO": "II", "three": "3"}
    assert await patch("Replace", {"new": "n"}) == {"new": "n"}
    assert (await azure.arm("GET", _GROUP)).body["tags"] == {"new": "n"}
    assert (await azure.arm("GET", _TAGS)).body["properties"]["tags"] == {"new": "n"}
    assert (await azure.arm("DELETE", _TAGS)).status == 200
    assert (await azure.arm("GET", _TAGS)).body["properties"]["tags"] == {}


async def test_tags_of_nothing_are_not_found(azure: Client) -> None:
    """The tags API answers with the 404 of what isn't there."""
    assert (await azure.arm("GET", _TAGS)).code == "ResourceGroupNotFound"
    await azure.group("g")
    account = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/none"
    answer = await azure.arm("GET", f"{account}/providers/Microsoft.Resources/tags/default")
    assert answer.code == "ResourceNotFound"


async def test_resources_are_listed_with_filters(azure: Client) -> None:
    """By type, name and tag; groups themselves and what has no place of its own are no resources of the list."""
    await azure.group("g")
    base = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts"
    azure.cloud.seed(f"{base}/a", {"location": "westeurope", "tags": {"Env": "prod"}})
    azure.cloud.seed(f"{base}/b", {"location": "eastus"})
    azure.cloud.seed(f"{base}/b/blobServices/default/containers/c", {"properties": {}})

    async def names(condition: str) -> list[str]:
        answer = await azure.arm("GET", f"{SUBSCRIPTION}/resources?$filter={condition}")
        return [item["name"] for item in answer.body["value"]]

    assert await names("") == ["a", "b"]
    assert await names("resourceType eq 'microsoft.storage/STORAGEACCOUNTS'") == ["a", "b"]
    assert await names("resourceType eq 'Microsoft.Web/sites'") == []
    assert await names("tagName eq 'env' and tagValue eq 'prod'") == ["a"]
    assert await names("name eq 'b'") == ["b"]


async def test_the_list_tells_when_resources_were_created_if_asked(azure: Client) -> None:
    """With $expand=createdTime; what changes stays as old as it is."""
    await azure.group("g")
    account = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/a"
    azure.cloud.seed(account, {"location": "westeurope"})
    made = azure.cloud.clock.now()
    await azure.control("POST", "/clock", {"advance": 3600})
    azure.cloud.seed(account, {"location": "westeurope", "tags": {"a": "b"}})
    listed = (await azure.arm("GET", f"{SUBSCRIPTION}/resources?$expand=createdTime")).body["value"]
    (told,) = [dt.datetime.fromisoformat(item["createdTime"]) for item in listed]
    assert abs((told - made).total_seconds()) < 5
    assert "createdTime" not in (await azure.arm("GET", f"{SUBSCRIPTION}/resources")).body["value"][0]


async def test_a_tenant_and_its_regions_are_told(azure: Client) -> None:
    """What a client asks after login."""
    tenants = (await azure.arm("GET", "/tenants")).body["value"]
    assert [tenant["tenantId"] for tenant in tenants] == [azure.cloud.options.tenant]
    regions = (await azure.arm("GET", f"{SUBSCRIPTION}/locations")).body["value"]
    paired = {region["name"]: [pair["name"] for pair in region["metadata"]["pairedRegion"]] for region in regions}
    assert paired["westeurope"] == ["northeurope"]
    assert paired["polandcentral"] == []


async def test_namespaces_can_be_registered_and_unregistered(azure: Client) -> None:
    """Also those that nothing here serves; one that Azure doesn't have is refused."""
    cache = f"{SUBSCRIPTION}/providers/microsoft.cache"
    assert (await azure.arm("GET", cache)).body["registrationState"] == "NotRegistered"
    registering = await azure.arm("POST", f"{cache}/register")
    assert registering.body["namespace"] == "Microsoft.Cache"
    await azure.control("POST", "/clock", {"advance": 71})
    assert (await azure.arm("POST", f"{cache}/register")).body["registrationState"] == "Registered"
    assert (await azure.arm("POST", f"{cache}/unregister")).body["registrationState"] == "Unregistering"
    await azure.control("POST", "/clock", {"advance": 71})
    assert (await azure.arm("GET", cache)).body["registrationState"] == "Unregistered"
    unknown = await azure.arm("POST", f"{SUBSCRIPTION}/providers/Microsoft.Nowhere/register")
    assert (unknown.status, unknown.code) == (404, "InvalidResourceNamespace")
