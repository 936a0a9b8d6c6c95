"""Azure's validation of a restore: waited for as long as the caller likes, then kept, so that they can come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.restore_views import OperationView, RestoreRequestView
from shared.errors import ArmError
from shared.notify.events import iso
from shared.readiness import deep
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Readiness
from shared.readiness.operations import LIFETIME, Pending, Subject, packed

if TYPE_CHECKING:
    from msgspec import Struct

    from shared.readiness.request import RestoreRequest
    from shared.services import Services

READINESS, RESTORE_REQUEST = "readiness", "restore-request"
"""Kinds of questions that wait for a validation."""

_AGAIN = 5
"""Real seconds after which it is worth looking whether Azure has ended; it takes about 41 s (recorded)."""


_BUDGET = 215.0
"""Real seconds for a whole answer; the load balancer gives up after 230 ("Azure Functions HTTP trigger", limits)."""


async def validate(
    services: Services, request: RestoreRequest, seconds: float, since: float
) -> Validated | Validating | ArmError:
    """Ask Azure, and wait for its word; Validating when it needs longer.

    Args:
        services: with the door to Azure.
        request: what to validate.
        seconds: real seconds to wait at most; fewer when the request has taken long before.
        since: when the request came, by the monotonic clock.
    """
    try:
        begun = await deep.begin(services.door, request)
        if isinstance(begun, Validated):
            return begun
        left = since + _BUDGET - time.monotonic()
        return await deep.until(services.door, begun, max(0.0, min(seconds, left))) or begun
    except ArmError as error:
        return error


async def later(services: Services, kind: str, subject: Subject, said: Struct, validating: Validating) -> Answer:
    """Keep what could be said at once, and tell where the rest will be."""
    now = services.door.clock.now().timestamp()
    pending = Pending(kind, subject, packed(said), validating, created=now)
    return running(await services.operations.keep(pending), pending)


def running(name: str, pending: Pending) -> Answer:
    """202, and where to come back."""
    quick = pending.read(Readiness) if pending.kind == READINESS else None
    request = pending.read(RestoreRequestView) if pending.kind == RESTORE_REQUEST else None
    ends = iso(pending.created + LIFETIME)
    view = OperationView(name, "Running", pending.subject.cluster_id, iso(pending.created), ends, quick, request)
    return Answer(view, 202, f"/api/operations/{name}", _AGAIN)
