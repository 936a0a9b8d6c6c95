"""A restore request as Azure CLI commands that can be pasted into a POSIX shell, whatever is in it. Pure."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from shared.arm.door import DATA_PROTECTION_API
from shared.arm.ids import ResourceId
from shared.readiness.request import INSTANCE, RestoreRequest


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, in this order.

    Attributes:
        validate: asks Azure whether the restore would work, and waits for the answer.
        restore: starts it, with the data protection extension of the Azure CLI.
        rest: starts it with the Azure CLI alone, in any cloud; it needs no extension.
        follow: shows how the vault's restores are going.
    """

    validate: str
    restore: str
    rest: str
    follow: str


def commands_of(request: RestoreRequest) -> Commands:
    """Write a request as commands.

    The URL is a path: `az rest` puts the endpoint of the cloud that it is logged in to before it.
    """
    found = ResourceId.parse(request.instance, INSTANCE)
    vault, instance = found.names
    place = ("--subscription", found.subscription, "--resource-group", found.group, "--vault-name", vault)
    named = (*place, "--backup-instance-name", instance, "--restore-request-object", _json(request.body))
    pair = ("--use-secondary-region", "true") if request.across else ()
    path, body = request.start
    newest = "reverse(sort_by([?properties.operation=='Restore'].properties, &startTime))"
    shown = f"{newest}[].{{started: startTime, status: status, duration: duration, errors: errorDetails[].code}}"
    return Commands(
        validate=_line("dataprotection", "backup-instance", "validate-for-restore", *named, *pair),
        restore=_line("dataprotection", "backup-instance", "restore", "trigger", *named, *pair),
        rest=_line(
            "rest", "--method", "post", "--url", f"{path}?api-version={DATA_PROTECTION_API}", "--body", _json(body)
        ),
        follow=_line("dataprotection", "job", "list", *place, *pair, "--query", shown, "--output", "json"),
    )


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))


def _line(*words: str) -> str:
    return shlex.join(("az", *words))
