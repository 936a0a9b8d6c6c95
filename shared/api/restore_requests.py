"""The complete restore request of a cluster, as JSON and as commands: what somebody needs at three in the morning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.api.answers import Answer
from shared.api.problems import Problem
from shared.api.readiness import check, drafted_of
from shared.api.restore_views import request_view
from shared.api.validations import RESTORE_REQUEST, later, validate
from shared.errors import InvalidRestoreRequest
from shared.readiness.drafting import Undrafted
from shared.readiness.kept import Validating
from shared.readiness.operations import Subject
from shared.readiness.request import mappings_of

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import RestoreRequestQuery
    from shared.services import Services


async def restore_request(services: Services, asked: Asked[RestoreRequestQuery, None]) -> Answer:
    """Write the request, and have Azure validate it when that is asked for.

    Raises:
        Problem: 400 for what can't be asked, 403 for a target outside the allowed subscriptions, 404 for an unknown
            cluster, 409 when there is nothing to restore, 502 when what it takes couldn't be read.
    """
    query = asked.query
    mappings = _mappings(query.map)
    since = time.monotonic()
    checked = await check(services, asked.cluster, query)
    drafted = drafted_of(checked, query.namespaces, mappings)
    if isinstance(drafted, Undrafted):
        raise Problem(409 if drafted.known else 502, drafted.reason, drafted.message)
    view = request_view(asked.cluster, drafted)
    if not query.validate:
        return Answer(view)
    subject, outcome = Subject.of(asked.cluster, drafted), await validate(services, drafted, query.wait, since)
    if isinstance(outcome, Validating):
        return await later(services, RESTORE_REQUEST, subject, view, outcome)
    return Answer(replace(view, validation=subject.check(outcome)))


def _mappings(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    try:
        return mappings_of(texts)
    except InvalidRestoreRequest as error:
        raise Problem(400, "InvalidQuery", "; ".join(error.faults)) from error
