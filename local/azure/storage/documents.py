"""The documents of storage accounts and blob containers (storage_account)."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from local.azure.errors import bad_request
from local.azure.storage import network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.errors import ArmError, Json

ACCOUNT = "Microsoft.Storage/storageAccounts"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"

_SKUS = frozenset(
    {
        "Standard_LRS",
        "Standard_GRS",
        "Standard_RAGRS",
        "Standard_ZRS",
        "Standard_GZRS",
        "Standard_RAGZRS",
        "Premium_LRS",
        "Premium_ZRS",
    },
)
_KINDS = frozenset({"Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage"})
_TIERED = frozenset({"StorageV2", "BlobStorage"})
_ACCOUNT_NAME = re.compile(r"^[a-z0-9]{3,24}$")
_CONTAINER_NAME = re.compile(r"^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$")
_SYSTEM_CONTAINERS = frozenset({"$root", "$logs", "$web"})

# What a request may set, by the management API's own list; everything else of an account is Azure's.
_SETTABLE = (
    "accessTier",
    "allowBlobPublicAccess",
    "allowCrossTenantReplication",
    "allowSharedKeyAccess",
    "azureFilesIdentityBasedAuthentication",
    "defaultToOAuthAuthentication",
    "dnsEndpointType",
    "isHnsEnabled",
    "isLocalUserEnabled",
    "isNfsV3Enabled",
    "isSftpEnabled",
    "keyPolicy",
    "largeFileSharesState",
    "minimumTlsVersion",
    "publicNetworkAccess",
    "routingPreference",
    "sasPolicy",
    "supportsHttpsTrafficOnly",
)
_NETWORK_RULES: Json = {
    "ipv6Rules": [],
    "bypass": "AzureServices",
    "virtualNetworkRules": [],
    "ipRules": [],
    "defaultAction": "Allow",
}
_SERVICES = ("dfs", "web", "blob", "queue", "table", "file")
_SECONDARY_SERVICES = tuple(name for name in _SERVICES if name != "file")
_WEB_ZONE = {"eastus": 13, "westus": 22}  # recorded; other regions get a number of their own


def account_refusal(name: str, request: Mapping[str, Any], *, new: bool) -> ArmError | None:
    """Why an account can't be made as asked; no recording shows these answers, the codes are the documented ones."""
    if not _ACCOUNT_NAME.match(name):
        return name_refusal(name)
    sku, kind = (request.get("sku") or {}).get("name"), request.get("kind")
    if new and sku is None:
        return bad_request("InvalidRequestPropertyValue", "The required property 'sku.name' is missing.", target="sku")
    if sku is not None and sku not in _SKUS:
        return bad_request("InvalidRequestPropertyValue", f"The value '{sku}' is not allowed for property sku.name.")
    if kind is not None and kind not in _KINDS:
        return bad_request("InvalidRequestPropertyValue", f"The value '{kind}' is not allowed for property kind.")
    return network.refusal(request.get("properties") or {})


def name_refusal(name: str) -> ArmError:
    """An account name outside the rules (3-24 lower-case letters and digits)."""
    return bad_request(
        "AccountNameInvalid",
        f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
        "length and use numbers and lower-case letters only.",
    )


def is_account_name(name: str) -> bool:
    """Whether a name follows the rules for accounts."""
    return bool(_ACCOUNT_NAME.match(name))


def container_refusal(name: str) -> ArmError | None:
    """A container name outside the rules; the code is the documented one of the storage services."""
    if _CONTAINER_NAME.match(name) or name in _SYSTEM_CONTAINERS:
        return None
    return bad_request("InvalidResourceName", "The specified resource name contains invalid characters.")


def account(account_id: str, name: str, request: Mapping[str, Any], *, paired: str, now: str) -> Json:
    """A new account.

    Args:
        account_id: Its resource id.
        name: Its name.
        request: The PUT's body; it has been checked.
        paired: The paired region of its location, where there is one.
        now: The moment, with seven decimals.
    """
    location, sku = str(request["location"]), str(request["sku"]["name"])
    kind = str(request.get("kind") or "StorageV2")
    inner: Json = {
        "keyCreationTime": {"key1": now, "key2": now},
        "allowCrossTenantReplication": False,
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_0",  # recorded for a request that doesn't ask for another
        "allowBlobPublicAccess": False,
        "networkAcls": copy.deepcopy(_NETWORK_RULES),
        "supportsHttpsTrafficOnly": True,
        "encryption": _encryption(now),
        "provisioningState": "Succeeded",
        "creationTime": now,
        "primaryEndpoints": _endpoints(name, _SERVICES, location),
        "primaryLocation": location,
        "statusOfPrimary": "available",
    }
    if kind in _TIERED:
        inner["accessTier"] = "Hot"
    inner |= _replication(name, sku, location, paired)
    body: Json = {
        "sku": {"name": sku, "tier": sku.split("_", maxsplit=1)[0]},
        "kind": kind,
        "id": account_id,
        "name": name,
        "type": ACCOUNT,
        "location": location,
        "tags": dict(request.get("tags") or {}),
        "properties": inner,
    }
    apply(body, request)
    return body


def apply(body: Json, request: Mapping[str, Any]) -> None:
    """Bring an account up to date with a PUT or PATCH; what the request doesn't name stays as it is."""
    asked = request.get("properties") or {}
    inner = body["properties"]
    inner |= {key: copy.deepcopy(asked[key]) for key in _SETTABLE if asked.get(key) is not None}
    if rules := asked.get("networkAcls"):
        network.apply(inner.setdefault("networkAcls", copy.deepcopy(_NETWORK_RULES)), rules)
    if source := (asked.get("encryption") or {}).get("keySource"):
        inner["encryption"]["keySource"] = source
    if sku := (request.get("sku") or {}).get("name"):
        body["sku"] = {"name": sku, "tier": str(sku).split("_", maxsplit=1)[0]}
    if request.get("tags") is not None:
        body["tags"] = dict(request["tags"])
    if identity := request.get("identity"):
        body["identity"] = copy.deepcopy(identity)


def container(container_id: str, name: str, request: Mapping[str, Any], *, now: str, etag: str) -> Json:
    """A new container as lists show it.

    Args:
        container_id: Its resource id.
        name: Its name.
        request: `properties` of the PUT.
        now: The moment, with seven decimals.
        etag: The entity tag, quotes included, as the body field has it (recorded).
    """
    inner: Json = {
        "immutableStorageWithVersioning": {"enabled": False},
        "deleted": False,
        "remainingRetentionDays": 0,
        "defaultEncryptionScope": str(request.get("defaultEncryptionScope") or "$account-encryption-key"),
        "denyEncryptionScopeOverride": bool(request.get("denyEncryptionScopeOverride")),
        "publicAccess": str(request.get("publicAccess") or "None"),
        "leaseStatus": "Unlocked",
        "leaseState": "Available",
        "lastModifiedTime": f"{now[:19]}.0000000Z",
        "hasImmutabilityPolicy": False,
        "hasLegalHold": False,
    }
    if metadata := request.get("metadata"):
        inner["metadata"] = dict(metadata)
    return {"id": container_id, "name": name, "type": CONTAINER, "etag": etag, "properties": inner}


def _encryption(now: str) -> Json:
    service = {"keyType": "Account", "enabled": True, "lastEnabledTime": now}
    return {"services": {"file": dict(service), "blob": dict(service)}, "keySource": "Microsoft.Storage"}


def _endpoints(host: str, services: tuple[str, ...], location: str) -> Json:
    zone = _WEB_ZONE.get(location, sum(map(ord, location)) % 99 + 1)
    return {
        service: f"https://{host}.{f'z{zone}.web' if service == 'web' else service}.core.windows.net/"
        for service in services
    }


def _replication(name: str, sku: str, location: str, paired: str) -> Json:
    """The secondary region of geo-redundant accounts, with endpoints where it can be read (RAGRS is recorded)."""
    if "GRS" not in sku and "GZRS" not in sku:
        return {}
    found: Json = {"secondaryLocation": paired, "statusOfSecondary": "available"}
    if "RAG" in sku:
        found["secondaryEndpoints"] = _endpoints(f"{name}-secondary", _SECONDARY_SERVICES, location)
    return found
