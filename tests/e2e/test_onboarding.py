"""From a cluster's creation event to a protected cluster, with nobody doing anything in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION
from tests.e2e.azure_view import BACKUP_API, CLUSTERS_API, GROUPS_API, ROLES_API, STORAGE_API
from tests.e2e.fleet import Fleet, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRID: Final = "rg-grid"
_CLOUD: Final = "rg-cloud"
_SCHEMAS: Final = {_GRID: "EventGridSchema", _CLOUD: "CloudEventSchemaV1_0"}
_LOCATION: Final = "westeurope"
_QUIET: Final = "switzerlandnorth"
"""A region with one cluster: whoever asks for something there asks for its sake."""

_OWNED: Final = {"managed-by": "aks-backup-autopilot/default"}


@dataclass(frozen=True, slots=True)
class Case:
    """A cluster that is created, and what of its policy shows in Azure."""

    name: str
    group: str
    policy: str
    interval: str
    kept: str
    vault_tier: bool = False


_CASES: Final = (
    Case("created-bronze", _GRID, "bronze", "P1D", "P7D"),
    Case("created-silver", _CLOUD, "silver", "PT4H", "P30D"),
    Case("created-gold", _GRID, "gold", "PT4H", "P30D", vault_tier=True),
)
_LEFT_ALONE: Final[tuple[tuple[str, dict[str, str], str, str], ...]] = (
    # name, tags, state, reason
    ("created-untagged", {}, "Released", "NotSelected"),
    ("created-none", {"aks-backup": "none"}, "Released", "Excluded"),
    ("created-unknown", {"aks-backup": "platinum"}, "Rejected", "UnknownPolicy"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def created(app: Fleet) -> Mapping[str, str]:
    """Clusters created through ARM in two groups, whose events come in two schemas; ids by name."""
    for group, schema in _SCHEMAS.items():
        await app.subscribe(group, _LOCATION, schema)
    orders = [(case.name, {"aks-backup": case.policy}, case.group) for case in _CASES]
    orders += [(name, dict(tags), _CLOUD) for name, tags, _, _ in _LEFT_ALONE]
    ids = await asyncio.gather(*(app.parts.create_cluster(name, tags, group=group) for name, tags, group in orders))
    made = dict(zip((name for name, _, _ in orders), ids, strict=True))
    return made | {"converged": await app.onboard("converged", "gold", location=_QUIET)}


async def _backup_group(app: Fleet, name: str) -> str:
    """The group that was made for one cluster."""
    groups = await app.get(f"/subscriptions/{SUBSCRIPTION}/resourceGroups", GROUPS_API)
    found = [group for group in groups["value"] if group["name"].startswith(f"rg-aks-backup-{name}-")]
    assert [(group["location"], group["tags"]) for group in found] == [(_LOCATION, _OWNED)]
    return str(found[0]["id"])


async def _only(app: Fleet, path: str, api_version: str) -> dict[str, Any]:
    """The only member of a list."""
    found = (await app.get(path, api_version))["value"]
    assert len(found) == 1, found
    only: dict[str, Any] = found[0]
    return only


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
async def test_a_created_cluster_ends_protected(app: Fleet, created: Mapping[str, str], case: Case) -> None:
    """Its creation event is all it takes: Azure says ProtectionConfigured, and the row agrees and is at rest."""
    cluster = created[case.name]
    row = await app.settled(cluster, "Protected", "ProtectionConfigured")
    assert (row["policy"], row["wake"], row["who"]) == (case.policy, None, "")
    assert set(row["steps"].values()) == {"Met"}
    assert [(item["status"], item["reason"]) for item in row["conditions"]] == [("True", "ProtectionConfigured")]

    [instance] = await app.instances(cluster)
    inner = instance["properties"]
    assert inner["currentProtectionState"] == "ProtectionConfigured"
    assert instance["tags"] == _OWNED
    policy = await app.get(inner["policyInfo"]["policyId"], BACKUP_API)
    rules = {rule["name"]: rule for rule in policy["properties"]["policyRules"]}
    [scheduled] = [rule for rule in rules.values() if rule["objectType"] == "AzureBackupRule"]
    [interval] = scheduled["trigger"]["schedule"]["repeatingTimeIntervals"]
    assert interval.endswith(f"/{case.interval}")
    [kept] = rules["Default"]["lifecycles"]
    assert kept["deleteAfter"]["duration"] == case.kept
    copies = [rule for rule in rules.values() if "VaultStore" in str(rule.get("lifecycles"))]
    assert bool(copies) is case.vault_tier


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
async def test_exactly_what_protection_takes_is_made(app: Fleet, created: Mapping[str, str], case: Case) -> None:
    """One group, account, container, extension and binding for the cluster, with Azure's settings, and no more."""
    cluster = created[case.name]
    await app.protected(cluster)
    group = await _backup_group(app, case.name)
    account = await _only(app, f"{group}/providers/Microsoft.Storage/storageAccounts", STORAGE_API)
    assert (account["kind"], account["location"], account["tags"]) == ("StorageV2", _LOCATION, _OWNED)
    inner = account["properties"]
    assert (inner["allowSharedKeyAccess"], inner["allowBlobPublicAccess"]) == (False, False)
    assert (inner["minimumTlsVersion"], inner["supportsHttpsTrafficOnly"]) == ("TLS1_2", True)
    container = await _only(app, f"{account['id']}/blobServices/default/containers", STORAGE_API)

    [extension] = await app.extensions(cluster)
    tenant = app.parts.azure.ready["tenant_id"]
    prefix = "configuration.backupStorageLocation"
    assert extension["name"] == "azure-aks-backup"
    assert extension["properties"]["extensionType"] == "microsoft.dataprotection.kubernetes"
    assert extension["properties"]["configurationSettings"] == {
        f"{prefix}.bucket": container["name"],
        f"{prefix}.config.storageAccount": account["name"],
        f"{prefix}.config.resourceGroup": group.rsplit("/", 1)[-1],
        f"{prefix}.config.subscriptionId": SUBSCRIPTION,
        f"{prefix}.config.useAAD": "true",
        f"{prefix}.config.storageAccountURI": f"https://{account['name']}.blob.core.windows.net/",
        "credentials.tenantId": tenant,
    }
    binding = await _only(app, f"{cluster}/trustedAccessRoleBindings", CLUSTERS_API)
    assert len(binding["name"]) <= 24
    assert binding["properties"]["roles"] == ["Microsoft.DataProtection/backupVaults/backup-operator"]
    [instance] = await app.instances(cluster)
    assert instance["id"].startswith(f"{binding['properties']['sourceResourceId']}/backupInstances/")


_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
async def test_roles_are_those_that_backup_needs(app: Fleet, created: Mapping[str, str], case: Case) -> None:
    """Four role assignments, seven with the vault tier, each for one identity on one resource; none more."""
    cluster = created[case.name]
    await app.protected(cluster)
    group = await _backup_group(app, case.name)
    account = (await _only(app, f"{group}/providers/Microsoft.Storage/storageAccounts", STORAGE_API))["id"]
    [instance] = await app.instances(cluster)
    vault = await app.get(instance["id"].partition("/backupInstances/")[0], BACKUP_API)
    [extension] = await app.extensions(cluster)
    itself = (await app.get(cluster, CLUSTERS_API))["identity"]["principalId"]
    its_extension = extension["properties"]["aksAssignedIdentity"]["principalId"]
    its_vault = vault["identity"]["principalId"]
    wanted = {
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", itself, group),
        ("ba92f5b4-2d11-453d-a403-e96b0029c9fe", its_extension, account),
        (_READER, its_vault, cluster),
        (_READER, its_vault, group),
    }
    if case.vault_tier:
        wanted |= {
            ("7efff54f-a5b4-42b5-a1c5-5411624893ce", its_vault, group),
            ("959f8984-c045-4866-89c7-12bf9737be2e", its_vault, group),
            ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", its_vault, account),
        }
    made = set()
    for scope in (cluster, group):
        for item in await app.resources("Microsoft.Authorization/roleAssignments", scope):
            inner = (await app.get(item["id"], ROLES_API))["properties"]
            made.add((inner["roleDefinitionId"].rsplit("/", 1)[-1], inner["principalId"], inner["scope"]))
    assert made == wanted
    assert len(made) == (7 if case.vault_tier else 4)


async def test_the_region_has_one_vault_of_ours(app: Fleet, created: Mapping[str, str]) -> None:
    """All clusters of a region share a vault with its own identity, tagged as ours, soft delete on."""
    clusters = [created[case.name] for case in _CASES]
    await app.protected(*clusters)
    instances = [(await app.instances(cluster))[0] for cluster in clusters]
    vaults = {instance["id"].partition("/backupInstances/")[0] for instance in instances}
    assert len(vaults) == 1
    vault = await app.get(vaults.pop(), BACKUP_API)
    assert (vault["location"], vault["tags"], vault["identity"]["type"]) == (_LOCATION, _OWNED, "SystemAssigned")
    [store] = vault["properties"]["storageSettings"]
    assert (store["datastoreType"], store["type"]) == ("VaultStore", "LocallyRedundant")
    soft_delete = vault["properties"]["securitySettings"]["softDeleteSettings"]
    assert (soft_delete["state"], soft_delete["retentionDurationInDays"]) == ("On", 14)


@pytest.mark.parametrize(("name", "_tags", "state", "reason"), _LEFT_ALONE)
async def test_clusters_without_a_policy_are_left_alone(
    app: Fleet, created: Mapping[str, str], name: str, _tags: object, state: str, reason: str
) -> None:
    """No tag, `none` and an unknown policy each end in a row that says so; nothing is made for them."""
    row = await app.settled(created[name], state, reason)
    assert row["wake"] is None
    assert row["who"] == ("cluster owner" if state == "Rejected" else "")
    await app.untouched(created[name])


async def test_an_unknown_policy_names_the_known_ones(app: Fleet, created: Mapping[str, str]) -> None:
    """Whoever mistyped the tag finds in the row what it may say."""
    row = await app.settled(created["created-unknown"], "Rejected")
    assert "'platinum'" in row["message"]
    assert "bronze, gold, silver" in row["message"]


async def test_a_pass_over_a_protected_cluster_only_reads(app: Fleet, created: Mapping[str, str]) -> None:
    """A hint about a cluster that is as wanted costs at most ten requests, and none of them is a write."""
    cluster = created["converged"]
    [before] = await app.protected(cluster)
    since, passes = await app.last_request(), app.passes(cluster)
    await app.announce(cluster)

    async def taken() -> bool:
        return app.passes(cluster) > passes

    await eventually(taken, lambda: "the hint's pass")
    [after] = await app.protected(cluster)
    requests = await app.requests("converged", _QUIET, since=since)
    assert requests
    assert {item["kind"] for item in requests} <= {"read", "poll"}
    assert len(requests) <= 10, [item["path"] for item in requests]
    assert after["history"] == before["history"]
