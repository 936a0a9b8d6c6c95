from collections.abc import AsyncIterator

import pytest

from tests.local_azure.conftest import Start
from tests.local_azure.world import CLUSTER, GROUP, World, running

VAULT = f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/v1"
ROLE = "Microsoft.DataProtection/backupVaults/backup-operator"


def binding(source: str = VAULT, *roles: str) -> dict[str, dict[str, object]]:
    """A binding as a client asks for it."""
    return {"properties": {"sourceResourceId": source, "roles": list(roles or (ROLE,))}}


@pytest.fixture
async def world(start: Start) -> AsyncIterator[World]:
    """A simulated Azure with a cluster and a vault."""
    async with running(start) as world:
        await world.cluster()
        await world.seed(VAULT, location="westeurope")
        yield world


async def test_the_app_binds_its_vault(world: World) -> None:
    """A binding takes its time, then it is there; 24 characters are a valid name."""
    path = f"{CLUSTER}/trustedAccessRoleBindings/{'b' * 24}"
    made = await world.ask("PUT", path, binding(), caller="app")
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Updating")
    await world.advance(20)
    assert (await world.ask("GET", made.operation)).body["status"] == "Succeeded"
    assert (await world.ask("GET", path, caller="app")).body["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("name", "source", "role", "code"),
    [
        ("b" * 25, VAULT, ROLE, "InvalidParameter"),
        ("-b", VAULT, ROLE, "InvalidParameter"),
        ("b1", VAULT.replace("v1", "v2"), ROLE, "TrustedAccessSourceResourceNotFound"),
        ("b1", "v1", ROLE, "InvalidParameter"),
        ("b1", VAULT, "Microsoft.DataProtection/backupVaults/nobody", "InvalidParameter"),
        ("b1", VAULT, "backup-operator", "InvalidParameter"),
        ("b1", CLUSTER, ROLE, "InvalidParameter"),
    ],
)
async def test_what_cannot_be_bound(world: World, name: str, source: str, role: str, code: str) -> None:
    """Name, source and role have to be right, and to fit each other."""
    refused = await world.ask("PUT", f"{CLUSTER}/trustedAccessRoleBindings/{name}", binding(source, role))
    assert (refused.status, refused.code) == (400, code)


async def test_a_binding_without_roles_is_refused(world: World) -> None:
    """At least one role is needed."""
    body = {"properties": {"sourceResourceId": VAULT, "roles": []}}
    refused = await world.ask("PUT", f"{CLUSTER}/trustedAccessRoleBindings/b1", body)
    assert (refused.status, refused.code) == (400, "InvalidParameter")


async def test_a_binding_needs_its_cluster(world: World) -> None:
    """The gateway refuses a binding on a cluster that isn't there."""
    refused = await world.ask("PUT", f"{CLUSTER}x/trustedAccessRoleBindings/b1", binding())
    assert (refused.status, refused.code) == (404, "ParentResourceNotFound")


async def test_removing_what_is_not_there(world: World) -> None:
    """DELETE of an absent binding is 204."""
    assert (await world.ask("DELETE", f"{CLUSTER}/trustedAccessRoleBindings/b1")).status == 204
