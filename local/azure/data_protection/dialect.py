"""How Microsoft.DataProtection spells errors and operations."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence

from local.azure.clock import whole_seconds
from local.azure.data_protection.moments import trimmed
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Handler
from local.azure.store import Resource
from local.azure.throttle import provider_budget

NAMESPACE = "Microsoft.DataProtection"
VAULTS = f"{NAMESPACE}/backupVaults"
POLICIES = f"{VAULTS}/backupPolicies"
INSTANCES = f"{VAULTS}/backupInstances"
JOBS = f"{VAULTS}/backupJobs"
POINTS = f"{INSTANCES}/recoveryPoints"
DELETED_INSTANCES = f"{VAULTS}/deletedBackupInstances"
AKS = "Microsoft.ContainerService/managedClusters"

_STATUS = {"Running": "Inprogress"}
_NOT_ENDED = "0001-01-01T00:00:00Z"
_POLL_SECONDS = 10  # no Retry-After was recorded; the public client polled every 30 s without one

STATUS_BUDGET = provider_budget(1000)
LOCATION_STATUS_BUDGET = provider_budget(15000)
RESULTS_BUDGET = provider_budget(200)


def user_error(code: str, message: str, *, status: int = 400, recommended: Sequence[str] = ()) -> ArmError:
    """An error with the user-facing part beside the standard fields (errors.json).

    `isRetryable` and `isUserError` are false in every recorded example, whatever the error.
    """
    info = user_facing(code, message, recommended)
    return ArmError(
        status,
        code,
        message,
        "service" if status >= 500 else None,  # noqa: PLR2004 (the wire's rule for x-ms-failure-cause)
        {"additionalInfo": [{"type": "UserFacingError", "info": info}], "target": None, "details": None},
    )


def user_facing(code: str, message: str, recommended: Sequence[str] = ()) -> Json:
    """The user-facing part of an error; also what `protectionErrorDetails` of an instance is."""
    return {
        "message": message,
        "recommendedAction": list(recommended),
        "details": None,
        "code": code,
        "target": "",
        "innerError": None,
        "isRetryable": False,
        "isUserError": False,
        "properties": {"ActivityId": str(uuid.uuid4())},
    }


def facing(error: ArmError) -> Json:
    """The user-facing part that an error has, or would have."""
    for info in error.extra.get("additionalInfo") or []:
        found: Json = info["info"]
        return found
    return user_facing(error.code, error.message)


def invalid_input(reason: str) -> ArmError:
    """A 400 for a body that can't be accepted (errors.json); what is wrong with it is our own addition."""
    return user_error("DppPluginInvalidInputParameters", "Invalid inputs from caller.", recommended=[reason])


def not_found() -> ArmError:
    """Something that isn't there (dp_backup_instance_softdelete.json): no additionalInfo, no charset."""
    error = ArmError(
        404,
        "UserErrorGenericResourceNotFound",
        "Azure resource does not exist. Please make sure required resources exist. "
        "If the issue persists, contact Microsoft support.",
        None,
        {"target": None, "details": None},
    )
    error.content_type = "application/json"
    return error


def busy(resource_id: str) -> ArmError:
    """Something else is under way on a resource. Not recorded; a code that is known of this class."""
    return user_error(
        "AnotherOperationInProgress",
        f"Another operation is in progress on {resource_id}.",
        status=409,
        recommended=["Wait until the other operation has ended, then try again."],
    )


def vault_of(call: Call) -> Resource:
    """The vault that the path names; the gateway has seen that it exists.

    Raises:
        ArmError: It doesn't, after all.
    """
    base = call.target.path[: -len(call.target.tail)]
    vault = call.stored(f"{base}backupVaults/{call.arguments['vault']}")
    if vault is None:
        raise call.not_found()
    return vault


def new_operation_id(call: Call, vault: Resource) -> str:
    """An operation's id: base64 of `guid;guid`, of which the first stays the same for a vault (wire facts)."""
    constant = call.cloud.directory.guid("operations", vault.id)
    return base64.b64encode(f"{constant};{call.cloud.new_guid()}".encode()).decode()


def accepted(call: Call, vault: Resource, operation: Operation, location: str | None = None) -> Reply:
    """202, empty, with both headers.

    With a location the status lives there, at the group's level: recorded for a vault's own deletion.
    """
    where = f"{call.target.scope}/providers/{NAMESPACE}/locations/{location}" if location else vault.id
    headers = {
        "azure-asyncoperation": call.url(f"{where}/operationStatus/{operation.id}"),
        "location": call.url(_at_subscription(call, location or vault.location, "operationResults", operation)),
    }
    return Reply(202, None, headers, _POLL_SECONDS)


def created(call: Call, vault: Resource, operation: Operation, body: Json, status: int) -> Reply:
    """A resource that is being written, with azure-asyncoperation only."""
    headers = {"azure-asyncoperation": call.url(f"{vault.id}/operationStatus/{operation.id}")}
    return Reply(status, body, headers, _POLL_SECONDS)


def _at_subscription(call: Call, location: str, kind: str, operation: Operation) -> str:
    subscription = call.target.subscription
    return f"/subscriptions/{subscription}/providers/{NAMESPACE}/locations/{location}/{kind}/{operation.id}"


def _operation(call: Call) -> Operation:
    operation = call.cloud.operations.get(call.arguments["id"])
    if operation is None:
        raise not_found()
    return operation


def operation_status(call: Call) -> Reply:
    """The status of an operation, at the level of a vault or of a location."""
    operation = _operation(call)
    body: Json = {
        "id": call.id,
        "name": operation.id,
        "status": _STATUS.get(operation.status, operation.status),
        "startTime": trimmed(operation.started),
        "endTime": _NOT_ENDED if operation.running else whole_seconds(operation.ends),
    }
    if operation.error:
        body["error"] = operation.error.fields()
    if operation.result:
        body["properties"] = operation.result
    return Reply(200, body, retry_after=_POLL_SECONDS if operation.running else None)


def operation_results(call: Call) -> Reply:
    """The result of an operation; that of a running or a failed one isn't recorded."""
    operation = _operation(call)
    location = call.arguments.get("location") or vault_of(call).location
    headers = {"azure-asyncoperation": call.url(_at_subscription(call, location, "operationStatus", operation))}
    if operation.running:
        headers["location"] = call.url(call.id)
        return Reply(202, None, headers, _POLL_SECONDS)
    if operation.error:
        raise operation.error
    return Reply(200, operation.result or {"objectType": "OperationJobExtendedInfo"}, headers)


def plain_json(handler: Handler) -> Handler:
    """Give a handler the service's trap: 406, empty, in place of a 400 to whoever accepts JSON with a charset.

    Seen in public issue threads, not recorded.
    """

    def answer(call: Call) -> Reply:
        try:
            return handler(call)
        except ArmError as error:
            if error.status == 400 and "charset" in call.request.headers.get("accept", "").lower():  # noqa: PLR2004
                return Reply(406)
            raise

    return answer
