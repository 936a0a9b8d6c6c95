"""Whether a request may change anything in Azure: the last word, whatever the domain has decided before."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any, Protocol
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from shared.errors import WriteRefused

ACTING_FOR: ContextVar[str] = ContextVar("acting_for", default="")
"""Subscription of the cluster that the current task works for; its vault may stand in another one. "" for none."""

LOOKING_ONLY: ContextVar[bool] = ContextVar("looking_only", default=False)
"""The current task must not write, whatever is allowed otherwise: it only finds out what would be done."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_READING_POSTS = (
    "/providers/microsoft.resourcegraph/resources",
    "/validateforbackup",
    "/validaterestore",
    "/validatecrossregionrestore",
)
"""Ends of the paths of POSTs that change nothing in Azure, lower case."""

_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f-]{36})(/|$)")


class WriteGuard(Protocol):
    """Who knows whether the app may write now."""

    async def refusal(self, subscription: str) -> WriteRefused | None:
        """Why nothing may be written for clusters of a subscription ("" when it isn't known); None: it may."""


class OnlyAllowedWrites(SansIOHTTPPolicy[Any, Any]):
    """Refuses requests that would change something while the guard or the task itself forbids it.

    Typed clients' requests come through here as well.
    """

    def __init__(self, guard: WriteGuard | None) -> None:
        self._guard = guard

    async def on_request(self, request: PipelineRequest[Any]) -> None:
        """Let reads through, and ask about everything else.

        Raises:
            WriteRefused: it isn't allowed; nothing was sent.
        """
        path = urlsplit(request.http_request.url).path.casefold()
        if request.http_request.method in _READING or (
            request.http_request.method == "POST" and path.endswith(_READING_POSTS)
        ):
            return
        if LOOKING_ONLY.get():
            raise WriteRefused("Observed", "nothing is written while a plan is made")
        if self._guard is not None:
            refusal = await self._guard.refusal(ACTING_FOR.get() or _subscription(path))
            if refusal is not None:
                raise refusal


def _subscription(path: str) -> str:
    match = _SUBSCRIPTION.search(path)
    return match[1] if match else ""
