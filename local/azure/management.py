"""Microsoft.Management: management groups and what lies below them.

Nothing of it is recorded; shapes are those of the published API (2020-05-01), without its long-running operations: a
PUT answers 200 at once. The control endpoint arranges all groups at once. Who reads one needs a role on it or above it:
one on a subscription doesn't reach up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.exchange import Call, Reply
from local.azure.hierarchy import GROUPS, PREFIX, ManagementGroup
from local.azure.routing import Provider, ResourceType, Route

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.store import Resource

_SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
_READ, _READ_SUBSCRIPTION = f"{GROUPS}/read", f"{_SUBSCRIPTIONS}/read"


def _put(call: Call) -> Reply:
    """Make a group, or change its name or parent."""
    asked = call.body.get("properties") or {}
    parent = str(((asked.get("details") or {}).get("parent") or {}).get("id") or "").rsplit("/", 1)[-1]
    name = str(asked.get("displayName") or call.arguments["group"])
    try:
        call.cloud.hierarchy.place(ManagementGroup(call.arguments["group"], name, parent))
    except ValueError as error:
        raise errors.bad_request("InvalidRequest", str(error)) from error
    return Reply(200, call.existing().body)


def _put_member(call: Call) -> Reply:
    """Move a subscription into a group."""
    subscription = call.stored(f"/subscriptions/{call.arguments['subscription']}")
    if subscription is None:
        raise errors.subscription_not_found(call.arguments["subscription"])
    group = call.stored(PREFIX + call.arguments["group"])
    call.cloud.hierarchy.move(subscription.name, call.arguments["group"])
    return Reply(200, _member(call, subscription, group.name if group else ""))


def _may(call: Call, action: str, scope: str) -> bool:
    return call.cloud.access.may(call.principal.object_id, action, scope, call.at)


def _list(call: Call) -> Reply:
    """Groups that the caller may read; listing itself needs no role."""
    found = call.cloud.store.of_type(GROUPS)
    return Reply(200, {"value": [_brief(group) for group in found if _may(call, _READ, group.id)]})


def _brief(group: Resource) -> Json:
    properties = {key: group.properties[key] for key in ("tenantId", "displayName")}
    return {"id": group.id, "type": GROUPS, "name": group.name, "properties": properties}


def _get(call: Call) -> Reply:
    """One group; with `$expand=children` what is right below it, with `$recurse=true` all the way down."""
    group = call.existing()
    if (call.parameter("$expand") or "").lower() != "children":
        return Reply(200, group.body)
    deep = (call.parameter("$recurse") or "").lower() == "true"
    children = _children(call, group.name, deep=deep)
    return Reply(200, {**group.body, "properties": {**group.properties, "children": children}})


def _children(call: Call, group_id: str, *, deep: bool) -> list[Json]:
    found = []
    for child in call.cloud.hierarchy.children(group_id):
        item: Json = {"id": PREFIX + child.id, "type": GROUPS, "name": child.id, "displayName": child.name}
        if deep:
            item["children"] = _children(call, child.id, deep=True)
        found.append(item)
    for subscription in _subscriptions(call, group_id):
        name = subscription.name
        shown = subscription.body.get("displayName")
        found.append({"id": subscription.id, "type": "/subscriptions", "name": name, "displayName": shown})
    return found


def _subscriptions(call: Call, group_id: str) -> Iterator[Resource]:
    """Subscriptions right below a group."""
    for subscription in call.cloud.store.of_type(_SUBSCRIPTIONS):
        if call.cloud.hierarchy.home(subscription.name).lower() == group_id.lower():
            yield subscription


def _descendants(call: Call) -> Reply:
    """Groups and subscriptions below one, at any depth, in one page."""
    return Reply(200, {"value": list(_below(call, call.existing().name))})


def _below(call: Call, group_id: str) -> Iterator[Json]:
    parent = {"id": PREFIX + group_id}
    for child in call.cloud.hierarchy.children(group_id):
        properties = {"displayName": child.name, "parent": parent}
        yield {"id": PREFIX + child.id, "type": GROUPS, "name": child.id, "properties": properties}
        yield from _below(call, child.id)
    for subscription in _subscriptions(call, group_id):
        properties = {"displayName": str(subscription.body.get("displayName")), "parent": parent}
        yield {
            "id": subscription.id,
            "type": "/subscriptions",
            "name": subscription.name,
            "properties": properties,
        }


def _subscriptions_under(call: Call) -> Reply:
    """Subscriptions right below a group."""
    group_id = call.existing().name
    return Reply(200, {"value": [_member(call, one, group_id) for one in _subscriptions(call, group_id)]})


def _member(call: Call, subscription: Resource, group_id: str) -> Json:
    return {
        "id": f"{PREFIX}{group_id}/subscriptions/{subscription.name}",
        "type": f"{GROUPS}/subscriptions",
        "name": subscription.name,
        "properties": {
            "tenant": call.cloud.options.tenant,
            "displayName": subscription.body.get("displayName"),
            "parent": {"id": PREFIX + group_id},
            "state": "Active",
        },
    }


def _entities(call: Call) -> Reply:
    """Everything in the tree that the caller may read, with the way down to it; needs no role."""
    cloud = call.cloud
    found = [
        _entity(call, PREFIX + group.id, GROUPS, group.name, cloud.hierarchy.chain(PREFIX + group.id)[1:])
        for group in cloud.hierarchy.all()
        if _may(call, _READ, PREFIX + group.id)
    ]
    found += [
        _entity(call, one.id, "/subscriptions", str(one.body.get("displayName")), cloud.hierarchy.chain(one.id))
        for one in cloud.store.of_type(_SUBSCRIPTIONS)
        if _may(call, _READ_SUBSCRIPTION, one.id)
    ]
    return Reply(200, {"value": found, "count": len(found)})


def _entity(call: Call, entity_id: str, kind: str, name: str, above: list[ManagementGroup]) -> Json:
    return {
        "id": entity_id,
        "type": kind,
        "name": entity_id.rsplit("/", 1)[-1],
        "properties": {
            "tenantId": call.cloud.options.tenant,
            "displayName": name,
            "parent": {"id": PREFIX + above[0].id} if above else None,
            "parentNameChain": [group.id for group in reversed(above)],
            "parentDisplayNameChain": [group.name for group in reversed(above)],
        },
    }


_VERSIONS = ("2023-04-01", "2021-04-01", "2020-05-01", "2020-02-01")

PROVIDER = Provider(
    "Microsoft.Management",
    (
        Route("GET", "managementGroups", _list, action=""),
        Route("GET", "managementGroups/{group}", _get),
        Route("PUT", "managementGroups/{group}", _put),
        Route("PUT", "managementGroups/{group}/subscriptions/{subscription}", _put_member),
        Route("GET", "managementGroups/{group}/descendants", _descendants),
        Route("GET", "managementGroups/{group}/subscriptions", _subscriptions_under),
        Route("POST", "getEntities", _entities, action=""),
    ),
    ("2018-01-01-preview", "2026-12-31"),
    (ResourceType("managementGroups", _VERSIONS), ResourceType("getEntities", _VERSIONS)),
)
