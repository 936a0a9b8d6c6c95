"""HTTP triggers: one for each entry of the table in shared/api/table.py."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared.api.endpoint import Endpoint
from shared.api.table import ENDPOINTS
from shared.settings import Auth

if TYPE_CHECKING:
    from shared.api.answers import Outgoing

_LEVELS = {False: func.AuthLevel.FUNCTION, True: func.AuthLevel.ADMIN}

type _Trigger = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


def blueprint(auth: Auth) -> func.Blueprint:
    """The triggers of all endpoints.

    Args:
        auth: with keys, the host looks at them. With Entra ID it lets everybody in who the platform's authentication
            has let through, and the app asks for the role.
    """
    made = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so
    for endpoint in ENDPOINTS:
        level = _LEVELS[endpoint.changes] if auth is Auth.KEYS else func.AuthLevel.ANONYMOUS
        made.route(route=endpoint.route, methods=[endpoint.method], auth_level=level)(_trigger(endpoint))
    return made


def _trigger(endpoint: Endpoint) -> _Trigger:
    async def trigger(req: func.HttpRequest) -> func.HttpResponse:
        try:
            said = await _answer(endpoint, req)
        except Exception:  # the trigger's boundary: whatever nobody foresaw is an answer of the usual form, and logged
            logging.getLogger("autopilot").exception("%s failed", endpoint.name)
            said = _failure(endpoint)
        return func.HttpResponse(
            said.body, status_code=said.status, headers=dict(said.headers), mimetype=said.media_type
        )

    trigger.__name__ = endpoint.name  # the programming model names a function so
    return trigger


async def _answer(endpoint: Endpoint, req: func.HttpRequest) -> Outgoing:
    from shared.api.answers import answer  # noqa: PLC0415  # brings models and SDKs: when the first request comes
    from shared.api.asking import Incoming  # noqa: PLC0415  # as above
    from shared.services import services  # noqa: PLC0415  # as above

    return await answer(endpoint, Incoming(req.route_params, req.params, req.headers, req.get_body()), services())


def _failure(endpoint: Endpoint) -> Outgoing:
    from shared.api.answers import refused  # noqa: PLC0415  # as above
    from shared.api.problems import Problem  # noqa: PLC0415  # as above

    return refused(Problem(500, "InternalError", f"{endpoint.name} failed; the app's log has the exception"))
