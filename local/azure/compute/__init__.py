"""Microsoft.Compute: managed disks and snapshots, as far as backing up a cluster's volumes touches them.

Nothing of it is recorded; shapes are those of the published REST API (api-version 2024-03-02). Disks are seeded: it is
a cluster's storage driver that makes them. Backups make the snapshots.
"""

import functools

from local.azure.exchange import Call, Reply
from local.azure.routing import Provider, ResourceType, Route

DISKS = "Microsoft.Compute/disks"
SNAPSHOTS = "Microsoft.Compute/snapshots"

_VERSIONS = ("2025-01-02", "2024-03-02", "2023-10-02", "2023-04-02", "2022-07-02", "2022-03-02")


def _list(call: Call, kind: str) -> Reply:
    """All of a subscription or group, in one page."""
    return Reply(200, {"value": [resource.body for resource in call.cloud.store.of_type(kind, call.target.scope)]})


def _get(call: Call) -> Reply:
    return Reply(200, call.existing().body)


def _delete(call: Call) -> Reply:
    """At once; Azure takes some seconds (202 and an operation), which nothing here depends on."""
    if call.stored() is None:
        return Reply(204)
    call.cloud.remove(call.id, call.at)
    return Reply(200)


PROVIDER = Provider(
    "Microsoft.Compute",
    (
        Route("GET", "disks", functools.partial(_list, kind=DISKS)),
        Route("GET", "disks/{disk}", _get),
        Route("DELETE", "disks/{disk}", _delete),
        Route("GET", "snapshots", functools.partial(_list, kind=SNAPSHOTS)),
        Route("GET", "snapshots/{snapshot}", _get),
        Route("DELETE", "snapshots/{snapshot}", _delete),
    ),
    ("2016-04-30-preview", "2026-12-31"),
    (
        ResourceType("disks", _VERSIONS, "SupportsTags, SupportsLocation"),
        ResourceType("snapshots", _VERSIONS, "SupportsTags, SupportsLocation"),
    ),
)
