"""Tenants, subscriptions, their regions and what lies in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from local.azure import errors, paths
from local.azure.access import ROLE_ASSIGNMENTS
from local.azure.errors import Json
from local.azure.exchange import Call, Reply
from local.azure.regions import REGIONS, Region
from local.azure.routing import Route
from local.azure.store import Resource

_READ = "Microsoft.Resources/subscriptions/read"
_CONDITION = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)
_LISTED = ("id", "name", "type", "location", "kind", "sku", "identity", "managedBy", "tags")


def _tenants(call: Call) -> Reply:
    tenant = call.cloud.options.tenant
    domain = "contoso.example"
    item = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "US",
        "displayName": "Contoso",
        "domains": [domain],
        "tenantCategory": "Home",
        "defaultDomain": domain,
        "tenantType": "AAD",
    }
    return Reply(body={"value": [item]})


def _visible(call: Call, subscription: Resource) -> bool:
    """Listing needs no role; a subscription is shown to whoever holds any role in it."""
    if call.cloud.access.may(call.principal.object_id, _READ, subscription.id, call.at):
        return True
    holders = call.cloud.access.holders(call.principal.object_id)
    return any(
        assignment.properties["principalId"].lower() in holders
        for assignment in call.cloud.store.of_type(ROLE_ASSIGNMENTS, subscription.id)
    )


def _list_subscriptions(call: Call) -> Reply:
    everything = call.cloud.store.of_type("Microsoft.Resources/subscriptions")
    value = [subscription.body for subscription in everything if _visible(call, subscription)]
    return Reply(body={"value": value, "count": {"type": "Total", "value": len(value)}})


def _get_subscription(call: Call) -> Reply:
    return Reply(body=call.existing().body)


def _region(subscription: str, region: Region) -> Json:
    metadata: Json = {"regionType": "Physical", "regionCategory": "Recommended"}
    base = f"/subscriptions/{subscription}/locations"
    metadata["pairedRegion"] = [{"name": region.pair, "id": f"{base}/{region.pair}"}] if region.pair else []
    return {
        "id": f"{base}/{region.name}",
        "name": region.name,
        "type": "Region",
        "displayName": region.display,
        "regionalDisplayName": region.display,
        "metadata": metadata,
    }


def _locations(call: Call) -> Reply:
    return Reply(body={"value": [_region(call.arguments["subscription"], region) for region in REGIONS.values()]})


def _fits(resource: Resource, conditions: dict[str, str]) -> bool:
    tags = {str(key).lower(): str(value) for key, value in (resource.body.get("tags") or {}).items()}
    tag = conditions.get("tagname")
    have = {
        "resourcetype": resource.type.lower(),
        "name": resource.name.lower(),
        "location": resource.location.lower(),
        "resourcegroup": (paths.parse(resource.id).group or "").lower(),
        "tagname": tag.lower() if tag and tag.lower() in tags else "",
        "tagvalue": tags.get(tag.lower(), "").lower() if tag else "",
    }
    return all(have.get(name) == value.lower() for name, value in conditions.items())


def _tracked(call: Call) -> Iterator[Resource]:
    """Resources with a place of their own: those that have a location and aren't groups."""
    for resource in call.cloud.store.within(call.id.rsplit("/", 1)[0]):
        if resource.location and not resource.type.lower().startswith("microsoft.resources/"):
            yield resource


def _created(resource: Resource) -> Json:
    """`$expand=createdTime` (REST reference "Resources - List"); no recording has it."""
    return {"createdTime": resource.created.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")} if resource.created else {}


def _resources(call: Call) -> Reply:
    group = call.target.group
    if group and call.stored(call.target.group_id) is None:
        raise errors.group_not_found(group)
    conditions = {name.lower(): value for name, value in _CONDITION.findall(call.parameter("$filter") or "")}
    timed = "createdtime" in (call.parameter("$expand") or "").lower().split(",")
    value = [
        {key: resource.body[key] for key in _LISTED if key in resource.body} | (_created(resource) if timed else {})
        for resource in _tracked(call)
        if _fits(resource, conditions)
    ]
    return Reply(body={"value": value})


ROUTES = (
    Route("GET", "tenants", _tenants, action=""),
    Route("GET", "subscriptions", _list_subscriptions, action=""),
    Route("GET", "subscriptions/{subscription}", _get_subscription),
    Route("GET", "subscriptions/{subscription}/locations", _locations),
    Route("GET", "subscriptions/{subscription}/resources", _resources),
    Route("GET", "subscriptions/{subscription}/resourceGroups/{group}/resources", _resources),
)
