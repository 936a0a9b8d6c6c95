"""Groups of the directory, custom roles, and role assignments asked for by principal."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.built_in_roles import BUILT_IN, OWNER
from tests.local_azure import backup
from tests.local_azure import test_resource_graph as graph
from tests.local_azure.backup import (
    ACCOUNT,
    BLOB_CONTRIBUTOR,
    CLUSTER_IDENTITY,
    CONTRIBUTOR,
    EXTENSION_IDENTITY,
    GROUP,
    READER,
    grant,
    grants,
    make_vault,
    place_cluster,
    validate,
)
from tests.local_azure.client import SUBSCRIPTION, Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.conftest import Start

_ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
_ROLES = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
_CUSTOM = str(uuid.UUID(int=77))


async def _group(azure: Client, name: str, *members: str) -> str:
    made = await azure.control("PUT", "/groups", {"name": name, "members": list(members)})
    return str(made["id"])


async def _give(azure: Client, role: str, group: str, scope: str) -> str:
    """Assign a role to a group, over the API, and wait until it has effect."""
    path = f"{scope}/{_ASSIGNMENTS}/{uuid.uuid4()}"
    wanted = {"roleDefinitionId": f"{_ROLES}/{role}", "principalId": group, "principalType": "Group"}
    made = await azure.arm("PUT", path, {"properties": wanted})
    assert made.status == 201, made
    await azure.control("POST", "/clock", {"advance": 91})
    return path


async def _protectable(azure: Client, without: str) -> None:
    """Everything that protection needs but for one grant of a role, with the others in effect."""
    identity = await make_vault(azure)
    place_cluster(azure)
    for role, principal, scope in grants(identity):
        if role != without:
            await grant(azure, role, principal, scope)
    await azure.control("POST", "/clock", {"advance": 91})


async def _ids(azure: Client, scope: str, condition: str) -> set[str]:
    answer = await azure.arm("GET", f"{scope}/{_ASSIGNMENTS}?$filter={condition}", caller="app")
    return {item["id"] for item in answer.body["value"]}


async def test_groups_are_told_by_the_control_endpoint(azure: Client) -> None:
    """With their members; a second PUT changes them; what is no group's can't be one."""
    one = await _group(azure, "ops", CLUSTER_IDENTITY)
    assert await _group(azure, "ops", EXTENSION_IDENTITY) == one
    assert await azure.control("GET", "/groups") == [{"id": one, "name": "ops", "members": [EXTENSION_IDENTITY]}]
    assert "error" in await azure.control("PUT", "/groups", {"name": "x", "members": ["nobody"]})
    assert "error" in await azure.control("PUT", "/groups", {"members": []})
    assert "error" in await azure.control("PUT", "/groups", {"name": "x", "id": azure.cloud.app.object_id})
    await azure.control("DELETE", f"/groups?id={one}")
    assert await azure.control("GET", "/groups") == []


@pytest.mark.parametrize("nested", [False, True])
async def test_what_a_group_holds_its_members_hold(azure: Client, *, nested: bool) -> None:
    """A cluster whose group is Contributor of the snapshot group is protected; one that left it isn't."""
    await _protectable(azure, CONTRIBUTOR)
    assert (await validate(azure)).body["error"]["code"] == "AuthorizationFailed"
    inner = await _group(azure, "clusters", CLUSTER_IDENTITY)
    await _give(azure, CONTRIBUTOR, await _group(azure, "outer", inner) if nested else inner, GROUP)
    assert (await validate(azure)).body["status"] == "Succeeded"
    await _group(azure, "clusters")
    assert (await validate(azure)).body["error"]["code"] == "AuthorizationFailed"


async def test_a_caller_may_what_its_group_may(start: Start, tmp_path: Path) -> None:
    """At the gateway, in the list of subscriptions and in Resource Graph."""
    role_file = tmp_path / "role.json"
    role_file.write_text('{"roleName": "Nothing", "actions": []}', encoding="utf-8")
    options: Any = {"role_file": role_file, "condition_file": tmp_path / "none", "time_scale": 0.001}
    async with start(**options) as azure:
        group = await azure.group("g")
        assert (await azure.arm("GET", group, caller="app")).status == 403
        await _give(azure, READER, await _group(azure, "readers", azure.cloud.app.object_id), group)
        assert (await azure.arm("GET", group, caller="app")).status == 200
        assert (await azure.arm("DELETE", group, caller="app")).status == 403
        (row,) = await graph.rows(azure, "ResourceContainers | where name == 'g'", caller="app")
        assert row["id"] == group


async def test_assignments_are_found_by_principal_and_by_membership(azure: Client) -> None:
    """`principalId eq` finds the principal's own, assignedTo() those of its groups too; atScope() works with both."""
    place_cluster(azure)
    await azure.group("backup")
    team = await _group(azure, "team", EXTENSION_IDENTITY)
    by_team = await _give(azure, READER, team, SUBSCRIPTION)
    own = await grant(azure, BLOB_CONTRIBUTOR, EXTENSION_IDENTITY, ACCOUNT)
    assert await _ids(azure, SUBSCRIPTION, f"principalId eq '{EXTENSION_IDENTITY}'") == {own}
    assert await _ids(azure, SUBSCRIPTION, f"principalId eq {EXTENSION_IDENTITY.upper()}") == {own}
    assert await _ids(azure, SUBSCRIPTION, f"assignedTo('{EXTENSION_IDENTITY}')") == {own, by_team}
    assert await _ids(azure, ACCOUNT, f"atScope() and assignedTo('{EXTENSION_IDENTITY}')") == {own, by_team}
    assert await _ids(azure, GROUP, f"atScope() and assignedTo('{EXTENSION_IDENTITY}')") == {by_team}
    assert await _ids(azure, SUBSCRIPTION, f"assignedTo('{team}') and atScope()") == {by_team}
    for wrong in ("roleDefinitionId eq 'x'", "assignedTo('a') and principalId eq 'b'", "atScope() or atScope()"):
        refused = await azure.arm("GET", f"{SUBSCRIPTION}/{_ASSIGNMENTS}?$filter={wrong}")
        assert (refused.status, refused.code) == (400, "UnsupportedQuery")


async def _custom_role(azure: Client, **permissions: list[str]) -> None:
    role = {"roleName": "Ours", "assignableScopes": [SUBSCRIPTION], "permissions": [permissions]}
    made = await azure.arm("PUT", f"{_ROLES}/{_CUSTOM}", {"properties": role})
    assert (made.status, made.body["properties"]["type"]) == (201, "CustomRole")


_BLOB = next(role for role in BUILT_IN if role.id == BLOB_CONTRIBUTOR)


@pytest.mark.parametrize(
    ("permissions", "serves"),
    [
        ({"actions": list(_BLOB.actions), "dataActions": list(_BLOB.data_actions)}, True),
        ({"actions": ["*"], "dataActions": ["Microsoft.Storage/*"]}, True),
        ({"actions": ["*"], "dataActions": ["*"], "notDataActions": [_BLOB.data_actions[0]]}, False),
        ({"actions": list(_BLOB.actions), "dataActions": list(_BLOB.data_actions[1:])}, False),
        ({"actions": ["*"]}, False),
    ],
)
async def test_a_custom_role_serves_when_it_has_what_the_documented_one_has(
    azure: Client, permissions: dict[str, list[str]], *, serves: bool
) -> None:
    """Every action and data action counts; what is taken away is missing."""
    await _protectable(azure, BLOB_CONTRIBUTOR)
    await _custom_role(azure, **permissions)
    team = await _group(azure, "extensions", EXTENSION_IDENTITY)
    await _give(azure, _CUSTOM, team, ACCOUNT)
    status = await validate(azure)
    assert (status.body["status"] == "Succeeded") is serves


async def test_two_roles_serve_together(azure: Client) -> None:
    """Role assignments add up."""
    await _protectable(azure, BLOB_CONTRIBUTOR)
    await _custom_role(azure, actions=list(_BLOB.actions))
    team = await _group(azure, "extensions", EXTENSION_IDENTITY)
    await _give(azure, _CUSTOM, team, ACCOUNT)
    assert (await validate(azure)).body["status"] == "Failed"
    data = {"roleName": "Data", "assignableScopes": ["/"], "permissions": [{"dataActions": list(_BLOB.data_actions)}]}
    other = str(uuid.UUID(int=78))
    assert (await azure.arm("PUT", f"{_ROLES}/{other}", {"properties": data})).status == 201
    await _give(azure, other, team, backup.GROUP)
    assert (await validate(azure)).body["status"] == "Succeeded"


async def test_custom_roles_keep_the_rules(azure: Client) -> None:
    """A GUID, a name of its own, scopes; built-in ones can't be changed; the app makes none."""

    async def code(role: str, caller: str = "owner", **properties: Any) -> str:
        wanted = {"roleName": "Ours", "assignableScopes": [SUBSCRIPTION], **properties}
        return (await azure.arm("PUT", f"{_ROLES}/{role}", {"properties": wanted}, caller=caller)).code

    assert await code("ours") == "InvalidRoleDefinitionId"
    assert await code(_CUSTOM, roleName="") == "InvalidRoleDefinition"
    assert await code(_CUSTOM, assignableScopes=[]) == "InvalidRoleDefinition"
    assert await code(_CUSTOM, roleName="Reader") == "RoleDefinitionWithSameNameExists"
    assert await code(OWNER) == "RoleDefinitionUpdateNotPermitted"
    assert await code(_CUSTOM, caller="app") == "AuthorizationFailed"
