"""Resource Guards: what can't be done to a guarded vault alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.azure.data_protection import guards
from tests.local_azure.backup import GOLD, GROUP, INSTANCE, VAULT, instance, protected
from tests.local_azure.client import OTHER_SUBSCRIPTION

if TYPE_CHECKING:
    from tests.local_azure.client import Answer, Client

_GUARD = f"{OTHER_SUBSCRIPTION}/resourceGroups/security/providers/Microsoft.DataProtection/resourceGuards/g"
_PROXY = f"{VAULT}/backupResourceGuardProxies/DppResourceGuardProxy"
_CODE = "UserErrorOperationProtectedByResourceGuard"


async def _guarded(azure: Client, *excluded: str) -> dict[str, str]:
    """A protected cluster whose vault is guarded; the guard's requests by operation."""
    await protected(azure)
    await azure.group("security", subscription=OTHER_SUBSCRIPTION)
    body = {"location": "westeurope", "properties": {"vaultCriticalOperationExclusionList": list(excluded)}}
    assert (await azure.arm("PUT", _GUARD, body)).status == 201
    made = await azure.arm("PUT", _PROXY, {"properties": {"resourceGuardResourceId": _GUARD}})
    assert made.status == 200, made
    details = made.body["properties"]["resourceGuardOperationDetails"]
    return {detail["vaultCriticalOperation"]: detail["defaultResourceRequest"] for detail in details}


async def _act(azure: Client, operation: str, requests: list[str] | None, caller: str = "owner") -> Answer:
    """Do what a guard guards, showing agreement or not."""
    agreed: dict[str, Any] = {} if requests is None else {"resourceGuardOperationRequests": requests}
    if operation == guards.CHANGE_POLICY:
        return await azure.arm("PUT", INSTANCE, {"properties": {**instance(GOLD), **agreed}}, caller=caller)
    action = "stopProtection" if operation == guards.STOP else "suspendBackups"
    return await azure.arm("POST", f"{INSTANCE}/{action}", agreed, caller=caller)


@pytest.mark.parametrize("operation", [guards.STOP, guards.SUSPEND, guards.CHANGE_POLICY])
async def test_a_guarded_operation_wants_its_own_request(azure: Client, operation: str) -> None:
    """None, or another operation's, is refused and changes nothing; the right one passes."""
    requests = await _guarded(azure)
    before = (await azure.arm("GET", INSTANCE)).body
    for wrong in (None, [], [requests[guards.DELETE_INSTANCE]], ["/nothing"]):
        refused = await _act(azure, operation, wrong)
        assert (refused.status, refused.code) == (403, _CODE)
    assert (await azure.arm("GET", INSTANCE)).body == before
    passed = await _act(azure, operation, [requests[operation].upper()])
    assert passed.status == (200 if operation == guards.CHANGE_POLICY else 202)
    await azure.control("POST", "/clock", {"advance": 61})
    assert (await azure.arm("GET", INSTANCE)).body != before


async def test_agreement_needs_rights_on_the_guard(azure: Client) -> None:
    """The app names the request, but a reader of the guard isn't who could agree."""
    requests = await _guarded(azure)
    for name in ("Reader", "Contributor"):
        refused = await _act(azure, guards.STOP, [requests[guards.STOP]], caller="app")
        assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
        azure.cloud.assign(azure.cloud.app, azure.cloud.roles.named(name)[0], _GUARD)
    assert (await _act(azure, guards.STOP, [requests[guards.STOP]], caller="app")).status == 202


async def test_an_instance_is_deleted_only_unlocked(azure: Client) -> None:
    """A DELETE has no body, so the deletion is unlocked before, for half an hour."""
    requests = await _guarded(azure)
    assert (await azure.arm("DELETE", INSTANCE)).code == _CODE
    asked: dict[str, Any] = {"resourceToBeDeleted": INSTANCE}
    assert (await azure.arm("POST", f"{_PROXY}/unlockDelete", asked)).code == _CODE
    asked["resourceGuardOperationRequests"] = [requests[guards.DELETE_INSTANCE]]
    for wait, status in ((31, 403), (29, 202)):
        unlocked = await azure.arm("POST", f"{_PROXY}/unlockDelete", asked)
        assert (unlocked.status, list(unlocked.body)) == (200, ["unlockDeleteExpiryTime"])
        await azure.control("POST", "/clock", {"advance": wait * 60})
        assert (await azure.arm("DELETE", INSTANCE)).status == status


async def test_other_changes_are_free(azure: Client) -> None:
    """The same policy again, resuming, and what the guard's owner excluded."""
    requests = await _guarded(azure, guards.STOP)
    assert guards.STOP not in requests
    assert (await azure.arm("PUT", INSTANCE, {"properties": instance()})).status == 200
    assert (await _act(azure, guards.STOP, None)).status == 202
    await azure.control("POST", "/clock", {"advance": 61})
    assert (await azure.arm("POST", f"{INSTANCE}/resumeProtection")).status == 202


async def test_a_vault_says_that_it_is_guarded(azure: Client) -> None:
    """As long as it is connected; disconnecting it wants agreement as well."""
    requests = await _guarded(azure)
    assert (await azure.arm("GET", VAULT)).body["properties"]["isVaultProtectedByResourceGuard"] is True
    listed = await azure.arm("GET", f"{VAULT}/backupResourceGuardProxies")
    assert listed.body["value"] == [(await azure.arm("GET", _PROXY)).body]
    assert (await azure.arm("DELETE", _PROXY)).code == _CODE
    (disconnect,) = (request for request in requests.values() if "deleteResourceGuardProxyRequests" in request)
    assert (await azure.arm("GET", disconnect)).body["name"] == "default"
    asked = {"resourceGuardOperationRequests": [disconnect]}
    assert (await azure.arm("POST", f"{_PROXY}/unlockDelete", asked)).status == 200
    assert (await azure.arm("DELETE", _PROXY)).status == 200
    assert (await azure.arm("DELETE", _PROXY)).status == 204
    assert (await azure.arm("GET", VAULT)).body["properties"]["isVaultProtectedByResourceGuard"] is False
    assert (await _act(azure, guards.STOP, None)).status == 202


async def test_guards_keep_the_rules(azure: Client) -> None:
    """A vault is connected with a guard that exists and that the caller may read; guards are listed and deleted."""
    await _guarded(azure)
    wrong = await azure.arm("PUT", _PROXY, {"properties": {"resourceGuardResourceId": GROUP}})
    assert wrong.code == "DppPluginInvalidInputParameters"
    body = {"location": "westeurope", "properties": {"vaultCriticalOperationExclusionList": ["everything"]}}
    assert (await azure.arm("PUT", f"{_GUARD}2", body)).code == "DppPluginInvalidInputParameters"
    assert (await azure.arm("PUT", _PROXY, {"properties": {}}, caller="app")).code == "AuthorizationFailed"
    listed = await azure.arm("GET", _GUARD.rsplit("/", 1)[0])
    assert [guard["name"] for guard in listed.body["value"]] == ["g"]
    assert (await azure.arm("DELETE", _GUARD)).status == 200
    assert (await azure.arm("GET", _GUARD)).status == 404
