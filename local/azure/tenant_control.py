"""The control endpoint's part about the tenant: groups of its directory, and management groups."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure.hierarchy import ManagementGroup

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.errors import Json


class TenantControl:
    """`/control/groups` and `/control/management-groups`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self, base: str) -> list[web.RouteDef]:
        """The routes below a path."""
        return [
            web.get(f"{base}/groups", self._groups),
            web.put(f"{base}/groups", self._put_group),
            web.delete(f"{base}/groups", self._remove_group),
            web.get(f"{base}/management-groups", self._tree),
            web.put(f"{base}/management-groups", self._arrange),
        ]

    async def _tree(self, _: web.Request) -> web.Response:
        return web.json_response([dataclasses.asdict(group) for group in self._cloud.hierarchy.all()])

    async def _arrange(self, request: web.Request) -> web.Response:
        order = await read_object(request)
        try:
            groups = [_management_group(one) for one in order["groups"]]
            self._cloud.arrange(groups)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return refused(f"groups is a list of management groups with an id each: {error}")
        return await self._tree(request)

    async def _groups(self, _: web.Request) -> web.Response:
        everyone = self._cloud.directory.everyone()
        return web.json_response([self._group(one.object_id) for one in everyone if one.kind == "Group"])

    async def _put_group(self, request: web.Request) -> web.Response:
        order = await read_object(request)
        name, members = order.get("name"), order.get("members", [])
        object_id = order.get("id") or self._cloud.directory.guid("group", str(name))
        if not isinstance(name, str) or not name:
            return refused("a group needs a name")
        if not isinstance(members, list) or not all(map(_is_guid, [object_id, *members])):
            return refused("id and members of a group are object ids, GUIDs")
        other = self._cloud.directory.get(object_id)
        if other and other.kind != "Group":
            return refused(f"{object_id} is a {other.kind}")
        self._cloud.directory.add_group(object_id, name, members)
        return web.json_response(self._group(object_id))

    async def _remove_group(self, request: web.Request) -> web.Response:
        object_id = request.query.get("id", "")
        group = self._cloud.directory.get(object_id)
        if group is None or group.kind != "Group":
            return refused("id is no group's")
        self._cloud.directory.remove(object_id)
        return web.Response(status=204)

    def _group(self, object_id: str) -> Json:
        directory = self._cloud.directory
        group = directory.get(object_id)
        return {"id": object_id, "name": group.name if group else "", "members": directory.members(object_id)}


def _management_group(order: dict[str, Any]) -> ManagementGroup:
    group_id = str(order["id"])
    subscriptions = tuple(str(one) for one in order.get("subscriptions") or ())
    return ManagementGroup(group_id, str(order.get("name") or group_id), str(order.get("parent") or ""), subscriptions)


def _is_guid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; an empty one when it has none."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def refused(message: str) -> web.Response:
    """A 400 that says what was wrong."""
    return web.json_response({"error": message}, status=400)
