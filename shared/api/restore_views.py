"""The shapes of restore requests, and of what Azure is still validating."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from shared.arm.ids import ClusterId
from shared.readiness.commands import commands_of
from shared.readiness.model import Check, Readiness
from shared.readiness.request import RestoreRequest


class RestoreCommands(Struct, frozen=True, rename="camel"):
    """What to type, in this order, into a POSIX shell.

    Attributes:
        validate: asks Azure whether the restore would work, and waits for the answer.
        restore: starts it, with the data protection extension of the Azure CLI.
        rest: starts it with the Azure CLI alone.
        follow: shows how the vault's restores are going.
    """

    validate: str
    restore: str
    rest: str
    follow: str


class RestoreRequestView(Struct, frozen=True, rename="camel"):
    """A restore request. Nothing is restored by asking for it.

    Attributes:
        recovery_point: the point's id; the newest one of the tier unless another was asked for.
        url: path at Azure Resource Manager that the body is POSTed to.
        body: the restore request; for a target in the vault's paired region with where the backup comes from.
        validation: Azure's own word about it; null when it wasn't asked for, or isn't there yet.
    """

    cluster_id: str
    backup_instance_id: str
    recovery_point: str
    tier: str
    target: str
    url: str
    body: dict[str, Any]
    commands: RestoreCommands
    validation: Check | None = None


class OperationView(Struct, frozen=True, rename="camel"):
    """A question that Azure is still busy with.

    Attributes:
        status: always Running; when it has ended, the answer itself stands here.
        expires_at: from then on it isn't kept any more.
        readiness: what the quick checks say; null when the question was another one.
        restore_request: the request that is being validated; null when the question was another one.
    """

    id: str
    status: str
    cluster_id: str
    created_at: str
    expires_at: str
    readiness: Readiness | None = None
    restore_request: RestoreRequestView | None = None


def request_view(cluster: ClusterId, request: RestoreRequest) -> RestoreRequestView:
    """A restore request as people see it, not validated yet."""
    commands, (url, body) = commands_of(request), request.start
    return RestoreRequestView(
        cluster_id=str(cluster),
        backup_instance_id=request.instance,
        recovery_point=request.point,
        tier=request.tier,
        target=str(request.target),
        url=url,
        body=body,
        commands=RestoreCommands(commands.validate, commands.restore, commands.rest, commands.follow),
    )
