"""Whether the backup extension's pods reach a storage account over the network.

Rules of storage firewalls are documented: with `publicNetworkAccess` Disabled only private endpoints lead in; with
`defaultAction` Deny so do the subnets of `virtualNetworkRules`. Address rules don't count for callers in the account's
own region, which the cluster always is. The exception for trusted services (`bypass`) is for services that call by
themselves; the pods call from the cluster's network. Which endpoint the pods' name resolution finds isn't looked at: an
approved one serves.
"""

from __future__ import annotations

from collections.abc import Iterator

from local.azure.data_protection.dialect import user_error
from local.azure.store import Resource


def check(cluster: Resource, account: Resource) -> None:
    """Refuse when the account's network keeps the cluster's pods out.

    Raises:
        ArmError: The storage location isn't available to the extension. The code is documented for one whose role has
            not propagated, which looks the same to the extension; for the network it is inferred.
    """
    if _has_endpoint(account) or (_is_public(account) and _lets_in(cluster, account)):
        return
    raise user_error(
        "UserErrorBackupStorageLocationNotReady",
        f"The backup storage location is not available: the network rules of the storage account {account.name} don't "
        f"let the cluster {cluster.name} in.",
        recommended=["Approve a private endpoint of the storage account, or allow the cluster's subnet in its rules."],
    )


def _is_public(account: Resource) -> bool:
    return str(account.properties.get("publicNetworkAccess") or "Enabled") == "Enabled"


def _has_endpoint(account: Resource) -> bool:
    for connection in account.properties.get("privateEndpointConnections") or []:
        inner = connection.get("properties") or {}
        if (inner.get("privateLinkServiceConnectionState") or {}).get("status") == "Approved":
            return True
    return False


def _lets_in(cluster: Resource, account: Resource) -> bool:
    rules = account.properties.get("networkAcls") or {}
    if str(rules.get("defaultAction") or "Allow") == "Allow":
        return True
    allowed = {str(rule.get("id") or "").lower() for rule in rules.get("virtualNetworkRules") or []}
    subnets = list(_subnets(cluster))
    return bool(subnets) and all(subnet in allowed for subnet in subnets)


def _subnets(cluster: Resource) -> Iterator[str]:
    """Subnets of the pools; a pool without one is in the network that the service made, which no rule names."""
    for profile in cluster.properties.get("agentPoolProfiles") or []:
        yield str(profile.get("vnetSubnetID") or "").lower()
