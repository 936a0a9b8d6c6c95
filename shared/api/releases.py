"""The releases of the fleet: whether they are halted, and a person's word that lets them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import logs
from shared.api.answers import Answer
from shared.api.governance_views import ReleasesView
from shared.arm.ids import ClusterId
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import lies_in
from shared.notify.events import iso

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import Lift
    from shared.services import Services


async def show(services: Services, asked: Asked[None, None]) -> Answer:
    """`GET /api/fleet/releases`."""
    del asked
    return Answer(await _view(services))


async def lift(services: Services, asked: Asked[None, Lift]) -> Answer:
    """`POST /api/fleet/releases`: the clusters that wait are looked at now."""
    view, noted = await _view(services), "nothing was halted"
    if asked.body.lift and await services.breaker.lift(await services.door.now()):
        noted = f"let go for a day; {len(view.waiting)} clusters waited"
        logs.info("releases_lifted", who=asked.who, waiting=len(view.waiting))
        for cluster in view.waiting:
            await services.reconciler.sender.send(
                Message(ClusterId.parse(cluster), "releases were lifted", by=asked.who)
            )
    return Answer(await _view(services), noted=noted)


async def _view(services: Services) -> ReleasesView:
    halted, allowed = await services.breaker.halted(), await services.scope.subscriptions()
    waiting = [stored.value.cluster_id async for stored in services.clusters.all() if _waits(stored.value)]
    return ReleasesView(iso(halted) if halted else None, sorted(one for one in waiting if lies_in(allowed, one)))


def _waits(row: ClusterRow) -> bool:
    return row.state is State.BLOCKED and row.reason == "ReleaseHalted"
