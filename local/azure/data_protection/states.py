"""The protection state of a backup instance, and how it changes."""

from __future__ import annotations

from local.azure.data_protection import requirements
from local.azure.data_protection.candidate import Candidate
from local.azure.data_protection.dialect import AKS, busy, facing, user_error
from local.azure.errors import ArmError
from local.azure.exchange import Call
from local.azure.operations import Operation
from local.azure.store import Resource

CHANGES = (
    "protection",
    "backupInstanceUpdate",
    "backupInstanceDelete",
    "suspendBackups",
    "stopProtection",
    "resumeProtection",
)
"""Kinds of operations of which an instance has one at a time. Inferred, not recorded."""


def set_state(instance: Resource, state: str, error: ArmError | None = None) -> None:
    """Set both places where the state shows; with an error also its details.

    `protectionErrorDetails` and `errorDetails` are in the service's published model; no recording has them filled.
    """
    properties = instance.properties
    properties["currentProtectionState"] = state
    properties["protectionStatus"] = {"status": state}
    properties.pop("protectionErrorDetails", None)
    if error:
        details = facing(error)
        properties["protectionErrorDetails"] = details
        properties["protectionStatus"]["errorDetails"] = details


def require_idle(call: Call, instance: Resource) -> None:
    """Refuse a change while another is under way.

    Raises:
        ArmError: 409 AnotherOperationInProgress.
    """
    if next(call.cloud.operations.running(instance.id, *CHANGES), None):
        raise busy(instance.id)


def configure_protection(call: Call, vault: Resource, instance: Resource, *, updating: bool = False) -> Operation:
    """Configure protection, or bring it to a changed configuration; it ends ProtectionConfigured or ProtectionError."""
    cloud, kind = call.cloud, "backupInstanceUpdate" if updating else "protection"
    set_state(instance, "UpdatingProtection" if updating else "ConfiguringProtection")

    def succeed(operation: Operation) -> None:
        candidate = Candidate(cloud, vault, instance.properties, operation.ends)
        requirements.judge(candidate)
        _check_set(instance)
        set_state(instance, "ProtectionConfigured")

    def fail(_: Operation, error: ArmError) -> None:
        set_state(instance, "ProtectionError", error)

    return cloud.operations.start(
        kind,
        instance.id,
        operation_id=cloud.new_guid(),
        at=call.at,
        succeed=succeed,
        fail=fail,
        ordered_failure=call.failure_of(kind),
    )


def _check_set(instance: Resource) -> None:
    """For AKS the datasource set must be the datasource itself, or the instance ends in ProtectionError.

    The code was seen in a public issue thread.
    """
    properties = instance.properties
    source = {key: value for key, value in properties["dataSourceInfo"].items() if key != "objectType"}
    if str(source.get("datasourceType") or "").lower() != AKS.lower():
        return
    group = {key: value for key, value in (properties.get("dataSourceSetInfo") or {}).items() if key != "objectType"}
    if group != source:
        raise user_error(
            "ScenarioPluginInvalidWorkflowDataRequest",
            "Invalid workflow data request: dataSourceSetInfo is not the datasource's.",
        )
