"""The document of a managed cluster: made from a request, brought up to date, shown in an API version."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local.azure.container_service import pools, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.errors import Json

TYPE = "Microsoft.ContainerService/managedClusters"
SHOWN_TYPE = "Microsoft.ContainerService/ManagedClusters"
"""How answers spell it, with a capital M (aks_create_trusted_access_rolebinding)."""

STORAGE_PROFILE: Json = {
    "diskCSIDriver": {"enabled": True, "version": "v1"},
    "fileCSIDriver": {"enabled": True},
    "snapshotController": {"enabled": True},
}

# Filled in when a request leaves them out (both recordings of a cluster PUT).
_DEFAULTS: Json = {
    "enableRBAC": True,
    "supportPlan": "KubernetesOfficial",
    "maxAgentPools": 100,
    "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
    "disableLocalAccounts": False,
    "securityProfile": {},
    "oidcIssuerProfile": {"enabled": False},
    "workloadAutoScalerProfile": {},
    "metricsProfile": {"costAnalysis": {"enabled": False}},
    "nodeProvisioningProfile": {"mode": "Manual"},
}
_KUBENET: Json = {"networkPlugin": "kubenet", "networkPolicy": "none"}
_OVERLAY: Json = {
    "networkPlugin": "azure",
    "networkPluginMode": "overlay",
    "networkPolicy": "none",
    "networkDataplane": "azure",
    "podLinkLocalAccess": "IMDS",
}
_NETWORK: Json = {
    "loadBalancerSku": "standard",
    "serviceCidr": "10.0.0.0/16",
    "dnsServiceIP": "10.0.0.10",
    "outboundType": "loadBalancer",
    "ipFamilies": ["IPv4"],
}
_BALANCER: Json = {"managedOutboundIPs": {"count": 1}, "backendPoolType": "nodeIPConfiguration"}

# Fields that only preview API versions have.
_PREVIEW = ("enablePodSecurityPolicy", "controlPlanePluginProfiles")
_PREVIEW_OF_POOLS = ("enableCustomCATrust", "nodeInitializationTaints")

# Fields that a client may send back but never changes.
_COMPUTED = frozenset(
    {
        "provisioningState",
        "powerState",
        "currentKubernetesVersion",
        "fqdn",
        "azurePortalFQDN",
        "privateFQDN",
        "nodeResourceGroup",
        "maxAgentPools",
        "resourceUID",
        "identityProfile",
        "agentPoolProfiles",
        "kubernetesVersion",
        "networkProfile",
        "servicePrincipalProfile",
    },
)


def properties(request: Mapping[str, Any], *, name: str, group: str, location: str, uid: str, tenant: str) -> Json:
    """`properties` of a cluster that is being created.

    Args:
        request: `properties` of the request; its versions and pools have been checked.
        name: The cluster's.
        group: Its resource group.
        location: Its region.
        uid: 24 hexadecimal digits, from which the API server's name is made too.
        tenant: Id of the tenant, for the token issuer
    """
    shown, current = versions.resolve(str(request.get("kubernetesVersion") or "")) or (versions.DEFAULT, "")
    prefix = str(request.get("dnsPrefix") or f"{name}-{group}"[:40])
    network = _network(request.get("networkProfile") or {})
    host = f"{prefix}-{uid[:8]}"
    made = copy.deepcopy(_DEFAULTS)
    made |= {
        key: copy.deepcopy(value) for key, value in request.items() if key not in _COMPUTED and value not in (None, {})
    }
    made |= {
        "provisioningState": "Creating",
        "powerState": {"code": "Running"},
        "kubernetesVersion": shown,
        "currentKubernetesVersion": current,
        "dnsPrefix": prefix,
        "fqdn": f"{host}.hcp.{location}.azmk8s.io",
        "azurePortalFQDN": f"{host}.portal.hcp.{location}.azmk8s.io",
        "agentPoolProfiles": [
            pools.document(
                profile,
                version=current,
                plugin=network["networkPlugin"],
                overlay=network.get("networkPluginMode") == "overlay",
                state="Creating",
            )
            for profile in request.get("agentPoolProfiles") or []
        ],
        # A cluster with a managed identity shows "msi" as its client id; the recordings have a masked value there.
        "servicePrincipalProfile": _service_principal(request.get("servicePrincipalProfile")),
        "nodeResourceGroup": str(request.get("nodeResourceGroup") or f"MC_{group}_{name}_{location}"),
        "networkProfile": network,
        "resourceUID": uid,
        "storageProfile": _merged(STORAGE_PROFILE, request.get("storageProfile") or {}),
        "controlPlanePluginProfiles": _plugins(current),
    }
    if is_private(made):  # chosen form of the name, after the documented one
        made["privateFQDN"] = f"{host}.{uid}.privatelink.{location}.azmk8s.io"
    _fill_profiles(made, location, uid, tenant)
    return made


def is_private(inner: Mapping[str, Any]) -> bool:
    """Whether a cluster's API server, by its `properties`, is reached over a private endpoint only."""
    return (inner.get("apiServerAccessProfile") or {}).get("enablePrivateCluster") is True


def settle(body: Json, *, kubelet: Mapping[str, str], address: str) -> None:
    """What the end of the creation adds: the kubelet's identity, the outbound address, pools at rest (recorded).

    Args:
        body: The cluster's document.
        kubelet: `resourceId`, `clientId` and `objectId` of the agent pools' identity; empty for service principals.
        address: Id of the load balancer's public IP address.
    """
    inner = body["properties"]
    inner["provisioningState"] = "Succeeded"
    for profile in inner.get("agentPoolProfiles") or []:
        pools.settle(profile)
    network = inner["networkProfile"]
    network["loadBalancerSku"] = str(network.get("loadBalancerSku") or "standard").capitalize()
    if "loadBalancerProfile" in network:
        network["loadBalancerProfile"]["effectiveOutboundIPs"] = [{"id": address}]
    if kubelet:
        inner["identityProfile"] = {"kubeletidentity": dict(kubelet)}


def overlay(body: Json, request: Mapping[str, Any], tenant: str) -> None:
    """Bring a cluster's document up to date with a PUT on it: what the request doesn't have stays, tags don't.

    A pool that the request leaves out is kept: only the agent pool's own DELETE removes it.
    """
    inner, asked = body["properties"], request.get("properties") or {}
    for key, value in asked.items():
        if key not in _COMPUTED and value is not None:
            inner[key] = _merged(inner.get(key), value)
    inner["storageProfile"] = _merged(STORAGE_PROFILE, inner.get("storageProfile") or {})
    inner["networkProfile"] = _merged(inner.get("networkProfile") or {}, asked.get("networkProfile") or {})
    if resolved := versions.resolve(str(asked.get("kubernetesVersion") or inner.get("kubernetesVersion") or "")):
        inner["kubernetesVersion"] = resolved[0]
        inner.setdefault("currentKubernetesVersion", resolved[1])
    if sku := request.get("sku"):
        body["sku"] = copy.deepcopy(sku)
    _overlay_tags(body, request)
    _fill_profiles(inner, str(body.get("location") or ""), str(inner.get("resourceUID") or ""), tenant)


def shown(body: Json, version: str) -> Json:
    """A cluster as an API version shows it: stable versions don't have the preview's fields."""
    document = copy.deepcopy(body)
    if version.endswith("-preview"):
        return document
    inner = document.get("properties") or {}
    for key in _PREVIEW:
        inner.pop(key, None)
    for profile in inner.get("agentPoolProfiles") or []:
        shown_pool(profile, version)
    return document


def shown_pool(profile: Json, version: str) -> Json:
    """The same for one pool, in place."""
    if not version.endswith("-preview"):
        for key in _PREVIEW_OF_POOLS:
            profile.pop(key, None)
    return profile


def _overlay_tags(body: Json, request: Mapping[str, Any]) -> None:
    if tags := request.get("tags"):
        body["tags"] = dict(tags)
    else:
        body.pop("tags", None)


def _network(asked: Mapping[str, Any]) -> Json:
    """The network profile; without a plugin the service chooses the overlay (errors.json, the repeated PUT)."""
    plugin = str(asked.get("networkPlugin") or "").lower()
    base = {"kubenet": _KUBENET, "": _OVERLAY}.get(
        plugin, _KUBENET | {"networkPlugin": plugin, "networkDataplane": "azure"}
    )
    made = copy.deepcopy(base | _NETWORK) | {
        key: copy.deepcopy(value) for key, value in asked.items() if value is not None
    }
    made["loadBalancerSku"] = str(made["loadBalancerSku"]).lower()
    if made["outboundType"] == "loadBalancer":
        made["loadBalancerProfile"] = _merged(_BALANCER, asked.get("loadBalancerProfile") or {})
    if made["networkPlugin"] == "kubenet" or made.get("networkPluginMode") == "overlay":
        made.setdefault("podCidr", "10.244.0.0/16")
        made["podCidrs"] = [made["podCidr"]]
    made["serviceCidrs"] = [made["serviceCidr"]]
    return made


def _service_principal(asked: Mapping[str, Any] | None) -> Json:
    return {"clientId": str((asked or {}).get("clientId") or "msi")}  # the secret is never shown


def _plugins(current: str) -> Json:
    names = ["karpenter"]
    if versions.shows_surge_defaults(current):
        names = ["azure-monitor-metrics-ccp", "karpenter", "live-patching-controller"]
    return {name: {"enableV2": True} for name in names}


def _fill_profiles(inner: Json, location: str, uid: str, tenant: str) -> None:
    """What the service adds inside profiles which a client switched on."""
    issuer = inner.get("oidcIssuerProfile") or {}
    if issuer.get("enabled"):
        issuer["issuerURL"] = f"https://{location}.oic.prod-aks.azure.com/{tenant}/{uid}/"
    routing = (inner.get("ingressProfile") or {}).get("webAppRouting")
    if routing:
        routing.setdefault("dnsZoneResourceIds", None)
        routing.setdefault("identity", {})


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return copy.deepcopy(old) | {
            key: _merged(old.get(key), value) for key, value in new.items() if value is not None
        }
    return copy.deepcopy(new)
