"""Rows: a resource in the shape that Resource Graph gives it, and the table that it is in.

Shapes are recorded for vaults, backup instances and jobs (dp_*_resource_graph.json, dp_job_list_and_show.json), columns
of other resources in resource_graph_query.json. Subscriptions, groups, extensions and roles are not recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from local.azure.resource_graph.backup_rows import JOBS, instance_properties, job_properties
from local.azure.resource_graph.kql import Kind, Row

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import Json
    from local.azure.roles import Role
    from local.azure.store import Resource

COLUMNS: dict[str, Kind] = {
    "id": "string",
    "name": "string",
    "type": "string",
    "tenantId": "string",
    "kind": "string",
    "location": "string",
    "resourceGroup": "string",
    "subscriptionId": "string",
    "managedBy": "string",
    "sku": "dynamic",
    "plan": "dynamic",
    "properties": "dynamic",
    "tags": "dynamic",
    "identity": "dynamic",
    "zones": "dynamic",
    "extendedLocation": "dynamic",
}
"""The columns of every table, in the recorded order."""

RESOURCES = "resources"
"""The table of a query that names none."""

SUBSCRIPTIONS = "microsoft.resources/subscriptions"
_GROUPS = "microsoft.resources/subscriptions/resourcegroups"
MANAGEMENT_GROUPS = "microsoft.management/managementgroups"
ROLE_DEFINITIONS = "microsoft.authorization/roledefinitions"
VAULTS = "microsoft.dataprotection/backupvaults"
INSTANCES = f"{VAULTS}/backupinstances"

_TABLE_OF_TYPE = {
    SUBSCRIPTIONS: "resourcecontainers",
    _GROUPS: "resourcecontainers",
    MANAGEMENT_GROUPS: "resourcecontainers",
    JOBS: "recoveryservicesresources",
    INSTANCES: "recoveryservicesresources",
    f"{VAULTS}/backuppolicies": "recoveryservicesresources",
    "microsoft.kubernetesconfiguration/extensions": "kubernetesconfigurationresources",
    "microsoft.authorization/roleassignments": "authorizationresources",
    ROLE_DEFINITIONS: "authorizationresources",
}
TABLES = frozenset({RESOURCES, *_TABLE_OF_TYPE.values()})
"""The tables, in lower case; case doesn't matter in a query."""

_GROUP = 4  # place of a group's name in an id
_NOT_LISTED = frozenset({"microsoft.eventgrid/eventsubscriptions", "microsoft.authorization/locks"})
_DYNAMIC = ("sku", "plan", "tags", "identity", "zones", "extendedLocation")
_VAULT_SEGMENT = re.compile("/backupVaults/", re.IGNORECASE)


def graph_type(stored: str) -> str:
    """The type as rows spell it, in lower case; a group's names the subscription too."""
    lowered = stored.lower()
    return _GROUPS if lowered == "microsoft.resources/resourcegroups" else lowered


def table_of(kind: str) -> str | None:
    """The table of a type of rows; None for what the graph doesn't hold, such as parts of resources."""
    if kind in _TABLE_OF_TYPE:
        return _TABLE_OF_TYPE[kind]
    return RESOURCES if kind.count("/") == 1 and kind not in _NOT_LISTED else None


def row_of(cloud: Cloud, resource: Resource) -> Row:
    """The row of a resource."""
    kind = graph_type(resource.type)
    body = resource.body
    subscription, group = _place(resource.id)
    row: Row = {
        "id": resource.id,
        "name": resource.name,
        "type": kind,
        "tenantId": cloud.options.tenant,
        "kind": str(body.get("kind") or ""),
        "location": resource.location,
        "resourceGroup": group.lower(),
        "subscriptionId": subscription,
        "managedBy": str(body.get("managedBy") or ""),
        "sku": None,
        "plan": None,
        "properties": body.get("properties"),
    }
    for name in _DYNAMIC:
        row[name] = body.get(name)
    if special := _SPECIAL.get(kind):
        row.update(special(cloud, resource))
    return row


def _place(resource_id: str) -> tuple[str, str]:
    """Subscription and group in an id, "" where there is none; `paths.parse` tells more and takes longer."""
    segments = resource_id.split("/", _GROUP + 1)
    group = segments[_GROUP] if len(segments) > _GROUP and segments[_GROUP - 1].lower() == "resourcegroups" else ""
    return (segments[2] if len(segments) > 2 and segments[1].lower() == "subscriptions" else ""), group  # noqa: PLR2004


def row_of_role(cloud: Cloud, role: Role) -> Row:
    """The row of a role definition, which is no resource of a subscription."""
    answer = role.answer("")
    properties: Json = answer["properties"]
    empty = {name: "" if kind == "string" else None for name, kind in COLUMNS.items()}
    own = {"id": answer["id"], "name": role.id, "type": ROLE_DEFINITIONS, "properties": properties}
    return {**empty, **own, "tenantId": cloud.options.tenant}


def _vault(_: Cloud, resource: Resource) -> Row:
    """Vault ids have a capital B here, whoever spelled them otherwise (dp_backup_vault_list_resource_graph.json)."""
    return {"id": _VAULT_SEGMENT.sub("/BackupVaults/", resource.id)}


def _instance(cloud: Cloud, resource: Resource) -> Row:
    vault = cloud.store.get(resource.id.rsplit("/", 2)[0])
    policy_id = (resource.properties.get("policyInfo") or {}).get("policyId")
    policy = cloud.store.get(str(policy_id)) if policy_id else None
    location = vault.location if vault else ""
    return {"location": location, "properties": instance_properties(resource.properties, vault, policy)}


def _job(_: Cloud, resource: Resource) -> Row:
    return {"location": "", "properties": job_properties(resource.properties)}


def _policy(cloud: Cloud, resource: Resource) -> Row:
    vault = cloud.store.get(resource.id.rsplit("/", 2)[0])
    return {"location": vault.location if vault else ""}


def _subscription(cloud: Cloud, resource: Resource) -> Row:
    body = resource.body
    kept = ("authorizationSource", "managedByTenants", "state", "subscriptionPolicies")
    properties = {name: body[name] for name in kept if name in body}
    return {
        "name": str(body.get("displayName") or ""),
        "properties": {**properties, "managementGroupAncestorsChain": _chain(cloud, resource.id)},
    }


def _management_group(cloud: Cloud, resource: Resource) -> Row:
    details = {**resource.properties["details"], "managementGroupAncestorsChain": _chain(cloud, resource.id)[1:]}
    return {"properties": {**resource.properties, "details": details}}


def _chain(cloud: Cloud, scope: str) -> list[Json]:
    """Management groups above a subscription, nearest first; documented, as is that it needs no role on them."""
    return [{"displayName": group.name, "name": group.id} for group in cloud.hierarchy.chain(scope)]


_SPECIAL: Mapping[str, Callable[[Cloud, Resource], Row]] = {
    VAULTS: _vault,
    INSTANCES: _instance,
    JOBS: _job,
    f"{VAULTS}/backuppolicies": _policy,
    SUBSCRIPTIONS: _subscription,
    MANAGEMENT_GROUPS: _management_group,
}
