"""From a checked request to the bytes of its answer: the way of every endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from shared.api.asking import Incoming, read
from shared.api.endpoint import PROBLEM, Endpoint, named
from shared.api.problems import Problem
from shared.errors import ArmError, WriteRefused

if TYPE_CHECKING:
    from shared.services import Services

_JSON = "application/json"
_TOO_MANY, _SERVER = 429, 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler says.

    Attributes:
        body: a struct of the table's shape for this status, or what `msgspec.json` can encode.
        location: path at which the caller goes on, None for none.
        retry_after: seconds after which it is worth asking there, None for no word about it.
    """

    body: Any
    status: int = 200
    location: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes over the wire."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


async def answer(endpoint: Endpoint, incoming: Incoming, services: Services) -> Outgoing:
    """Check, handle and encode one request; refusals are answers too.

    Raises:
        Exception: what nobody foresaw; the trigger makes it a 500.
    """
    try:
        asked = read(endpoint, incoming, services.settings.subscriptions)
        said: Answer = await named(endpoint.handler)(services, asked)
    except Problem as problem:
        return refused(problem)
    except WriteRefused as error:
        return refused(Problem(error.status, error.code, error.message))
    except ArmError as error:
        return refused(_azures(error))
    headers = {"Location": said.location, "Retry-After": said.retry_after}
    shown = {name: str(value) for name, value in headers.items() if value is not None}
    return Outgoing(said.status, msgspec.json.encode(said.body), _JSON, shown)


def refused(problem: Problem) -> Outgoing:
    """A refusal as it goes over the wire."""
    return Outgoing(problem.status, msgspec.json.encode(problem.view()), PROBLEM, problem.headers)


def _azures(error: ArmError) -> Problem:
    """Azure's refusals and troubles, in its own words: 503 when trying again helps, else 502."""
    passing = error.status in (0, _TOO_MANY) or error.status >= _SERVER
    headers = {"Retry-After": str(round(error.retry_after))} if error.retry_after else {}
    return Problem(
        503 if passing else 502, error.code or "AzureUnreachable", f"Azure: {error.message}", headers if passing else {}
    )
