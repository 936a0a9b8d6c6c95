"""Which requests belong to a piece of work: what Azure's support and its activity log know them by."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy
from msgspec import Struct

_LOOKING = frozenset({"GET", "HEAD"})
_QUERY = "/providers/microsoft.resourcegraph/resources"


class Requested(Struct, frozen=True, rename="camel"):
    """A request that was more than a look, and Azure's ids of it. The path is without its query."""

    method: str
    path: str
    status: int
    request_id: str
    correlation_id: str


_RECORD: ContextVar[list[Requested] | None] = ContextVar("record", default=None)


def recording() -> list[Requested]:
    """Record the requests of the current task, and of those that it starts, from now on into the list."""
    record: list[Requested] = []
    _RECORD.set(record)
    return record


class RecordRequests(SansIOHTTPPolicy[Any, Any]):
    """Records what is more than a look, with the status that it ended with."""

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Take down one request, if somebody records."""
        record, asked = _RECORD.get(), request.http_request
        path = urlsplit(asked.url).path
        if record is None or asked.method in _LOOKING or path.casefold().endswith(_QUERY):
            return
        answer = response.http_response
        headers: Mapping[str, str] = answer.headers
        record.append(
            Requested(
                asked.method,
                path,
                answer.status_code,
                headers.get("x-ms-request-id", ""),
                headers.get("x-ms-correlation-request-id") or asked.headers.get("x-ms-correlation-request-id", ""),
            )
        )
