"""How the service itself refuses: without an `error` object around the fields.

The form is recorded for an absent trusted access binding only (aks_create_trusted_access_rolebinding); the codes and
wordings of the others are those that public clients show.
"""

from __future__ import annotations

from local.azure.errors import ArmError

CONTENT_TYPE = "application/json"


def refused(status: int, code: str, message: str, *, details: object = None, subcode: str = "") -> ArmError:
    """An answer of the service."""
    extra = {"details": details, "subcode": subcode}
    return ArmError(status, code, message, None, extra, wrapped=False, content_type=CONTENT_TYPE)


def invalid(parameter: str, reason: str) -> ArmError:
    """A 400 about one parameter."""
    error = refused(400, "InvalidParameter", f"The value of parameter {parameter} is invalid. Error details: {reason}.")
    error.extra["target"] = parameter
    return error


def busy(state: str) -> ArmError:
    """Another operation works on the cluster."""
    return refused(
        409,
        "OperationNotAllowed",
        f"Operation is not allowed: Another operation ({state}) is in progress, please wait for it to finish before "
        "starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
    )


def stopped() -> ArmError:
    """The cluster is stopped; only a start and a deletion are possible."""
    return refused(
        409,
        "OperationNotAllowed",
        "Operation is not allowed: managed cluster is in stopped state, no operations except for start and delete are "
        "allowed.",
        subcode="ManagedClusterStopped",
    )
