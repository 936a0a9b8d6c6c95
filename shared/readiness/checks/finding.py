"""What a check says, before the table adds its id."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

from shared.arm.ids import ClusterId
from shared.errors import ArmError
from shared.readiness.model import Status


@dataclass(frozen=True, slots=True)
class Finding:
    """Status, reason, message, evidence and fix, as in `Check`."""

    status: Status
    reason: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: str = ""


def passed(reason: str, message: str, **evidence: Any) -> Finding:
    """All is well."""
    return Finding(Status.PASS, reason, message, evidence)


def warned(reason: str, message: str, fix: str, **evidence: Any) -> Finding:
    """It works, but something promised isn't kept or will soon break."""
    return Finding(Status.WARN, reason, message, evidence, fix)


def failed(reason: str, message: str, fix: str, **evidence: Any) -> Finding:
    """It doesn't work."""
    return Finding(Status.FAIL, reason, message, evidence, fix)


def az(*words: str) -> str:
    """An Azure CLI command that can be pasted into a POSIX shell, whatever is in it."""
    return shlex.join(("az", *words))


def aks(cluster: ClusterId, verb: str, *options: str) -> str:
    """A command about a cluster, which `az aks` doesn't take by its id."""
    place = ("--subscription", cluster.subscription, "--resource-group", cluster.group, "--name", cluster.name)
    return az("aks", verb, *place, *options)


def unread(what: str, error: ArmError, **evidence: Any) -> Finding:
    """It couldn't be read."""
    message = f"{what} couldn't be read: {error.code or error.status}: {error.message}"
    return Finding(Status.UNKNOWN, error.code or "NotRead", message, evidence, _mend(error))


def _mend(error: ArmError) -> str:
    if error.code == "NotAsked":
        return "put right first what another check names"
    if error.status in (401, 403):
        return "give whoever asks the role of infra/role.json on the subscription, then ask again"
    return "ask again"
