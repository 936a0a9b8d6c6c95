"""Every exception that the project raises on purpose.

::

    AutopilotError
    ├── ConfigurationError         the deployment's operator must change something; lists all that is wrong
    │   ├── SettingsError          an app setting
    │   └── CatalogError           the backup policy catalog
    ├── InvalidResourceId          text that is no id of the wanted kind; never sent to Azure
    ├── InvalidRestoreRequest      what a restore was asked with makes no sense; never sent to Azure
    ├── InvalidMessage             a queue message that can't be read
    ├── RowChanged                 somebody else wrote the row in between; read it and decide anew
    ├── RestoreTestDiffers         another restore test was recorded under the same id
    ├── ClaimLost                  somebody else works on this row now; stop before the next write
    └── ArmError                   Azure refused or failed; carries status, code and message
        ├── ArmUnreachable         no answer at all
        ├── WriteRefused           the app itself may not write now: paused, or only observing; nothing was sent
        └── ForeignHost            a URL of Azure's answer names another host; no token goes there
"""

from collections.abc import Sequence


class AutopilotError(Exception):
    """The root: catch it to catch everything that the project raises on purpose."""


class ConfigurationError(AutopilotError):
    """What the operator configured doesn't work; every fault is listed at once."""

    def __init__(self, subject: str, faults: Sequence[str]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{subject}: {len(self.faults)} to correct\n{lines}")


class SettingsError(ConfigurationError):
    """One or more app settings are missing, unknown or malformed."""


class CatalogError(ConfigurationError):
    """The backup policy catalog can't be used; each fault names file, line and field."""


class InvalidResourceId(AutopilotError):
    """The text isn't an ARM id of the wanted kind."""


class InvalidRestoreRequest(AutopilotError):
    """A restore request can't be made of what was asked; every fault is listed at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class InvalidMessage(AutopilotError):
    """The queue message isn't one of ours, or of a version that isn't known."""


class RowChanged(AutopilotError):
    """The row isn't the one that was read any more (HTTP 412, 409 or 404 of Table Storage)."""


class RestoreTestDiffers(AutopilotError):
    """A restore test was recorded before under this id, and it says something else."""


class ClaimLost(AutopilotError):
    """The row's claim belongs to another pass; this one must not write any more."""


class ArmError(AutopilotError):
    """Azure's refusal or failure of one request or operation.

    Attributes:
        status: HTTP status; 200 for an operation that ended as Failed; 0 when there was no answer.
        code: the innermost ARM error code, or "" when the answer had none.
        retry_after: real seconds that Azure asks to wait, or None.
        target: what the error points at (the namespace of MissingSubscriptionRegistration), or "".
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        retry_after: float | None = None,
        target: str = "",
    ) -> None:
        self.message = message
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.target = target
        super().__init__(f"{code or status}: {message}")


class ArmUnreachable(ArmError):
    """No answer came: name resolution, connection, TLS or time-out."""


class WriteRefused(ArmError):
    """A request that would have changed something while the app is paused or only observes; nothing was sent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, status=409, code=code)  # HTTP: conflicts with how things stand now


class ForeignHost(ArmError):
    """A URL that isn't the configured Azure Resource Manager's; nothing was sent."""
