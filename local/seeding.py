"""A fleet as it stands after its onboarding, for trying out what comes then without hundreds of onboardings.

Ids and bodies are those that the app itself computes; identities are made up, and hold the roles that they need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from local.stack import NODE_POOL
from shared.arm.ids import ClusterId
from shared.catalog.loading import load as load_catalog
from shared.catalog.rendering import policy_fingerprint
from shared.fleet.records import ClusterRow, Condition, HistoryEntry, State
from shared.onboarding.cluster import read_cluster
from shared.onboarding.desired import (
    BACKUP_OPERATOR,
    EXTENSION_NAME,
    EXTENSION_TYPE,
    Desired,
    desired_protection,
    extension_settings,
)
from shared.onboarding.names import role_assignment
from shared.onboarding.steps.roles import ROLES
from shared.settings import load as load_settings

if TYPE_CHECKING:
    from shared.catalog.model import Catalog
    from shared.settings import Settings

type Order = dict[str, Any]
"""A resource as the control endpoint takes it: id and body."""

_LONG_AGO = "2026-01-31T08:00:00Z"
_HISTORY = (
    ("Waiting", "CreatingVault"),
    ("Waiting", "InstallingExtension"),
    ("Waiting", "RolesPropagating"),
    ("Waiting", "Validating"),
    ("Waiting", "ConfiguringProtection"),
    ("Protected", "ProtectionConfigured"),
)
_STEPS = (
    *("provider", "vault-group", "vault", "policy", "backup-group", "storage-account", "container", "extension"),
    *("trusted-access", *(f"role/{role.name} on {role.on or 'cluster'}" for role in ROLES)),
    *("validation", "backup-instance", "previous-instances", "retired-policies"),
)
_SUCCEEDED = {"provisioningState": "Succeeded"}


def cluster_ids(count: int, subscription: str) -> list[str]:
    """Ids of so many clusters."""
    group = f"/subscriptions/{subscription}/resourceGroups/rg-fleet"
    return [f"{group}/providers/Microsoft.ContainerService/managedClusters/aks-{number:05}" for number in range(count)]


def protected_fleet(
    clusters: Sequence[str], policies: Sequence[str], environ: Mapping[str, str], location: str = "westeurope"
) -> list[Order]:
    """Everything that protects these clusters, the policies dealt out in turn.

    Args:
        clusters: ids.
        policies: names in the catalog.
        environ: the app's settings.
        location: their region.
    """
    settings = load_settings(environ)
    catalog = load_catalog(settings.catalog)
    orders: dict[str, Order] = {}
    for number, text in enumerate(clusters):
        for order in _protected(text, policies[number % len(policies)], catalog, settings, location):
            orders[order["id"].casefold()] = order  # what is shared comes once
    return list(orders.values())


def protected_rows(clusters: Sequence[str], policies: Sequence[str], environ: Mapping[str, str]) -> list[ClusterRow]:
    """The app's rows about these clusters, as the passes left them that found nothing more to do.

    Args:
        clusters: ids.
        policies: names in the catalog, dealt out in turn as in `protected_fleet`.
        environ: the app's settings.
    """
    catalog = load_catalog(load_settings(environ).catalog)
    rows = []
    for number, text in enumerate(clusters):
        cluster, policy = ClusterId.parse(text), policies[number % len(policies)]
        row = ClusterRow(str(cluster), state=State.PROTECTED, reason="ProtectionConfigured", policy=policy)
        row.fingerprint = policy_fingerprint(catalog, catalog.policies[policy], cluster.key)
        row.life.identity = _principal(text)
        row.conditions = [Condition("Protected", "True", "Info", row.reason, "", _LONG_AGO)]
        row.history = [HistoryEntry(_LONG_AGO, *change) for change in _HISTORY]
        row.steps = dict.fromkeys(_STEPS, "Met")
        rows.append(row)
    return rows


def _protected(text: str, policy: str, catalog: Catalog, settings: Settings, location: str) -> Iterator[Order]:
    cluster_id = ClusterId.parse(text)
    body = {
        "location": location,
        "tags": {settings.tag: policy},
        "identity": {"type": "SystemAssigned", "principalId": _principal(text)},
        "properties": {
            **_SUCCEEDED,
            "powerState": {"code": "Running"},
            "agentPoolProfiles": [NODE_POOL],
            "storageProfile": {"diskCSIDriver": {"enabled": True}, "snapshotController": {"enabled": True}},
        },
    }
    cluster = read_cluster(cluster_id, body)
    wanted = desired_protection(cluster, (policy, catalog.policies[policy]), catalog, settings)
    group = f"/subscriptions/{cluster_id.subscription}/resourceGroups/{cluster_id.group}"
    yield {"id": group, "body": {"location": location, "properties": _SUCCEEDED}}
    yield {"id": text, "body": body}
    for path in (wanted.vault_group, wanted.group):
        yield {"id": path, "body": {"location": location, "tags": wanted.owned, "properties": _SUCCEEDED}}
    yield from _backup_resources(wanted, location)
    yield from _grants(wanted)


def _backup_resources(wanted: Desired, location: str) -> Iterator[Order]:
    vault = wanted.vault_body | {"tags": wanted.owned, "properties": wanted.vault_body["properties"] | _SUCCEEDED}
    yield {"id": wanted.vault, "body": vault | {"identity": {"principalId": _principal(wanted.vault)}}}
    yield {"id": wanted.policy, "body": wanted.policy_body}
    account = {"location": location, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": wanted.owned}
    yield {"id": wanted.account, "body": account | {"properties": _SUCCEEDED}}
    yield {"id": f"{wanted.account}/blobServices/default/containers/{wanted.container}", "body": {"properties": {}}}
    extension = f"{wanted.cluster.id}/providers/Microsoft.KubernetesConfiguration/extensions/{EXTENSION_NAME}"
    installed = {
        **_SUCCEEDED,
        "extensionType": EXTENSION_TYPE,
        "configurationSettings": extension_settings(wanted, "tenant"),
        "aksAssignedIdentity": {"principalId": _principal(extension)},
    }
    yield {"id": extension, "body": {"properties": installed}}
    binding = {**_SUCCEEDED, "sourceResourceId": wanted.vault, "roles": [BACKUP_OPERATOR]}
    yield {"id": wanted.binding, "body": {"properties": binding}}
    state = {
        **_SUCCEEDED,
        "currentProtectionState": "ProtectionConfigured",
        "protectionStatus": {"status": "ProtectionConfigured"},
    }
    yield {"id": wanted.instance, "body": {"properties": wanted.instance_body | state, "tags": wanted.tags}}


def _grants(wanted: Desired) -> Iterator[Order]:
    cluster = str(wanted.cluster.id)
    extension = f"{cluster}/providers/Microsoft.KubernetesConfiguration/extensions/{EXTENSION_NAME}"
    grantees = {None: cluster, "vault": wanted.vault, "extension": extension}
    scopes = {None: cluster, "backup-group": wanted.group, "storage-account": wanted.account}
    for role in ROLES:
        if role.vault_tier and not wanted.vault_tier:
            continue
        principal, scope = _principal(grantees[role.grantee]), scopes[role.on]
        definition = f"/providers/Microsoft.Authorization/roleDefinitions/{role.id}"
        granted = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
        yield {"id": role_assignment(scope, principal, role.id), "body": {"properties": granted | {"scope": scope}}}


def _principal(resource_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, resource_id.casefold()))
