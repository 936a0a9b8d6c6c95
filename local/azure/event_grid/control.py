"""The control endpoint's part about events: what was emitted and delivered, and what is to go wrong."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure.clock import ticks
from local.azure.event_grid import service

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import Json

_WHOLE = frozenset({"duplicates", "drop"})
_SETTINGS = frozenset(field.name for field in dataclasses.fields(service.Disturbance))


class EventControl:
    """`/control/events`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._grid = service.of(cloud)

    def routes(self, base: str) -> list[web.RouteDef]:
        """The routes below a path."""
        return [web.get(f"{base}/events", self._list), web.post(f"{base}/events", self._order)]

    async def _list(self, request: web.Request) -> web.Response:
        self._cloud.clock.settle()
        since = request.query.get("since", "0")
        found = self._grid.listing(int(since) if since.isdecimal() else 0)
        return web.json_response({"events": found, "settings": dataclasses.asdict(self._grid.disturbance)})

    async def _order(self, request: web.Request) -> web.Response:
        try:
            order = await request.json()
        except json.JSONDecodeError:
            order = None
        reason = _misunderstood(order)
        if reason:
            return web.json_response({"error": reason}, status=400)
        for key in _SETTINGS & order.keys():
            setattr(self._grid.disturbance, key, order[key])
        if "emit" in order:
            return web.json_response(self._grid.emit(self._complete(order["emit"])), status=201)
        return web.json_response(dataclasses.asdict(self._grid.disturbance))

    def _complete(self, event: Json) -> Json:
        """A hand-made event with everything that was left out; what is given stays, however wrong it is."""
        return {
            "topic": "",
            "subject": "",
            "eventType": "Microsoft.Resources.ResourceWriteSuccess",
            "eventTime": ticks(self._cloud.clock.now()),
            "id": self._cloud.new_guid(),
            "data": {},
            "dataVersion": "2",
            "metadataVersion": "1",
            **event,
        }


def _misunderstood(order: Any) -> str | None:
    if not isinstance(order, dict) or not order or order.keys() - _SETTINGS - {"emit"}:
        return f"an order is an object with any of {', '.join(sorted(_SETTINGS))} and emit"
    for key in _SETTINGS & order.keys():
        kind = int if key in _WHOLE else (int, float)
        if isinstance(order[key], bool) or not isinstance(order[key], kind) or order[key] < 0:
            return f"{key} is a number, not below 0"
    if "emit" in order and not isinstance(order["emit"], dict):
        return "emit is an event in the Event Grid schema"
    return None
