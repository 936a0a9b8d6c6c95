"""The record of all requests to Azure Resource Manager."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable
from typing import Literal

from local.azure.clock import ticks
from local.azure.directory import Principal
from local.azure.errors import Json
from local.azure.exchange import Request

Kind = Literal["read", "write", "poll"]

_OPERATION_URL = re.compile(
    r"/(operations?Status|operationResults|operations|asyncoperations|commandResults)/[^/]+$", re.IGNORECASE
)
_QUERY_BY_POST = "/providers/microsoft.resourcegraph/resources"
_UNSIGNED = frozenset({"api-version", "t", "c", "s", "h"})


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer's status (0: the connection was dropped).

    Attributes:
        correlation: the caller's own correlation id (`x-ms-correlation-request-id`), "" when it sent none.
    """

    seq: int
    at: dt.datetime
    method: str
    path: str
    query: dict[str, str]
    principal: Principal | None
    status: int
    kind: Kind
    correlation: str

    def listing(self) -> Json:
        """What the control endpoint shows; of an operation URL's signature nothing."""
        who = self.principal
        return {
            "seq": self.seq,
            "at": ticks(self.at),
            "method": self.method,
            "path": self.path,
            "query": {key: value for key, value in self.query.items() if key not in {"t", "c", "s", "h"}},
            "principal": {"name": who.name, "oid": who.object_id} if who else None,
            "status": self.status,
            "kind": self.kind,
            "correlation": self.correlation,
        }


class Ledger:
    """Requests since the start or since they were last cleared."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._seen: set[tuple[str, str]] = set()
        self._next = 1

    def record(
        self,
        at: dt.datetime,
        request: Request,
        principal: Principal | None,
        status: int,
    ) -> None:
        """Add a request."""
        method, path, query = request.method, request.path, request.query
        kind = self._kind(method, path, query, principal)
        correlation = request.headers.get("x-ms-correlation-request-id", "")
        self._entries.append(Entry(self._next, at, method, path, query, principal, status, kind, correlation))
        self._next += 1

    def _kind(self, method: str, path: str, query: dict[str, str], principal: Principal | None) -> Kind:
        lowered = path.rstrip("/").lower()
        if method not in {"GET", "HEAD"} and lowered != _QUERY_BY_POST:
            return "write"
        if method == "POST":
            return "read"
        if _OPERATION_URL.search(path):
            return "poll"
        rest = "&".join(f"{key}={query[key]}" for key in sorted(query) if key.lower() not in _UNSIGNED)
        url = (principal.object_id if principal else "", f"{lowered}?{rest}")
        if url in self._seen:
            return "poll"
        self._seen.add(url)
        return "read"

    def clear(self) -> None:
        """Forget all requests, and what has been read before."""
        self._entries.clear()
        self._seen.clear()

    def select(self, *, principal: str | None = None, since: int = 0, kind: str | None = None) -> Iterable[Entry]:
        """Entries after number `since`, of one principal (name or object id) and kind if given."""
        for entry in self._entries:
            who = {entry.principal.name, entry.principal.object_id} if entry.principal else {""}
            if entry.seq > since and (principal is None or principal in who) and kind in {None, entry.kind}:
                yield entry
