"""Azure's JSON as the facts of a readiness check; fields as in the published REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.arm.answers import Json
from shared.backups.jobs import epoch
from shared.readiness.facts import Account, Binding, Disk, Lock, Point, Points, Snapshot, Stored

_CLAIM, _NAMESPACE = "kubernetes.io-created-for-pvc-name", "kubernetes.io-created-for-pvc-namespace"
"""Tags that the disk driver puts on the disk of a volume (Azure Disk CSI driver)."""


def moment(text: object) -> float:
    """Epoch seconds of a time in an answer; 0 for none and for what isn't one."""
    try:
        return epoch(str(text)) if text else 0.0
    except ValueError:
        return 0.0


def points_of(body: Json) -> Points:
    """The list of recovery points, newest first."""
    items = sorted((_point(item) for item in body.get("value") or ()), key=lambda point: point.time, reverse=True)
    return Points(tuple(items), more=bool(body.get("nextLink")))


def _point(item: Json) -> Point:
    properties = item.get("properties") or {}
    copies = tuple(
        Stored(
            store=str(detail.get("type", "")),
            created=moment(detail.get("creationTime")),
            expires=moment(detail.get("expiryTime")),
            state=str(detail.get("state") or ""),
        )
        for detail in properties.get("recoveryPointDataStoresDetails") or ()
    )
    return Point(
        id=str(properties.get("recoveryPointId") or item.get("name") or ""),
        time=moment(properties.get("recoveryPointTime")),
        policy=str(properties.get("policyName") or ""),
        copies=copies,
    )


def account_of(body: Json) -> Account:
    """A storage account; what its answer leaves out is as open as Azure's own defaults."""
    properties = body.get("properties") or {}
    rules = properties.get("networkAcls") or {}
    endpoints = [
        str(((item.get("properties") or {}).get("privateEndpoint") or {}).get("id") or item.get("id") or "")
        for item in properties.get("privateEndpointConnections") or ()
        if _approved(item)
    ]
    return Account(
        id=str(body.get("id", "")),
        location=region(body.get("location")),
        state=str(properties.get("provisioningState") or "Succeeded"),
        public=str(properties.get("publicNetworkAccess") or "Enabled").casefold() == "enabled",
        default_allow=str(rules.get("defaultAction") or "Allow").casefold() == "allow",
        bypass=str(rules.get("bypass") or "AzureServices"),
        keyless=properties.get("allowSharedKeyAccess") is False,
        crosses_tenants=properties.get("allowCrossTenantReplication") is True,
        subnets=tuple(str(rule.get("id", "")) for rule in rules.get("virtualNetworkRules") or ()),
        endpoints=tuple(endpoints),
    )


def _approved(connection: Json) -> bool:
    state = (connection.get("properties") or {}).get("privateLinkServiceConnectionState") or {}
    return str(state.get("status", "")).casefold() == "approved"


def locks_of(items: list[Json]) -> tuple[Lock, ...]:
    """Management locks."""
    return tuple(
        Lock(
            str(item.get("id", "")),
            str((item.get("properties") or {}).get("level", "")),
            str((item.get("properties") or {}).get("notes") or ""),
        )
        for item in items
    )


def bindings_of(items: list[Json]) -> tuple[Binding, ...]:
    """Trusted access role bindings."""
    return tuple(_binding(str(item.get("id", "")), item.get("properties") or {}) for item in items)


def _binding(binding_id: str, properties: Json) -> Binding:
    return Binding(
        id=binding_id,
        source=str(properties.get("sourceResourceId") or ""),
        roles=tuple(str(role) for role in properties.get("roles") or ()),
        state=str(properties.get("provisioningState") or "Succeeded"),
    )


def region(text: object) -> str:
    """A region's short name."""
    return str(text or "").replace(" ", "").casefold()


def disk_of(row: Mapping[str, Any]) -> Disk:
    """A disk, from a row of Resource Graph."""
    properties, tags = row.get("properties") or {}, row.get("tags") or {}
    return Disk(
        id=str(row.get("id", "")),
        sku=str(row.get("sku") or ""),
        size=int(properties.get("diskSizeGB") or 0),
        network=str(properties.get("networkAccessPolicy") or "AllowAll"),
        public=str(properties.get("publicNetworkAccess") or "Enabled").casefold() == "enabled",
        claim=str(tags.get(_CLAIM) or ""),
        namespace=str(tags.get(_NAMESPACE) or ""),
        created=moment(properties.get("timeCreated")),
        attached=str(properties.get("diskState") or "").casefold() != "unattached",
    )


def snapshot_of(row: Mapping[str, Any]) -> Snapshot:
    """A snapshot, from a row of Resource Graph."""
    properties = row.get("properties") or {}
    source = (properties.get("creationData") or {}).get("sourceResourceId")
    return Snapshot(str(row.get("id", "")), str(source or ""), moment(properties.get("timeCreated")))
