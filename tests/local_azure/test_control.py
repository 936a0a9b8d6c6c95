from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.local_azure.client import SUBSCRIPTION, Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local_azure.conftest import Start

_GROUP = f"{SUBSCRIPTION}/resourceGroups/g"


async def test_requests_are_told_apart_as_reads_writes_and_polls(azure: Client) -> None:
    """A poll is a GET of an operation URL, or of what the same principal has read before."""
    await azure.group("g")
    await azure.arm("GET", _GROUP)
    await azure.arm("GET", _GROUP.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    await azure.arm("GET", _GROUP, caller="app")
    await azure.arm("GET", f"{SUBSCRIPTION}/resources?$filter=name eq 'a'")
    await azure.arm("GET", f"{SUBSCRIPTION}/resources?$filter=name eq 'b'")
    accepted = await azure.arm("DELETE", _GROUP)
    await azure.arm("GET", accepted.headers["Location"])
    requests = await azure.control("GET", "/requests")
    assert [entry["kind"] for entry in requests] == ["write", "read", "poll", "read", "read", "read", "write", "poll"]
    assert [entry["seq"] for entry in requests] == list(range(1, 9))
    assert requests[0]["principal"] == {"name": azure.cloud.owner.name, "oid": azure.cloud.owner.object_id}
    first = {"method": "PUT", "path": _GROUP, "query": {"api-version": "2022-09-01"}, "status": 201, "kind": "write"}
    assert requests[0].items() >= first.items()
    assert set(requests[-1]["query"]) == {"api-version"}


async def test_requests_are_filtered_and_cleared(azure: Client) -> None:
    """By principal, number and kind; clearing forgets also what was read before."""
    await azure.group("g")
    await azure.arm("GET", _GROUP, caller="app")
    app = await azure.control("GET", f"/requests?principal={azure.cloud.app.object_id}")
    assert [entry["method"] for entry in app] == ["GET"]
    assert await azure.control("GET", "/requests?since=1") == app
    assert [entry["kind"] for entry in await azure.control("GET", "/requests?kind=write")] == ["write"]
    await azure.control("DELETE", "/requests")
    assert await azure.control("GET", "/requests") == []
    await azure.arm("GET", _GROUP, caller="app")
    assert [entry["kind"] for entry in await azure.control("GET", "/requests")] == ["read"]


async def test_refused_requests_are_recorded_too(azure: Client) -> None:
    """A request without a token has no principal."""
    await azure.arm("GET", _GROUP, headers={"Authorization": ""})
    (entry,) = await azure.control("GET", "/requests")
    assert (entry["status"], entry["principal"]) == (401, None)


async def test_a_resource_is_seeded_as_it_stands(azure: Client) -> None:
    """No rule is asked, no time passes, and its identities become known."""
    cluster = f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/c"
    body = {"location": "nowhere", "identity": {"type": "SystemAssigned", "principalId": "p1"}, "properties": {"x": 1}}
    seeded = await azure.control("PUT", "/resources", {"id": cluster, "body": body})
    assert seeded["type"] == "Microsoft.ContainerService/managedClusters"
    listed = await azure.control("GET", "/resources?type=microsoft.containerservice/MANAGEDCLUSTERS")
    assert listed == [seeded]
    assert seeded["body"] == {"id": cluster, "name": "c", "type": seeded["type"], **body}
    assert azure.cloud.directory.get("p1")
    assert await azure.control("DELETE", f"/resources?id={cluster.upper()}") == [cluster]
    assert await azure.control("GET", f"/resources?scope={_GROUP}") == []
    assert azure.cloud.directory.get("p1") is None


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        ("PUT", "/resources", {"id": _GROUP}),
        ("PUT", "/resources", {"id": "nonsense", "body": {}}),
        ("DELETE", "/resources", None),
        ("POST", "/faults", {"action": "explode"}),
        ("POST", "/faults", {"match": {"path": "("}, "action": "fail"}),
        ("POST", "/faults", []),
        ("POST", "/clock", {"advance": -1}),
        ("POST", "/clock", {"advance": "soon"}),
        ("GET", "/requests?since=yesterday", None),
    ],
)
async def test_orders_that_make_no_sense_are_refused(azure: Client, method: str, path: str, order: Any) -> None:
    """The answer says what is wrong."""
    answer = await azure.control(method, path, order)
    assert set(answer) == {"error"}


async def test_the_clock_is_told_and_stepped(start: Start) -> None:
    """Its scale is the option's."""
    async with start(time_scale=10) as azure:
        before = await azure.control("GET", "/clock")
        after = await azure.control("POST", "/clock", {"advance": 3 * 86400})
        assert before["scale"] == after["scale"] == 10
        assert after["now"][:10] > before["now"][:10]


async def _order(azure: Client, match: Mapping[str, str], action: str, **details: Any) -> None:
    fault = await azure.control("POST", "/faults", {"match": match, "action": action, **details})
    assert fault["action"] == action


async def test_the_nth_matching_requests_fail(azure: Client) -> None:
    """From the nth on, as often as ordered; other requests pass."""
    await azure.group("g")
    failure = {"status": 503, "code": "ServerBusy", "message": "busy", "headers": {"x-extra": "1"}}
    await _order(azure, {"method": "GET", "path": "resourceGroups/g$"}, "fail", nth=2, times=2, **failure)
    answers = [await azure.arm("GET", _GROUP) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 503, 503, 200]
    assert answers[1].code == "ServerBusy"
    assert answers[1].headers["x-extra"] == "1"
    assert answers[1].headers["x-ms-failure-cause"] == "service"
    (fault,) = await azure.control("GET", "/faults")
    assert fault["matched"] == 4
    await azure.control("DELETE", "/faults")
    assert await azure.control("GET", "/faults") == []


async def test_a_fault_can_strike_one_principal_for_ever(azure: Client) -> None:
    """Times null means all; the owner goes on."""
    await azure.group("g")
    app = azure.cloud.app.object_id
    await _order(azure, {"path": "", "principal": app}, "throttle", times=None, retry_after=0.007)
    for _ in range(3):
        answer = await azure.arm("GET", _GROUP, caller="app")
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "TooManyRequests", "7")
    assert (await azure.arm("GET", _GROUP)).status == 200


@pytest.mark.parametrize(("after", "groups"), [(False, 0), (True, 1)])
async def test_a_connection_is_dropped_before_or_after_the_work(azure: Client, *, after: bool, groups: int) -> None:
    """The client sees no answer either way; the write may have happened all the same.

    The client repeats a PUT once by itself, so the fault strikes twice.
    """
    await azure.token()
    await _order(azure, {"method": "PUT", "path": "resourceGroups"}, "drop", after=after, times=2)
    with pytest.raises(aiohttp.ClientError):
        await azure.group("g")
    assert len((await azure.arm("GET", f"{SUBSCRIPTION}/resourceGroups")).body["value"]) == groups
    assert (await azure.control("GET", "/requests"))[0]["status"] == 0


async def test_a_delayed_request_waits_in_virtual_time(start: Start) -> None:
    """An hour of delay at a great scale is a moment; the work is done after it."""
    async with start(time_scale=100_000) as azure:
        await azure.group("g")
        before = azure.cloud.clock.now()
        await _order(azure, {"method": "GET", "path": "resourceGroups/g"}, "delay", seconds=3600)
        assert (await azure.arm("GET", _GROUP)).status == 200
        assert (azure.cloud.clock.now() - before).total_seconds() >= 3600


async def test_an_operation_fails_late(azure: Client) -> None:
    """The request is accepted, and its operation ends Failed with the ordered code."""
    await azure.group("g")
    await _order(
        azure, {"method": "DELETE", "path": "resourceGroups"}, "fail_late", code="ScopeLocked", message="locked"
    )
    accepted = await azure.arm("DELETE", _GROUP)
    assert accepted.status == 202
    await azure.control("POST", "/clock", {"advance": 61})
    (operation,) = await azure.control("GET", "/operations")
    assert (operation["status"], operation["error"]["code"]) == ("Failed", "ScopeLocked")
    assert (await azure.arm("GET", accepted.headers["Location"])).code == "ScopeLocked"
    assert (await azure.arm("GET", _GROUP)).body["properties"]["provisioningState"] == "Succeeded"


async def test_operations_tell_what_ran_when(azure: Client) -> None:
    """Kind, resource, virtual start and end: enough to compute the longest chain of durations."""
    await azure.group("g")
    await azure.arm("DELETE", _GROUP)
    (operation,) = await azure.control("GET", "/operations")
    assert operation["kind"] == "resourceGroupDelete"
    assert operation["resource"] == _GROUP
    assert operation["status"] == "Running"
    assert operation["start"] < operation["end"]
    assert 30 <= operation["seconds"] <= 60


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ({"api-version": "2019-08-01", "resource": "https://management.azure.com"}, None, 200),
        ({"api-version": "2019-08-01", "resource": "https://eventgrid.azure.net/", "client_id": "APP"}, None, 200),
        ({"api-version": "2019-08-01", "resource": "https://storage.azure.com", "object_id": "APP"}, None, 200),
        ({"api-version": "2019-08-01", "resource": "x", "client_id": "someone-else"}, None, 400),
        ({"api-version": "2019-08-01"}, None, 400),
        ({"resource": "https://management.azure.com"}, None, 400),
        ({"api-version": "2019-08-01", "resource": "https://management.azure.com"}, "wrong", 401),
    ],
)
async def test_identities_get_tokens_by_their_header(
    azure: Client, query: dict[str, str], header: str | None, status: int
) -> None:
    """An identity may be named by any of its ids; another's is refused."""
    app = azure.cloud.app
    own = {"client_id": app.client_id, "object_id": app.object_id}
    query = {name: own[name] if value == "APP" else value for name, value in query.items()}
    headers = {"X-IDENTITY-HEADER": header or azure.azure.ready["identity_header_app"]}
    async with (
        aiohttp.ClientSession() as session,
        session.get(azure.azure.ready["identity_endpoint"], params=query, headers=headers) as answer,
    ):
        assert answer.status == status
        body = await answer.json()
    if status == 200:
        assert body["token_type"] == "Bearer"
        assert body["resource"] == query["resource"]
        assert int(body["expires_on"]) > 0
        assert body["access_token"].count(".") == 2


async def test_endpoints_are_told_without_a_token(azure: Client) -> None:
    """The Azure CLI asks them before it logs in."""
    answer = await azure.arm("GET", "/metadata/endpoints?api-version=2022-09-01", headers={"Authorization": ""})
    assert answer.status == 200
    assert answer.body["resourceManager"] == azure.azure.ready["arm"]
    assert azure.azure.ready["arm"] in answer.body["authentication"]["audiences"]
    refused = await azure.arm("GET", "/metadata/endpoints", version="")
    assert (refused.status, refused.code) == (400, "MissingApiVersionParameter")


async def test_principals_are_found_in_the_directory(azure: Client) -> None:
    """By ids and by client id; an object id isn't among a principal's names (dp_update_msi_permissions_disk)."""
    app = azure.cloud.app
    graph = azure.azure.ready["arm"] + "/graph/v1.0"
    found = await azure.arm("POST", f"{graph}/directoryObjects/getByIds", {"ids": [app.object_id], "types": []})
    (item,) = found.body["value"]
    assert (item["id"], item["@odata.type"]) == (app.object_id, "#microsoft.graph.servicePrincipal")

    async def named(name: str) -> list[str]:
        condition = f"servicePrincipalNames/any(c:c eq '{name}')"
        answer = await azure.arm("GET", f"{graph}/servicePrincipals?$filter={condition}")
        return [one["id"] for one in answer.body["value"]]

    assert await named(app.client_id) == [app.object_id]
    assert await named(app.object_id) == []
    assert await azure.control("GET", "/requests") == []
