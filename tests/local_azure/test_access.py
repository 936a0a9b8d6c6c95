from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from local.azure import conditions
from local.azure.built_in_roles import BUILT_IN, OWNER
from local.azure.conditions import Granted
from local.azure.options import Options
from local.azure.roles import Roles, matches
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Answer, Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.conftest import Start

_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_SOMEONE = "00000000-0000-0000-0000-0000000000aa"


def _definition(role: str) -> str:
    return f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def _assignment(scope: str, name: str | None = None) -> str:
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}"


async def _assign(
    azure: Client, path: str, role: str, principal: str, *, caller: str = "owner", kind: str | None = "ServicePrincipal"
) -> Answer:
    properties = {"roleDefinitionId": _definition(role), "principalId": principal}
    if kind:
        properties["principalType"] = kind
    return await azure.arm("PUT", path, {"properties": properties}, caller=caller)


@pytest.mark.parametrize(
    ("actions", "action", "covered"),
    [
        (("*",), "Microsoft.X/things/write", True),
        (("*/read",), "Microsoft.X/things/parts/read", True),
        (("*/read",), "Microsoft.X/things/write", False),
        (("Microsoft.X/*/read",), "Microsoft.X/things/read", True),
        (("Microsoft.X/*/read",), "Microsoft.Y/things/read", False),
        (("microsoft.x/THINGS/read",), "Microsoft.X/things/read", True),
        (("Microsoft.X/things/read",), "Microsoft.X/things/readers", False),
        ((), "Microsoft.X/things/read", False),
    ],
)
def test_actions_match_with_wildcards(actions: tuple[str, ...], action: str, *, covered: bool) -> None:
    """A star stands for anything; case doesn't matter."""
    assert matches(actions, action) is covered


def test_contributors_assign_no_roles() -> None:
    """What notActions take away is taken away whatever actions give."""
    contributor = Roles(BUILT_IN).get(_CONTRIBUTOR)
    assert contributor
    assert contributor.allows("Microsoft.Storage/storageAccounts/write")
    assert not contributor.allows("Microsoft.Authorization/roleAssignments/write")
    assert contributor.allows("Microsoft.Authorization/roleAssignments/read")


def test_built_in_roles_have_ids_and_names_of_their_own() -> None:
    """The table holds no role twice."""
    assert len({role.id for role in BUILT_IN}) == len(BUILT_IN) == len({role.name for role in BUILT_IN})
    assert all(str(uuid.UUID(role.id)) == role.id for role in BUILT_IN)


def test_the_delegation_condition_of_the_deployment_is_understood() -> None:
    """It lets pass the roles that onboarding needs, for service principals, and nothing else."""
    condition = conditions.read(Options().condition_file.read_text(encoding="utf-8"))
    write = "Microsoft.Authorization/roleAssignments/write"
    assert condition.allows(write, Granted(_READER, "ServicePrincipal"))
    assert not condition.allows(write, Granted(_READER, "User"))
    assert not condition.allows(write, Granted(OWNER, "ServicePrincipal"))
    assert not condition.allows(write, None)
    assert condition.allows("Microsoft.Storage/storageAccounts/write", None)


@pytest.mark.parametrize("text", ["", "true", "(!(ActionMatches{'a/write'})) OR (@Resource[x:y] StringEquals 'z')"])
def test_other_conditions_are_refused(text: str) -> None:
    """A condition that isn't understood would be a hole, so it is no condition at all."""
    with pytest.raises(ValueError, match="condition"):
        conditions.read(text)


async def test_the_app_may_do_what_its_role_says(azure: Client) -> None:
    """Groups it may write, not delete; the refusal has the recorded words."""
    group = f"{SUBSCRIPTION}/resourceGroups/g"
    assert (await azure.arm("PUT", group, {"location": "westeurope"}, caller="app")).status == 201
    refused = await azure.arm("DELETE", group, caller="app")
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert refused.headers["x-ms-failure-cause"] == "gateway"
    app = azure.cloud.app
    assert refused.body["error"]["message"] == (
        f"The client '{app.name}' with object id '{app.object_id}' does not have authorization to perform action "
        f"'Microsoft.Resources/subscriptions/resourceGroups/delete' over scope '{group}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials."
    )


async def test_roles_are_judged_before_existence(azure: Client) -> None:
    """Who may not read learns nothing of what is there."""
    path = f"{SUBSCRIPTION}/resourceGroups/none/providers/Microsoft.Storage/storageAccounts/a/listKeys"
    answer = await azure.arm("DELETE", path.removesuffix("/listKeys"), caller="app")
    assert answer.code == "AuthorizationFailed"


async def test_the_app_delegates_within_its_condition(azure: Client) -> None:
    """Reader for a service principal it may grant, Owner it may not, and nothing to people."""
    group = await azure.group("g")
    azure.cloud.seed(f"{group}/providers/Microsoft.X/things/t", {"identity": {"principalId": _SOMEONE}})
    assert (await _assign(azure, _assignment(group), _READER, _SOMEONE, caller="app")).status == 201
    for role, kind in ((OWNER, "ServicePrincipal"), (_CONTRIBUTOR, "User")):
        refused = await _assign(azure, _assignment(group), role, _SOMEONE, caller="app", kind=kind)
        assert refused.code == "AuthorizationFailed"
        assert "ABAC condition that is not fulfilled" in refused.body["error"]["message"]


async def test_a_role_counts_after_it_has_propagated_and_below_its_scope(start: Start, tmp_path: Path) -> None:
    """A grant on a group reaches what lies in it, half a minute or more later, and nothing beside it."""
    role_file = tmp_path / "role.json"
    role_file.write_text(json.dumps({"roleName": "Nothing", "actions": []}), encoding="utf-8")
    async with start(role_file=role_file, condition_file=tmp_path / "none") as azure:
        group, other = await azure.group("g"), await azure.group("other")
        vaults = "providers/Microsoft.DataProtection/backupVaults"
        await _assign(azure, _assignment(group), _READER, azure.cloud.app.object_id)
        assert (await azure.arm("GET", f"{group}/{vaults}", caller="app")).status == 403
        await azure.control("POST", "/clock", {"advance": 91})
        assert (await azure.arm("GET", f"{group}/{vaults}", caller="app")).status == 200
        assert (await azure.arm("GET", f"{other}/{vaults}", caller="app")).status == 403
        assert (await azure.arm("PUT", group, {"location": "westeurope"}, caller="app")).status == 403
        (propagation,) = await azure.control("GET", "/operations")
        assert propagation["kind"] == "rolePropagation"
        assert 30 <= propagation["seconds"] <= 90


async def test_subscriptions_are_listed_for_whoever_holds_a_role_in_them(start: Start) -> None:
    """The list needs no role and shows none that the caller can't see."""
    ids = tuple(path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION))
    async with start(subscriptions=ids) as azure:
        for assignment in azure.cloud.store.of_type("Microsoft.Authorization/roleAssignments", OTHER_SUBSCRIPTION):
            if assignment.properties["principalId"] == azure.cloud.app.object_id:
                azure.cloud.store.remove(assignment.id)
        own = await azure.arm("GET", "/subscriptions", caller="app")
        everything = await azure.arm("GET", "/subscriptions")
        assert [item["id"] for item in own.body["value"]] == [SUBSCRIPTION]
        assert [item["id"] for item in everything.body["value"]] == [SUBSCRIPTION, OTHER_SUBSCRIPTION]


async def test_the_same_grant_again_is_the_existing_one(azure: Client) -> None:
    """Repeating a PUT by the same name is safe; another name is RoleAssignmentExists; other content is refused."""
    group = await azure.group("g")
    azure.cloud.seed(f"{group}/providers/Microsoft.X/things/t", {"identity": {"principalId": _SOMEONE}})
    path = _assignment(group, str(uuid.UUID(int=1, version=4)))
    first = await _assign(azure, path, _READER, _SOMEONE)
    again = await _assign(azure, path, _READER, _SOMEONE)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    double = await _assign(azure, _assignment(group), _READER, _SOMEONE)
    assert (double.status, double.code) == (409, "RoleAssignmentExists")
    changed = await _assign(azure, path, _CONTRIBUTOR, _SOMEONE)
    assert (changed.status, changed.code) == (409, "RoleAssignmentUpdateNotPermitted")


async def test_a_new_principal_needs_its_type_until_it_is_replicated(azure: Client) -> None:
    """PrincipalNotFound for a young or unknown principal; naming the type is enough for one that exists."""
    group = await azure.group("g")
    vault = {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {"storageSettings": [{"datastoreType": "VaultStore", "type": "LocallyRedundant"}]},
    }
    made = await azure.arm("PUT", f"{group}/providers/Microsoft.DataProtection/backupVaults/v1", vault)
    principal = made.body["identity"]["principalId"]
    young = await _assign(azure, _assignment(group), _READER, principal, kind=None)
    assert (young.status, young.code) == (400, "PrincipalNotFound")
    assert principal.replace("-", "") in young.body["error"]["message"]
    wrong = await _assign(azure, _assignment(group), _READER, principal, kind="User")
    assert wrong.code == "UnmatchedPrincipalType"
    assert (await _assign(azure, _assignment(group), _READER, principal)).status == 201
    await azure.control("POST", "/clock", {"advance": 6})
    grown = await _assign(azure, _assignment(group), _CONTRIBUTOR, principal, kind=None)
    assert grown.status == 201
    assert grown.body["properties"]["principalType"] == "ServicePrincipal"
    unknown = await _assign(azure, _assignment(group), _READER, str(uuid.uuid4()))
    assert unknown.code == "PrincipalNotFound"


@pytest.mark.parametrize(
    ("name", "role", "code"),
    [("not-a-guid", _READER, "InvalidRoleAssignmentId"), (None, str(uuid.UUID(int=9)), "RoleDefinitionDoesNotExist")],
)
async def test_malformed_grants_are_refused(azure: Client, name: str | None, role: str, code: str) -> None:
    """An assignment's name is a GUID, and its role must exist."""
    answer = await _assign(azure, _assignment(SUBSCRIPTION, name), role, azure.cloud.app.object_id)
    assert (answer.status, answer.code) == (400, code)


async def test_assignments_are_listed_by_scope_and_principal(azure: Client) -> None:
    """atScope() leaves out what is below; without it everything near the scope is listed."""
    group = await azure.group("g")
    path = _assignment(group)
    await _assign(azure, path, _READER, azure.cloud.app.object_id)

    async def names(scope: str, condition: str = "") -> set[str]:
        query = f"?$filter={condition}" if condition else ""
        answer = await azure.arm("GET", f"{scope}/providers/Microsoft.Authorization/roleAssignments{query}")
        return {item["id"] for item in answer.body["value"]}

    assert path in await names(SUBSCRIPTION)
    assert path not in await names(SUBSCRIPTION, "atScope()")
    assert path in await names(group, "atScope()")
    assert len(await names(group, "atScope()")) == 3
    assert path in await names(SUBSCRIPTION, f"principalId eq '{azure.cloud.app.object_id}'")
    assert path not in await names(SUBSCRIPTION, f"assignedTo('{azure.cloud.owner.object_id}')")


async def test_a_deleted_grant_has_no_effect(azure: Client) -> None:
    """DELETE answers the assignment, a second one 204; GET is 404."""
    group = await azure.group("g")
    path = _assignment(group)
    await _assign(azure, path, _READER, azure.cloud.app.object_id)
    gone, again = await azure.arm("DELETE", path), await azure.arm("DELETE", path)
    assert (gone.status, gone.body["id"], again.status) == (200, path, 204)
    assert (await azure.arm("GET", path)).code == "RoleAssignmentNotFound"


async def test_roles_are_found_by_name_and_id(azure: Client) -> None:
    """The recorded look-up: a filter by roleName at any scope."""
    base = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    found = await azure.arm("GET", f"{base}?$filter=roleName eq 'storage blob data contributor'")
    (role,) = found.body["value"]
    assert role["properties"]["roleName"] == "Storage Blob Data Contributor"
    assert (await azure.arm("GET", role["id"])).body == role
    assert (await azure.arm("GET", f"{base}?$filter=roleName eq 'Nobody'")).body == {"value": []}
    custom = await azure.arm("GET", f"{base}?$filter=roleName eq 'AKS Backup Autopilot'")
    assert custom.body["value"][0]["properties"]["type"] == "CustomRole"
