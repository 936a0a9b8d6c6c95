"""The admin endpoints, opened by the master key."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.host.model import EventGridTrigger, Function, HttpTrigger, QueueTrigger, TimerTrigger
from local.host.runtime import Datum
from local.host.timers import timer_value
from local.host.web import is_allowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.host.invocations import Invoker
    from local.host.state import Keys


class Admin:
    """Lists functions, tells the host's state and runs a function by hand."""

    def __init__(self, functions: Iterable[Function], keys: Keys, invoker: Invoker) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._accepted = (keys.master_key,)
        self._invoker = invoker
        self._started = time.monotonic()
        self._pages: dict[str, Callable[[web.Request], Any]] = {
            "admin/host/status": self._status,
            "admin/functions": self._list,
        }

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer `admin/host/status`, `admin/host/ping`, `admin/functions` and `admin/functions/{name}`.

        Args:
            request: the request.
            path: its decoded path, in lower case, without slashes at its ends.
        """
        if path == "admin/host/ping":
            return web.Response()
        if not is_allowed(request, self._accepted):
            return web.Response(status=401)
        if request.method == "GET" and path in self._pages:
            return web.json_response(self._pages[path](request))
        function = self._functions.get(path.removeprefix("admin/functions/"))
        if function is None or request.method not in {"GET", "POST"}:
            return web.Response(status=404)
        if request.method == "GET":
            return web.json_response(_described(function, request))
        return await self._start(function, request)

    def _list(self, request: web.Request) -> list[dict[str, Any]]:
        return [_described(function, request) for function in self._functions.values()]

    def _status(self, _request: web.Request) -> dict[str, Any]:
        uptime = round((time.monotonic() - self._started) * 1000)
        return {"id": "local", "state": "Running", "version": "4.0.0", "processUptime": uptime, "errors": []}

    async def _start(self, function: Function, request: web.Request) -> web.Response:
        """202 at once; `{"input": text}` is what the trigger would have brought."""
        try:
            content = json.loads(await request.read())
            value = _INPUTS[type(function.trigger)](content.get("input"))
        except (AttributeError, RecursionError, ValueError) as error:
            return web.Response(status=400, text=f'the body must be {{"input": ...}}: {error}')
        self._invoker.detach(function, value, reason="run by hand")
        return web.Response(status=202)


def _described(function: Function, request: web.Request) -> dict[str, Any]:
    trigger = function.trigger
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": function.disabled,
        "href": f"{request.url.origin()}/admin/functions/{function.name}",
        "invoke_url_template": _invoke_url(trigger, request) if isinstance(trigger, HttpTrigger) else None,
        "config": {"bindings": list(function.bindings)},
    }


def _invoke_url(trigger: HttpTrigger, request: web.Request) -> str:
    return "/".join(filter(None, [str(request.url.origin()), trigger.route.prefix, trigger.route.template]))


def _text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _queue_input(given: Any) -> Datum:
    return Datum("" if given is None else _text(given), "string")


def _event_input(given: Any) -> Datum:
    event = json.loads(_text(given))
    if not isinstance(event, dict):
        raise ValueError("the input must be one event")  # noqa: TRY004 - the caller's mistake, like bad JSON
    return Datum(json.dumps(event), "json")


def _timer_input(_given: Any) -> Datum:
    return timer_value(None, past_due=False)


def _http_input(given: Any) -> Datum:
    return Datum(
        {
            "method": Datum("POST", "string"),
            "url": Datum("", "string"),
            "headers": {},
            "query": {},
            "params": {},
            "body": Datum(b"" if given is None else _text(given).encode(), "bytes"),
        },
        "http",
    )


_INPUTS: dict[type, Callable[[Any], Datum]] = {
    QueueTrigger: _queue_input,
    EventGridTrigger: _event_input,
    TimerTrigger: _timer_input,
    HttpTrigger: _http_input,
}
