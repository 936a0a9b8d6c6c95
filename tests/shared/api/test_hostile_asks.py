"""What can't be asked about a restore is refused before anything of it reaches Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared.readiness.protected import TARGET

if TYPE_CHECKING:
    from tests.shared.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NOBODYS = "11111111-1111-1111-1111-111111111111"
_HOSTILE = (
    {"target": "x"},
    {"target": f"{TARGET}/../x"},
    {"target": f"{TARGET}?x=1"},
    {"target": "https://evil.example/x"},
    {"target": f"{TARGET}\n"},
    {"recoveryPoint": "newest"},
    {"recoveryPoint": f"{'0' * 32}\n"},
    {"recoveryPoint": "../../x"},
    {"tier": "Archive"},
    {"wait": "201"},
    {"wait": "-1"},
    {"volumes": "maybe"},
    {"stagingGroup": "rg", "tier": "VaultStore"},
    {"stagingAccount": TARGET, "tier": "VaultStore"},
    {"force": "true"},
)


@pytest.mark.parametrize("query", _HOSTILE)
@pytest.mark.parametrize("name", ["restore_readiness", "restore_request"])
async def test_nothing_unchecked_reaches_azure(lasting_api: Api, name: str, query: dict[str, str]) -> None:
    """400 with a reason, and Azure isn't asked at all."""
    before = len(await lasting_api.requests())
    status, body = await lasting_api.json(name, path=None, **query)
    assert (status, body["reason"]) == (400, "InvalidQuery")
    assert len(await lasting_api.requests()) == before


@pytest.mark.parametrize(
    "query",
    [
        {"namespaces": "a b"},
        {"namespaces": "web,,shop"},
        {"namespaces": "Web"},
        {"namespaces": "kube-system"},
        {"map": "web"},
        {"map": "a:b:c"},
        {"map": "a:b,a:c"},
        {"map": "a:B"},
        {"namespaces": "web", "map": "shop:x"},
        {"stagingGroup": TARGET.partition("/providers/")[0]},
        {"tier": "VaultStore"},
    ],
)
async def test_a_request_that_azure_could_not_serve_is_not_written(lasting_api: Api, query: dict[str, str]) -> None:
    """400, with all that is wrong; Azure isn't asked to validate it."""
    status, body = await lasting_api.json("restore_request", validate="true", path=None, **query)
    assert (status, body["reason"]) == (400, "InvalidQuery")
    assert await lasting_api.requests("validateRestore") == []


@pytest.mark.parametrize(
    "query",
    [
        {"target": TARGET.replace(TARGET.split("/")[2], _NOBODYS)},
        {"tier": "VaultStore", "stagingGroup": f"/subscriptions/{_NOBODYS}/resourceGroups/rg"},
    ],
)
async def test_other_subscriptions_are_none_of_this_deployments_business(
    lasting_api: Api, query: dict[str, str]
) -> None:
    """403, and Azure isn't asked."""
    before = len(await lasting_api.requests())
    status, body = await lasting_api.json("restore_readiness", path=None, **query)
    assert (status, body["reason"]) == (403, "SubscriptionNotAllowed")
    assert len(await lasting_api.requests()) == before


@pytest.mark.parametrize(
    "name", ["", "x", "20260101-" + "a" * 31, "20260101-" + "a" * 33, f"2026010a-{'a' * 32}", "../x"]
)
async def test_what_is_no_operations_id_is_refused(lasting_api: Api, name: str) -> None:
    """400, and no table is asked."""
    status, body = await lasting_api.json("operation", path={"operationId": name})
    assert (status, body["reason"]) == (400, "InvalidOperationId")
