"""A cluster that is gone: what protected it is kept and listed, and nothing of it is deleted."""

from __future__ import annotations

from shared import logs
from shared.arm.door import Door
from shared.arm.graph import query, quoted
from shared.arm.ids import ClusterId, name_of, same_id
from shared.errors import ArmError
from shared.fleet.life import Life
from shared.fleet.records import Places
from shared.fleet.scope import Scope
from shared.onboarding.offboarding import offboarded
from shared.onboarding.outcomes import Orphaned, Outcome, Released, Waiting
from shared.settings import Isolation, Settings

_COMPUTE_API = "2024-03-02"
_MOVE_WAIT = 6 * 3600.0
_MOVE_WATCHED = 86400.0
_LISTED = 100  # snapshots; a row has room for 32,000 characters

_SAME = """Resources
| where type =~ 'microsoft.containerservice/managedclusters'
| where properties.resourceUID =~ {0} or identity.principalId =~ {0}
| project id
| order by id asc"""


async def bereaved(
    cluster: ClusterId,
    life: Life,
    known: Places | None,
    door: Door,
    *,
    scope: Scope,
    settings: Settings,
) -> Outcome:
    """Where a cluster stands that Azure doesn't know any more.

    Args:
        cluster: its id.
        life: what is remembered of it; changed in place.
        known: where everything was that protected it.
        door: to Azure.
        scope: the subscriptions that it may have moved to.
        settings: whether its snapshots lie among those of other clusters.
    """
    if known is None:
        return Released("ClusterNotFound", "the cluster doesn't exist, and this app never protected it")
    if life.offboarded:
        return offboarded()
    now = door.clock.now().timestamp()
    life.gone, life.release = life.gone or now, None
    moved = await _moved_to(cluster, life, scope, door)
    if moved and now - life.gone < _MOVE_WATCHED:
        return Waiting("ClusterMoved", f"the cluster is now {moved}, and is protected there", _MOVE_WAIT)
    among_others = settings.isolation is Isolation.REGION
    snapshots = [] if among_others else await _snapshots(known.group, door)
    container = f"{known.account}/blobServices/default/containers/{known.container}"
    life.leftovers = [container, *snapshots[:_LISTED]]
    kept = f"backup instance {name_of(known.instance)} keeps its recovery points"
    count = "its" if among_others else len(snapshots)
    left = f"{count} snapshots in {name_of(known.group)} and a container stay until somebody removes them"
    if moved:
        return Orphaned("ClusterMoved", f"the cluster is now {moved}; {kept}; {left}")
    return Orphaned("ClusterDeleted", f"the cluster doesn't exist any more; {kept}; {left}")


async def _moved_to(cluster: ClusterId, life: Life, scope: Scope, door: Door) -> str:
    """Id of the cluster that has the identity of the one that is gone, or ""."""
    if not life.identity:
        return ""
    try:
        rows = await query(door, await scope.subscriptions(), _SAME.format(quoted(life.identity)))
    except ArmError as error:
        logs.warning("move_not_looked_for", cluster=cluster, code=error.code, status=error.status)
        return ""
    return next((str(row["id"]) for row in rows if not same_id(str(row["id"]), str(cluster))), "")


async def _snapshots(group: str, door: Door) -> list[str]:
    """Ids of the snapshots in the cluster's snapshot group; none when that is gone or can't be read."""
    try:
        found = await door.list(f"{group}/providers/Microsoft.Compute/snapshots", _COMPUTE_API)
    except ArmError as error:
        logs.warning("snapshots_not_listed", group=name_of(group), code=error.code, status=error.status)
        return []
    return sorted(str(item.get("id", "")) for item in found)
