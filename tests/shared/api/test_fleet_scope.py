"""What the app knows of subscriptions that aren't its own any more stays in its tables and in no answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.api import clusters, releases
from shared.api.asking import Asked
from shared.api.queries import FleetQuery
from shared.arm.clock import AzureClock
from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Stored
from shared.resync.fleet import ResyncRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OURS, NOBODYS = "00000000-0000-0000-0000-000000000001", "11111111-1111-1111-1111-111111111111"
IDS = [str(ClusterId(subscription, "rg", "web")) for subscription in (OURS, NOBODYS)]


class Table:
    """Rows of both subscriptions, and one whose id is broken."""

    async def all(self) -> AsyncIterator[Stored[ClusterRow]]:
        for name in (*IDS, "no cluster's id"):
            yield Stored(ClusterRow(name, state=State.BLOCKED, reason="ReleaseHalted"), "etag")


class Store:
    """The backups of the cluster that is nobody's."""

    async def all(self) -> dict[str, Stored[BackupStatus]]:
        return {"x": Stored(BackupStatus("/x", IDS[1], overdue=True), "etag")}


async def _last() -> ResyncRow:
    return ResyncRow()


async def _halted() -> float:
    return 1.7e9


def services() -> Any:
    """As much of the services as these answers take."""
    door: Any = SimpleNamespace(clock=AzureClock())
    return SimpleNamespace(
        scope=Scope(door, frozenset({OURS}), ()),
        door=door,
        clusters=Table(),
        store=Store(),
        resync=SimpleNamespace(last=_last),
        breaker=SimpleNamespace(halted=_halted),
    )


async def test_the_fleet_is_that_of_the_allowed_subscriptions() -> None:
    """Neither listed nor counted, backups included."""
    view = (await clusters.fleet(services(), Asked(FleetQuery(), None, {}))).body
    assert [item.cluster_id for item in view.items] == IDS[:1]
    assert (view.clusters, view.by_state, view.overdue) == (1, {"Blocked": 1}, 0)


async def test_only_clusters_of_allowed_subscriptions_wait_for_somebody() -> None:
    """Lifting the halt asks for no pass over any other."""
    assert (await releases.show(services(), Asked(None, None, {}))).body.waiting == IDS[:1]
