"""What a catalog asks of Azure, asked of the simulated one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from shared.arm.ids import ClusterId, group_id, group_of, subscription_of
from shared.onboarding.cluster import Cluster, read_cluster
from shared.onboarding.desired import Desired, desired_protection, extension_settings
from shared.settings import Settings
from shared.settings import load as load_settings
from tests.local_azure.backup import vault as vault_body
from tests.local_azure.client import SUBSCRIPTION
from tests.properties.catalogs import GIVEN_ACCOUNT, GIVEN_GROUP, GIVEN_POLICY, GIVEN_VAULT

if TYPE_CHECKING:
    from shared.catalog.model import Catalog
    from tests.local_azure.client import Answer, Client

BARE_SUBSCRIPTION = SUBSCRIPTION.rsplit("/", 1)[-1]
CLUSTER_IDENTITY, EXTENSION_IDENTITY = "00000000-0000-0000-0000-0000000000c1", "00000000-0000-0000-0000-0000000000e1"
_numbers = itertools.count()


def settings() -> Settings:
    """Settings of a deployment of its own: what one example made is never in another one's way."""
    return load_settings(
        {
            "AUTOPILOT_SUBSCRIPTIONS": BARE_SUBSCRIPTION,
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "AUTOPILOT_DEPLOYMENT_ID": f"d{next(_numbers)}",
        }
    )


def cluster(location: str = "westeurope") -> Cluster:
    """A cluster that no example had before, with tags of its own, which a policy may copy."""
    subject = ClusterId(BARE_SUBSCRIPTION, "rg-apps", f"shop-{next(_numbers)}")
    identity = {"type": "SystemAssigned", "principalId": CLUSTER_IDENTITY}
    return read_cluster(subject, {"location": location, "identity": identity, "tags": {"Owner": "a", "team": "b"}})


def wanted(catalog: Catalog, name: str, subject: Cluster) -> Desired:
    """What a policy of the catalog wants for a cluster."""
    return desired_protection(subject, (name, catalog.policies[name]), catalog, settings())


async def place_given(azure: Client) -> None:
    """Put what catalogs name as existing."""
    azure.cloud.seed(GIVEN_GROUP, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    if (await azure.arm("GET", GIVEN_VAULT)).status != 200:
        assert (await azure.arm("PUT", GIVEN_VAULT, vault_body())).status == 201
    azure.cloud.seed(GIVEN_ACCOUNT, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})


async def make_group(azure: Client, resource_group: str, location: str, tags: dict[str, str]) -> Answer:
    """PUT a resource group, unless it is there; a pattern without a region gives one to several regions."""
    there = await azure.arm("GET", resource_group)
    return (
        there if there.status == 200 else await azure.arm("PUT", resource_group, {"location": location, "tags": tags})
    )


async def make_vault(azure: Client, desired: Desired) -> Answer:
    """PUT the vault with its group, unless the catalog names one that is there."""
    if desired.vault_given:
        return await azure.arm("GET", desired.vault)
    assert (await make_group(azure, desired.vault_group, desired.location, desired.owned)).status in {200, 201}
    made = await azure.arm("PUT", desired.vault, {**desired.vault_body, "tags": desired.owned})
    await azure.control("POST", "/clock", {"advance": 60})
    return made


async def make_policy(azure: Client, desired: Desired) -> Answer:
    """PUT the policy; one that the catalog names is put as the default one."""
    if desired.policy_given:
        assert desired.policy == GIVEN_POLICY
        azure.cloud.seed(GIVEN_POLICY, desired.policy_body)
        return await azure.arm("GET", GIVEN_POLICY)
    return await azure.arm("PUT", desired.policy, desired.policy_body)


async def make_storage(azure: Client, desired: Desired) -> list[Answer]:
    """PUT the backup group, the account and the container."""
    answers = [await make_group(azure, desired.group, desired.location, desired.tags)]
    if not desired.account_given:
        body = {
            "location": desired.location,
            "kind": "StorageV2",
            "sku": {"name": desired.account_sku},
            "tags": desired.tags,
            "properties": {"allowSharedKeyAccess": False},
        }
        answers.append(await azure.arm("PUT", desired.account, body))
        await azure.control("POST", "/clock", {"advance": 60})
    container = f"{desired.account}/blobServices/default/containers/{desired.container}"
    answers.append(await azure.arm("PUT", container, {"properties": {"publicAccess": "None"}}))
    return answers


async def make_instance(azure: Client, desired: Desired) -> Answer:
    """PUT the backup instance."""
    return await azure.arm("PUT", desired.instance, {"properties": desired.instance_body, "tags": desired.tags})


def place_cluster(azure: Client, desired: Desired) -> None:
    """Put cluster, extension and trusted access as they stand when they are ready."""
    subject = desired.cluster.id
    azure.cloud.seed(
        group_id(subject.subscription, group_of(str(subject))), {"location": desired.location, "properties": {}}
    )
    running = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
    identity = {"type": "SystemAssigned", "principalId": CLUSTER_IDENTITY}
    azure.cloud.seed(str(subject), {"location": desired.location, "identity": identity, "properties": running})
    roles = ["Microsoft.DataProtection/backupVaults/backup-operator"]
    trusted = {"sourceResourceId": desired.vault, "roles": roles, "provisioningState": "Succeeded"}
    azure.cloud.seed(desired.binding, {"properties": trusted})
    extension = {
        "extensionType": "microsoft.dataprotection.kubernetes",
        "provisioningState": "Succeeded",
        "aksAssignedIdentity": {"type": "UserAssigned", "principalId": EXTENSION_IDENTITY},
        "configurationSettings": extension_settings(desired, "tenant"),
    }
    azure.cloud.seed(
        f"{subject}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup", {"properties": extension}
    )


def place_grants(azure: Client, desired: Desired, grants: list[tuple[str, str, str]]) -> None:
    """Put role assignments (role, principal, scope), which have effect at once."""
    definitions = f"/subscriptions/{subscription_of(desired.group)}/providers/Microsoft.Authorization/roleDefinitions"
    for number, (role, principal, scope) in enumerate(grants):
        assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{desired.cluster.id.key[:8]}-{number}"
        properties: dict[str, Any] = {"roleDefinitionId": f"{definitions}/{role}", "principalId": principal}
        azure.cloud.seed(assignment, {"properties": properties})
