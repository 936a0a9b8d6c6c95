"""`/metadata/endpoints`: where a client that was given ARM's address finds everything else."""

from __future__ import annotations

from local.azure.errors import Json


def endpoints(base_url: str, tenant: str) -> Json:
    """The answer for api-version 2019-05-01 and later, one object (the Azure CLI reads it at `az cloud register`).

    Not recorded; shape as documented. Microsoft Graph is our own small part of it (`graph`); addresses of services that
    aren't served here are Azure's own.
    """
    return {
        "name": "LocalAzure",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": base_url,
            "audiences": [base_url, "https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": tenant,
            "identityProvider": "AAD",
        },
        "media": "https://rest.media.azure.net",
        "graph": "https://graph.windows.net/",
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": f"{base_url}/graph/",
        "batch": "https://batch.core.windows.net/",
        "resourceManager": base_url,
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "gallery": "https://gallery.azure.com/",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "attestationResourceId": "https://attest.azure.net",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "suffixes": {
            "acrLoginServer": "azurecr.io",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
            "keyVaultDns": "vault.azure.net",
            "mariadbServer": "mariadb.database.azure.com",
            "mhsmDns": "managedhsm.azure.net",
            "mysqlServer": "mysql.database.azure.com",
            "postgresqlServer": "postgres.database.azure.com",
            "sqlServerHostname": "database.windows.net",
            "storage": "core.windows.net",
            "storageSyncEndpoint": "afs.azure.net",
            "synapseAnalytics": "dev.azuresynapse.net",
        },
    }
