"""Passes because somebody asks: over one cluster, over all that drifted, or over all in some state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.clusters import path_of
from shared.api.problems import Problem
from shared.api.views import FleetAsked, PassAsked, resync_view
from shared.errors import ArmError
from shared.fleet.messages import ASKED, Message
from shared.fleet.records import ClusterRow
from shared.fleet.tables import Key
from shared.onboarding.readings import CLUSTERS_API

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import FleetSelection
    from shared.services import Services

_LOOK_AFTER = 5  # seconds: the queue is looked at within a second or two, and a pass takes as long


async def one(services: Services, asked: Asked[None, None]) -> Answer:
    """Ask for a pass over a cluster; it overtakes what events and timers ask for.

    Raises:
        Problem: 404 for a cluster that neither the app nor Azure knows.
        ArmError: Azure doesn't say whether there is such a cluster.
    """
    cluster = asked.cluster
    stored = await services.clusters.read(Key(cluster.subscription, cluster.key), lambda: ClusterRow(str(cluster)))
    if stored.etag is None and isinstance(await services.door.find(str(cluster), CLUSTERS_API), ArmError):
        raise Problem(404, "ClusterNotFound", f"there is no cluster {cluster.name}, and the app never saw one")
    reason = f"{ASKED}{asked.who}"
    await services.urgent.send(Message(cluster, reason, by=asked.who))
    return Answer(PassAsked(str(cluster), reason), 202, path_of(cluster), _LOOK_AFTER)


async def fleet(services: Services, asked: Asked[None, FleetSelection]) -> Answer:
    """Compare the fleet now, or ask for a pass over every cluster in a state or with a reason."""
    state, reason = asked.body.state, asked.body.reason
    if state is None and reason is None:
        row = await services.resync.run(by=asked.who)
        answer = FleetAsked(sum(row.by_reason.values()), resync_view(row))
    else:
        answer = FleetAsked(await services.resync.ask_for(state, reason, asked.who), None)
    return Answer(answer, 202, "/api/fleet", _LOOK_AFTER, f"asked for {answer.asked} passes")
