"""What takes longer than a request: how it stands, and its answer when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.api.answers import Answer
from shared.api.problems import Problem
from shared.api.restore_views import RestoreRequestView
from shared.api.validations import READINESS, running
from shared.arm.ids import ClusterId
from shared.errors import ArmError
from shared.readiness import deep
from shared.readiness.model import Readiness
from shared.readiness.operations import Pending, deepened

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.readiness.kept import Validated
    from shared.services import Services


async def operation(services: Services, asked: Asked[None, None]) -> Answer:
    """Look once.

    Raises:
        Problem: 404 for an operation that isn't there, any more or at all.
    """
    name, now = asked.path["operationId"], services.door.clock.now().timestamp()
    stored = await services.operations.find(name, now)
    if stored is None or not await _allowed(services, stored.value):
        raise Problem(404, "OperationNotFound", "no such operation: they are kept for a day; ask anew")
    outcome = stored.value.validated or await _look(services, stored.value)
    if outcome is None:
        return running(name, stored.value)
    if not isinstance(outcome, ArmError) and stored.value.validated is None:
        await services.operations.end(name, stored, outcome)
    return Answer(_final(stored.value, outcome))


async def _look(services: Services, pending: Pending) -> Validated | ArmError | None:
    """How the validation ended; None while it runs, and while Azure can't be asked for a reason that passes."""
    try:
        return await deep.look(services.door, pending.validating)
    except ArmError as error:
        return None if deep.passes(error) else error


def _final(pending: Pending, outcome: Validated | ArmError) -> Readiness | RestoreRequestView:
    check = pending.subject.check(outcome)
    if pending.kind == READINESS:
        return deepened(pending.read(Readiness), check)
    return replace(pending.read(RestoreRequestView), validation=check)


async def _allowed(services: Services, pending: Pending) -> bool:
    """Whether the cluster still is the deployment's."""
    subscription = ClusterId.parse(pending.subject.cluster_id).subscription
    return subscription in await services.scope.subscriptions(subscription)
