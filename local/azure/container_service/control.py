"""The control endpoint's part about what runs in a cluster: its volumes, and what `kubectl` prints."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure.container_service.volumes import Volume

if TYPE_CHECKING:
    from local.azure.cloud import Cloud

_FIELDS = frozenset(field.name for field in dataclasses.fields(Volume))


class VolumeControl:
    """`/control/volumes`: volumes beside those on disks of the node resource group, and an output in their place."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, base: str) -> list[web.RouteDef]:
        """The routes below a path."""
        return [web.put(f"{base}/volumes", self._put)]

    async def _put(self, request: web.Request) -> web.Response:
        try:
            order: Any = await request.json()
            cluster = self._cloud.store.get(str(order["cluster"]))
            told = tuple(_volume(one) for one in order.get("volumes", ()))
            output, code = order.get("output"), int(order.get("exitCode", 0))
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            return _refused(f"an order needs a cluster, and volumes or an output: {error}")
        if cluster is None:
            return _refused("there is no such cluster")
        cluster.notes["volumes"] = told
        cluster.notes["output"] = None if output is None else (code, str(output))
        return web.json_response({"count": len(told)})


def _volume(order: dict[str, Any]) -> Volume:
    wrong = set(order) - _FIELDS
    if wrong:
        message = f"a volume has no {', '.join(sorted(wrong))}"
        raise ValueError(message)
    return Volume(**{name: str(value) for name, value in order.items()})


def _refused(message: str) -> web.Response:
    return web.json_response({"error": message}, status=400)
