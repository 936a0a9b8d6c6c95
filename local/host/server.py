"""The web server: one handler that sends each path where it belongs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from local.host.problems import RefusedError
from local.host.routes import decode_path
from local.host.webhook import PATH as WEBHOOK_PATH

if TYPE_CHECKING:
    import asyncio

    from local.host.admin import Admin
    from local.host.web import HttpFunctions
    from local.host.webhook import EventGridWebhook

ADDRESS: Final = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """Take a port before anything else happens, so that the app's settings can name it.

    Args:
        port: 0 for a free one.

    Raises:
        RefusedError: the port is taken.
    """
    try:
        return socket.create_server((ADDRESS, port), backlog=128)
    except OSError as error:
        raise RefusedError(f"port {port} of {ADDRESS} can't be used: {error.strerror}") from error


class Dispatcher:
    """Sends requests to the admin endpoints, the webhook or the HTTP functions."""

    def __init__(
        self, admin: Admin, webhook: EventGridWebhook, functions: HttpFunctions, stopping: asyncio.Event
    ) -> None:
        self._admin = admin
        self._webhook = webhook
        self._functions = functions
        self._stopping = stopping

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request; paths are compared without regard to case."""
        if self._stopping.is_set():
            return web.Response(status=503)
        path = decode_path(request.rel_url.raw_path).lower()
        if path.startswith("admin/"):
            return await self._admin.handle(request, path)
        if path == WEBHOOK_PATH:
            return await self._webhook.handle(request)
        return await self._functions.handle(request)


async def serve(
    dispatcher: Dispatcher, listening: socket.socket, body_limit: int, stop_seconds: float
) -> web.AppRunner:
    """Start answering; `cleanup()` of what is returned ends it.

    Args:
        dispatcher: what answers.
        listening: the bound socket.
        body_limit: bytes; a longer request body is answered 413.
        stop_seconds: how long open requests may take once the server is being cleaned up.
    """
    app = web.Application(client_max_size=body_limit)
    app.router.add_route("*", r"/{path:[\s\S]*}", dispatcher.handle)  # a line end too may be part of a path
    # No access log: its lines would hold query strings, and keys with them.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=stop_seconds)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner
