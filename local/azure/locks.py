"""Management locks: Microsoft.Authorization/locks, and what they keep callers from doing.

Nothing of it is recorded. Levels, inheritance and which calls a lock stops are documented; the refusal's code and
wording are those that clients show.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.azure import errors, paths
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.errors import Json
    from local.azure.store import Store

LOCKS = "Microsoft.Authorization/locks"

_CAN_NOT_DELETE, _READ_ONLY = "CanNotDelete", "ReadOnly"
_LEVELS = (_CAN_NOT_DELETE, _READ_ONLY, "NotSpecified")
_STOPS = {
    "DELETE": ("delete", {_CAN_NOT_DELETE.lower(), _READ_ONLY.lower()}),
    "PUT": ("write", {_READ_ONLY.lower()}),
    "PATCH": ("write", {_READ_ONLY.lower()}),
    "POST": ("write", {_READ_ONLY.lower()}),
}
"""By method: what the refusal calls it, and the levels that stop it. Actions count as writes: a read-only lock on a
storage account stops listKeys (documented)."""


def scope_of(lock: Resource) -> str:
    """Id of what a lock is on."""
    return paths.parse(lock.id).scope


def over(store: Store, resource_id: str) -> Iterator[Resource]:
    """Locks on a resource, group or subscription or on anything that it lies in."""
    segments = resource_id.strip("/").split("/")
    for end in range(2, len(segments) + 1, 2):
        yield from store.children("/" + "/".join(segments[:end]), LOCKS)


def check(call: Call) -> None:
    """Refuse a call that a lock stops: one at or above what is addressed, for a deletion also one below it.

    Locks themselves can be made, changed and removed under a lock.

    Raises:
        ArmError: 409 ScopeLocked.
    """
    if call.request.method not in _STOPS or call.route.types.lower() == "locks":
        return
    verb, levels = _STOPS[call.request.method]
    store, scope = call.cloud.store, call.target.path
    below = store.of_type(LOCKS, scope) if verb == "delete" else ()
    stopping = {scope_of(lock): None for lock in (*over(store, scope), *below) if _level(lock).lower() in levels}
    if stopping:
        raise errors.gateway(
            409,
            "ScopeLocked",
            f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{','.join(stopping)}'. Please remove the lock and try again.",
        )


def _level(lock: Resource) -> str:
    """A seeded lock without a level counts as the weaker one."""
    return str(lock.properties.get("level") or _CAN_NOT_DELETE)


def _put(call: Call) -> Reply:
    sent = call.body.get("properties") or {}
    level = next((one for one in _LEVELS if one.lower() == str(sent.get("level")).lower()), None)
    if level is None:
        raise errors.bad_request("InvalidLockLevel", f"The lock level is one of {', '.join(_LEVELS)}.")
    existing = call.stored()
    properties: Json = {"level": level}
    properties |= {key: sent[key] for key in ("notes", "owners") if sent.get(key) is not None}
    body: Json = {"properties": properties, "id": call.id, "type": LOCKS, "name": call.arguments["lock"]}
    call.cloud.store.put(Resource(call.id, LOCKS, body))
    return Reply(200 if existing else 201, body)


def _get(call: Call) -> Reply:
    lock = call.stored()
    if lock is None:
        raise errors.gateway(404, "LockNotFound", f"The lock '{call.arguments['lock']}' could not be found.")
    return Reply(200, lock.body)


def _delete(call: Call) -> Reply:
    if call.stored() is None:
        return Reply(204)
    call.cloud.store.remove(call.id)
    return Reply(200)


def _list(call: Call) -> Reply:
    """Locks at, above and below the scope; with `atScope()` none from below (documented of the public clients)."""
    store, scope = call.cloud.store, call.target.scope
    condition = (call.parameter("$filter") or "").replace(" ", "").lower()
    if condition not in {"", "atscope()"}:
        raise errors.bad_request("InvalidFilter", "Locks can be filtered by atScope() only.")
    above = list(over(store, scope))
    below = store.of_type(LOCKS, scope) if not condition else ()
    return Reply(200, {"value": [lock.body for lock in [*above, *(lock for lock in below if lock not in above)]]})


ROUTES = (
    Route("PUT", "locks/{lock}", _put),
    Route("GET", "locks/{lock}", _get),
    Route("DELETE", "locks/{lock}", _delete),
    Route("GET", "locks", _list),
)
