"""Extensions: install, update, removal."""

from __future__ import annotations

import copy
import datetime as dt
import re
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.exchange import Reply
from local.azure.kubernetes_configuration import backup_extension, documents, hosts, operations
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import ArmError, Json
    from local.azure.exchange import Call
    from local.azure.operations import Ending, Failing, Operation

_CREATED = 201
_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$", re.IGNORECASE)

# Recorded: a pinned version is in `currentVersion` soon after the PUT, long before the install has ended.
_PINNED_VERSION_AFTER = dt.timedelta(seconds=1.25)


def list_all(call: Call) -> Reply:
    """Extensions of a cluster, with a null nextLink (recorded)."""
    cluster = hosts.cluster_of(call)
    found = [documents.shown(item.body, call.version) for item in call.cloud.store.of_type(documents.TYPE, cluster.id)]
    return Reply(200, {"value": found, "nextLink": None})


def get(call: Call) -> Reply:
    """One extension."""
    hosts.cluster_of(call)
    return Reply(200, documents.shown(call.existing().body, call.version))


def put(call: Call) -> Reply:
    """Install an extension (201 and `Creating`, recorded) or change it (200 and `Updating`, not recorded)."""
    cluster, existing = hosts.cluster_of(call), call.stored()
    if refusal := _refusal(call, cluster, existing):
        raise refusal
    if existing is None:
        return _install(call)
    again = existing.properties.get("provisioningState") == "Failed"
    _apply(call, existing)
    return _work(call, existing, "extensionWrite" if again else "extensionUpdate", 200)


def patch(call: Call) -> Reply:
    """Change settings or version; not recorded."""
    cluster, extension = hosts.cluster_of(call), call.existing()
    if refusal := _busy(call, cluster, extension):
        raise refusal
    _apply(call, extension)
    return _work(call, extension, "extensionUpdate", 202)


def delete(call: Call) -> Reply:
    """Remove an extension: by force at once (recorded), else as an operation (not recorded)."""
    cluster, extension = hosts.cluster_of(call), call.stored()
    if extension is None:
        return Reply(204)
    if (call.parameter("forceDelete") or "").lower() == "true":
        _remove(call, extension)
        return Reply(200, copy.deepcopy(_FORCED))
    if refusal := _busy(call, cluster, extension):
        raise refusal
    extension.properties["provisioningState"] = "Deleting"

    def finish(operation: Operation) -> None:
        _remove(call, extension, operation)

    operation = call.start("extensionDelete", extension.id, succeed=finish)
    headers = operations.accepted(call, operation, cluster)
    return Reply(202, None, headers, operations.POLL_AFTER)


# A serialized .NET object, just as it is on the wire (k8s_extension_dapr).
_FORCED: Json = {
    "version": "1.1",
    "content": {"headers": []},
    "statusCode": 200,
    "reasonPhrase": "OK",
    "headers": [],
    "trailingHeaders": [],
    "requestMessage": None,
    "isSuccessStatusCode": True,
}


def _install(call: Call) -> Reply:
    body = documents.document(
        call.id,
        call.target.name,
        call.body.get("properties") or {},
        documents.time_form(call.at),
    )
    if (call.body.get("identity") or {}).get("type") == "SystemAssigned":
        principal = call.cloud.directory.new_identity(f"{call.id}/identity", call.at)
        body["identity"] = {"type": "SystemAssigned", "principalId": principal.object_id}  # no tenantId, recorded
    extension = call.cloud.store.put(Resource(call.id, documents.TYPE, body))
    return _work(call, extension, "extensionWrite", _CREATED)


def _apply(call: Call, extension: Resource) -> None:
    documents.apply(extension.body, call.body.get("properties") or {}, documents.time_form(call.at))


def _work(call: Call, extension: Resource, kind: str, status: int) -> Reply:
    """Start the install or update of an extension and answer with it."""
    cluster, during = hosts.cluster_of(call), "Creating" if status == _CREATED else "Updating"
    inner = extension.properties
    inner["provisioningState"] = during
    inner.pop("errorInfo", None)
    operation = call.start(
        kind,
        extension.id,
        succeed=_finish(call, cluster, extension),
        fail=_fail(extension),
    )
    if inner.get("version") and during == "Creating":
        _resolve_version(call, extension)
    body = documents.shown(extension.body, call.version)
    return Reply(status, body, operations.accepted(call, operation, cluster), operations.POLL_AFTER)


def _resolve_version(call: Call, extension: Resource) -> None:
    def resolve(_: dt.datetime) -> None:
        extension.properties["currentVersion"] = extension.properties["version"]

    call.cloud.clock.at(call.at + _PINNED_VERSION_AFTER, resolve)


def _finish(call: Call, cluster: Resource, extension: Resource) -> Ending:
    def finish(operation: Operation) -> None:
        if call.cloud.store.get(cluster.id) is not cluster:
            raise backup_extension.installation_failed("the cluster was deleted.")
        if hosts.is_stopped(cluster):
            raise backup_extension.installation_failed("the cluster is stopped.")
        inner = extension.properties
        if inner["extensionType"] == backup_extension.EXTENSION_TYPE:
            backup_extension.check(call.cloud, cluster, inner["configurationSettings"])
        inner["provisioningState"] = "Succeeded"
        inner["currentVersion"] = inner.get("version") or documents.newest_version(inner["extensionType"])
        if hosts.is_aks(cluster) and not inner.get("aksAssignedIdentity"):
            principal = call.cloud.directory.new_identity(extension.id, operation.ends)
            # Clients print tenantId and type as null for extensions on AKS; no recording has a filled identity.
            inner["aksAssignedIdentity"] = {"principalId": principal.object_id, "tenantId": None, "type": None}

    return finish


def _fail(extension: Resource) -> Failing:
    def failed(operation: Operation, error: ArmError) -> None:
        inner = extension.properties
        inner["provisioningState"] = "Failed"
        inner["errorInfo"] = {"code": error.code, "message": error.message}
        status = {"code": "InstallationFailed", "displayStatus": None, "level": "Error", "message": error.message}
        inner["statuses"] = [{**status, "time": documents.time_form(operation.ends)}]

    return failed


def _remove(call: Call, extension: Resource, keep: Operation | None = None) -> None:
    """Remove an extension and its identities; a reinstalled one gets new ones."""
    call.cloud.remove(extension.id, call.cloud.clock.now(), keep)


def _refusal(call: Call, cluster: Resource, existing: Resource | None) -> ArmError | None:
    """Why an extension can't be installed or changed now; the rules are documented, the answers not recorded."""
    asked = call.body.get("properties") or {}
    wanted = str(asked.get("extensionType") or "").lower()
    if not _NAME.match(call.target.name):
        return errors.bad_request("InvalidExtensionName", f"The extension name '{call.target.name}' is invalid.")
    if not wanted:
        return errors.bad_request("MissingRequiredParameter", "The property 'properties.extensionType' is required.")
    if existing is not None:
        if wanted != existing.properties["extensionType"]:
            return errors.bad_request("PropertyChangeNotAllowed", "The extension type can't be changed.")
        return _busy(call, cluster, existing)
    for other in call.cloud.store.of_type(documents.TYPE, cluster.id):
        if other.properties.get("extensionType") == wanted:
            return errors.bad_request(
                "ExtensionTypeAlreadyInstalled",
                f"The extension type '{wanted}' is already installed on the cluster as '{other.name}'; there can be "
                "only one instance of it.",
            )
    return hosts.refusal(call, cluster)


def _busy(call: Call, cluster: Resource, extension: Resource) -> ArmError | None:
    if next(call.cloud.operations.running(extension.id), None):
        return errors.ArmError(
            409,
            "Conflict",
            f"Another operation on the extension '{extension.name}' is in progress. Please try again later.",
        )
    return hosts.refusal(call, cluster)
