"""Which recorded interactions are replayed, and which aren't served, with the reason."""

import datetime as dt

from local.azure.options import Options
from tests.wire import disks, graph, pair, protectable
from tests.wire.player import Player
from tests.wire.scenarios import (
    SUBSCRIPTION,
    Body,
    NotServed,
    Scenario,
    assigned,
    fault,
    group,
    in_turn,
    put,
    resource,
    span,
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
_IDENTITY_THROTTLED = (
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
    *graph.SCENARIOS,
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
        (group(protectable.GROUP, protectable.REGION),),
        steps={
            6: in_turn(
                put(
                    f"{protectable.GROUP}/providers/{protectable.ACCOUNT}",
                    "2023-05-01",
                    {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": protectable.REGION},
                ),
                put(
                    f"{protectable.GROUP}/providers/{protectable.ACCOUNT}/blobServices/default/containers/testcontainer",
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
            group(protectable.GROUP, protectable.REGION),
            resource(protectable.GROUP, "Microsoft.Compute/disks/clitest-disk-donotdelete", protectable.REGION),
        ),
    ),
    Scenario(
        "dp_backup_and_restore_aks",
        span(0, 38),
        protectable.SEEDS,
        protectable.protectable,
        start=dt.datetime(2024, 6, 26, 7, 50, tzinfo=dt.UTC),
    ),
    Scenario(
        "dp_backup_instance_create_backup_delete_disk",
        span(0, 28),
        disks.ON_DEMAND,
        start=dt.datetime(2024, 6, 27, 5, 5, tzinfo=dt.UTC),
    ),
    Scenario(
        "dp_job_list_and_show", (0,), prepare=disks.backed_up, start=dt.datetime(2024, 5, 8, 11, 30, tzinfo=dt.UTC)
    ),
    Scenario(
        "dp_backup_instance_softdelete",
        span(0, 37),
        disks.SOFT_DELETED,
        steps={22: disks.a_second_more},
        start=dt.datetime(2024, 6, 26, 7, 48, tzinfo=dt.UTC),
    ),
    Scenario(
        "dp_job_list_and_show",
        (2,),
        disks.DAILY_DISK,
        steps={2: disks.a_scheduled_job},
        start=dt.datetime(2024, 5, 4, 11, tzinfo=dt.UTC),
    ),
    Scenario(
        "dp_recovery_point_list",
        span(0, 5),
        disks.DAILY_DISK,
        steps={0: disks.days(6)},
        start=dt.datetime(2024, 5, 1, 16, tzinfo=dt.UTC),
    ),
    *pair.SCENARIOS,
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
                _IDENTITY_THROTTLED,
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

_OTHER = "another resource provider's answer"

NOT_SERVED = (
    NotServed("dp_recovery_point_list", (6,), "its datasource is a database, whose recovery points the graph tells of"),
    NotServed("dp_update_msi_permissions_disk", (3, 8, 16), "a list of what else its tenant had, cut short"),
    NotServed("dp_update_msi_permissions_disk", (7, 11, 15, 19), "directory objects are served with fewer fields"),
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
