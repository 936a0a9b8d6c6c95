"""The control endpoint's part about Resource Graph: how far it is behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from local.azure.resource_graph import service

if TYPE_CHECKING:
    from local.azure.cloud import Cloud


class GraphControl:
    """`/control/graph`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, base: str) -> list[web.RouteDef]:
        """The routes below a path."""
        return [web.get(f"{base}/graph", self._show), web.post(f"{base}/graph", self._order)]

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response({"delay": service.of(self._cloud).index.delay})

    async def _order(self, request: web.Request) -> web.Response:
        try:
            order = await request.json()
        except json.JSONDecodeError:
            order = None
        delay = order.get("delay") if isinstance(order, dict) else None
        if isinstance(delay, bool) or not isinstance(delay, int | float) or delay < 0:
            return web.json_response({"error": "delay is a number of virtual seconds, not below 0"}, status=400)
        self._cloud.clock.settle()
        service.of(self._cloud).index.set_delay(delay)
        return await self._show(request)
