"""From a checked request to the bytes of its answer: the way of every endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from azure.core.exceptions import AzureError

from shared import logs
from shared.api.asking import Incoming, read
from shared.api.decided import decided
from shared.api.endpoint import PROBLEM, Endpoint, named
from shared.api.negotiation import JSON, MARKDOWN, TEXT, choose
from shared.api.pages import as_markdown, as_text
from shared.api.principal import caller, signed_in
from shared.api.problems import Problem
from shared.arm.requests import recording
from shared.errors import ArmError, WriteRefused
from shared.settings import Auth

if TYPE_CHECKING:
    from shared.services import Services

_OFFERED = {False: (JSON,), True: (JSON, TEXT, MARKDOWN)}
_SOON = {"Retry-After": "10"}
_TOO_MANY, _SERVER = 429, 500
_KEY = "key"  # who asks, where the host has looked at a key


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler says.

    Attributes:
        body: a struct of the table's shape for this status, or what `msgspec.json` can encode.
        location: path at which the caller goes on, None for none.
        retry_after: seconds after which it is worth asking there, None for no word about it.
        noted: what was decided, in a sentence for the decision log; never a secret of the body's.
    """

    body: Any
    status: int = 200
    location: str | None = None
    retry_after: int | None = None
    noted: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes over the wire; `noted` doesn't, it is for the decision log."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    noted: str = ""


async def answer(endpoint: Endpoint, incoming: Incoming, services: Services) -> Outgoing:
    """Check, handle and encode one request; refusals are answers too. What changes something is logged as a decision.

    Of requests that nobody stands behind there is no line: whoever finds the address could fill a log that is kept.

    Raises:
        Exception: what nobody foresaw; the trigger makes it a 500.
    """
    if not endpoint.changes:
        return await _answered(endpoint, incoming, services)
    requests = recording()
    said = await _answered(endpoint, incoming, services)
    who = _KEY if services.settings.auth is Auth.KEYS else signed_in(incoming.headers)
    if not who:
        return said
    line = decided(endpoint, incoming.path, who, said, requests=requests, at=services.door.clock.now().timestamp())
    if not await services.journal.append([line]):
        logs.warning("decision_not_logged", line=line)
    return said


async def _answered(endpoint: Endpoint, incoming: Incoming, services: Services) -> Outgoing:
    try:
        who = _who(endpoint, incoming, services)
        media_type = choose(incoming.headers.get("Accept"), _OFFERED[endpoint.has_pages])
        subscriptions = await services.scope.subscriptions(incoming.path.get("subscriptionId", ""))
        asked = read(endpoint, incoming, subscriptions, who)
        said: Answer = await named(endpoint.handler)(services, asked)
    except Problem as problem:
        return refused(problem)
    except WriteRefused as error:
        return refused(Problem(error.status, error.code, error.message))
    except ArmError as error:
        return refused(_azures(error))
    except AzureError as error:  # of the app's own storage: what Azure Resource Manager says is an ArmError
        logs.warning("storage_failed", endpoint=endpoint.name, fault=type(error).__name__)
        return refused(Problem(503, "StorageUnavailable", "the app's own storage didn't answer; try again", _SOON))
    return _encoded(endpoint, said, media_type)


def _who(endpoint: Endpoint, incoming: Incoming, services: Services) -> str:
    """Who asks. With keys, the host has looked at the key before."""
    if services.settings.auth is Auth.KEYS:
        return _KEY
    return caller(incoming.headers, changes=endpoint.changes)


def _encoded(endpoint: Endpoint, said: Answer, media_type: str) -> Outgoing:
    headers = {"Location": said.location, "Retry-After": said.retry_after, "Vary": "Accept"}
    if not endpoint.has_pages:
        del headers["Vary"]
    return Outgoing(
        said.status,
        _body(endpoint, said, media_type),
        media_type,
        {name: str(value) for name, value in headers.items() if value is not None},
        said.noted,
    )


def _body(endpoint: Endpoint, said: Answer, media_type: str) -> bytes:
    if media_type == JSON:
        return msgspec.json.encode(said.body)
    goods = (good for good in endpoint.good if good.status == said.status)
    page = next(good.page for good in goods if isinstance(said.body, named(good.shape)))
    show = as_markdown if media_type == MARKDOWN else as_text
    return show(named(page)(said.body)).encode()


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
