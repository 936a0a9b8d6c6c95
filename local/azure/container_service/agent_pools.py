"""Agent pools as resources of their own. No recording shows their answers; the profile in the cluster is recorded."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from local.azure.container_service import documents, operations, pools, refusals, state
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation
    from local.azure.store import Resource


def get(call: Call) -> Reply:
    """One pool."""
    cluster = _cluster(call)
    profile = _find(cluster, call.arguments["pool"])
    if profile is None:
        raise _absent(call)
    return Reply(200, _document(cluster, profile, call.version), content_type=CONTENT_TYPE)


def list_all(call: Call) -> Reply:
    """The pools of a cluster."""
    cluster = _cluster(call)
    found = [_document(cluster, profile, call.version) for profile in cluster.properties.get("agentPoolProfiles") or []]
    return Reply(200, {"value": found}, content_type=CONTENT_TYPE)


def put(call: Call) -> Reply:
    """Add a pool (201) or change it (200)."""
    cluster, name = _cluster(call), call.arguments["pool"]
    asked = (call.body.get("properties") or {}) | {"name": name}
    if refusal := pools.refusal(asked):
        raise refusal
    state.require_free(call, cluster)
    old = _find(cluster, name)
    network = cluster.properties.get("networkProfile") or {}
    profile = pools.document(
        (old or {}) | asked,
        version=str(cluster.properties.get("currentKubernetesVersion")),
        plugin=str(network.get("networkPlugin", "kubenet")),
        overlay=network.get("networkPluginMode") == "overlay",
        state="Updating" if old else "Creating",
    )
    _replace(cluster, name, profile)

    def finish(_: Operation) -> None:
        pools.settle(profile)

    def fail(_: Operation, __: ArmError) -> None:
        pools.settle(profile, "Failed")

    operation = state.occupy(call, cluster, "agentPoolWrite", call.id, succeed=finish, fail=fail)
    headers = operations.accepted(call, operation, cluster.location, result=False)
    body = _document(cluster, profile, call.version)
    return Reply(200 if old else 201, body, headers, operations.POLL_AFTER, CONTENT_TYPE)


def delete(call: Call) -> Reply:
    """Remove a pool; the last one of mode System stays."""
    cluster, name = _cluster(call), call.arguments["pool"]
    profile = _find(cluster, name)
    if profile is None:
        return Reply(204)
    state.require_free(call, cluster)
    others = [other for other in cluster.properties["agentPoolProfiles"] if other["name"] != name]
    if not any(other.get("mode") == "System" for other in others):
        raise refusals.refused(
            400,
            "OperationNotAllowed",
            "There has to be at least one system node pool in the cluster.",
        )
    profile["provisioningState"] = "Deleting"

    def finish(_: Operation) -> None:
        _replace(cluster, name, None)

    operation = state.occupy(call, cluster, "agentPoolDelete", call.id, succeed=finish)
    headers = operations.accepted(call, operation, cluster.location, result=True)
    return Reply(202, None, headers, operations.POLL_AFTER)


def _cluster(call: Call) -> Resource:
    cluster = call.stored(call.id.lower().rsplit("/agentpools", 1)[0])
    if cluster is None:
        raise call.not_found()
    return cluster


def _find(cluster: Resource, name: str) -> Json | None:
    profiles: list[Json] = cluster.properties.get("agentPoolProfiles") or []
    return next((profile for profile in profiles if profile["name"].lower() == name.lower()), None)


def _replace(cluster: Resource, name: str, profile: Json | None) -> None:
    profiles: list[Json] = cluster.properties.get("agentPoolProfiles") or []
    names = [old["name"] for old in profiles]
    kept = [profile if old["name"] == name and profile else old for old in profiles if profile or old["name"] != name]
    if profile and name not in names:
        kept.append(profile)
    cluster.properties["agentPoolProfiles"] = kept


def _document(cluster: Resource, profile: Json, version: str) -> Json:
    shown = documents.shown_pool(copy.deepcopy(profile), version)
    name = shown.pop("name")
    return {
        "id": f"{cluster.body['id']}/agentPools/{name}",
        "name": name,
        "type": f"{documents.TYPE}/agentPools",
        "properties": shown,
    }


def _absent(call: Call) -> ArmError:
    name, cluster = call.arguments["pool"], call.arguments["cluster"]
    return refusals.refused(
        404,
        "NotFound",
        f"Could not find the agent pool {name} in subscription: {call.target.subscription}, resourceGroup: "
        f"{call.target.group}, clusterName: {cluster}.",
        subcode="GetAgentPool_NotFound",
    )
