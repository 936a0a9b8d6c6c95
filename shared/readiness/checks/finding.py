"""What a check says, before the table adds its id."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.arm.ids import ClusterId, group_of, subscription_of
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


ELSEWHERE = "put right first what another check names"
"""The fix of what couldn't be looked at because something else is missing."""


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


def in_group(resource_id: str) -> tuple[str, ...]:
    """Options that name the resource group which something is in, or which the id is of."""
    return ("--subscription", subscription_of(resource_id), "--resource-group", group_of(resource_id))


def aks(cluster: ClusterId, verb: str, *options: str) -> str:
    """A command about a cluster, which `az aks` doesn't take by its id."""
    return az("aks", verb, *in_group(str(cluster)), "--name", cluster.name, *options)


def extension_command(cluster: ClusterId, verb: str, *options: str) -> str:
    """A command about an extension of a cluster; `az k8s-extension` takes no ids either."""
    kind = ("--cluster-type", "managedClusters", "--cluster-name", cluster.name)
    return az("k8s-extension", verb, *in_group(str(cluster)), *kind, *options)


def app(cluster: ClusterId, method: str, what: str) -> str:
    """A call of this app, in the terms of the operations manual; what changes something wants the admin key."""
    path = "/".join(quote(part, safe="") for part in (cluster.subscription, cluster.group, cluster.name))
    return f'curl -X {method} -H "x-functions-key: $MASTER" "$BASE/clusters/{path}{what}"'


def unread(what: str, error: ArmError, **evidence: Any) -> Finding:
    """It couldn't be read."""
    message = f"{what} couldn't be read: {error.code or error.status}: {error.message}"
    return Finding(Status.UNKNOWN, error.code or "NotRead", message, evidence, _mend(error))


def _mend(error: ArmError) -> str:
    if error.code == "NotAsked":
        return ELSEWHERE
    if error.code == "RunCommandOff":
        return "set AUTOPILOT_RUN_COMMAND to on and give the app the role of infra/role-run-command.json"
    if error.status in (401, 403):
        return "give whoever asks the role of infra/role.json on the subscription, then ask again"
    return "ask again"
