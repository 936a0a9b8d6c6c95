"""HTTP functions: routes, keys and the conversion of requests and responses."""

from __future__ import annotations

import asyncio
import hmac
import logging
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Final

from aiohttp import web

from local.host.model import AuthLevel, Function, HttpTrigger
from local.host.routes import decode_path
from local.host.runtime import Datum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multidict import MultiMapping

    from local.host.authentication import Authentication
    from local.host.invocations import Invoker
    from local.host.runtime import Outcome
    from local.host.state import Keys

_log: Final = logging.getLogger("local.host")
# What the web server sets itself.
_OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection", "date", "server"})


class HttpFunctions:
    """Answers requests to HTTP functions."""

    def __init__(
        self,
        functions: Iterable[Function],
        keys: Keys,
        invoker: Invoker,
        response_limit: float,
        authentication: Authentication,
    ) -> None:
        routed = [
            (function, function.trigger)
            for function in functions
            if isinstance(function.trigger, HttpTrigger) and not function.disabled
        ]
        self._routed = sorted(routed, key=lambda pair: pair[1].route.rank)
        self._keys = keys
        self._invoker = invoker
        self._response_limit = response_limit
        self._authentication = authentication
        self._late: set[asyncio.Task[Outcome]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Let the platform look at the caller, find the function of a path and a method, check the key, run it."""
        headers = self._authentication.admit(request.headers)
        if headers is None:
            return web.Response(status=401)
        path = decode_path(request.rel_url.raw_path)
        for function, trigger in self._routed:
            parameters = trigger.route.match(path)
            if parameters is not None and (not trigger.methods or request.method in trigger.methods):
                if not is_allowed(request, self._accepted(trigger)):
                    return web.Response(status=401)
                return await self._run(function, request, parameters, headers)
        # A wrong method is a 404 too: Azure's routes contain their methods.
        return web.Response(status=404)

    def _accepted(self, trigger: HttpTrigger) -> tuple[str, ...] | None:
        return {
            AuthLevel.ANONYMOUS: None,
            AuthLevel.FUNCTION: (self._keys.function_key, self._keys.master_key),
            AuthLevel.ADMIN: (self._keys.master_key,),
        }[trigger.auth_level]

    async def _run(
        self, function: Function, request: web.Request, parameters: dict[str, str], headers: MultiMapping[str]
    ) -> web.StreamResponse:
        value = await _request_value(request, parameters, headers)
        reason = f"{request.method} {request.rel_url.raw_path}"
        task = asyncio.create_task(self._invoker.invoke(function, value, reason=reason))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({task}, timeout=self._response_limit)
        if not done:
            # Azure's load balancer gives up on the response; the function runs on.
            _log.warning("'%s' didn't respond within %g s", function.name, self._response_limit)
            return web.Response(status=502)
        outcome = task.result()
        return _response(outcome.outputs["$return"]) if "$return" in outcome.outputs else web.Response(status=500)


def is_allowed(request: web.Request, accepted: tuple[str, ...] | None) -> bool:
    """Whether a request carries one of the keys, in `x-functions-key` or `?code=`; None accepts everybody."""
    if accepted is None:
        return True
    given = request.headers.get("x-functions-key") or request.query.get("code") or ""
    return any(hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()) for key in accepted)


async def _request_value(request: web.Request, parameters: dict[str, str], headers: MultiMapping[str]) -> Datum:
    # A chunked body arrives empty, as in Azure; reading it anyway keeps the connection usable.
    body = await request.read()
    if request.content_length is None:
        body = b""
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": _strings(headers),
            "query": _strings(request.query),
            "params": {name: Datum(value, "string") for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _strings(values: MultiMapping[str]) -> dict[str, Datum]:
    """One value for each name: repeated ones are joined by commas."""
    return {name: Datum(",".join(values.getall(name)), "string") for name in values}


def _response(value: Datum) -> web.Response:
    if value.type != "http":
        return web.Response(text=str(value.value))
    content = value.value
    response = web.Response(status=int(content["status_code"].value), body=content["body"].value)
    for name, header in content["headers"].items():
        if name.lower() not in _OWN_HEADERS:
            response.headers[name] = header.value
    for cookie in content.get("cookies") or ():
        _add_cookie(response, cookie)
    return response


def _add_cookie(response: web.Response, cookie: SimpleCookie) -> None:
    for morsel in cookie.values():
        response.headers.add("Set-Cookie", morsel.OutputString())
