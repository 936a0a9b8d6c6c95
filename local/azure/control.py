"""The control endpoint: what a test or a person asks of the simulation itself; not part of Azure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.azure import paths
from local.azure.clock import ticks
from local.azure.cloud import Cloud
from local.azure.errors import Json


class Control:
    """Requests, operations, resources, faults and the clock of one simulated Azure."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, base: str) -> list[web.RouteDef]:
        """The endpoint's routes below a path."""
        return [
            web.get(f"{base}/requests", self._requests),
            web.delete(f"{base}/requests", self._clear_requests),
            web.get(f"{base}/operations", self._operations),
            web.get(f"{base}/resources", self._resources),
            web.put(f"{base}/resources", self._seed),
            web.delete(f"{base}/resources", self._remove),
            web.get(f"{base}/faults", self._faults),
            web.post(f"{base}/faults", self._order_fault),
            web.delete(f"{base}/faults", self._clear_faults),
            web.get(f"{base}/clock", self._clock),
            web.post(f"{base}/clock", self._advance),
        ]

    async def _requests(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since = int(query.get("since", "0"))
        except ValueError:
            return _refused("since is the number of a request")
        entries = self._cloud.ledger.select(principal=query.get("principal"), since=since, kind=query.get("kind"))
        return web.json_response([entry.listing() for entry in entries])

    async def _clear_requests(self, _: web.Request) -> web.Response:
        self._cloud.ledger.clear()
        return web.Response(status=204)

    async def _operations(self, _: web.Request) -> web.Response:
        self._cloud.clock.settle()
        return web.json_response(self._cloud.operations.listing())

    async def _resources(self, request: web.Request) -> web.Response:
        self._cloud.clock.settle()
        scope, kind = request.query.get("scope", ""), request.query.get("type")
        store = self._cloud.store
        found = store.of_type(kind, scope) if kind else store.within(scope)
        return web.json_response(
            [{"id": resource.id, "type": resource.type, "body": resource.body} for resource in found]
        )

    async def _seed(self, request: web.Request) -> web.Response:
        order = await _object(request)
        if order is not None and isinstance(order.get("resources"), list):
            return self._seed_all(order["resources"])
        problem = _problem(order)
        if order is None or problem:
            return _refused(problem)
        resource = self._cloud.seed(order["id"].rstrip("/"), order["body"])
        return web.json_response({"id": resource.id, "type": resource.type, "body": resource.body})

    def _seed_all(self, orders: list[Any]) -> web.Response:
        """Many resources at once; either all are put or none."""
        problem = next((problem for problem in map(_problem, orders) if problem), "")
        if problem:
            return _refused(problem)
        for order in orders:
            self._cloud.seed(order["id"].rstrip("/"), order["body"])
        return web.json_response({"count": len(orders)})

    async def _remove(self, request: web.Request) -> web.Response:
        resource_id = request.query.get("id", "")
        if not resource_id:
            return _refused("id is missing")
        gone = self._cloud.remove(resource_id, self._cloud.clock.now())
        return web.json_response([resource.id for resource in gone])

    async def _faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._cloud.faults.listing())

    async def _order_fault(self, request: web.Request) -> web.Response:
        order = await _object(request)
        if order is None:
            return _refused("a fault is a JSON object")
        try:
            fault = self._cloud.faults.add(order)
        except (ValueError, TypeError) as error:
            return _refused(str(error))
        return web.json_response(fault.listing(), status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        number = request.query.get("id")
        self._cloud.faults.clear(int(number) if number and number.isdecimal() else None)
        return web.Response(status=204)

    async def _clock(self, _: web.Request) -> web.Response:
        return web.json_response(self._time())

    async def _advance(self, request: web.Request) -> web.Response:
        order = await _object(request)
        seconds = (order or {}).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            return _refused("advance is a number of seconds, not below 0")
        self._cloud.clock.advance(seconds)
        return web.json_response(self._time())

    def _time(self) -> Json:
        return {"now": ticks(self._cloud.clock.now()), "scale": self._cloud.clock.scale}


def _problem(order: object) -> str:
    """What keeps something from being a resource to put, or ""."""
    order_id, body = (order.get("id"), order.get("body")) if isinstance(order, Mapping) else (None, None)
    if not isinstance(order_id, str) or not isinstance(body, dict):
        return "a resource needs an id and a body"
    if not order_id.startswith("/") or not paths.parse(order_id).tail:
        return "id is not the id of a resource"
    return ""


async def _object(request: web.Request) -> Mapping[str, Any] | None:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _refused(message: str) -> web.Response:
    return web.json_response({"error": message}, status=400)
