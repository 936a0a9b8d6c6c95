"""What an error of Azure means for whoever met it: one table over the ARM error codes, then the HTTP status.

Source of the codes: "Troubleshoot AKS backup using Azure Backup", "Azure Resource Manager errors", and answers recorded
from Azure. The table is closed under test: every code has one class.
"""

import re
from enum import StrEnum

from shared.errors import ArmError, ForeignHost, WriteRefused


class FailureClass(StrEnum):
    """What to do about an error."""

    RETRY = "retry"
    """Passes by itself; try again soon."""

    REGISTER = "register"
    """The subscription isn't registered for the resource provider; register, then try again."""

    ACCESS = "access"
    """Azure says no; right after a role was granted it may change its mind, later only a person can change it."""

    REPAIR = "repair"
    """Something that was there is missing; put it back, then try again."""

    OWNER = "owner"
    """Blocked until the owner of the cluster (or of a lock, policy or guard) acts."""

    ADOPT = "adopt"
    """Somebody protects the cluster already."""

    RERUN = "rerun"
    """A backup job failed in passing; run it again."""

    MEMORY = "memory"
    """The extension ran out of memory; raise its limit, then run again."""

    WARNING = "warning"
    """A backup completed without some of its parts."""

    FATAL = "fatal"
    """Stays until somebody changes the input."""


_CODES: dict[FailureClass, tuple[str, ...]] = {
    FailureClass.RETRY: (
        "Conflict",
        "AnotherOperationInProgress",
        "OperationNotAllowed",
        "PrincipalNotFound",
        "ResourceNotFound",
        "ParentResourceNotFound",
        "ResourceGroupNotFound",
        "ResourceGroupBeingDeleted",
        "FailedIdentityOperation",
        "TooManyRequests",
        "SubscriptionRequestsThrottled",
        "ResourceRequestsThrottled",
        "StorageAccountOperationInProgress",
        "CloudInternalError",
        "CloudServiceRetryableError",
    ),
    FailureClass.REGISTER: ("MissingSubscriptionRegistration", "MissingRegistrationForType"),
    FailureClass.ACCESS: ("AuthorizationFailed", "LinkedAuthorizationFailed"),
    FailureClass.REPAIR: (
        "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation",
        "UserErrorBackupStorageLocationNotReady",
        "KubernetesBackupListExtensionsError",
        "UserErrorNoDefaultBackupStorageLocationFound",
        "UserErrorKubernetesBackupExtensionNotFoundError",
        "UserErrorKubernetesBackupExtensionHasErrors",
        "UserErrorKubernetesBackupExtensionIdentityNotFound",
    ),
    FailureClass.OWNER: (
        "UserErrorSnapshotResourceGroupHasLocks",
        "ScopeLocked",
        "UserErrorBackupStorageLocationReadOnly",
        "RequestDisallowedByPolicy",
        "UserErrorStorageAccountKeyAccessDisallowed",
        "InstallationTimedOut",
        "BackoffLimitExceeded",
    ),
    FailureClass.ADOPT: ("UserErrorDppDatasourceAlreadyHasBackupInstance",),
    FailureClass.RERUN: (
        "KubernetesBackupCustomResourcesTrackingTimeOutError",
        "ExtensionTimedOutWaitingForBackupItemSync",
    ),
    FailureClass.MEMORY: (
        "UserErrorBackupPluginPodRestartedDuringBackup",
        "UserErrorBackupPluginPodRestartedDuringRestore",
    ),
    FailureClass.WARNING: (
        "UserErrorHookExecutionFailed",
        "UserErrorNamespaceNotFound",
        "UserErrorStorageClassMissingForPVC",
        "KubernetesBackupGenericWarning",
        "UserErrorPVSnapshotLimitReached",
        "UserErrorPVSnapshotDisallowedByPolicy",
        "CSISnapshottingTimedOut",
    ),
    FailureClass.FATAL: (
        "BadRequest",
        "MissingRequiredParameter",
        "PropertyChangeNotAllowed",
        "SkuNotAvailable",
        "SubscriptionNotFound",
        "DppUserErrorVaultTierPolicyNotSupported",
        "DppPluginInvalidInputParameters",
        "ScenarioPluginInvalidWorkflowDataRequest",
        "CloudInvalidInputError",
        "StorageAccountAlreadyTaken",
        "StorageAccountInAnotherResourceGroup",
    ),
}

CLASS_OF_CODE: dict[str, FailureClass] = {
    code.casefold(): failure for failure, codes in _CODES.items() for code in codes
}
"""Lower-cased ARM error code -> its class."""

_BY_PREFIX = (("invalid", FailureClass.FATAL), ("usererrorpvc", FailureClass.WARNING))

_BY_MESSAGE = (
    # cluster-side causes that come as free text in an extension's errorInfo
    (re.compile(r"timed out waiting for the condition"), FailureClass.OWNER),
    (re.compile(r"BackoffLimitExceeded"), FailureClass.OWNER),
    (re.compile(r"dp\.kubernetesconfiguration\.azure\.com.*no such host", re.DOTALL), FailureClass.OWNER),
)

GUARD_APPROVAL = "GuardApprovalNeeded"
"""Reason of whatever waits until somebody else agrees."""

_GUARD_ADVICE = (
    "a Resource Guard protects the vault: name the guard's request for this operation in AUTOPILOT_RESOURCE_GUARDS, "
    "and let the guard's owner give the app's identity Backup MUA Operator on it for as long as this takes"
)
_GUARDED = frozenset({"usererroroperationprotectedbyresourceguard"})  # chosen: no recording shows the code

_RETRIED_STATUS = frozenset({0, 200, 404, 408, 409, 429})


def classify(error: ArmError) -> FailureClass:
    """Say what an error means, by code first, then by message, then by status.

    An unknown code is fatal with status 400 and passing otherwise: a new spelling of a refusal must not be repeated
    for ever as it is, and a new spelling of a failure must not strand a cluster.
    """
    if isinstance(error, ForeignHost):
        return FailureClass.FATAL
    if isinstance(error, WriteRefused):
        return FailureClass.RETRY
    code = error.code.casefold()
    candidates = (
        next((failure for pattern, failure in _BY_MESSAGE if pattern.search(error.message)), None),
        CLASS_OF_CODE.get(code),
        next((failure for prefix, failure in _BY_PREFIX if code.startswith(prefix)), None),
    )
    return next((failure for failure in candidates if failure), _by_status(error.status))


def _by_status(status: int) -> FailureClass:
    if status in _RETRIED_STATUS or status >= 500:  # noqa: PLR2004  # 5xx: HTTP's own border
        return FailureClass.RETRY
    return FailureClass.ACCESS if status in (401, 403) else FailureClass.FATAL


def guard_advice(error: ArmError) -> str | None:
    """What to do about a Resource Guard's refusal; None: it isn't one.

    Without the guard's request in the call, Data Protection refuses it; with one that the caller has no rights on, the
    access check of Resource Manager does.
    """
    linked = error.code.casefold() == "linkedauthorizationfailed" and "/resourceguards/" in error.message.casefold()
    return _GUARD_ADVICE if linked or error.code.casefold() in _GUARDED else None
