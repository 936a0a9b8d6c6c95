"""Suspending, stopping and resuming protection; only resumeProtection is recorded."""

from __future__ import annotations

import dataclasses
import functools

from local.azure.data_protection import dialect, guards, requirements
from local.azure.data_protection.candidate import Candidate
from local.azure.data_protection.dialect import invalid_input, not_found, vault_of
from local.azure.data_protection.instances import refuse_second
from local.azure.data_protection.states import require_idle, set_state
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Route


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A change of the protection state.

    Attributes:
        kind: Kind of the operation.
        ends_in: The state at its end.
        starts_from: States that it is possible from.
        guarded: The critical operation that a Resource Guard knows it as, or "".
        judged: Whether everything that protection needs must be there at the end.
    """

    kind: str
    ends_in: str
    starts_from: tuple[str, ...]
    guarded: str = ""
    judged: bool = False


_CHANGES = {
    "suspendBackups": Change(
        "suspendBackups",
        "BackupSchedulesSuspended",
        ("ProtectionConfigured", "ProtectionError"),
        guarded=guards.SUSPEND,
    ),
    "stopProtection": Change(
        "stopProtection",
        "ProtectionStopped",
        ("ProtectionConfigured", "ProtectionError", "BackupSchedulesSuspended", "RetentionSchedulesSuspended"),
        guarded=guards.STOP,
    ),
    "resumeBackups": Change("resumeProtection", "ProtectionConfigured", ("BackupSchedulesSuspended",), judged=True),
    "resumeProtection": Change(
        "resumeProtection",
        "ProtectionConfigured",
        ("ProtectionStopped", "BackupSchedulesSuspended", "RetentionSchedulesSuspended", "ProtectionError"),
        judged=True,
    ),
}


def _change(call: Call, action: str) -> Reply:
    change, vault = _CHANGES[action], vault_of(call)
    instance = call.stored(call.target.addressed())
    if instance is None:
        raise not_found()
    state = instance.properties["currentProtectionState"]
    if change.guarded:
        guards.require_agreement(call, vault, change.guarded, call.body.get("resourceGuardOperationRequests"))
    require_idle(call, instance)
    if state == change.ends_in:
        return Reply(200)  # recorded for resumeProtection on an instance that was ProtectionConfigured
    if state not in change.starts_from:
        raise invalid_input(f"{action} isn't possible while the protection state is {state}.")
    if change.judged:
        refuse_second(call, vault, instance.properties)
    cloud = call.cloud

    def succeed(operation: Operation) -> None:
        if change.judged:
            requirements.judge(Candidate(cloud, vault, instance.properties, operation.ends))
        set_state(instance, change.ends_in)

    operation = call.start(
        change.kind, instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed
    )
    return dialect.accepted(call, vault, operation)


ROUTES = tuple(
    Route(
        "POST",
        f"backupVaults/{{vault}}/backupInstances/{{instance}}/{action}",
        functools.partial(_change, action=action),
    )
    for action in _CHANGES
)
