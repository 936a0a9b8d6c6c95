from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.kubernetesconfiguration.aio import SourceControlConfigurationClient
from azure.mgmt.kubernetesconfiguration.models import Extension, PatchExtension

from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.conftest import Start
from tests.local_azure.world import CLUSTER, GROUP, World, cluster_body, running

EXTENSION = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/backups1"
CONTAINER = f"{ACCOUNT}/blobServices/default/containers/backups"
LONG = "configuration.backupStorageLocation"
LONG_FORM = {
    f"{LONG}.bucket": "backups",
    f"{LONG}.config.storageAccount": "backups1",
    f"{LONG}.config.resourceGroup": "rg",
    f"{LONG}.config.subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
    f"{LONG}.config.useAAD": "true",
}
SHORT_FORM = {
    "blobContainer": "backups",
    "storageAccount": "backups1",
    "storageAccountResourceGroup": "rg",
    "storageAccountSubscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
}


def extension(settings: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """The backup extension as a client asks for it."""
    return {
        "properties": {
            "extensionType": "microsoft.dataprotection.kubernetes",
            "autoUpgradeMinorVersion": True,
            "releaseTrain": "stable",
            "scope": {"cluster": {"releaseNamespace": "dataprotection-microsoft"}},
            "configurationSettings": LONG_FORM if settings is None else settings,
            "configurationProtectedSettings": {},
            **changes,
        },
    }


async def storage(world: World, location: str = "westeurope") -> None:
    """An account and a container for the backups."""
    await world.seed(ACCOUNT, location=location, properties={"provisioningState": "Succeeded"})
    await world.seed(CONTAINER)


@pytest.fixture
async def world(start: Start) -> AsyncIterator[World]:
    """A simulated Azure with a running cluster."""
    async with running(start) as world:
        await world.cluster()
        yield world


@pytest.mark.parametrize("settings", [LONG_FORM, SHORT_FORM], ids=["wire form", "short form"])
async def test_the_app_installs_the_extension(world: World, settings: dict[str, str]) -> None:
    """The install takes as long as recorded; at its end the extension has an identity that the directory knows."""
    await storage(world)
    made = await world.ask("PUT", EXTENSION, extension(settings), caller="app")
    assert made.status == 201
    assert made.body["properties"]["aksAssignedIdentity"] is None
    await world.advance(375)
    assert (await world.ask("GET", made.operation)).body["status"] == "Creating"
    await world.advance(45)
    assert (await world.ask("GET", made.operation)).body["status"] == "Succeeded"
    inner = (await world.ask("GET", EXTENSION, caller="app")).body["properties"]
    assert (inner["provisioningState"], inner["isSystemExtension"]) == ("Succeeded", False)
    assert inner["currentVersion"]
    assert world.cloud.directory.get(inner["aksAssignedIdentity"]["principalId"]) is not None


async def test_the_location_header_names_another_host(world: World) -> None:
    """As in Azure: whoever follows it takes the token to a host that isn't Azure Resource Manager."""
    made = await world.ask("PUT", EXTENSION, extension())
    assert made.headers["location"].startswith("https://westeurope.rp.kubernetesconfiguration.azure.com/subscriptions/")


@pytest.mark.parametrize("missing", sorted(set(LONG_FORM) - {f"{LONG}.config.useAAD"}))
async def test_a_missing_setting_fails_the_install(world: World, missing: str) -> None:
    """Each of the four settings is needed; the failure names the one that isn't there."""
    await storage(world)
    settings = {key: value for key, value in LONG_FORM.items() if key != missing}
    made = await world.ask("PUT", EXTENSION, extension(settings))
    await world.advance(420)
    status = (await world.ask("GET", made.operation)).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "ExtensionOperationFailed")
    inner = (await world.ask("GET", EXTENSION)).body["properties"]
    assert inner["provisioningState"] == "Failed"
    assert missing in inner["errorInfo"]["message"]
    assert inner["aksAssignedIdentity"] is None


@pytest.mark.parametrize("location", ["westeurope", "northeurope"])
async def test_the_storage_is_judged_at_the_end(world: World, location: str) -> None:
    """Storage that comes while the extension installs is in time, when it is in the cluster's region."""
    await world.ask("PUT", EXTENSION, extension())
    await world.advance(100)
    await storage(world, location)
    await world.advance(320)
    inner = (await world.ask("GET", EXTENSION)).body["properties"]
    assert inner["provisioningState"] == ("Succeeded" if location == "westeurope" else "Failed")


async def test_without_a_container_the_install_fails(world: World) -> None:
    """An account alone isn't enough."""
    await world.seed(ACCOUNT, location="westeurope", properties={"provisioningState": "Succeeded"})
    await world.ask("PUT", EXTENSION, extension())
    await world.advance(420)
    inner = (await world.ask("GET", EXTENSION)).body["properties"]
    assert inner["provisioningState"] == "Failed"
    assert "container 'backups'" in inner["errorInfo"]["message"]


async def test_a_cluster_side_failure_can_be_ordered(world: World) -> None:
    """A helm timeout shows in the operation and in `errorInfo`; a second PUT installs again."""
    await storage(world)
    message = 'Release "azure-aks-backup" failed: timed out waiting for the condition'
    fault = {
        "match": {"path": "extensions"},
        "action": "fail_late",
        "code": "ExtensionOperationFailed",
        "message": message,
    }
    await world.control("POST", "/faults", fault)
    made = await world.ask("PUT", EXTENSION, extension())
    await world.advance(420)
    assert (await world.ask("GET", made.operation)).body["error"]["message"] == message
    failed = (await world.ask("GET", EXTENSION)).body["properties"]
    assert failed["errorInfo"] == {"code": "ExtensionOperationFailed", "message": message}
    assert failed["statuses"][0]["level"] == "Error"
    again = await world.ask("PUT", EXTENSION, extension())
    assert (again.status, "errorInfo" in again.body["properties"]) == (200, False)
    await world.advance(420)
    assert (await world.ask("GET", EXTENSION)).body["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("cause", "telling"),
    [
        ("no-room", "timed out waiting for the condition"),
        ("unreachable", "BackoffLimitExceeded"),
        ("egress", "dp.kubernetesconfiguration.azure.com on 10.0.0.10:53: no such host"),
    ],
)
async def test_known_causes_have_their_words(world: World, cause: str, telling: str) -> None:
    """What is wrong in a cluster is ordered by its name; a cause that nobody knows is refused."""
    await storage(world)
    order = {"match": {"path": "extensions"}, "action": "fail_late", "cause": cause}
    await world.control("POST", "/faults", order)
    await world.ask("PUT", EXTENSION, extension())
    await world.advance(420)
    failed = (await world.ask("GET", EXTENSION)).body["properties"]
    assert failed["provisioningState"] == "Failed"
    assert telling in failed["errorInfo"]["message"]
    assert "error" in await world.control("POST", "/faults", {**order, "cause": "gremlins"})


async def test_resource_limits_are_kept(world: World) -> None:
    """As settings; a PATCH raises them and leaves the others."""
    await storage(world)
    limits = {"resources.limits.memory": "500Mi", "resources.limits.cpu": "1"}
    await world.ask("PUT", EXTENSION, extension({**LONG_FORM, **limits}))
    await world.advance(420)
    more = {"properties": {"configurationSettings": {"resources.limits.memory": "2Gi"}}}
    assert (await world.ask("PATCH", EXTENSION, more)).status == 202
    await world.advance(121)
    kept = (await world.ask("GET", EXTENSION)).body["properties"]["configurationSettings"]
    assert kept == {**LONG_FORM, **limits, "resources.limits.memory": "2Gi"}


async def test_a_reinstalled_extension_has_a_new_identity(world: World) -> None:
    """The old principal is gone from the directory."""
    await storage(world)
    identities = []
    for _ in range(2):
        await world.ask("PUT", EXTENSION, extension())
        await world.advance(420)
        inner = (await world.ask("GET", EXTENSION)).body["properties"]
        identities.append(inner["aksAssignedIdentity"]["principalId"])
        assert (await world.ask("DELETE", EXTENSION)).status == 202
        await world.advance(130)
        assert (await world.ask("GET", EXTENSION)).status == 404
    assert identities[0] != identities[1]
    assert world.cloud.directory.get(identities[0]) is None
    assert (await world.ask("DELETE", EXTENSION)).status == 204


async def test_one_extension_of_a_type(world: World) -> None:
    """A second one under another name is refused, another type isn't."""
    await world.ask("PUT", EXTENSION, extension())
    second = EXTENSION.replace("azure-aks-backup", "second")
    refused = await world.ask("PUT", second, extension())
    assert (refused.status, refused.code) == (400, "ExtensionTypeAlreadyInstalled")
    assert (await world.ask("PUT", second, extension(extensionType="microsoft.flux"))).status == 201


async def test_one_change_at_a_time(world: World) -> None:
    """While an extension installs, a change of it is a conflict; afterwards it is an update."""
    await storage(world)
    await world.ask("PUT", EXTENSION, extension())
    refused = await world.ask("PATCH", EXTENSION, {"properties": {"configurationSettings": {"a": "b"}}})
    assert (refused.status, refused.code) == (409, "Conflict")
    await world.advance(420)
    patched = await world.ask("PATCH", EXTENSION, {"properties": {"configurationSettings": {"a": "b"}}})
    assert (patched.status, patched.body["properties"]["provisioningState"]) == (202, "Updating")
    assert patched.body["properties"]["configurationSettings"] == {**LONG_FORM, "a": "b"}


async def test_protected_settings_are_not_shown(world: World) -> None:
    """Their names are, their values aren't."""
    made = await world.ask("PUT", EXTENSION, extension(configurationProtectedSettings={"key": "not for display"}))
    assert made.body["properties"]["configurationProtectedSettings"] == {"key": ""}


@pytest.mark.parametrize("state", ["stopped", "creating", "stopped meanwhile", "deleted meanwhile"])
async def test_the_cluster_has_to_run(world: World, state: str) -> None:
    """On a cluster that doesn't run an install is refused; one that stops or goes meanwhile ends the install."""
    await storage(world)
    cluster, path = CLUSTER, EXTENSION
    if state == "creating":
        cluster, path = CLUSTER.replace("c1", "c2"), EXTENSION.replace("c1", "c2", 1)
        await world.ask("PUT", cluster, cluster_body())
    if state == "stopped":
        await world.ask("POST", f"{cluster}/stop")
        await world.advance(200)
    made = await world.ask("PUT", path, extension())
    if "meanwhile" not in state:
        assert (made.status, made.code) == (409, "OperationNotAllowed")
        return
    assert made.status == 201
    await world.ask(*(("POST", f"{cluster}/stop") if "stopped" in state else ("DELETE", cluster)))
    await world.advance(420)
    status = (await world.ask("GET", made.operation)).body["status"]
    assert status == ("Failed" if "stopped" in state else "Canceled")


@pytest.mark.parametrize("blocks", [False, True])
async def test_whether_an_install_excludes_cluster_writes(start: Start, blocks: bool) -> None:
    """By default a binding or update goes on beside an install; an option makes them exclude each other."""
    async with running(start, extension_blocks_cluster=blocks) as world:
        await world.cluster()
        await world.ask("PUT", EXTENSION, extension())
        update = await world.ask("PATCH", CLUSTER, {"tags": {"a": "b"}})
        assert update.status == (409 if blocks else 200)
        if not blocks:
            beside = EXTENSION.replace("azure-aks-backup", "flux")
            assert (await world.ask("PUT", beside, extension(extensionType="microsoft.flux"))).status == 201


async def test_an_extension_needs_a_cluster(world: World) -> None:
    """Neither an absent cluster nor a resource that is none can have extensions."""
    absent = await world.ask("PUT", EXTENSION.replace("c1", "c9", 1), extension())
    assert (absent.status, absent.code) == (404, "ResourceNotFound")
    await storage(world)
    wrong = await world.ask("PUT", f"{ACCOUNT}/{EXTENSION.removeprefix(CLUSTER + '/')}", extension())
    assert (wrong.status, wrong.code) == (400, "InvalidClusterResource")


async def test_the_type_cannot_change(world: World) -> None:
    """A PUT with another extension type on an existing extension is refused."""
    await storage(world)
    await world.ask("PUT", EXTENSION, extension())
    await world.advance(420)
    refused = await world.ask("PUT", EXTENSION, extension(extensionType="microsoft.flux"))
    assert (refused.status, refused.code) == (400, "PropertyChangeNotAllowed")


class OneToken:
    """A credential with a token at hand."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        """The token, whatever is asked for."""
        return AccessToken(self._token, 2**33)

    async def close(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def test_with_the_real_sdk(start: Start) -> None:
    """The SDK installs, changes, reads, lists and removes an extension, and raises what went wrong."""
    where = ("rg", "Microsoft.ContainerService", "managedClusters", "c1")
    async with running(start, time_scale=1000.0) as world:
        await world.cluster()
        await storage(world)
        ready = world.ready
        client = SourceControlConfigurationClient(
            OneToken(await world.client.token()),
            SUBSCRIPTION.rsplit("/", 1)[-1],
            base_url=ready["arm"],
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=ready["ca_file"],
        )
        async with client:
            asked = Extension.from_dict(extension())
            made = await (await client.extensions.begin_create(*where, "azure-aks-backup", asked)).result()
            assert made.provisioning_state == "Succeeded"
            assert made.aks_assigned_identity is not None
            assert made.aks_assigned_identity.principal_id
            change = PatchExtension(configuration_settings={"credentials.tenantId": ready["tenant_id"]})
            changed = await (await client.extensions.begin_update(*where, "azure-aks-backup", change)).result()
            assert changed.configuration_settings == {**LONG_FORM, "credentials.tenantId": ready["tenant_id"]}
            assert [item.name async for item in client.extensions.list(*where)] == ["azure-aks-backup"]
            await (await client.extensions.begin_delete(*where, "azure-aks-backup")).result()
            await world.control("DELETE", f"/resources?id={CONTAINER}")
            with pytest.raises(HttpResponseError) as caught:
                await (await client.extensions.begin_create(*where, "azure-aks-backup", asked)).result()
            assert caught.value.error is not None
            assert caught.value.error.code == "ExtensionOperationFailed"
