"""A small part of Microsoft Graph: service principals, as the Azure CLI looks them up beside role assignments.

Answers as recorded in dp_update_msi_permissions_disk.json. It is no part of Resource Manager: its requests aren't in
the record of requests. Only principals of this tenant are there, and nothing can be changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from local.azure.errors import ArmError, Json
from local.azure.exchange import Reply, Request

PREFIX = "/graph/v1.0/"

_CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_NAMED = re.compile(r"startswith\(\s*displayName\s*,\s*'([^']*)'\s*\)", re.IGNORECASE)
_OF_CLIENT = re.compile(r"servicePrincipalNames/any\(\s*c\s*:\s*c\s+eq\s+'([^']*)'\s*\)", re.IGNORECASE)
_BY_FIELD = re.compile(r"(displayName|appId|id)\s+eq\s+'([^']*)'", re.IGNORECASE)
_TYPES = {"ServicePrincipal": "servicePrincipal", "User": "user", "Group": "group"}


def answer(cloud: Cloud, request: Request) -> Reply:
    """Answer a request below `PREFIX`; who calls is known already."""
    path = request.path[len(PREFIX) :].strip("/")
    if request.method == "POST" and path == "directoryObjects/getByIds":
        return _by_ids(cloud, request)
    if request.method == "GET" and path == "servicePrincipals":
        return _list(cloud, request)
    if request.method == "GET" and path.startswith("servicePrincipals/"):
        return _one(cloud, path.partition("/")[2])
    return _refusal(404, "Request_ResourceNotFound", f"Resource '{path}' does not exist.")


def _service_principal(principal: Principal) -> Json:
    resource = principal.resource_id
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": ["isExplicit=False", resource] if resource else [],
        "appDisplayName": None,
        "appId": principal.client_id or principal.object_id,
        "appOwnerOrganizationId": None,
        "appRoleAssignmentRequired": False,
        "displayName": resource.rsplit("/", 1)[-1] if resource else principal.name,
        "servicePrincipalNames": [principal.client_id or principal.object_id],
        "servicePrincipalType": "ManagedIdentity",
        "tags": [],
    }


def _visible(cloud: Cloud) -> list[Principal]:
    now = cloud.clock.now()
    return [principal for principal in cloud.directory.everyone() if principal.visible_from <= now]


def _by_ids(cloud: Cloud, request: Request) -> Reply:
    try:
        ids = {str(one).lower() for one in json.loads(request.content)["ids"]}
    except (ValueError, KeyError, TypeError):
        return _refusal(400, "Request_BadRequest", "A list of ids is required.")
    found = [principal for principal in _visible(cloud) if principal.object_id.lower() in ids]
    items = [
        {"@odata.type": f"#microsoft.graph.{_TYPES[principal.kind]}", **_service_principal(principal)}
        for principal in found
    ]
    return _page("directoryObjects", items)


def _list(cloud: Cloud, request: Request) -> Reply:
    fits = _filter(request.query.get("$filter", ""))
    items = (_service_principal(principal) for principal in _visible(cloud) if principal.kind == "ServicePrincipal")
    return _page("servicePrincipals", [item for item in items if fits(item)])


def _filter(text: str) -> Callable[[Json], bool]:
    """The recorded filters; an object id isn't among a principal's names, so looking for it there finds nothing."""
    named, of_client, by_field = _NAMED.search(text), _OF_CLIENT.search(text), _BY_FIELD.search(text)
    if named:
        return lambda item: str(item["displayName"]).lower().startswith(named.group(1).lower())
    if of_client:
        return lambda item: of_client.group(1).lower() in map(str.lower, item["servicePrincipalNames"])
    if by_field:
        return lambda item: _field(item, by_field.group(1)).lower() == by_field.group(2).lower()
    return lambda _: not text


def _field(item: Json, name: str) -> str:
    return next(str(value) for key, value in item.items() if key.lower() == name.lower())


def _one(cloud: Cloud, object_id: str) -> Reply:
    for principal in _visible(cloud):
        if principal.object_id.lower() == object_id.lower():
            body = {"@odata.context": _context("servicePrincipals/$entity"), **_service_principal(principal)}
            return Reply(200, body, content_type=_CONTENT_TYPE)
    return _refusal(404, "Request_ResourceNotFound", f"Resource '{object_id}' does not exist.")


def _context(what: str) -> str:
    return f"https://graph.microsoft.com/v1.0/$metadata#{what}"


def _page(what: str, items: Iterable[Any]) -> Reply:
    return Reply(200, {"@odata.context": _context(what), "value": list(items)}, content_type=_CONTENT_TYPE)


def _refusal(status: int, code: str, message: str) -> Reply:
    return Reply(status, ArmError(status, code, message).body(), content_type=_CONTENT_TYPE)
