"""Managed clusters: creation, updates, tags, deletion."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from local.azure.container_service import documents, identities, operations, pools, refusals, state, versions
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Failing, Operation

_NAME = re.compile(r"^[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?$")
_MOST_TAGS = 50


def get(call: Call) -> Reply:
    """One cluster; an absent one is refused by the gateway (recorded)."""
    return _shown(call, call.existing())


def list_all(call: Call) -> Reply:
    """Clusters of a subscription or resource group."""
    clusters = call.cloud.store.of_type(documents.TYPE, call.target.scope)
    return Reply(
        200,
        {"value": [documents.shown(cluster.body, call.version) for cluster in clusters]},
        content_type=CONTENT_TYPE,
    )


def put(call: Call) -> Reply:
    """Create a cluster (201 and `Creating`, recorded) or update it (200 and `Updating`, not recorded)."""
    existing = call.stored()
    region = call.region(documents.TYPE)
    call.stay_in(existing, region)
    if refusal := _refusal(call, existing):
        raise refusal
    if existing is None:
        return _create(call, region.name)
    state.require_free(call, existing)
    return _update(call, existing)


def patch(call: Call) -> Reply:
    """Replace the tags; nothing else can be patched."""
    cluster = call.existing()
    state.require_free(call, cluster, may_be_stopped=True)
    tags = call.body.get("tags")
    if tags is not None:
        cluster.body["tags"] = dict(tags)
    return _updating(call, cluster)


def delete(call: Call) -> Reply:
    """Delete a cluster with everything in it: pools, bindings, extensions, the node resource group."""
    cluster = call.stored()
    if cluster is None:
        return Reply(204)
    state.require_free(call, cluster, may_be_stopped=True)
    cluster.properties["provisioningState"] = "Deleting"

    def finish(operation: Operation) -> None:
        identities.forget_kubelet(call.cloud, cluster)
        nodes = f"{call.target.group_id.rsplit('/', 1)[0]}/{cluster.properties.get('nodeResourceGroup')}"
        call.cloud.remove(nodes, operation.ends)
        call.cloud.remove(cluster.id, operation.ends, operation)

    operation = state.occupy(call, cluster, "managedClusterDelete", cluster.id, succeed=finish)
    headers = operations.accepted(call, operation, cluster.location, result=True)
    return Reply(202, None, headers, operations.POLL_AFTER)


def start(call: Call) -> Reply:
    """Start a stopped cluster."""
    return _power(call, "managedClusterStart", "Starting", "Running")


def stop(call: Call) -> Reply:
    """Stop a running cluster."""
    return _power(call, "managedClusterStop", "Stopping", "Stopped")


def _power(call: Call, kind: str, during: str, code: str) -> Reply:
    cluster = call.existing()
    state.require_free(call, cluster, may_be_stopped=True)
    inner = cluster.properties
    inner["provisioningState"] = during
    if code == "Stopped":
        inner["powerState"] = {"code": code}  # nothing can rely on it from here on

    def finish(_: Operation) -> None:
        inner["provisioningState"], inner["powerState"] = "Succeeded", {"code": code}
        for profile in inner.get("agentPoolProfiles") or []:
            profile["powerState"] = {"code": code}

    operation = state.occupy(call, cluster, kind, cluster.id, succeed=finish, fail=_fail(cluster))
    headers = operations.accepted(call, operation, cluster.location, result=True)
    return Reply(202, None, headers, operations.POLL_AFTER)


def _create(call: Call, location: str) -> Reply:
    name, group, uid = call.target.name, call.target.group or "", call.cloud.new_guid().replace("-", "")[:24]
    inner = documents.properties(
        call.body.get("properties") or {},
        name=name,
        group=group,
        location=location,
        uid=uid,
        tenant=call.cloud.options.tenant,
    )
    identity = identities.of_request(call.cloud, call.id, call.body.get("identity"), call.at)
    body: Json = {
        # Recorded: `resourcegroups` in lower case, the type with a capital M.
        "id": call.id.replace("/resourceGroups/", "/resourcegroups/", 1),
        "location": location,
        "name": name,
        "type": documents.SHOWN_TYPE,
        **({"tags": dict(call.body["tags"])} if call.body.get("tags") else {}),
        **({"kind": call.body["kind"]} if call.body.get("kind") else {}),
        "properties": inner,
        **({"identity": identity} if identity else {}),
        "sku": copy.deepcopy(call.body.get("sku")) or {"name": "Base", "tier": "Free"},
    }
    cluster = call.cloud.store.put(Resource(call.id, documents.TYPE, body))
    nodes = f"{call.target.group_id.rsplit('/', 1)[0]}/{inner['nodeResourceGroup']}"
    seeded: Json = {"location": location, "managedBy": call.id, "properties": {"provisioningState": "Succeeded"}}
    call.cloud.seed(nodes, seeded)

    def finish(_: Operation) -> None:
        kubelet = identities.kubelet(call.cloud, cluster, nodes, call.at) if identity else {}
        address = f"{nodes}/providers/Microsoft.Network/publicIPAddresses/{call.cloud.new_guid()}"
        documents.settle(body, kubelet=kubelet, address=address)

    operation = state.occupy(call, cluster, "managedClusterWrite", call.id, succeed=finish, fail=_fail(cluster))
    headers = operations.accepted(call, operation, location, result=False)
    return Reply(201, documents.shown(body, call.version), headers, operations.POLL_AFTER, CONTENT_TYPE)


def _update(call: Call, cluster: Resource) -> Reply:
    asked_for = call.body.get("properties") or {}
    documents.overlay(cluster.body, call.body, call.cloud.options.tenant)
    _merge_pools(cluster, asked_for)
    if (asked := call.body.get("identity")) and asked.get("type") != (cluster.body.get("identity") or {}).get("type"):
        cluster.body["identity"] = identities.of_request(call.cloud, cluster.id, asked, call.at)
    current = str(cluster.properties.get("currentKubernetesVersion") or "")
    wanted = versions.upgrade(current, str(asked_for.get("kubernetesVersion") or ""))
    if wanted:  # it runs the old version until the end. Not recorded
        return _updating(call, cluster, "managedClusterUpgrade", {"currentKubernetesVersion": wanted})
    return _updating(call, cluster)


def _merge_pools(cluster: Resource, asked: Json) -> None:
    """Bring the pools named in a PUT of the cluster up to date and add new ones."""
    inner = cluster.properties
    known = {profile["name"]: profile for profile in inner.get("agentPoolProfiles") or []}
    network = inner.get("networkProfile") or {}
    for profile in asked.get("agentPoolProfiles") or []:
        known[profile["name"]] = pools.document(
            known.get(profile["name"], {}) | profile,
            version=str(inner.get("currentKubernetesVersion") or versions.DEFAULT),
            plugin=network.get("networkPlugin", "kubenet"),
            overlay=network.get("networkPluginMode") == "overlay",
            state="Updating",
        )
    inner["agentPoolProfiles"] = list(known.values())


def _updating(
    call: Call, cluster: Resource, kind: str = "managedClusterUpdate", at_the_end: Json | None = None
) -> Reply:
    cluster.properties["provisioningState"] = state.EXCLUSIVE[kind]

    def finish(_: Operation) -> None:
        cluster.properties.update(at_the_end or {}, provisioningState="Succeeded")
        for profile in cluster.properties.get("agentPoolProfiles") or []:
            pools.settle(profile)

    operation = state.occupy(call, cluster, kind, cluster.id, succeed=finish, fail=_fail(cluster))
    headers = operations.accepted(call, operation, cluster.location, result=False)
    reply = _shown(call, cluster)
    reply.headers, reply.retry_after = headers, operations.POLL_AFTER
    return reply


def _fail(cluster: Resource) -> Failing:
    def failed(_: Operation, __: ArmError) -> None:
        cluster.properties["provisioningState"] = "Failed"

    return failed


def _shown(call: Call, cluster: Resource) -> Reply:
    return Reply(200, documents.shown(cluster.body, call.version), content_type=CONTENT_TYPE)


def _refusal(call: Call, existing: Resource | None) -> ArmError | None:
    """Why a cluster can't be written as asked; the rules are documented, the answers not recorded."""
    if not _NAME.match(call.target.name):
        return refusals.invalid(
            "resourceName",
            "it must have 1 to 63 letters, digits, underscores or dashes and begin and end with a letter or digit",
        )
    if len(call.body.get("tags") or {}) > _MOST_TAGS:
        return refusals.invalid("tags", f"a resource can have at most {_MOST_TAGS} tags")
    asked = call.body.get("properties") or {}
    if versions.resolve(str(asked.get("kubernetesVersion") or "")) is None:
        wanted = asked["kubernetesVersion"]
        return refusals.refused(400, "K8sVersionNotSupported", f"Managed cluster version {wanted} is not supported.")
    if existing and _changes_privacy(existing, asked):
        # documented as impossible; the code is that of other properties which can't be changed
        return refusals.refused(
            400,
            "PropertyChangeNotAllowed",
            "Changing property 'properties.apiServerAccessProfile.enablePrivateCluster' is not allowed.",
        )
    if existing and (refusal := _version_refusal(existing, str(asked.get("kubernetesVersion") or ""))):
        return refusal
    refused = (pools.refusal(profile) for profile in asked.get("agentPoolProfiles") or [])
    return next(filter(None, refused), None) or (None if existing else _new_refusal(call.body, asked))


def _version_refusal(cluster: Resource, requested: str) -> ArmError | None:
    current = str(cluster.properties.get("currentKubernetesVersion") or "")
    wanted = versions.upgrade(current, requested)
    reason = versions.forbids(current, wanted) if wanted else ""
    return refusals.refused(400, "OperationNotAllowed", reason) if reason else None


def _changes_privacy(cluster: Resource, asked: Json) -> bool:
    wanted = (asked.get("apiServerAccessProfile") or {}).get("enablePrivateCluster")
    return wanted is not None and wanted != documents.is_private(cluster.properties)


def _new_refusal(body: Json, asked: Json) -> ArmError | None:
    profiles = asked.get("agentPoolProfiles") or []
    if not profiles:
        return refusals.invalid("agentPoolProfiles", "a managed cluster must define at least one agent pool")
    if not any(profile.get("mode") == "System" for profile in profiles):
        return refusals.invalid(
            "agentPoolProfiles", "a managed cluster must have at least one agent pool of mode System"
        )
    if not identities.is_given(body):
        return refusals.refused(
            400,
            "MissingIdentity",
            "Either a managed identity or a service principal must be given for the cluster.",
        )
    return None
