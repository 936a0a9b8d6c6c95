"""Run command: a shell command in a pod of the cluster, with the rights of a cluster admin.

Nothing of it is recorded; requests and results are those of the published API (managedClusters, `runCommand`), the
codes of refusals are those of other calls. It goes through Resource Manager, so a private cluster answers it too.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from local.azure.container_service import refusals, state, volumes
from local.azure.container_service.refusals import CONTENT_TYPE
from local.azure.exchange import Reply

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import Json
    from local.azure.exchange import Call
    from local.azure.operations import Operation
    from local.azure.store import Resource

POLL_AFTER = 5.0
MOST_OUTPUT = 512 * 1024
"""Bytes of output that are kept; documented."""

_NOT_FOUND, _FAILED = 127, 1
_ALL = frozenset({"-A", "--all-namespaces"})
_JSON = (["-o", "json"], ["-ojson"], ["-o=json"], ["--output", "json"], ["--output=json"])
_KINDS = {
    "pv": "pv",
    "persistentvolume": "pv",
    "persistentvolumes": "pv",
    "pvc": "pvc",
    "persistentvolumeclaim": "pvc",
    "persistentvolumeclaims": "pvc",
    "sc": "sc",
    "storageclass": "sc",
    "storageclasses": "sc",
}


def run(call: Call) -> Reply:
    """Start a command: 202 and where its result will be."""
    cluster = call.existing()
    command = call.body.get("command")
    if not isinstance(command, str) or not command.strip():
        raise refusals.invalid("command", "a command is required")
    _require_running(cluster)
    profile = cluster.properties.get("apiServerAccessProfile") or {}
    if profile.get("disableRunCommand") is True:
        raise refusals.refused(400, "OperationNotAllowed", f"Run command is disabled for the cluster {cluster.name}.")
    if cluster.properties.get("aadProfile") and not call.body.get("clusterToken"):
        # documented: with Microsoft Entra integration the caller's token for the API server goes along
        raise refusals.invalid("clusterToken", "a cluster with Microsoft Entra integration needs a token")
    name = call.cloud.new_guid().replace("-", "")

    def finish(operation: Operation) -> None:
        _require_running(cluster)
        operation.result = _execute(call.cloud, cluster, command)

    return _pending(call, cluster, call.start("runCommand", cluster.id, operation_id=name, succeed=finish))


def result(call: Call) -> Reply:
    """202 while the command runs, then its result; one that was never started isn't found."""
    operation = call.cloud.operations.get(call.arguments["command"])
    cluster = call.stored(call.id.lower().rsplit("/commandresults", 1)[0])
    if cluster is None:
        raise call.not_found()
    if operation is None or operation.kind != "runCommand" or operation.resource.lower() != cluster.id.lower():
        name = call.arguments["command"]
        raise refusals.refused(404, "NotFound", f"The result of the command {name} was not found.")
    if operation.running:
        return _pending(call, cluster, operation)
    return Reply(200, {"id": operation.id, "properties": _properties(operation)}, content_type=CONTENT_TYPE)


def _pending(call: Call, cluster: Resource, operation: Operation) -> Reply:
    location = call.url(f"{cluster.id}/commandResults/{operation.id}")
    return Reply(202, None, {"location": location}, POLL_AFTER)


def _require_running(cluster: Resource) -> None:
    if state.is_stopped(cluster):
        raise refusals.stopped()
    if not state.runs(cluster):
        raise refusals.busy(str(cluster.properties.get("provisioningState")))


def _properties(operation: Operation) -> Json:
    times = {
        "startedAt": f"{operation.started:%Y-%m-%dT%H:%M:%SZ}",
        "finishedAt": f"{operation.ends:%Y-%m-%dT%H:%M:%SZ}",
    }
    if operation.error:
        return {"provisioningState": "failed", "reason": operation.error.message, **times}
    code, logs = operation.result
    cut = logs.encode()[:MOST_OUTPUT].decode(errors="ignore")
    return {"provisioningState": "succeeded", "exitCode": code, **times, "logs": cut}


def _execute(cloud: Cloud, cluster: Resource, command: str) -> tuple[int, str]:
    """Exit code and output; only `kubectl get` of volumes, claims and storage classes as JSON is known."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return 2, f"sh: syntax error: {error}\n"
    if words[0] != "kubectl":
        return _NOT_FOUND, f"sh: {words[0]}: not found\n"
    kinds = _asked(words[1:])
    if isinstance(kinds, str):
        return _FAILED, f"error: {kinds}\n"
    told = cluster.notes.get("output")
    if told is not None:
        return int(told[0]), str(told[1])
    items = [item for kind in kinds for item in _items(cloud, cluster, kind)]
    listed = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    return 0, json.dumps(listed, indent=4) + "\n"


def _asked(words: list[str]) -> list[str] | str:
    """The kinds that a `get` asks for, or what is wrong with it."""
    left = [word for word in words if word not in _ALL]
    form = next((form for form in _JSON if _contains(left, form)), None)
    if form is None:
        return "only output as json is known here"
    verb, *rest = [word for word in left if word not in form] or [""]
    if verb != "get" or len(rest) != 1:
        return f'unknown command "{verb}"'
    names = rest[0].split(",")
    unknown = next((name for name in names if name.lower() not in _KINDS), None)
    return (
        f'the server doesn\'t have a resource type "{unknown}"' if unknown else [_KINDS[name.lower()] for name in names]
    )


def _contains(words: list[str], form: list[str]) -> bool:
    return any(words[start : start + len(form)] == form for start in range(len(words)))


def _items(cloud: Cloud, cluster: Resource, kind: str) -> list[Json]:
    if kind == "sc":
        return list(volumes.storage_classes(cluster))
    make = volumes.persistent_volume if kind == "pv" else volumes.claim
    return [make(volume) for volume in volumes.of(cloud, cluster)]
