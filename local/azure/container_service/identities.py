"""The identities of clusters: system-assigned, user-assigned, and the kubelet's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure.directory import Principal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from typing import Any

    from local.azure.cloud import Cloud
    from local.azure.errors import Json
    from local.azure.store import Resource

_NONE = "none"
_USER_ASSIGNED = "userassigned"


def is_given(body: Mapping[str, Any]) -> bool:
    """Whether a request gives the cluster an identity or a service principal."""
    kind = str((body.get("identity") or {}).get("type") or _NONE).lower()
    principal = ((body.get("properties") or {}).get("servicePrincipalProfile") or {}).get("clientId")
    return kind != _NONE or principal not in {None, "", "msi"}


def of_request(cloud: Cloud, cluster_id: str, asked: Mapping[str, Any] | None, at: dt.datetime) -> Json | None:
    """The `identity` of a cluster, made from the requested one; new identities become known to the directory."""
    kind = str((asked or {}).get("type") or _NONE)
    if asked is None or kind.lower() == _NONE:
        return None
    if kind.lower() == _USER_ASSIGNED:
        ids = asked.get("userAssignedIdentities") or {}
        return {"type": kind, "userAssignedIdentities": {name: _user_assigned(cloud, name) for name in ids}}
    principal = cloud.directory.new_identity(cluster_id, at)
    return {"type": kind, "principalId": principal.object_id, "tenantId": cloud.options.tenant}


def kubelet(cloud: Cloud, cluster: Resource, nodes: str, at: dt.datetime) -> Json:
    """The agent pools' identity, which the service makes in the node resource group."""
    # Recorded: `resourcegroups` in lower case.
    group = nodes.replace("/resourceGroups/", "/resourcegroups/", 1)
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{cluster.name}-agentpool"
    principal = cloud.directory.new_identity(identity, at)
    return {"resourceId": identity, "clientId": principal.client_id, "objectId": principal.object_id}


def forget_kubelet(cloud: Cloud, cluster: Resource) -> None:
    """Remove the kubelet's identity from the directory; it lives and dies with the cluster."""
    profile = (cluster.properties.get("identityProfile") or {}).get("kubeletidentity") or {}
    if object_id := profile.get("objectId"):
        cloud.directory.remove(object_id)


def _user_assigned(cloud: Cloud, identity_id: str) -> Json:
    """A user-assigned identity's ids: the seeded resource's, else invented ones (identities aren't served here)."""
    stored = cloud.store.get(identity_id)
    known = stored.properties if stored else {}
    object_id = str(known.get("principalId") or cloud.directory.guid("principal", identity_id))
    client_id = str(known.get("clientId") or cloud.directory.guid("client", identity_id))
    if cloud.directory.get(object_id) is None:
        cloud.directory.add(Principal(object_id, client_id, client_id=client_id, resource_id=identity_id))
    return {"clientId": client_id, "principalId": object_id}
