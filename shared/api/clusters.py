"""How a cluster and the fleet stand, from the app's own rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.problems import Problem
from shared.api.views import FleetView, backup_view, cluster_view, resync_view, worst_first
from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus, on_demand_today
from shared.fleet.records import ClusterRow
from shared.fleet.scope import lies_in
from shared.fleet.tables import Key

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import FleetQuery
    from shared.api.views import BackupView
    from shared.services import Services


async def status(services: Services, asked: Asked[None, None]) -> Answer:
    """How one cluster stands.

    Raises:
        Problem: 404 for a cluster that was never looked at.
    """
    row = await known(services, asked.cluster)
    now = services.door.clock.now().timestamp()
    backups = [_view(services, stored.value, now) for stored in await services.store.of_cluster(asked.cluster)]
    return Answer(cluster_view(row, backups))


async def fleet(services: Services, asked: Asked[FleetQuery, None]) -> Answer:
    """Counts of all, and a page of the clusters, the worst first."""
    wanted, now = asked.query, services.door.clock.now().timestamp()
    allowed = await services.scope.subscriptions()
    by_cluster: dict[str, list[BackupStatus]] = defaultdict(list)
    stored_statuses = [stored.value for stored in (await services.store.all()).values()]
    statuses = [item for item in stored_statuses if lies_in(allowed, item.cluster_id)]
    for item in statuses:
        by_cluster[item.cluster_id.casefold()].append(item)
    rows = [stored.value async for stored in services.clusters.all() if lies_in(allowed, stored.value.cluster_id)]
    views = [
        cluster_view(row, [_view(services, item, now) for item in by_cluster[row.cluster_id.casefold()]])
        for row in rows
        if wanted.state in (None, row.state)
    ]
    views.sort(key=worst_first)
    return Answer(
        FleetView(
            clusters=len(rows),
            by_state=dict(Counter(str(row.state) for row in rows)),
            fresh=sum(bool(item.last_point) and not item.overdue and not item.failing for item in statuses),
            overdue=sum(item.overdue for item in statuses),
            failing=sum(item.failing for item in statuses),
            resync=resync_view(await services.resync.last(), (row.looked_at for row in rows)),
            items=views[wanted.skip : wanted.skip + wanted.top],
        )
    )


async def known(services: Services, cluster: ClusterId) -> ClusterRow:
    """The row of a cluster.

    Raises:
        Problem: 404 for a cluster that was never looked at.
    """
    stored = await services.clusters.read(Key(cluster.subscription, cluster.key), lambda: ClusterRow(str(cluster)))
    if stored.etag is None:
        raise Problem(
            404,
            "ClusterNotFound",
            f"the app has never looked at cluster {cluster.name}: ask for it (POST .../reconcile)",
        )
    return stored.value


def path_of(cluster: ClusterId) -> str:
    """Where a cluster stands among the HTTP functions."""
    return f"/api/clusters/{cluster.subscription}/{cluster.group}/{cluster.name}"


def _view(services: Services, item: BackupStatus, now: float) -> BackupView:
    return backup_view(item, services.policies, now, on_demand_today(item, now))
