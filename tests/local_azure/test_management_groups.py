"""Management groups: what lies in them, who sees them, and what roles on them reach."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.local_azure import test_resource_graph as graph
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Answer, Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.local_azure.conftest import Start

_GROUPS = "/providers/Microsoft.Management/managementGroups"
_ONE, _OTHER = (path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_TREE = [
    {"id": "platform", "name": "Platform", "subscriptions": [_OTHER]},
    {"id": "prod", "name": "Production", "parent": "platform", "subscriptions": [_ONE]},
    {"id": "empty"},
]


@pytest_asyncio.fixture
async def azure(start: Start, tmp_path: Path) -> AsyncGenerator[Client]:
    """Two subscriptions in a tree, and an app that may do nothing."""
    role_file = tmp_path / "role.json"
    role_file.write_text('{"roleName": "Nothing", "actions": []}', encoding="utf-8")
    options: Any = {"subscriptions": (_ONE, _OTHER), "role_file": role_file, "condition_file": tmp_path / "none"}
    async with start(time_scale=0.001, **options) as client:
        await client.control("PUT", "/management-groups", {"groups": _TREE})
        yield client


async def _ask(azure: Client, path: str, *, method: str = "GET", caller: str = "owner") -> Answer:
    body: dict[str, Any] | None = {} if method == "POST" else None
    return await azure.arm(method, path, body, caller=caller, version="2020-05-01")


async def _let_read(azure: Client, group: str) -> str:
    """Make the app Reader of a management group."""
    path = f"{_GROUPS}/{group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{_READER}"
    wanted = {"roleDefinitionId": role, "principalId": azure.cloud.app.object_id, "principalType": "ServicePrincipal"}
    assert (await azure.arm("PUT", path, {"properties": wanted})).status == 201
    await azure.control("POST", "/clock", {"advance": 91})
    return path


def _names(answer: Answer) -> list[str]:
    return [item["name"] for item in answer.body["value"]]


async def test_what_lies_below_a_group_is_listed(azure: Client) -> None:
    """Groups and subscriptions at any depth, each with its parent."""
    answer = await _ask(azure, f"{_GROUPS}/Platform/descendants")
    parents = {item["name"]: item["properties"]["parent"]["id"] for item in answer.body["value"]}
    assert parents == {"prod": f"{_GROUPS}/platform", _ONE: f"{_GROUPS}/prod", _OTHER: f"{_GROUPS}/platform"}
    assert [item["type"] for item in answer.body["value"]] == [_GROUPS[11:], "/subscriptions", "/subscriptions"]
    assert _names(await _ask(azure, f"{_GROUPS}/platform/subscriptions")) == [_OTHER]
    root = azure.cloud.options.tenant
    assert set(_names(await _ask(azure, f"{_GROUPS}/{root}/descendants"))) == {
        "platform",
        "prod",
        "empty",
        _ONE,
        _OTHER,
    }
    assert _names(await _ask(azure, f"{_GROUPS}/empty/descendants")) == []


async def test_a_group_is_read_with_its_children(azure: Client) -> None:
    """Right below it, or all the way down."""
    alone = (await _ask(azure, f"{_GROUPS}/prod")).body
    assert (alone["id"], alone["properties"]["displayName"]) == (f"{_GROUPS}/prod", "Production")
    assert alone["properties"]["details"]["parent"]["name"] == "platform"
    flat = (await _ask(azure, f"{_GROUPS}/platform?$expand=children")).body["properties"]["children"]
    assert [(child["name"], "children" in child) for child in flat] == [("prod", False), (_OTHER, False)]
    deep = (await _ask(azure, f"{_GROUPS}/platform?$expand=children&$recurse=true")).body["properties"]["children"]
    assert [child["name"] for child in deep[0]["children"]] == [_ONE]


async def test_who_reads_a_group_reads_what_is_in_it(azure: Client) -> None:
    """Its groups and subscriptions; not what is above or beside it, and not before the role has propagated."""
    assert (await _ask(azure, f"{_GROUPS}/platform/descendants", caller="app")).code == "AuthorizationFailed"
    assert _names(await _ask(azure, _GROUPS, caller="app")) == []
    given = await _let_read(azure, "prod")
    assert _names(await _ask(azure, f"{_GROUPS}/prod/descendants", caller="app")) == [_ONE]
    assert (await _ask(azure, f"{_GROUPS}/platform", caller="app")).code == "AuthorizationFailed"
    assert (await _ask(azure, f"{_GROUPS}/none", caller="app")).code == "AuthorizationFailed"
    assert _names(await _ask(azure, _GROUPS, caller="app")) == ["prod"]
    entities = (await _ask(azure, "/providers/Microsoft.Management/getEntities", method="POST", caller="app")).body
    chains = {item["name"]: item["properties"]["parentNameChain"] for item in entities["value"]}
    root = azure.cloud.options.tenant
    assert chains == {"prod": [root, "platform"], _ONE: [root, "platform", "prod"]}
    assert (await azure.arm("GET", f"{SUBSCRIPTION}/resourceGroups", caller="app")).status == 200
    assert (await azure.arm("GET", f"{OTHER_SUBSCRIPTION}/resourceGroups", caller="app")).status == 403
    listed = await azure.arm(
        "GET", f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()"
    )
    assert given in {item["id"] for item in listed.body["value"]}


async def test_the_graph_knows_the_tree(azure: Client) -> None:
    """Each subscription's chain, nearest group first; groups to those who may read them."""
    await _let_read(azure, "prod")
    (row,) = await graph.rows(
        azure,
        "ResourceContainers | where type == 'microsoft.resources/subscriptions' "
        "| where tostring(properties.managementGroupAncestorsChain) has '\"platform\"'",
        caller="app",
    )
    chain = row["properties"]["managementGroupAncestorsChain"]
    assert [group["name"] for group in chain] == ["prod", "platform", azure.cloud.options.tenant]
    groups = "ResourceContainers | where type =~ 'microsoft.management/managementGroups' | project name"
    assert await graph.rows(azure, groups, caller="app") == [{"name": "prod"}]
    assert len(await graph.rows(azure, groups)) == 4


@pytest.mark.parametrize(
    ("groups", "found"), [(["prod"], {_ONE}), (["Platform"], {_ONE, _OTHER}), (["prod", "platform"], {_ONE, _OTHER})]
)
async def test_a_query_can_be_about_management_groups(azure: Client, groups: list[str], found: set[str]) -> None:
    """All subscriptions in them, at any depth."""
    for subscription in (SUBSCRIPTION, OTHER_SUBSCRIPTION):
        await azure.group("g", subscription=subscription)
    answer = await graph.send(azure, {"managementGroups": groups, "query": "ResourceContainers | where name == 'g'"})
    assert {row["subscriptionId"] for row in answer.body["data"]} == found


async def test_a_query_about_groups_that_nobody_knows_finds_nothing(azure: Client) -> None:
    """An empty one, one that isn't there, too many of them."""
    for groups in (["empty"], ["none"]):
        refused = await graph.send(azure, {"managementGroups": groups, "query": "Resources"})
        assert refused.body["error"]["details"][0]["code"] == "NoValidSubscriptionsInQueryRequest"
    many = await graph.send(azure, {"managementGroups": ["x"] * 11, "query": "Resources"})
    assert many.body["error"]["details"][0]["code"] == "InvalidManagementGroups"


async def test_groups_are_made_and_subscriptions_moved_over_the_api(azure: Client) -> None:
    """A subscription lies in one group only, and in the root's while it is in no other; roles stay on moved groups."""
    given = await _let_read(azure, "prod")
    below = {"properties": {"displayName": "Child", "details": {"parent": {"id": f"{_GROUPS}/prod"}}}}
    made = await azure.arm("PUT", f"{_GROUPS}/child", below, version="2020-05-01")
    assert (made.status, made.body["properties"]["details"]["parent"]["name"]) == (200, "prod")
    moved = await azure.arm("PUT", f"{_GROUPS}/child/subscriptions/{_OTHER}", {}, version="2020-05-01")
    assert moved.body["properties"]["parent"]["id"] == f"{_GROUPS}/child"
    assert _names(await _ask(azure, f"{_GROUPS}/prod/descendants", caller="app")) == ["child", _OTHER, _ONE]
    below["properties"]["details"] = {"parent": {"id": f"{_GROUPS}/empty"}}
    assert (await azure.arm("PUT", f"{_GROUPS}/child", below, version="2020-05-01")).status == 200
    assert _names(await _ask(azure, f"{_GROUPS}/empty/descendants")) == ["child", _OTHER]
    assert _names(await _ask(azure, f"{_GROUPS}/prod/descendants", caller="app")) == [_ONE]
    assert (await azure.arm("GET", given)).status == 200
    below["properties"]["details"] = {"parent": {"id": f"{_GROUPS}/nowhere"}}
    assert (await azure.arm("PUT", f"{_GROUPS}/child", below, version="2020-05-01")).code == "InvalidRequest"
    unknown = await azure.arm("PUT", f"{_GROUPS}/child/subscriptions/{uuid.uuid4()}", {}, version="2020-05-01")
    assert unknown.code == "SubscriptionNotFound"
    refused = await azure.arm("PUT", f"{_GROUPS}/mine", {}, caller="app", version="2020-05-01")
    assert refused.code == "AuthorizationFailed"


async def test_without_an_order_everything_is_the_roots(start: Start) -> None:
    """As in a tenant where nobody uses management groups."""
    async with start(subscriptions=(_ONE, _OTHER), time_scale=0.001) as azure:
        (only,) = await azure.control("GET", "/management-groups")
        assert only["id"] == azure.cloud.options.tenant
        answer = await graph.send(azure, {"managementGroups": [only["id"]], "query": "ResourceContainers"})
        assert {row["subscriptionId"] for row in answer.body["data"]} == {_ONE, _OTHER}


@pytest.mark.parametrize(
    "groups",
    [
        [{"id": "a", "parent": "nowhere"}],
        [{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}],
        [{"name": "a"}],
        "prod",
    ],
)
async def test_a_tree_that_is_none_is_refused(azure: Client, groups: Any) -> None:
    """A parent that isn't there, groups in each other, no id; the old tree stays."""
    before = await azure.control("GET", "/management-groups")
    assert "error" in await azure.control("PUT", "/management-groups", {"groups": groups})
    assert await azure.control("GET", "/management-groups") == before
