"""The control endpoint's part about custom topics: what they have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from local.azure.event_grid import publishing, topics

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.store import Resource


class TopicControl:
    """`/control/topics/{name}/events`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, base: str) -> list[web.RouteDef]:
        """The routes below a path."""
        path = f"{base}/topics/{{name}}/events"
        return [web.get(path, self._list), web.delete(path, self._forget)]

    async def _list(self, request: web.Request) -> web.Response:
        topic = self._topic(request)
        since = request.query.get("since", "0")
        first = int(since) if since.isdecimal() else 0
        return web.json_response([entry for entry in publishing.published(topic) if entry["seq"] > first])

    async def _forget(self, request: web.Request) -> web.Response:
        publishing.forget(self._topic(request))
        return web.Response(status=204)

    def _topic(self, request: web.Request) -> Resource:
        topic = topics.find(self._cloud, request.match_info["name"])
        if topic is None:
            raise web.HTTPNotFound(text='{"error": "there is no such topic"}', content_type="application/json")
        return topic
