"""Microsoft.Management: management groups, as far as they say which subscriptions lie in them.

Nothing of it is recorded; shapes are those of the published API (2020-05-01), without its long-running operations: a
PUT answers 200 at once. Roles that are assigned at a management group don't reach its subscriptions here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.azure.errors import ArmError
from local.azure.exchange import Reply
from local.azure.routing import Provider, ResourceType, Route
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.exchange import Call

GROUPS = "Microsoft.Management/managementGroups"
MEMBERS = f"{GROUPS}/subscriptions"
_PREFIX = f"/providers/{GROUPS}/"
_VERSIONS = ("2023-04-01", "2021-04-01", "2020-05-01", "2020-02-01")


def _put_group(call: Call) -> Reply:
    asked = (call.body.get("properties") or {}).get("details") or {}
    parent = str((asked.get("parent") or {}).get("id") or f"{_PREFIX}{call.cloud.options.tenant}")
    name = call.arguments["group"]
    details = {"parent": {"id": parent}}
    properties = {"tenantId": call.cloud.options.tenant, "displayName": name, "details": details}
    group = call.cloud.store.put(Resource(call.id, GROUPS, _body(call.id, GROUPS, name, properties)))
    return Reply(200, group.body)


def _put_member(call: Call) -> Reply:
    """Move a subscription into a group: it lies in one only."""
    _existing(call)
    subscription = call.arguments["subscription"]
    if call.cloud.store.get(f"/subscriptions/{subscription}") is None:
        raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
    for other in list(call.cloud.store.of_type(MEMBERS)):
        if other.name.lower() == subscription.lower():
            call.cloud.store.remove(other.id)
    parent = {"parent": {"id": f"{_PREFIX}{call.arguments['group']}"}}
    call.cloud.store.put(Resource(call.id, MEMBERS, _body(call.id, MEMBERS, subscription, parent)))
    return Reply(200, call.cloud.store.get(call.id).body)  # type: ignore[union-attr]  # it was put a line ago


def _descendants(call: Call) -> Reply:
    """All groups and subscriptions below a group; the root has every subscription that lies in no other."""
    _existing(call)
    return Reply(200, {"value": list(_below(call, call.arguments["group"]))})


def _existing(call: Call) -> None:
    group = call.arguments["group"]
    if group.lower() != call.cloud.options.tenant.lower() and call.cloud.store.get(f"{_PREFIX}{group}") is None:
        raise ArmError(404, "NotFound", f"'/providers/{GROUPS}/{group}' not found")


def _below(call: Call, group: str) -> Iterator[Json]:
    store, parent = call.cloud.store, f"{_PREFIX}{group}"
    members = [member.name.lower() for member in store.of_type(MEMBERS, parent)]
    if group.lower() == call.cloud.options.tenant.lower():
        placed = {member.name.lower() for member in store.of_type(MEMBERS)}
        everything = [one.id.rsplit("/", 1)[-1].lower() for one in store.of_type("Microsoft.Resources/subscriptions")]
        members += [one for one in everything if one not in placed]
    for member in members:
        properties = {"displayName": member, "parent": {"id": parent}}
        yield _body(f"/subscriptions/{member}", "/subscriptions", member, properties)
    for child in store.of_type(GROUPS):
        if child.properties["details"]["parent"]["id"].lower() == parent.lower():
            properties = {"displayName": child.name, "parent": {"id": parent}}
            yield _body(child.id, GROUPS, child.name, properties)
            yield from _below(call, child.name)


def _body(resource_id: str, kind: str, name: str, properties: Json) -> Json:
    return {"id": resource_id, "type": kind, "name": name, "properties": properties}


_GROUP = "managementGroups/{group}"

PROVIDER = Provider(
    "Microsoft.Management",
    (
        Route("PUT", _GROUP, _put_group),
        Route("PUT", f"{_GROUP}/subscriptions/{{subscription}}", _put_member, parents=False),
        Route("GET", f"{_GROUP}/descendants", _descendants, parents=False),
    ),
    ("2018-03-01-preview", "2026-12-31"),
    (ResourceType("managementGroups", _VERSIONS),),
)
