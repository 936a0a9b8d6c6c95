"""The deep check: Azure's own validateRestore, started, looked at, and told as one check beside the others.

It restores nothing. Azure takes about 41 s for it (recorded), so nobody here waits but who asks for `until`.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable

from msgspec.structs import replace

from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.failures import CLASS_OF_CODE, FailureClass
from shared.arm.ids import ClusterId
from shared.errors import ArmError, ArmUnreachable, ForeignHost
from shared.onboarding.desired import EXTENSION_NAME
from shared.readiness.checks import VALIDATION
from shared.readiness.checks.finding import ELSEWHERE, extension_command
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Check, Status
from shared.readiness.request import RestoreRequest

_LOOK_SECONDS = 5.0
"""Real seconds between two looks when Azure names none."""

_JUDGMENTS = frozenset({400, 404})
"""Statuses by which Azure says about the restore that it can't be; others are about the asking, but for a lock or a
policy that stops the restore as well."""


async def begin(door: Door, request: RestoreRequest) -> Validating | Validated:
    """Start a validation; one that Azure refuses at once has ended.

    Raises:
        ArmError: Azure couldn't be asked, or doesn't let the app ask: nothing is known about the restore.
    """
    now, (path, body) = door.clock.now().timestamp(), request.validation
    try:
        answer = await door.post(path, DATA_PROTECTION_API, body)
    except ArmError as error:
        if error.status not in _JUDGMENTS and CLASS_OF_CODE.get(error.code.casefold()) is not FailureClass.OWNER:
            raise
        return Validated(passed=False, at=now, recovery_point=request.point, code=error.code, message=error.message)
    return Validating(answer.operation.url, now, request.point)


async def look(door: Door, validating: Validating) -> Validated | None:
    """Look once; None while it runs.

    Raises:
        ArmError: the look failed, which says nothing about the restore.
    """
    return (await _look(door, validating))[0]


async def until(door: Door, validating: Validating, seconds: float) -> Validated | None:
    """Look again and again as Azure asks, for at most so many real seconds; None when it still runs then.

    Raises:
        ArmError: a look failed for a reason that won't pass by itself.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            ended, pause = await _look(door, validating)
        except ArmError as error:
            if not passes(error):
                raise
            ended, pause = None, error.retry_after or _LOOK_SECONDS
        left = deadline - loop.time()
        if ended is not None or left <= 0:
            return ended
        await asyncio.sleep(min(pause, left))


async def _look(door: Door, validating: Validating) -> tuple[Validated | None, float]:
    state = await door.poll(validating.url)
    if state.running:
        return None, state.retry_after or _LOOK_SECONDS
    now, error = door.clock.now().timestamp(), state.error
    code, message = (error.code or "NoCode", error.message) if error else ("", "")
    return Validated(error is None, now, validating.recovery_point, code, message), 0.0


def passes(error: ArmError) -> bool:
    """Whether a look that failed so may go well the next time."""
    if isinstance(error, ForeignHost):  # nothing was sent, and never will be
        return False
    return error.status in {0, 408, 429} or error.status >= 500  # noqa: PLR2004  # HTTP: no answer, later, 5xx


def validation_check(outcome: Validated | Validating | ArmError, *, vault: str, tier: str, target: ClusterId) -> Check:
    """Tell a validation as a check.

    Args:
        outcome: how it ended; that it still runs; or why Azure couldn't be asked: without a status, there was nothing
            to ask about.
        vault: id of the vault.
        tier: the store that it is about.
        target: the cluster that would be restored to.
    """
    asked = {"tier": tier, "target": str(target)}
    if isinstance(outcome, ArmError):
        message = f"Azure couldn't be asked: {outcome}"
        return _check(Status.UNKNOWN, outcome.code or "NotAsked", message, asked, _mend(outcome))
    asked["recoveryPointId"] = outcome.recovery_point
    if isinstance(outcome, Validating):
        return _check(Status.UNKNOWN, "StillRunning", "Azure is still validating", asked, "ask again in a minute")
    if outcome.passed:
        message = f"Azure validated a restore of {outcome.recovery_point} to {target.name}"
        return _check(Status.PASS, "Validated", message, asked, "")
    asked["code"] = outcome.code
    if not decisive(outcome):
        message = f"Azure failed to validate: {outcome.code}: {outcome.message}"
        return _check(Status.UNKNOWN, outcome.code, message, asked, "ask again")
    message = f"Azure would refuse this restore: {outcome.code}: {outcome.message}"
    return _check(Status.FAIL, outcome.code or "Refused", message, asked, _fix(outcome.code, vault, target))


_SETTLED = {"PairedRegion": Status.PASS, "NotLookedAt": Status.PASS, "ProtectionError": Status.WARN}
"""Reasons that only say that nobody but Azure knows, and what they come to once it has said yes: an instance in error
may be restored from, but takes no new backups."""


def beside(checks: Iterable[Check], validation: Check) -> list[Check]:
    """The other checks with Azure's own word among them: an earlier one is replaced, and doubts that it ends pass."""
    others = (check for check in checks if check.id != validation.id)
    if validation.status is not Status.PASS:
        return [*others, validation]
    return [*(_settled(check) if check.reason in _SETTLED else check for check in others), validation]


def _settled(check: Check) -> Check:
    status = _SETTLED[check.reason]
    if status is Status.PASS:
        return replace(check, status=status, message=f"Azure has validated it: {check.message}", fix="")
    return replace(check, status=status, message=f"{check.message}; Azure has validated a restore all the same")


def _mend(error: ArmError) -> str:
    if error.status in (401, 403):
        return "give whoever asks the role of infra/role.json on the subscriptions of source and target, then ask again"
    nothing_to_ask = not error.status and not isinstance(error, ArmUnreachable)
    return ELSEWHERE if nothing_to_ask else "ask again"


_OF_THE_SERVICE = frozenset({"CloudInternalError", "CloudServiceRetryableError", "TooManyRequests"})
"""Failures of the validation itself; by other codes that pass (ResourceNotFound) it has found something out."""


def decisive(outcome: Validated) -> bool:
    """Whether the end of a validation says something about the restore, and not only about Azure's own troubles."""
    return outcome.passed or outcome.code not in _OF_THE_SERVICE


def _check(status: Status, reason: str, message: str, evidence: dict[str, str], fix: str) -> Check:
    return Check(VALIDATION, status, reason, message, decides=True, evidence=dict(evidence), fix=fix)


_AGAIN = "{delete}  # then install it again"
_GRANT = (
    "az role assignment create --role Reader --scope {target} --assignee-principal-type ServicePrincipal"
    ' --assignee-object-id "$(az resource show --ids {vault} --query identity.principalId --output tsv)"'
)
_FIXES = {
    "KubernetesBackupListExtensionsError": _GRANT,
    "UserErrorKubernetesBackupExtensionHasErrors": _AGAIN,
    "UserErrorKubernetesBackupExtensionIdentityNotFound": _AGAIN,
    "UserErrorBackupStorageLocationNotReady": (
        "look at the extension's role and the account's network rules; a new role counts after up to an hour"
    ),
}
"""What to do about documented codes; where a code names no identity or scope, the checks beside this one do."""


def _fix(code: str, vault: str, target: ClusterId) -> str:
    template = _FIXES.get(code, "do what Azure says, and what the checks beside this one name; then ask again")
    delete = extension_command(target, "delete", "--name", EXTENSION_NAME, "--yes")
    return template.format(vault=shlex.quote(vault), target=shlex.quote(str(target)), delete=delete)
