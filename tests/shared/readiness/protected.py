"""A protected cluster in a simulated Azure, two days later, a second cluster to restore to, and a checker."""

from __future__ import annotations

import copy
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport

from local.seeding import protected_fleet
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.backups.policies import Policies
from shared.backups.status import BackupStatus
from shared.catalog.loading import load as load_catalog
from shared.onboarding.cluster import read_cluster
from shared.onboarding.desired import Desired, desired_protection, places_of
from shared.onboarding.names import role_assignment
from shared.readiness.ask import NEWEST, Ask
from shared.readiness.model import Readiness, Status
from shared.readiness.service import Checked, Checker, Known
from shared.settings import load as load_settings
from tests.local_azure.client import SUBSCRIPTION

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.local_azure.client import Client

BARE = SUBSCRIPTION.rsplit("/", 1)[-1]
CLUSTER = f"{SUBSCRIPTION}/resourceGroups/rg-apps/providers/Microsoft.ContainerService/managedClusters/shop"
TARGET = f"{SUBSCRIPTION}/resourceGroups/rg-apps/providers/Microsoft.ContainerService/managedClusters/spare"
NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-apps_shop_westeurope"
DISK = f"{NODE_GROUP}/providers/Microsoft.Compute/disks/pvc-1"
ENVIRON = {"AUTOPILOT_SUBSCRIPTIONS": BARE, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
CONTRIBUTOR, BLOB_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_TWO_DAYS = 50 * 3600.0


class AppToken:
    """The app's credential, with a token at hand."""

    def __init__(self, azure: Client) -> None:
        self._azure = azure

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        """The app's token."""
        return AccessToken(await self._azure.token("app"), int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(slots=True)
class Protected:
    """The world of a test.

    `remembered` is what the app's tables say; a test may make it forget.
    """

    azure: Client
    door: Door
    checker: Checker
    desired: Desired
    remembered: Known

    async def check(self, **asked: Any) -> Checked:
        """Check the cluster; some seconds later than before, for Resource Graph's quota is one of seconds."""
        await self.step(5)
        found = await self.checker.check(ClusterId.parse(CLUSTER), Ask(**asked) if asked else NEWEST)
        assert isinstance(found, Checked)
        return found

    async def readiness(self, **asked: Any) -> Readiness:
        """The answer about it."""
        return (await self.check(**asked)).readiness

    async def step(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self.azure.control("POST", "/clock", {"advance": seconds})

    def body(self, resource_id: str) -> Any:
        """The JSON of a resource, to be changed where it lies."""
        resource = self.azure.cloud.store.get(resource_id)
        assert resource is not None, resource_id
        return resource.body

    def touched(self, resource_id: str) -> None:
        """Say that a resource was changed."""
        self.azure.cloud.store.touch(resource_id)


def troubles(readiness: Readiness) -> dict[str, str]:
    """The checks that don't pass, with their reasons."""
    return {check.id: check.reason for check in readiness.checks if check.status is not Status.PASS}


def principal_of(resource_id: str) -> str:
    """The identity that `local.seeding` makes up for a resource."""
    return str(uuid5(NAMESPACE_URL, resource_id.casefold()))


@asynccontextmanager
async def protected(azure: Client, policy: str = "gold") -> AsyncGenerator[Protected]:
    """Put it all in place."""
    settings, catalog = load_settings({**ENVIRON, "AUTOPILOT_ARM_ENDPOINT": azure.azure.ready["arm"]}), None
    catalog = load_catalog(settings.catalog)
    orders = {order["id"].casefold(): order for order in protected_fleet([CLUSTER, TARGET], [policy], ENVIRON)}
    for number, cluster in enumerate((CLUSTER, TARGET)):
        body = orders[cluster.casefold()]["body"]
        body["properties"] |= {"nodeResourceGroup": NODE_GROUP.rsplit("/", 1)[-1] if not number else "MC_spare"}
        body["properties"] |= {"currentKubernetesVersion": "1.31.2"}
    for order in orders.values():
        azure.cloud.seed(order["id"], copy.deepcopy(order["body"]))  # parts of the bodies are shared
    _disk(azure)
    subject = read_cluster(ClusterId.parse(CLUSTER), orders[CLUSTER.casefold()]["body"])
    desired = desired_protection(subject, (policy, catalog.policies[policy]), catalog, settings)
    _grants_of_the_target(azure, desired)
    trust = ssl.create_default_context(cafile=azure.azure.ready["ca_file"])
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust))
    transport = AioHttpTransport(session=session, session_owner=True)
    credential: Any = AppToken(azure)
    remembered = Known(
        row=True,
        places=places_of(desired),
        status=BackupStatus(desired.instance, CLUSTER, since=azure.cloud.clock.now().timestamp()),
    )
    async with Door(settings.arm_endpoint, settings.arm_audience, credential, transport=transport) as door:
        world = Protected(azure, door, None, desired, remembered)  # type: ignore[arg-type]  # set below: it asks back

        async def recall(_: ClusterId) -> Known:
            return world.remembered

        world.checker = Checker(settings, catalog, Policies.of(catalog), door, recall)
        await world.step(_TWO_DAYS)
        yield world


def _disk(azure: Client) -> None:
    """A volume's disk, made before the first backup."""
    azure.cloud.seed(NODE_GROUP, {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}})
    tags = {"kubernetes.io-created-for-pvc-name": "data", "kubernetes.io-created-for-pvc-namespace": "shop"}
    properties = {"diskSizeGB": 64, "timeCreated": "2024-06-20T08:00:00Z", "provisioningState": "Succeeded"}
    body = {"location": "westeurope", "sku": {"name": "Premium_LRS"}, "tags": tags, "properties": properties}
    azure.cloud.seed(DISK, body)


def _grants_of_the_target(azure: Client, desired: Desired) -> None:
    """What a restore to the second cluster needs beyond its own protection."""
    extension = f"{TARGET}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
    cluster_identity = azure.cloud.store.get(TARGET)
    extension_identity = azure.cloud.store.get(extension)
    assert cluster_identity
    assert extension_identity
    grants = (
        (CONTRIBUTOR, cluster_identity.body["identity"]["principalId"], desired.group),
        (BLOB_CONTRIBUTOR, extension_identity.properties["aksAssignedIdentity"]["principalId"], desired.account),
    )
    for role, principal, scope in grants:
        definition = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
        granted = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
        azure.cloud.seed(role_assignment(scope, principal, role), {"properties": granted | {"scope": scope}})
