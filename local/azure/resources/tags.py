"""The tags API: tags of any resource, group or subscription without touching the rest of it. Not recorded."""

from __future__ import annotations

from local.azure import errors, paths, tagging
from local.azure.errors import Json
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource

_OPERATIONS = ("Replace", "Merge", "Delete")


def _tagged(call: Call) -> Resource:
    scope = call.target.scope
    resource = call.stored(scope)
    if resource is not None:
        return resource
    target = paths.parse(scope)
    if target.group and call.stored(target.group_id) is None:
        raise errors.group_not_found(target.group)
    raise errors.resource_not_found(f"{target.namespace}/{target.tail}", target.group or "")


def _answer(call: Call, resource: Resource) -> Reply:
    body: Json = {
        "id": call.id,
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": dict(resource.body.get("tags") or {})},
    }
    return Reply(200, body)


def _sent(call: Call) -> dict[str, str]:
    tags = (call.body.get("properties") or {}).get("tags")
    if not isinstance(tags, dict):
        raise errors.invalid_content("The tags property is required.")
    return {str(name): str(value) for name, value in tags.items()}


def _store(resource: Resource, tags: dict[str, str]) -> None:
    tagging.check(tags, paths.full_type(resource.id))
    resource.body["tags"] = tags


def _put(call: Call) -> Reply:
    resource = _tagged(call)
    _store(resource, _sent(call))
    return _answer(call, resource)


def _patch(call: Call) -> Reply:
    resource, sent = _tagged(call), _sent(call)
    operation = str(call.body.get("operation", ""))
    if operation not in _OPERATIONS:
        raise errors.invalid_content(f"The operation '{operation}' is not one of {', '.join(_OPERATIONS)}.")
    have = dict(resource.body.get("tags") or {})
    names = {name.lower() for name in sent}
    others = {name: value for name, value in have.items() if name.lower() not in names}
    kept = {name: value for name, value in have.items() if name.lower() in names and sent.get(name) != value}
    tags = {"Replace": sent, "Merge": others | sent, "Delete": others | kept}[operation]
    _store(resource, tags)
    return _answer(call, resource)


def _get(call: Call) -> Reply:
    return _answer(call, _tagged(call))


def _delete(call: Call) -> Reply:
    _tagged(call).body["tags"] = {}
    return Reply(200)


ROUTES = (
    Route("PUT", "tags/{name}", _put, parents=False),
    Route("PATCH", "tags/{name}", _patch, parents=False),
    Route("GET", "tags/{name}", _get, parents=False),
    Route("DELETE", "tags/{name}", _delete, parents=False),
)
