"""Which recorded interactions are replayed, what must be in place before, and which aren't served, with the reason."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from local.azure.options import Options
from local.azure.roles import Role
from tests.wire.player import Player

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"

type Body = dict[str, Any]
type Step = Callable[[Player], Awaitable[None]]
type Preparation = Callable[[Cloud], None]


@dataclass(frozen=True)
class Scenario:
    """A stretch of a recording.

    Attributes:
        recording: Its file.
        entries: Indices of the interactions that are replayed, in order.
        seeds: Resources that are there as they stand.
        prepare: What else the simulated Azure has to know, such as principals.
        steps: What happens before an entry: by its index.
        caller: Who sends the requests.
        options: Options of the simulated Azure.
        expired: Whether the token has expired.
    """

    recording: str
    entries: tuple[int, ...]
    seeds: tuple[tuple[str, Body], ...] = ()
    prepare: Preparation | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    caller: str = "owner"
    options: Body = field(default_factory=dict)
    expired: bool = False

    @property
    def name(self) -> str:
        """Recording and entries."""
        first, last = self.entries[0], self.entries[-1]
        return f"{self.recording}[{first}]" if first == last else f"{self.recording}[{first}-{last}]"


@dataclass(frozen=True)
class NotServed:
    """Interactions that aren't replayed."""

    recording: str
    entries: tuple[int, ...] | None
    reason: str


def span(first: int, last: int) -> tuple[int, ...]:
    """Indices from first to last, both included."""
    return tuple(range(first, last + 1))


def group(name: str, location: str) -> tuple[str, Body]:
    """A resource group."""
    return f"{SUBSCRIPTION}/resourceGroups/{name}", {
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }


def resource(group_name: str, path: str, location: str = "", **body: Any) -> tuple[str, Body]:
    """Any resource of a group, by the part of its id after `/providers/`."""
    placed = {"location": location} if location else {}
    return f"{SUBSCRIPTION}/resourceGroups/{group_name}/providers/{path}", {**placed, "properties": {}, **body}


def principal(object_id: str, kind: str = "ServicePrincipal") -> Preparation:
    """A principal whom the directory has known for long."""

    def prepare(cloud: Cloud) -> None:
        cloud.directory.add(Principal(object_id, object_id, kind, client_id=object_id))

    return prepare


def assigned(object_id: str, role: str, scope: str, kind: str = "ServicePrincipal") -> Preparation:
    """A role and a principal; the principal holds the role at the scope unless that is empty."""

    def prepare(cloud: Cloud) -> None:
        known = cloud.directory.add(Principal(object_id, object_id, kind, client_id=object_id))
        definition = cloud.roles.get(role) or cloud.roles.add(Role(role, f"Role {role}", "", ("*/read",)))
        if scope:
            cloud.assign(known, definition, scope)

    return prepare


def put(path: str, version: str, body: Body, *, wait: float = 60.0) -> Step:
    """Create a resource through the API and let `wait` virtual seconds pass."""

    async def step(player: Player) -> None:
        url = f"{player.arm}{SUBSCRIPTION}/resourceGroups/{path}"
        answer = await player.send("PUT", url, {"api-version": version}, body)
        assert answer.status in {200, 201, 202}, answer
        await player.advance(wait)

    return step


def fault(path: str, status: int, code: str, message: str, headers: dict[str, str]) -> Step:
    """Order the next request to a path to fail."""

    async def step(player: Player) -> None:
        await player.order_fault(
            {
                "match": {"path": path},
                "action": "fail",
                "status": status,
                "code": code,
                "message": message,
                "headers": headers,
            },
        )

    return step


def in_turn(*steps: Step) -> Step:
    """Several steps before one entry."""

    async def step(player: Player) -> None:
        for one in steps:
            await one(player)

    return step


_BACKUP = "clitest-dpp-rg"
_VAULT = f"{_BACKUP}/providers/Microsoft.DataProtection/backupVaults/clitest-bkp-vault-aks-donotdelete"
_CLUSTER = "Microsoft.ContainerService/managedClusters/clitest-cluster1-donotdelete"
_CLUSTER_GROUP = "oss-clitest-rg"
_REGION = "eastus2euap"
_IDS = {
    name: f"{number:08d}-1111-4111-8111-111111111111"
    for number, name in enumerate(("vault", "cluster", "extension"), start=1)
}
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_CLUSTER_ID = f"{SUBSCRIPTION}/resourceGroups/{_CLUSTER_GROUP}/providers/{_CLUSTER}"
_VAULT_ID = f"{SUBSCRIPTION}/resourceGroups/{_VAULT}"
_ACCOUNT = "Microsoft.Storage/storageAccounts/clitestsadonotdelete"
_POLICY: Body = {
    "datasourceTypes": ["Microsoft.ContainerService/managedClusters"],
    "objectType": "BackupPolicy",
    "policyRules": [
        {
            "backupParameters": {"backupType": "Incremental", "objectType": "AzureBackupParams"},
            "dataStore": {"dataStoreType": "OperationalStore", "objectType": "DataStoreInfoBase"},
            "name": "BackupHourly",
            "objectType": "AzureBackupRule",
            "trigger": {
                "objectType": "ScheduleBasedTriggerContext",
                "schedule": {"repeatingTimeIntervals": ["R/2023-01-04T09:00:00+00:00/PT4H"]},
                "taggingCriteria": [
                    {
                        "isDefault": True,
                        "tagInfo": {"id": "Default_", "tagName": "Default"},
                        "taggingPriority": 99,
                    },
                ],
            },
        },
        {
            "isDefault": True,
            "lifecycles": [
                {
                    "deleteAfter": {"duration": "P7D", "objectType": "AbsoluteDeleteOption"},
                    "sourceDataStore": {"dataStoreType": "OperationalStore", "objectType": "DataStoreInfoBase"},
                },
            ],
            "name": "Default",
            "objectType": "AzureRetentionRule",
        },
    ],
}


def _protectable(cloud: Cloud) -> None:
    """The roles of a cluster that can be protected without the vault tier."""
    snapshots = f"{SUBSCRIPTION}/resourceGroups/{_BACKUP}"
    account = f"{snapshots}/providers/{_ACCOUNT}"
    for who, role, scope in (
        ("cluster", _CONTRIBUTOR, snapshots),
        ("extension", _BLOB_CONTRIBUTOR, account),
        ("vault", _READER, _CLUSTER_ID),
        ("vault", _READER, snapshots),
    ):
        assigned(_IDS[who], role, scope)(cloud)


_PROTECTABLE_SEEDS = (
    group(_BACKUP, _REGION),
    group(_CLUSTER_GROUP, _REGION),
    resource(
        _BACKUP,
        _ACCOUNT,
        _REGION,
        sku={"name": "Standard_LRS", "tier": "Standard"},
        kind="StorageV2",
        properties={"provisioningState": "Succeeded"},
    ),
    resource(_BACKUP, f"{_ACCOUNT}/blobServices/default/containers/testcontainer"),
    resource(
        _CLUSTER_GROUP,
        _CLUSTER,
        _REGION,
        identity={"type": "SystemAssigned", "principalId": _IDS["cluster"]},
        properties={"provisioningState": "Succeeded", "powerState": {"code": "Running"}, "agentPoolProfiles": []},
    ),
    resource(
        _CLUSTER_GROUP,
        f"{_CLUSTER}/trustedAccessRoleBindings/backup",
        properties={
            "provisioningState": "Succeeded",
            "sourceResourceId": _VAULT_ID,
            "roles": ["Microsoft.DataProtection/backupVaults/backup-operator"],
        },
    ),
    resource(
        _CLUSTER_GROUP,
        f"{_CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup",
        properties={
            "extensionType": "microsoft.dataprotection.kubernetes",
            "provisioningState": "Succeeded",
            "aksAssignedIdentity": {"principalId": _IDS["extension"], "tenantId": None, "type": None},
            "configurationSettings": {
                "configuration.backupStorageLocation.bucket": "testcontainer",
                "configuration.backupStorageLocation.config.storageAccount": "clitestsadonotdelete",
                "configuration.backupStorageLocation.config.resourceGroup": _BACKUP,
                "configuration.backupStorageLocation.config.subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
                "configuration.backupStorageLocation.config.useAAD": "true",
            },
        },
    ),
    (
        _VAULT_ID,
        {
            "location": _REGION,
            "identity": {"type": "SystemAssigned", "principalId": _IDS["vault"]},
            "properties": {
                "provisioningState": "Succeeded",
                "storageSettings": [{"datastoreType": "VaultStore", "type": "LocallyRedundant"}],
                "securitySettings": {"softDeleteSettings": {"state": "Off", "retentionDurationInDays": 14.0}},
            },
        },
    ),
    (f"{_VAULT_ID}/backupPolicies/akspolicy", {"properties": _POLICY}),
)

_CLUSTER_ERRORS = "Microsoft.ContainerService/managedClusters/cliakstest000001"
_OPERATION = (
    f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westus2/operations"
    "/00000128-0000-4000-8000-000000000128"
)
_NODE_CLUSTER: Body = {
    "location": "westus2",
    "identity": {"type": "SystemAssigned"},
    "properties": {"agentPoolProfiles": [{"name": "nodepool1", "mode": "System"}]},
}
_PIPELINE_THROTTLE = (
    f"Identity operation for resource '{SUBSCRIPTION}/resourceGroups/clitest000001/providers/{_CLUSTER_ERRORS}' failed "
    "with error 'Failed to perform resource identity operation. Status: '429'. Response: "
    '\'{"error":{"code":"429","message":"Request is temporarily throttled because tenant '
    "00000014-0000-4000-8000-000000000014 has issued too many requests. Retry after 2 seconds.\"}}'.'."
)
_ARC = "Microsoft.Kubernetes/connectedClusters"
_SUBNET = "Microsoft.Network/virtualNetworks/cliakstest000002/subnets/aks-subnet"


async def _replicate(player: Player) -> None:
    """The directory comes to know the principal of the recording between its two attempts."""
    await player.seed(
        f"{SUBSCRIPTION}/resourceGroups/clitest000001/providers/Microsoft.ManagedIdentity/userAssignedIdentities/late",
        {"location": "eastus", "identity": {"principalId": "00000094-0000-4000-8000-000000000094"}},
    )


async def _long_operation(player: Player) -> None:
    """An operation that is under way, for the polls of a recording that has none of its beginning."""
    url = f"{player.arm}{SUBSCRIPTION}/resourceGroups/clitest000001/providers/{_CLUSTER_ERRORS}"
    answer = await player.send("PUT", url, {"api-version": "2024-07-02-preview"}, _NODE_CLUSTER)
    player.follow_as(_OPERATION, answer.headers["azure-asyncoperation"])


SCENARIOS = (
    Scenario("resource_group", span(0, 4), (group("client.env_rg_northcentralusstage", "northcentralusstage"),)),
    Scenario("resource_group", span(5, 6), (group("rgteststoragesync2", "westus"),)),
    Scenario(
        "provider_registration", span(0, 4), (group("clitest.rg.automanage.configurationprofile.000001", "eastus"),)
    ),
    Scenario("storage_account", span(0, 2), (group("clitest.rg000001", "eastus"),)),
    Scenario(
        "storage_account",
        span(3, 4),
        (group("rgteststoragesync2", "westus"),),
        steps={
            3: put(
                "rgteststoragesync2/providers/Microsoft.Storage/storageAccounts/sateststoragesync2",
                "2023-05-01",
                {"sku": {"name": "Standard_RAGRS"}, "kind": "StorageV2", "location": "westus"},
            ),
        },
    ),
    Scenario(
        "storage_account",
        (6,),
        (group(_BACKUP, _REGION),),
        steps={
            6: in_turn(
                put(
                    f"{_BACKUP}/providers/{_ACCOUNT}",
                    "2023-05-01",
                    {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": _REGION},
                ),
                put(
                    f"{_BACKUP}/providers/{_ACCOUNT}/blobServices/default/containers/testcontainer",
                    "2023-05-01",
                    {"properties": {"publicAccess": "None"}},
                ),
            ),
        },
    ),
    Scenario(
        "k8s_extension_arc_lro",
        span(0, 5),
        (
            group("clitest.rg000001", "eastus"),
            resource("clitest.rg000001", f"{_ARC}/my-connected-cluster", "eastus"),
        ),
    ),
    Scenario(
        "k8s_extension_dapr",
        span(0, 6),
        (group("azurecli-tests", "eastus"), resource("azurecli-tests", f"{_ARC}/arc-cluster", "eastus")),
    ),
    Scenario(
        "aks_create_trusted_access_rolebinding",
        span(0, 22),
        (
            group("clitest000001", "westus2"),
            resource(
                "clitest000001",
                "Microsoft.MachineLearningServices/workspaces/fake_workspace",
                "westus2",
            ),
        ),
    ),
    Scenario("aks_trusted_access_roles", (0,)),
    Scenario("dp_backup_vault_create_and_delete", span(0, 6), (group("clitest-dpp-backupvault-000001", "eastus"),)),
    Scenario("dp_backup_policy_create_and_delete", span(0, 10), (group("clitest-dpp-backuppolicy-000001", "eastus"),)),
    Scenario("dp_backup_policy_manual", span(0, 5), (group("clitest-dpp-backuppolicy-000001", "eastus"),)),
    Scenario(
        "role_assignment_principal_not_found",
        span(0, 3),
        (group("clitest000001", "eastus"), resource("clitest000001", _SUBNET)),
        steps={2: _replicate},
    ),
    Scenario(
        "dp_update_msi_permissions_disk",
        (*span(0, 2), *span(4, 6), *span(9, 10), *span(12, 14), *span(17, 18), *span(20, 21)),
        (
            group("clitest-dpp-updatemsipermissions-000001", "eastus"),
            group(_BACKUP, _REGION),
            resource(_BACKUP, "Microsoft.Compute/disks/clitest-disk-donotdelete", _REGION),
        ),
    ),
    Scenario("dp_backup_and_restore_aks", span(0, 18), _PROTECTABLE_SEEDS, _protectable),
    Scenario(
        "errors",
        (0,),
        (group("clitest000001", "eastus"), resource("clitest000001", "Microsoft.KeyVault/vaults/cliakstestkv000002")),
        assigned(
            "00000094-0000-4000-8000-000000000094",
            "4633458b-17de-408a-b874-0445c86b69e6",
            f"{SUBSCRIPTION}/resourceGroups/clitest000001/providers/Microsoft.KeyVault/vaults/cliakstestkv000002",
        ),
    ),
    Scenario(
        "errors",
        (1,),
        (
            group("clitest.rg000001", "eastus"),
            resource("clitest.rg000001", "Microsoft.ContainerRegistry/registries/acr000004"),
        ),
        assigned(
            "0000011e-0000-4000-8000-00000000011e",
            "7f951dda-4ed3-4680-a7ca-43fe172d538d",
            f"{SUBSCRIPTION}/resourceGroups/clitest.rg000001/providers/Microsoft.ContainerRegistry/registries/acr000004",
        ),
    ),
    Scenario(
        "errors",
        (2,),
        (
            group("rgteststoragesync2", "westus"),
            resource("rgteststoragesync2", "Microsoft.Storage/storageAccounts/sateststoragesync2", "westus"),
        ),
        assigned(
            "00000120-0000-4000-8000-000000000120",
            "c12c1c16-33a1-487b-954d-41c89c60f349",
            f"{SUBSCRIPTION}/resourceGroups/rgteststoragesync2/providers/Microsoft.Storage/storageAccounts/sateststoragesync2",
        ),
    ),
    Scenario(
        "errors",
        (3,),
        (
            group("cli_test_amg000001", "eastus"),
            resource("cli_test_amg000001", "Microsoft.Dashboard/grafana/clitestamge2e000002"),
        ),
        assigned("00000122-0000-4000-8000-000000000122", "22926164-76b3-42b3-bc55-97df8dab3e41", "", "User"),
    ),
    Scenario(
        "errors",
        (4,),
        (
            group("clitest000001", "eastus"),
            resource("clitest000001", "Microsoft.Network/dnszones/cliakstest000003.com"),
        ),
        caller="app",
        options={"role": ["*/read"]},
    ),
    Scenario("errors", (5,), (group("clitest000001", "eastus"),), expired=True),
    Scenario("errors", (6,)),
    Scenario("errors", (7,), (group("clitest000001", "eastus"),)),
    Scenario(
        "errors",
        (9,),
        (group("cli_test_appinsights_my_workbook000001", "eastus"),),
        options={"registered": [*Options().registered, "Microsoft.Insights"]},
    ),
    Scenario(
        "errors",
        span(13, 14),
        (group("clitest000001", "centralus"),),
        steps={
            13: fault(
                _CLUSTER_ERRORS,
                429,
                "FailedIdentityOperation",
                _PIPELINE_THROTTLE,
                {"x-ms-failure-cause": "gateway"},
            ),
        },
    ),
    Scenario(
        "errors",
        span(16, 18),
        (group("clitest000001", "westus2"),),
        steps={
            16: _long_operation,
            17: fault(
                "/operations/",
                502,
                "BadGatewayConnection",
                "The network connectivity issue encountered for 'Microsoft.ContainerService'; cannot fulfill the "
                "request.",
                {"x-ms-failure-cause": "service"},
            ),
        },
    ),
)

_DISK = "its datasource is a disk, and only AKS clusters are protected here"
_LATER = "on-demand backups, jobs, recovery points and restores aren't served yet"
_GRAPH = "Resource Graph isn't served yet"
_OTHER = "another resource provider's answer"

NOT_SERVED = (
    NotServed("dp_backup_and_restore_aks", span(19, 38), _LATER),
    NotServed("dp_backup_instance_create_backup_delete_disk", None, _DISK),
    NotServed("dp_backup_instance_softdelete", None, _DISK),
    NotServed("dp_backup_instance_list_resource_graph", None, _GRAPH),
    NotServed("dp_backup_vault_list_resource_graph", None, _GRAPH),
    NotServed("dp_job_list_and_show", None, _LATER),
    NotServed("dp_recovery_point_list", None, _LATER),
    NotServed("dp_update_msi_permissions_disk", (3, 8, 16), "a list of what else its tenant had, cut short"),
    NotServed("dp_update_msi_permissions_disk", (7, 11, 15, 19), "directory objects are served with fewer fields"),
    NotServed("resource_graph_query", None, _GRAPH),
    NotServed("resource_graph_query_error", None, _GRAPH),
    NotServed("resource_graph_skip_token_query", None, _GRAPH),
    NotServed("provider_registration", (5,), "Microsoft.Automanage can be registered, its resources aren't served"),
    NotServed("storage_account", (5,), "the data plane of blobs is Azurite's"),
    NotServed("errors", (8,), f"{_OTHER} (Microsoft.App)"),
    NotServed("errors", (10, 11, 12), "restorable time ranges exist for blobs only"),
    NotServed("errors", (15,), f"{_OTHER} (Microsoft.Network)"),
    NotServed("errors", (19,), f"{_OTHER} (Microsoft.StoragePool)"),
    NotServed("errors", (20,), f"{_OTHER} (Microsoft.ConfidentialLedger)"),
    NotServed("errors", (21,), f"{_OTHER} (Microsoft.FootprintMonitoring)"),
    NotServed("errors", (22,), "template deployments aren't served"),
    NotServed("errors", (23,), f"{_OTHER} (Microsoft.ElasticSan)"),
    NotServed("errors", (24,), f"{_OTHER} (Microsoft.DocumentDB)"),
    NotServed("errors", (25,), f"{_OTHER} (Microsoft.App)"),
    NotServed("errors", (26,), f"{_OTHER} (Microsoft.DevOpsInfrastructure)"),
    NotServed("errors", (27,), f"{_OTHER} (Microsoft.ProviderHub)"),
)
