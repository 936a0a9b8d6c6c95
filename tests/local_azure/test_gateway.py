from __future__ import annotations

import asyncio
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.throttle import WRITES
from tests.local_azure.client import SUBSCRIPTION, Client

if TYPE_CHECKING:
    from tests.local_azure.conftest import Start

_GROUP = f"{SUBSCRIPTION}/resourceGroups/g"
_VAULTS = f"{_GROUP}/providers/Microsoft.DataProtection/backupVaults"
_UNKNOWN = "/subscriptions/00000000-0000-0000-0000-00000000dead"


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("GET", f"{_UNKNOWN}/resourceGroups", None, (404, "SubscriptionNotFound")),
        ("GET", "/subscriptions/nonsense/resourceGroups", None, (400, "InvalidSubscriptionId")),
        ("GET", f"{SUBSCRIPTION}/resourceGroups/none", None, (404, "ResourceGroupNotFound")),
        ("GET", _VAULTS.replace("/g/", "/none/") + "/v", None, (404, "ResourceGroupNotFound")),
        ("GET", f"{_VAULTS}/none", None, (404, "ResourceNotFound")),
        ("POST", f"{_VAULTS}/none/validateForBackup", {}, (404, "ResourceNotFound")),
        ("GET", f"{_VAULTS}/none/backupInstances/i", None, (404, "ParentResourceNotFound")),
        ("PUT", f"{_VAULTS}/none/backupPolicies/p", {}, (404, "ParentResourceNotFound")),
        ("GET", f"{_VAULTS}/none/nothings", None, (404, "InvalidResourceType")),
        ("GET", f"{_GROUP}/providers/Microsoft.Storage/nothings/n", None, (404, "InvalidResourceType")),
        ("GET", f"{_GROUP}/providers/Microsoft.Cache/redis/d", None, (409, "MissingSubscriptionRegistration")),
        ("POST", f"{_VAULTS}/v", {}, (405, "MethodNotAllowed")),
        ("PUT", f"{_VAULTS}/v", b"{oops", (400, "InvalidRequestContent")),
        ("PUT", f"{_VAULTS}/v", b"[]", (400, "InvalidRequestContent")),
        ("PUT", f"{_VAULTS}/v", None, (400, "InvalidRequestContent")),
        ("PUT", f"{_VAULTS}/v", {"properties": {}}, (400, "LocationRequired")),
        ("PUT", f"{_VAULTS}/v", {"location": "mars"}, (400, "LocationNotAvailableForResourceType")),
        ("PUT", _GROUP, {"location": "mars"}, (400, "LocationNotAvailableForResourceGroup")),
        ("GET", f"{_VAULTS}?api-version=2025-13", None, (400, "InvalidApiVersionParameter")),
        ("GET", f"{_VAULTS}?api-version=1999-01-01", None, (400, "InvalidApiVersionParameter")),
        ("GET", f"{_VAULTS}?api-version=2099-01-01", None, (400, "InvalidApiVersionParameter")),
        ("GET", f"{_VAULTS}?api-version=", None, (400, "MissingApiVersionParameter")),
    ],
)
async def test_the_gateway_refuses(azure: Client, method: str, path: str, body: Any, refusal: tuple[int, str]) -> None:
    """What ARM itself refuses has its code, names the gateway as the cause, and no rate-limit header."""
    await azure.group("g")
    answer = await azure.arm(method, path, body)
    assert (answer.status, answer.code) == refusal
    assert answer.headers["x-ms-failure-cause"] == "gateway"
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_other_media_types_are_refused(azure: Client) -> None:
    """ARM takes JSON only."""
    answer = await azure.arm("PUT", _GROUP, b"location", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.code) == (415, "UnsupportedMediaType")


async def test_a_missing_parent_is_told_without_its_namespace(azure: Client) -> None:
    """The outermost missing parent is named, and the type of what lies directly in it (errors.json)."""
    await azure.group("g")
    answer = await azure.arm("PUT", f"{_VAULTS}/none/backupInstances/i", {})
    assert answer.body["error"]["message"] == (
        "Failed to perform 'write' on resource(s) of type 'backupVaults/backupInstances', because the parent resource "
        f"'{_VAULTS}/none' could not be found."
    )


async def test_an_extension_needs_the_resource_it_hangs_on(azure: Client) -> None:
    """The cluster's 404 answers for what would be on it."""
    await azure.group("g")
    cluster = f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/none"
    answer = await azure.arm("GET", f"{cluster}/providers/Microsoft.DataProtection/backupInstances")
    assert answer.code == "ResourceNotFound"
    assert (
        "'Microsoft.ContainerService/managedClusters/none' under resource group 'g'" in answer.body["error"]["message"]
    )


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Basic dXNlcg==", "AuthenticationFailed"),
        ("Bearer not.a.token", "InvalidAuthenticationToken"),
        ("Bearer nonsense", "InvalidAuthenticationToken"),
    ],
)
async def test_without_a_good_token_nothing_is_answered(azure: Client, header: str | None, code: str) -> None:
    """401, by the gateway."""
    answer = await azure.arm("GET", SUBSCRIPTION, headers={"Authorization": header or ""})
    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["x-ms-failure-cause"] == "gateway"
    assert "WWW-Authenticate" in answer.headers


async def test_a_token_for_another_service_is_refused(azure: Client) -> None:
    """A storage token opens no ARM door."""
    token = await azure.token(resource="https://storage.azure.com/")
    answer = await azure.arm("GET", SUBSCRIPTION, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationTokenAudience")


async def test_ids_are_compared_without_case(azure: Client) -> None:
    """A resource is found under any spelling and keeps its own."""
    await azure.group("MixedCase")
    answer = await azure.arm("GET", f"{SUBSCRIPTION.upper()}/RESOURCEGROUPS/mixedcase".replace("SUBS", "subs"))
    assert answer.status == 200
    assert answer.body["id"] == f"{SUBSCRIPTION}/resourceGroups/MixedCase"


async def test_every_answer_carries_virtual_time_and_request_ids(azure: Client) -> None:
    """Whoever compares times with Azure's uses the Date header."""
    before = await azure.arm("GET", SUBSCRIPTION)
    await azure.control("POST", "/clock", {"advance": 7200})
    after = await azure.arm("GET", f"{SUBSCRIPTION}/resourceGroups/none")
    passed = parsedate_to_datetime(after.headers["Date"]) - parsedate_to_datetime(before.headers["Date"])
    assert passed >= dt.timedelta(hours=2)
    for answer in (before, after):
        assert answer.headers["x-ms-request-id"]
        assert answer.headers["x-ms-correlation-request-id"]
    assert before.headers["x-ms-request-id"] != after.headers["x-ms-request-id"]


async def test_a_resource_exists_by_head(azure: Client) -> None:
    """204 or 404 without a body, for any resource that can be read."""
    await azure.group("g")
    vault = {"location": "westeurope", "properties": {"storageSettings": [_LOCAL]}}
    await azure.arm("PUT", f"{_VAULTS}/v1", vault)
    there, absent = await azure.arm("HEAD", f"{_VAULTS}/v1"), await azure.arm("HEAD", f"{_VAULTS}/v2")
    assert (there.status, absent.status) == (204, 404)
    assert absent.headers["x-ms-failure-cause"] == "gateway"


_LOCAL = {"datastoreType": "VaultStore", "type": "LocallyRedundant"}


async def test_an_empty_bucket_throttles_until_it_is_refilled(azure: Client) -> None:
    """429 with Retry-After when the writes are used up; virtual time refills the bucket."""
    await azure.group("g")
    body = {"location": "westeurope"}
    answers = await asyncio.gather(*(azure.arm("PUT", _GROUP, body) for _ in range(WRITES.size + 30)))
    throttled = [answer for answer in answers if answer.status == 429]
    assert throttled
    assert {answer.code for answer in throttled} == {"SubscriptionRequestsThrottled"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in throttled)
    assert (await azure.arm("GET", _GROUP)).status == 200
    await azure.control("POST", "/clock", {"advance": 60})
    answer = await azure.arm("PUT", _GROUP, body)
    assert answer.status == 200
    assert int(answer.headers["x-ms-ratelimit-remaining-subscription-writes"]) == WRITES.size - 1


async def test_unregistered_providers_answer_nothing(start: Start) -> None:
    """MissingSubscriptionRegistration, in message and details, until registration has ended."""
    async with start(registered=("Microsoft.Storage",)) as azure:
        await azure.group("g")
        answer = await azure.arm("GET", _VAULTS)
        assert (answer.status, answer.code) == (409, "MissingSubscriptionRegistration")
        assert answer.body["error"]["details"][0]["target"] == "Microsoft.DataProtection"
        provider = f"{SUBSCRIPTION}/providers/Microsoft.DataProtection"
        assert (await azure.arm("POST", f"{provider}/register")).body["registrationState"] == "Registering"
        assert (await azure.arm("GET", _VAULTS)).status == 409
        await azure.control("POST", "/clock", {"advance": 71})
        assert (await azure.arm("GET", provider)).body["registrationState"] == "Registered"
        assert (await azure.arm("GET", _VAULTS)).body == {"value": []}
