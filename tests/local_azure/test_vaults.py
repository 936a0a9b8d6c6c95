from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure.backup import GROUP, INSTANCE, POLICY, VAULT, instance, lifecycle, make_vault, policy, vault
from tests.local_azure.client import SUBSCRIPTION, Client

if TYPE_CHECKING:
    from collections.abc import Callable

_GEO = [{"datastoreType": "VaultStore", "type": "GeoRedundant"}]
_CROSS_REGION = {"crossRegionRestoreSettings": {"state": "Enabled"}}


def _security(soft_delete: str = "On", immutability: str | None = None) -> dict[str, Any]:
    settings: dict[str, Any] = {"softDeleteSettings": {"state": soft_delete, "retentionDurationInDays": 14.0}}
    if immutability:
        settings["immutabilitySettings"] = {"state": immutability}
    return settings


async def test_a_vault_has_its_identity_at_once_and_is_ready_a_moment_later(azure: Client) -> None:
    """201 Provisioning with azure-asyncoperation only; the operation ends, then the vault is Succeeded."""
    await azure.group("backup")
    made = await azure.arm("PUT", VAULT, vault(), caller="app")
    assert made.status == 201
    assert made.body["properties"]["provisioningState"] == "Provisioning"
    assert uuid.UUID(made.body["identity"]["principalId"])
    assert "Location" not in made.headers
    assert made.headers["x-ms-ratelimit-remaining-subscription-resource-requests"] == "99"
    url = made.headers["Azure-AsyncOperation"]
    running = await azure.arm("GET", url, caller="app")
    assert (running.body["status"], running.body["endTime"]) == ("Inprogress", "0001-01-01T00:00:00Z")
    assert int(running.headers["Retry-After"]) >= 1
    await azure.control("POST", "/clock", {"advance": 1})
    done = await azure.arm("GET", url, caller="app")
    assert done.body["status"] == "Succeeded"
    assert "Retry-After" not in done.headers
    assert len(base64.b64decode(done.body["name"]).decode().split(";")) == 2
    again = await azure.arm("GET", VAULT, caller="app")
    assert again.body["properties"]["provisioningState"] == "Succeeded"
    assert again.body["identity"] == made.body["identity"]


async def test_a_second_put_changes_the_vault_and_keeps_its_identity(azure: Client) -> None:
    """200; a repeat is no second vault."""
    identity = await make_vault(azure)
    again = await azure.arm("PUT", VAULT, {**vault(), "tags": {"a": "b"}})
    assert again.status == 200
    assert again.body["identity"]["principalId"] == identity
    assert again.body["tags"] == {"a": "b"}
    assert len((await azure.arm("GET", VAULT.rpartition("/")[0])).body["value"]) == 1


async def test_a_vault_stays_in_its_region(azure: Client) -> None:
    """A PUT that would move it is a conflict."""
    await make_vault(azure)
    moved = await azure.arm("PUT", VAULT, {**vault(), "location": "eastus"})
    assert (moved.status, moved.code) == (409, "InvalidResourceLocation")


@pytest.mark.parametrize(
    ("properties", "score", "resilience", "replicas"),
    [
        ({"securitySettings": _security("Off")}, "None", "Poor", []),
        ({"securitySettings": _security()}, "Minimum", "Poor", []),
        (
            {"securitySettings": _security("On", "Locked"), "storageSettings": _GEO, "featureSettings": _CROSS_REGION},
            "Adequate",
            "Good",
            ["northeurope"],
        ),
    ],
)
async def test_a_vault_tells_how_safe_it_is(
    azure: Client, properties: dict[str, Any], score: str, resilience: str, replicas: list[str]
) -> None:
    """Scores follow from soft delete, immutability and redundancy, as in the recorded vaults."""
    await azure.group("backup")
    told = (await azure.arm("PUT", VAULT, vault(**properties))).body["properties"]
    assert (told["secureScore"], told["bcdrSecurityLevel"], told["replicatedRegions"]) == (score, resilience, replicas)


@pytest.mark.parametrize(
    ("path", "properties"),
    [
        (VAULT, {"storageSettings": []}),
        (VAULT, {"storageSettings": [{"datastoreType": "VaultStore", "type": "Elsewhere"}]}),
        (VAULT, {"securitySettings": {"softDeleteSettings": {"state": "Maybe"}}}),
        (VAULT, {"securitySettings": {"softDeleteSettings": {"state": "On", "retentionDurationInDays": 7}}}),
        (VAULT, {"featureSettings": _CROSS_REGION}),
        (VAULT.replace("vault1", "1vault"), {}),
    ],
)
async def test_impossible_vaults_are_refused(azure: Client, path: str, properties: dict[str, Any]) -> None:
    """The recorded error shape, with the user-facing part beside the standard fields."""
    await azure.group("backup")
    answer = await azure.arm("PUT", path, vault(**properties))
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")
    facing = answer.body["error"]["additionalInfo"][0]["info"]
    assert facing["code"] == answer.code
    assert facing["recommendedAction"]
    assert "x-ms-failure-cause" not in answer.headers


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"securitySettings": _security("AlwaysOn")}, {"securitySettings": _security("On")}),
        ({"securitySettings": _security("On", "Locked")}, {"securitySettings": _security("On", "Disabled")}),
        ({}, {"storageSettings": _GEO}),
        ({"storageSettings": _GEO, "featureSettings": _CROSS_REGION}, {"storageSettings": _GEO}),
    ],
)
async def test_what_is_irreversible_stays(azure: Client, before: dict[str, Any], after: dict[str, Any]) -> None:
    """AlwaysOn, Locked, redundancy and cross-region restore can't be taken back."""
    await azure.group("backup")
    assert (await azure.arm("PUT", VAULT, vault(**before))).status == 201
    assert (await azure.arm("PUT", VAULT, vault(**after))).code == "PropertyChangeNotAllowed"


@pytest.mark.parametrize(
    ("version", "soft_delete", "status"),
    [("2025-07-01", "On", 201), ("2025-09-01", "On", 400), ("2025-09-01", "AlwaysOn", 201)],
)
async def test_newer_versions_want_soft_delete_always_on(
    azure: Client, version: str, soft_delete: str, status: int
) -> None:
    """From 2025-09-01 on a vault whose soft delete could be switched off is refused."""
    await azure.group("backup")
    answer = await azure.arm("PUT", VAULT, vault(securitySettings=_security(soft_delete)), version=version)
    assert answer.status == status


async def test_a_charset_in_accept_hides_the_reason_of_a_400(azure: Client) -> None:
    """406 with an empty body in its place; a plain application/json gets the 400."""
    await azure.group("backup")
    wrong = vault(storageSettings=[])
    hidden = await azure.arm("PUT", VAULT, wrong, headers={"Accept": "application/json; charset=utf-8"})
    assert (hidden.status, hidden.body) == (406, "")
    assert (await azure.arm("PUT", VAULT, wrong, headers={"Accept": "application/json"})).status == 400


async def test_a_vault_is_patched_at_once(azure: Client) -> None:
    """Tags and settings change, the rest stays."""
    await make_vault(azure)
    body = {"tags": {"x": "y"}, "properties": {"securitySettings": {"immutabilitySettings": {"state": "Unlocked"}}}}
    answer = await azure.arm("PATCH", VAULT, body)
    assert answer.status == 200
    assert answer.body["tags"] == {"x": "y"}
    assert answer.body["properties"]["securitySettings"]["softDeleteSettings"]["state"] == "On"
    assert answer.body["properties"]["secureScore"] == "Adequate"


async def test_an_empty_vault_is_deleted_and_its_operation_lives_on(azure: Client) -> None:
    """The status of the deletion is at the group's level, where it can be read when the vault is gone."""
    await make_vault(azure)
    accepted = await azure.arm("DELETE", VAULT)
    assert accepted.status == 202
    url = accepted.headers["Azure-AsyncOperation"]
    assert f"{GROUP}/providers/Microsoft.DataProtection/locations/westeurope/operationStatus/" in url
    await azure.control("POST", "/clock", {"advance": 1})
    assert (await azure.arm("GET", url)).body["status"] == "Succeeded"
    assert (await azure.arm("GET", VAULT)).code == "ResourceNotFound"
    assert (await azure.arm("DELETE", VAULT)).status == 204


async def test_a_policy_is_kept_as_sent_without_its_name(azure: Client) -> None:
    """200 also when new; `properties.name` of the request is dropped."""
    await make_vault(azure)
    body = policy(vault_tier=True, frequency="PT4H")
    body["properties"]["name"] = "SomethingElse"
    path = f"{VAULT}/backupPolicies/every4hours"
    made = await azure.arm("PUT", path, body, caller="app")
    assert made.status == 200
    assert "name" not in made.body["properties"]
    assert made.body["name"] == "every4hours"
    assert (await azure.arm("GET", path)).body == made.body
    assert (await azure.arm("PUT", path, body)).body == made.body
    listed = await azure.arm("GET", f"{VAULT}/backupPolicies")
    assert {item["name"] for item in listed.body["value"]} == {"bronze", "gold", "every4hours"}


async def test_a_policy_for_aks_cannot_be_edited(azure: Client) -> None:
    """Another content under the same name is refused."""
    await make_vault(azure)
    answer = await azure.arm("PUT", POLICY, policy(frequency="PT12H"))
    assert (answer.status, answer.code) == (400, "UserErrorBackupPolicyUpdateNotSupported")


def _rules(body: dict[str, Any]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = body["properties"]["policyRules"]
    return rules


def _schedule(body: dict[str, Any]) -> dict[str, Any]:
    schedule: dict[str, Any] = _rules(body)[0]["trigger"]["schedule"]
    return schedule


def _tags(body: dict[str, Any]) -> list[dict[str, Any]]:
    tags: list[dict[str, Any]] = _rules(body)[0]["trigger"]["taggingCriteria"]
    return tags


_BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no backup rule": lambda body: _rules(body).pop(0),
    "two backup rules": lambda body: _rules(body).append(_rules(body)[0]),
    "full backups": lambda body: _rules(body)[0]["backupParameters"].update(backupType="Full"),
    "backups into the vault": lambda body: _rules(body)[0]["dataStore"].update(dataStoreType="VaultStore"),
    "no schedule": lambda body: _rules(body)[0]["trigger"]["schedule"].update(repeatingTimeIntervals=[]),
    "a start that no calendar has": lambda body: _schedule(body).update(
        repeatingTimeIntervals=["R/2023-02-30T09:00:00+00:00/P1D"]
    ),
    "two schedules": lambda body: _schedule(body)["repeatingTimeIntervals"].append("R/2023-01-04T21:00:00+00:00/P1D"),
    "a time zone by its IANA name": lambda body: _schedule(body).update(timeZone="Europe/Berlin"),
    "a tag twice": lambda body: _tags(body).append(_tags(body)[1]),
    "a tag without a mark": lambda body: _tags(body)[1]["criteria"][0].update(absoluteCriteria=[]),
    "a tag without a priority": lambda body: _tags(body)[1].pop("taggingPriority"),
    "no default tag": lambda body: _rules(body)[0]["trigger"]["taggingCriteria"][0].update(isDefault=False),
    "a tag without a rule": lambda body: _rules(body).pop(2),
    "no default rule": lambda body: _rules(body)[1].update(isDefault=False),
    "a rule twice": lambda body: _rules(body)[2].update(name="Default"),
    "too long": lambda body: _rules(body)[1].update(lifecycles=[lifecycle("OperationalStore", "P361D")]),
    "no duration": lambda body: _rules(body)[1].update(lifecycles=[lifecycle("OperationalStore", "7")]),
    "an unknown store": lambda body: _rules(body)[1].update(lifecycles=[lifecycle("Elsewhere", "P7D")]),
    "an undeclared copy": lambda body: _rules(body)[2].update(
        lifecycles=[lifecycle("OperationalStore", "P7D"), lifecycle("VaultStore", "P84D")]
    ),
    "a copy to nowhere": lambda body: _rules(body)[2].update(
        lifecycles=[lifecycle("OperationalStore", "P7D", "VaultStore")]
    ),
    "a copy that waits": lambda body: _rules(body)[2]["lifecycles"][0]["targetDataStoreCopySettings"][0].update(
        copyAfter={"objectType": "CopyOnExpiryOption"}
    ),
    "a copy out of the vault": lambda body: _rules(body)[2].update(
        lifecycles=[lifecycle("OperationalStore", "P7D", "VaultStore"), lifecycle("VaultStore", "P84D", "VaultStore")]
    ),
    "the vault before the operational tier": lambda body: _rules(body)[2]["lifecycles"].reverse(),
    "the vault alone": lambda body: _rules(body)[2].update(lifecycles=[lifecycle("VaultStore", "P84D")]),
    "no duration in the vault": lambda body: _rules(body)[2]["lifecycles"][1]["deleteAfter"].update(duration="P0D"),
    "an unknown mark": lambda body: _rules(body)[0]["trigger"]["taggingCriteria"][1]["criteria"][0].update(
        absoluteCriteria=["LastOfDay"]
    ),
    "two datasources": lambda body: body["properties"]["datasourceTypes"].append("Microsoft.Compute/disks"),
    "no object type": lambda body: body["properties"].pop("objectType"),
}


@pytest.mark.parametrize("what", sorted(_BREAKS))
async def test_broken_policies_are_refused(azure: Client, what: str) -> None:
    """What AKS backup can't do is told at once, with the reason."""
    await make_vault(azure)
    body = policy(vault_tier=True)
    _BREAKS[what](body)
    answer = await azure.arm("PUT", f"{VAULT}/backupPolicies/broken", body)
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")


@pytest.mark.parametrize(
    ("frequency", "status"),
    [
        ("PT4H", 200),
        ("PT6H", 200),
        ("PT8H", 200),
        ("PT12H", 200),
        ("P1D", 200),
        ("PT5H", 400),
        ("PT1H", 400),
        ("P1W", 400),
    ],
)
async def test_backups_run_every_4_6_8_or_12_hours_or_daily(azure: Client, frequency: str, status: int) -> None:
    """Other frequencies are refused."""
    await make_vault(azure)
    answer = await azure.arm("PUT", f"{VAULT}/backupPolicies/new-one", policy(frequency=frequency))
    assert answer.status == status


@pytest.mark.parametrize("zone", ["UTC", "W. Europe Standard Time", "India Standard Time"])
async def test_a_schedule_may_name_a_time_zone_as_windows_does(azure: Client, zone: str) -> None:
    """The zone is kept as sent."""
    await make_vault(azure)
    body = policy()
    _schedule(body)["timeZone"] = zone
    made = await azure.arm("PUT", f"{VAULT}/backupPolicies/zoned", body)
    assert (made.status, _schedule(made.body)["timeZone"]) == (200, zone)


@pytest.mark.parametrize(
    "wrong",
    [
        {"includedVolumeTypes": ["AzureDisk", "AzureFile"]},
        {"includedVolumeTypes": "AzureDisk"},
        {"includedNamespaces": [f"ns{number}" for number in range(801)]},
        {"excludedNamespaces": "kube-system"},
        {"snapshotVolumes": "yes"},
        {"includeClusterScopeResources": None},
    ],
)
async def test_impossible_contents_are_refused(azure: Client, wrong: dict[str, Any]) -> None:
    """Volume types, lists and flags of what is backed up are checked when an instance is asked for."""
    await make_vault(azure)
    asked = instance()
    asked["policyInfo"]["policyParameters"]["backupDatasourceParametersList"][0].update(wrong)
    answer = await azure.arm("PUT", INSTANCE, {"properties": asked})
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")


async def test_regions_without_vault_tier_take_no_policy_with_it(azure: Client) -> None:
    """DppUserErrorVaultTierPolicyNotSupported where Azure doesn't offer the tier."""
    group = await azure.group("poland", "polandcentral")
    there = f"{group}/providers/Microsoft.DataProtection/backupVaults/vault1"
    await azure.arm("PUT", there, {**vault(), "location": "polandcentral"})
    refused = await azure.arm("PUT", f"{there}/backupPolicies/gold", policy(vault_tier=True))
    assert (refused.status, refused.code) == (400, "DppUserErrorVaultTierPolicyNotSupported")
    assert (await azure.arm("PUT", f"{there}/backupPolicies/bronze", policy())).status == 200


async def test_a_used_policy_stays(azure: Client) -> None:
    """UserErrorDppPolicyObjectInUse while an instance uses it; 200 and then 204 otherwise."""
    await make_vault(azure)
    await azure.arm("PUT", INSTANCE, {"properties": instance()})
    assert (await azure.arm("DELETE", POLICY)).code == "UserErrorDppPolicyObjectInUse"
    gold = f"{VAULT}/backupPolicies/gold"
    assert [(await azure.arm("DELETE", gold)).status for _ in range(2)] == [200, 204]
    assert (await azure.arm("GET", gold)).code == "UserErrorGenericResourceNotFound"


async def test_vaults_are_listed_in_a_subscription(azure: Client) -> None:
    """The same collection below a group or a subscription."""
    await make_vault(azure)
    answer = await azure.arm("GET", f"{SUBSCRIPTION}/providers/Microsoft.DataProtection/backupVaults")
    assert [item["id"] for item in answer.body["value"]] == [VAULT]
