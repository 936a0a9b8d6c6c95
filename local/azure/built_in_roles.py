"""Azure's built-in roles, as far as they matter here."""

from __future__ import annotations

from local.azure.roles import Role

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_BLOB_DATA = f"{_BLOBS}/blobs"
_USER_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_SUPPORT = ("Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*", "Microsoft.Support/*")
_GROUP_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
_ANY_AUTHORIZATION_READ = "Microsoft.Authorization/*/read"
_QUEUE = "Microsoft.Storage/storageAccounts/queueServices/queues"
_TABLE = "Microsoft.Storage/storageAccounts/tableServices/tables"

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

BUILT_IN = (
    Role(
        OWNER,
        "Owner",
        "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        ("*",),
    ),
    Role(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage "
        "assignments in Azure Blueprints, or share image galleries.",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ),
    ),
    Role(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        ("*/read",),
    ),
    Role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not allow you to manage "
        "access using other ways, such as Azure Policy.",
        (
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    Role(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Allows for read, write and delete access to Azure Storage blob containers and data",
        (f"{_BLOBS}/delete", f"{_BLOBS}/read", f"{_BLOBS}/write", _USER_KEY),
        (),
        tuple(f"{_BLOB_DATA}/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")),
    ),
    Role(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.",
        (f"{_BLOBS}/*", _USER_KEY),
        (),
        (f"{_BLOB_DATA}/*",),
    ),
    Role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Allows for read access to Azure Storage blob containers and data",
        (f"{_BLOBS}/read", _USER_KEY),
        (),
        (f"{_BLOB_DATA}/read",),
    ),
    Role(
        "7efff54f-a5b4-42b5-a1c5-5411624893ce",
        "Disk Snapshot Contributor",
        "Provides permission to backup vault to manage disk snapshots.",
        (
            _ANY_AUTHORIZATION_READ,
            _GROUP_READ,
            "Microsoft.Compute/snapshots/delete",
            "Microsoft.Compute/snapshots/write",
            "Microsoft.Compute/snapshots/read",
            "Microsoft.Compute/snapshots/beginGetAccess/action",
            "Microsoft.Compute/snapshots/endGetAccess/action",
            "Microsoft.Compute/disks/beginGetAccess/action",
            "Microsoft.Storage/storageAccounts/listkeys/action",
            "Microsoft.Storage/storageAccounts/write",
            "Microsoft.Storage/storageAccounts/read",
            "Microsoft.Storage/storageAccounts/delete",
        ),
    ),
    Role(
        "3e5e47e6-65f7-47ef-90b5-e5dd4d455f24",
        "Disk Backup Reader",
        "Provides permission to backup vault to perform disk backup.",
        (_ANY_AUTHORIZATION_READ, "Microsoft.Compute/disks/read", "Microsoft.Compute/disks/beginGetAccess/action"),
    ),
    Role(
        "959f8984-c045-4866-89c7-12bf9737be2e",
        "Data Operator for Managed Disks",
        "Provides permissions to upload data to empty managed disks, read, or export data of managed disks (not "
        "attached to running VMs) and snapshots using SAS URIs and Azure AD authentication.",
        (),
        (),
        tuple(
            f"Microsoft.Compute/{kind}/{verb}/action"
            for kind in ("disks", "snapshots")
            for verb in ("download", "upload")
        ),
    ),
    Role(
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
        "Storage Account Contributor",
        "Lets you manage storage accounts, including accessing storage account keys which provide full access to "
        "storage account data.",
        (
            _ANY_AUTHORIZATION_READ,
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            _GROUP_READ,
            "Microsoft.Storage/storageAccounts/*",
            *_SUPPORT,
        ),
    ),
    Role(
        "5e467623-bb1f-42f4-a55d-6e525e11384b",
        "Backup Contributor",
        "Lets you manage backup service, but can't create vaults and give access to others",
        (
            _ANY_AUTHORIZATION_READ,
            _GROUP_READ,
            "Microsoft.DataProtection/locations/*/read",
            "Microsoft.DataProtection/backupVaults/read",
            "Microsoft.DataProtection/backupVaults/backupInstances/*",
            "Microsoft.DataProtection/backupVaults/backupPolicies/*",
            "Microsoft.DataProtection/backupVaults/backupJobs/read",
            "Microsoft.DataProtection/backupVaults/deletedBackupInstances/*",
            "Microsoft.DataProtection/backupVaults/operationResults/read",
            "Microsoft.DataProtection/backupVaults/operationStatus/read",
            "Microsoft.DataProtection/backupVaults/validateForBackup/action",
            "Microsoft.RecoveryServices/Vaults/*",
            *_SUPPORT,
        ),
    ),
    Role(
        "85cb6faf-e071-4c9b-8136-154b5a04f717",
        "Kubernetes Extension Contributor",
        "Can create, update, get, list and delete Kubernetes Extensions, and get extension async operations",
        (
            _ANY_AUTHORIZATION_READ,
            _GROUP_READ,
            "Microsoft.KubernetesConfiguration/extensions/write",
            "Microsoft.KubernetesConfiguration/extensions/read",
            "Microsoft.KubernetesConfiguration/extensions/delete",
            "Microsoft.KubernetesConfiguration/extensions/operations/read",
            *_SUPPORT,
        ),
    ),
    Role(
        "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
        "Azure Kubernetes Service Contributor Role",
        "Grants access to read and write Azure Kubernetes Service clusters",
        (
            _ANY_AUTHORIZATION_READ,
            "Microsoft.ContainerService/locations/*",
            "Microsoft.ContainerService/managedClusters/*",
            "Microsoft.ContainerService/managedclustersnapshots/*",
            "Microsoft.ContainerService/snapshots/*",
            _GROUP_READ,
            *_SUPPORT,
        ),
    ),
    Role(
        "d5a91429-5739-47e2-a06b-3470a27159e7",
        "EventGrid Data Sender",
        "Allows send access to event grid events.",
        (_ANY_AUTHORIZATION_READ, "Microsoft.EventGrid/topics/read", "Microsoft.EventGrid/domains/read", _GROUP_READ),
        (),
        ("Microsoft.EventGrid/events/send/action",),
    ),
    Role(
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "Storage Queue Data Contributor",
        "Allows for read, write, and delete access to Azure Storage queues and queue messages",
        (f"{_QUEUE}/delete", f"{_QUEUE}/read", f"{_QUEUE}/write"),
        (),
        tuple(f"{_QUEUE}/messages/{verb}" for verb in ("delete", "read", "write", "process/action")),
    ),
    Role(
        "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
        "Storage Queue Data Message Sender",
        "Allows for sending of Azure Storage queue messages",
        (),
        (),
        (f"{_QUEUE}/messages/add/action",),
    ),
    Role(
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        "Storage Table Data Contributor",
        "Allows for read, write and delete access to Azure Storage tables and entities",
        (f"{_TABLE}/read", f"{_TABLE}/write", f"{_TABLE}/delete"),
        (),
        tuple(f"{_TABLE}/entities/{verb}" for verb in ("read", "write", "delete", "add/action", "update/action")),
    ),
    Role(
        "3913510d-42f4-4e42-8a64-420c390055eb",
        "Monitoring Metrics Publisher",
        "Enables publishing metrics against Azure resources",
        ("Microsoft.Insights/Register/Action", "Microsoft.Support/*", _GROUP_READ),
        (),
        ("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"),
    ),
    Role(
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Network Contributor",
        "Lets you manage networks, but not access to them.",
        (
            _ANY_AUTHORIZATION_READ,
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Network/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            _GROUP_READ,
            "Microsoft.Support/*",
        ),
    ),
    # met in recorded assignments; their actions matter to nothing that is served here
    Role("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", "Read secret contents."),
    Role(
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "AcrPull",
        "acr pull",
        ("Microsoft.ContainerRegistry/registries/pull/read",),
    ),
    Role(
        "c12c1c16-33a1-487b-954d-41c89c60f349",
        "Reader and Data Access",
        "Lets you view everything but will not let you delete or create a storage account or contained resource. It "
        "will also allow read/write access to all data contained in a storage account via access to storage account "
        "keys.",
        (
            "Microsoft.Storage/storageAccounts/listKeys/action",
            "Microsoft.Storage/storageAccounts/ListAccountSas/action",
            "Microsoft.Storage/storageAccounts/read",
        ),
    ),
    Role("22926164-76b3-42b3-bc55-97df8dab3e41", "Grafana Admin", "Perform all Grafana operations."),
    Role(
        "befefa01-2a29-4197-83a8-272ff33ce314",
        "DNS Zone Contributor",
        "Lets you manage DNS zones and record sets in Azure DNS, but does not let you control who has access to them.",
        (_ANY_AUTHORIZATION_READ, "Microsoft.Network/dnsZones/*", _GROUP_READ, *_SUPPORT),
    ),
)
"""Ids are public constants; actions as documented, shortened where nothing here depends on them."""
