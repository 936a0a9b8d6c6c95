"""Management locks: as resources, and what they stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local_azure.backup import CLUSTER, GROUP, protected, validate
from tests.local_azure.client import SUBSCRIPTION, Answer, Client
from tests.local_azure.ondemand import run_one

if TYPE_CHECKING:
    from collections.abc import Iterable

_RG = f"{SUBSCRIPTION}/resourceGroups/g"
_ACCOUNT = f"{_RG}/providers/Microsoft.Storage/storageAccounts/acc9"
_SKU = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}


def lock(scope: str, name: str = "keep") -> str:
    """Id of a lock."""
    return f"{scope}/providers/Microsoft.Authorization/locks/{name}"


async def put_lock(azure: Client, scope: str, level: str = "CanNotDelete", name: str = "keep") -> Answer:
    """Make a lock."""
    body = {"properties": {"level": level, "notes": "by ops"}}
    return await azure.arm("PUT", lock(scope, name), body, version="2020-05-01")


async def _with_account(azure: Client) -> None:
    await azure.group("g")
    assert (await azure.arm("PUT", _ACCOUNT, _SKU)).status == 202
    await azure.control("POST", "/clock", {"advance": 20})


@pytest.mark.parametrize("scope", [SUBSCRIPTION, _RG, _ACCOUNT])
async def test_a_lock_is_made_read_changed_and_removed(azure: Client, scope: str) -> None:
    """At every scope; the app may read it and no more."""
    await _with_account(azure)
    made, again = await put_lock(azure, scope), await put_lock(azure, scope, "readonly")
    assert (made.status, again.status) == (201, 200)
    read = await azure.arm("GET", lock(scope), caller="app", version="2016-09-01")
    assert read.body == again.body
    assert read.body["properties"] == {"level": "ReadOnly", "notes": "by ops"}
    assert (read.body["id"], read.body["type"]) == (lock(scope), "Microsoft.Authorization/locks")
    assert (await azure.arm("DELETE", lock(scope), caller="app")).code == "AuthorizationFailed"
    gone, never = await azure.arm("DELETE", lock(scope)), await azure.arm("DELETE", lock(scope))
    assert (gone.status, never.status) == (200, 204)
    missing = await azure.arm("GET", lock(scope))
    assert (missing.status, missing.code) == (404, "LockNotFound")


async def test_a_lock_needs_a_level_that_there_is(azure: Client) -> None:
    """And a scope that exists."""
    await azure.group("g")
    assert (await put_lock(azure, _RG, "Forever")).code == "InvalidLockLevel"
    assert (await put_lock(azure, f"{SUBSCRIPTION}/resourceGroups/none")).code == "ResourceGroupNotFound"


async def test_locks_are_listed_at_above_and_below_a_scope(azure: Client) -> None:
    """With atScope() those below are left out; other filters are refused."""
    await _with_account(azure)
    for scope in (SUBSCRIPTION, _RG, _ACCOUNT):
        assert (await put_lock(azure, scope)).status == 201

    async def listed(scope: str, condition: str = "") -> list[str]:
        answer = await azure.arm("GET", f"{lock(scope, '')[:-1]}{condition}", caller="app", version="2016-09-01")
        return [item["id"] for item in answer.body["value"]]

    everything = [lock(scope) for scope in (SUBSCRIPTION, _RG, _ACCOUNT)]
    assert await listed(_RG) == everything
    assert await listed(_ACCOUNT) == everything
    assert await listed(_RG, "?$filter=atScope()") == everything[:2]
    assert await listed(SUBSCRIPTION, "?$filter=atScope()") == everything[:1]
    refused = await azure.arm("GET", f"{lock(_RG, '')[:-1]}?$filter=level eq 'ReadOnly'")
    assert (refused.status, refused.code) == (400, "InvalidFilter")


async def _stopped(azure: Client, calls: Iterable[tuple[str, str]]) -> list[str]:
    """Of some calls those that a lock stops."""
    found = []
    for method, path in calls:
        body = None if method == "DELETE" else {"tags": {"a": "b"}, **_SKU} if method != "POST" else {}
        answer = await azure.arm(method, path, body)
        if answer.status == 409 and answer.code == "ScopeLocked":
            found.append(f"{method} {path.rsplit('/', 1)[-1]}")
    return found


_CALLS = (
    ("GET", _ACCOUNT),
    ("POST", f"{_ACCOUNT}/listKeys"),
    ("PATCH", _ACCOUNT),
    ("PUT", _ACCOUNT),
    ("DELETE", _ACCOUNT),
)


@pytest.mark.parametrize("scope", [SUBSCRIPTION, _RG, _ACCOUNT])
@pytest.mark.parametrize(
    ("level", "stopped"),
    [
        ("CanNotDelete", ["DELETE acc9"]),
        ("ReadOnly", ["POST listKeys", "PATCH acc9", "PUT acc9", "DELETE acc9"]),
        ("NotSpecified", []),
    ],
)
async def test_a_lock_stops_calls_at_and_below_its_scope(
    azure: Client, scope: str, level: str, stopped: list[str]
) -> None:
    """Deletions, or everything that isn't a GET; the refusal names what is locked."""
    await _with_account(azure)
    other = await azure.group("other")
    assert (await put_lock(azure, scope, level)).status == 201
    assert await _stopped(azure, _CALLS) == stopped
    if stopped:
        refused = await azure.arm("DELETE", _ACCOUNT)
        assert f"following scope(s) are locked: '{scope}'" in refused.body["error"]["message"]
        assert refused.headers["x-ms-failure-cause"] == "gateway"
    assert (await azure.arm("DELETE", other)).status == (409 if stopped and scope == SUBSCRIPTION else 202)


async def test_what_holds_something_locked_is_not_deleted(azure: Client) -> None:
    """A group with a locked account stays until the lock is removed, which a lock doesn't stop."""
    await _with_account(azure)
    await put_lock(azure, _ACCOUNT, "ReadOnly")
    assert (await azure.arm("DELETE", _RG)).code == "ScopeLocked"
    assert (await azure.arm("PATCH", _RG, {"tags": {"a": "b"}})).status == 200
    assert (await azure.arm("DELETE", lock(_ACCOUNT))).status == 200
    assert (await azure.arm("DELETE", _RG)).status == 202


@pytest.mark.parametrize("scope", [GROUP, SUBSCRIPTION])
async def test_a_locked_snapshot_group_takes_no_backups(azure: Client, scope: str) -> None:
    """Made by anybody over the API, on the group or above it; without it backups work again."""
    await protected(azure)
    await put_lock(azure, scope)
    job = await run_one(azure)
    assert job["errorDetails"][0]["code"] == "UserErrorSnapshotResourceGroupHasLocks"
    assert (await validate(azure)).body["error"]["code"] == "UserErrorSnapshotResourceGroupHasLocks"
    assert (await azure.arm("DELETE", lock(scope))).status == 200
    assert (await run_one(azure))["status"] == "Completed"


async def test_a_lock_on_the_cluster_is_no_lock_on_snapshots(azure: Client) -> None:
    """It only keeps the cluster from being deleted."""
    await protected(azure)
    await put_lock(azure, CLUSTER)
    assert (await run_one(azure))["status"] == "Completed"
    assert (await azure.arm("DELETE", CLUSTER)).code == "ScopeLocked"
