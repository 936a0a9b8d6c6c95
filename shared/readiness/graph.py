"""The one query to Resource Graph of a check: jobs, disks, young snapshots and inherited tags in one request.

The graph may be behind by seconds or minutes: nothing that it leaves out is taken as a proof of absence by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.arm.door import Door
from shared.arm.graph import query, quoted
from shared.arm.ids import ClusterId, group_id, subscription_of
from shared.backups.jobs import read_job
from shared.fleet.records import Places
from shared.onboarding.readings import Instance, read_instance
from shared.readiness.answers import disk_of, region, snapshot_of
from shared.readiness.facts import Graph

_INSTANCES = "microsoft.dataprotection/backupvaults/backupinstances"
_JOBS = "microsoft.dataprotection/backupvaults/backupjobs"
_DISKS, _SNAPSHOTS = "microsoft.compute/disks", "microsoft.compute/snapshots"
_COLUMNS = "| project id, type, location, sku = tostring(sku.name), tags, properties"


async def ask_graph(door: Door, cluster: ClusterId, places: Places, window: float, also: str | None = None) -> Graph:
    """Ask it.

    Args:
        door: the way to Azure.
        cluster: whose jobs, and whose inherited tags.
        places: whose node resource group and snapshot group.
        window: how far back snapshots matter, seconds.
        also: id of a further resource group whose region matters.

    Raises:
        ArmError: refused, or still throttled after some seconds.
    """
    subscriptions = {cluster.subscription}
    subscriptions |= {subscription_of(place) for place in (places.vault, places.group, also) if place}
    rows = await query(door, subscriptions, _kql(cluster, places, window, also))
    return _graph(rows, window)


async def instances_by_graph(door: Door, cluster: ClusterId) -> list[Instance]:
    """The backup instances of a cluster that isn't there any more, from vaults in its subscription.

    Raises:
        ArmError: refused, or still throttled after some seconds.
    """
    kql = "\n".join(
        (
            f"RecoveryServicesResources | where type =~ '{_INSTANCES}'",
            f"| where properties.dataSourceInfo.resourceID =~ {quoted(str(cluster))}",
            "| project id, properties",
            "| order by id asc",
        )
    )
    return [read_instance(row) for row in await query(door, {cluster.subscription}, kql)]


def _kql(cluster: ClusterId, places: Places, window: float, also: str | None) -> str:
    containers = [group_id(cluster.subscription, cluster.group), f"/subscriptions/{cluster.subscription}"]
    containers += [group for group in (places.group, also) if group]
    listed = ", ".join(quoted(item) for item in containers)
    legs = [f"ResourceContainers | where id in~ ({listed}) {_COLUMNS}"]
    kept = []
    if places.node_group:
        kept.append(f"(type =~ '{_DISKS}' and id startswith {_below(places.node_group)})")
    if places.group:
        young = f"todatetime(properties.timeCreated) > ago({window:.0f}s)"
        kept.append(f"(type =~ '{_SNAPSHOTS}' and id startswith {_below(places.group)} and {young})")
    if kept:
        legs.append(f"Resources | where {' or '.join(kept)} {_COLUMNS}")
    union = f"| union {', '.join(f'({leg})' for leg in legs)}"
    return "\n".join(
        (
            f"RecoveryServicesResources | where type =~ '{_JOBS}'",
            f"| where properties.dataSourceId =~ {quoted(str(cluster))}",
            _COLUMNS,
            union,
            "| order by id asc",
        )
    )


def _below(group: str) -> str:
    return quoted(f"{group}/")


def _graph(rows: Iterable[Mapping[str, Any]], window: float) -> Graph:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    containers: list[Mapping[str, Any]] = []
    for row in rows:
        kind = str(row.get("type", "")).casefold()
        (containers if kind.startswith("microsoft.resources/") else kinds.setdefault(kind, [])).append(row)
    jobs = sorted((read_job(row) for row in kinds.get(_JOBS, ())), key=lambda job: job.start, reverse=True)
    return Graph(
        jobs=tuple(jobs),
        disks=tuple(disk_of(row) for row in kinds.get(_DISKS, ())),
        snapshots=tuple(snapshot_of(row) for row in kinds.get(_SNAPSHOTS, ())),
        tags={str(row["id"]).casefold(): row.get("tags") or {} for row in containers},
        locations={str(row["id"]).casefold(): region(row.get("location")) for row in containers},
        window=window,
    )
