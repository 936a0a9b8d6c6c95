"""The Event Grid webhook: handshake, notifications, and what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from local.host.model import EventGridTrigger, Function
from local.host.runtime import Datum
from local.host.web import is_allowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from local.host.invocations import Invoker
    from local.host.state import Keys

PATH: Final = "runtime/webhooks/eventgrid"
_log: Final = logging.getLogger("local.host")
_EVENT_GRID: Final = "eventgrid.azure.net"


class EventGridWebhook:
    """Answers `/runtime/webhooks/eventgrid?functionName=X&code=KEY`."""

    def __init__(self, functions: Iterable[Function], keys: Keys, invoker: Invoker) -> None:
        self._functions = {
            function.name.lower(): function
            for function in functions
            if isinstance(function.trigger, EventGridTrigger) and not function.disabled
        }
        self._accepted = (keys.eventgrid_key, keys.master_key)
        self._invoker = invoker
        self._answers: dict[str, Callable[[Function, Any], Awaitable[web.Response]]] = {
            "subscriptionvalidation": self._validate,
            "notification": self._notify,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of Event Grid, in either schema."""
        if not is_allowed(request, self._accepted):
            return web.Response(status=401)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None:
            return web.Response(status=404, text="no such function")
        if request.method == "OPTIONS":
            origin = request.headers.get("WebHook-Request-Origin", _EVENT_GRID)
            return web.Response(headers={"Webhook-Allowed-Origin": origin})
        return await self._answer(function, request)

    async def _answer(self, function: Function, request: web.Request) -> web.Response:
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return web.Response(status=202)
        if kind not in self._answers:
            return _refused("aeg-event-type is missing or unknown")
        try:
            content = json.loads(await request.read())
        except (RecursionError, ValueError):
            return _refused("the body isn't JSON")
        return await self._answers[kind](function, content)

    async def _validate(self, function: Function, content: Any) -> web.Response:
        try:
            code = content[0]["data"]["validationCode"]
        except (IndexError, KeyError, TypeError):
            code = None
        if not isinstance(code, str):
            return _refused("the validation code is missing")
        _log.info("Event subscription of '%s' validated", function.name)
        return web.json_response({"validationResponse": code})

    async def _notify(self, function: Function, content: Any) -> web.Response:
        """One invocation for each event; one that fails makes Event Grid send the whole batch again."""
        events = content if isinstance(content, list) else [content]
        if not all(isinstance(event, dict) for event in events):
            return _refused("events must be objects")
        outcomes = await asyncio.gather(*(self._deliver(function, event) for event in events))
        return web.Response(status=202 if all(outcomes) else 500)

    async def _deliver(self, function: Function, event: dict[str, Any]) -> bool:
        value = Datum(json.dumps(event), "json")
        outcome = await self._invoker.invoke(function, value, reason="event", metadata={"data": value})
        return outcome.ok


def _refused(why: str) -> web.Response:
    _log.warning("Event delivery refused: %s", why)
    return web.Response(status=400, text=why)
