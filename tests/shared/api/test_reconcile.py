"""Passes that people ask for: over one cluster, over what drifted, over all in a state."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.api import reconcile
from shared.api.asking import Asked
from shared.api.problems import Problem
from shared.api.queries import FleetSelection
from shared.arm.ids import ClusterId
from shared.catalog.loading import load
from shared.errors import ArmError
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Stored
from shared.resync.fleet import Resync
from shared.settings import load as load_settings
from tests.shared.resync.conftest import ENVIRON, SUBSCRIPTIONS, Glances, Marks, Queue

CLUSTER = ClusterId(SUBSCRIPTIONS[0], "rg", "web")
OTHERS = "00000000-0000-0000-0000-0000000000ff"


@dataclass
class Known:
    """The table of clusters and Azure: whether each knows the cluster."""

    row: bool
    exists: bool
    urgent: Queue = field(default_factory=Queue)

    async def read(self, key: Any, new: Any) -> Stored[ClusterRow]:
        return Stored(ClusterRow(str(CLUSTER)), "etag" if self.row else None)

    async def find(self, path: str, api_version: str) -> dict[str, Any] | ArmError:
        return {"id": path} if self.exists else ArmError("no", status=404, code="ResourceNotFound")

    @property
    def services(self) -> Any:
        return SimpleNamespace(clusters=self, door=self, urgent=self.urgent)


@pytest.mark.parametrize(("row", "exists"), [(True, True), (True, False), (False, True)])
async def test_a_pass_over_one_cluster_is_asked_for_in_peoples_own_queue(*, row: bool, exists: bool) -> None:
    """The message says who asked; the answer says where to look."""
    known = Known(row, exists)
    said = await reconcile.one(known.services, Asked(None, None, {}, CLUSTER, "ada"))
    assert [message for message, _ in known.urgent.sent] == [Message(CLUSTER, "asked by ada", by="ada")]
    assert (said.status, said.location) == (202, f"/api/clusters/{SUBSCRIPTIONS[0]}/rg/web")


async def test_a_cluster_that_nobody_knows_gets_no_message() -> None:
    """A typing mistake must not become a row."""
    known = Known(row=False, exists=False)
    with pytest.raises(Problem, match="web") as caught:
        await reconcile.one(known.services, Asked(None, None, {}, CLUSTER))
    assert (caught.value.status, known.urgent.sent) == (404, [])


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (FleetSelection(state=State.BLOCKED), ["locked", "odd"]),
        (FleetSelection(reason="ScopeLocked"), ["locked"]),
        (FleetSelection(state=State.PROTECTED, reason="ScopeLocked"), []),
    ],
)
async def test_clusters_are_chosen_by_state_and_reason(chosen: FleetSelection, names: list[str]) -> None:
    """Whatever else they are; never one outside the deployment's subscriptions, nor a row that names none."""
    rows = [
        _row("locked", State.BLOCKED, "ScopeLocked"),
        _row("odd", State.BLOCKED, "NameTaken"),
        _row("fine", State.PROTECTED, "ProtectionConfigured"),
        _row("foreign", State.BLOCKED, "ScopeLocked", OTHERS),
        ClusterRow("no cluster's id", state=State.BLOCKED, reason="ScopeLocked"),
    ]
    settings, queue = load_settings(ENVIRON), Queue()
    parts: Any = (None, Glances(rows), Marks(), queue)
    scope = Scope(parts[0], settings.subscriptions, ())
    resync = Resync(settings, scope, load(settings.catalog), *parts)
    services = cast("Any", SimpleNamespace(resync=resync))
    said = await reconcile.fleet(services, Asked(None, chosen, {}, None, "ada"))
    assert sorted(message.cluster.name for message, _ in queue.sent) == names
    assert {(message.reason, message.by) for message, _ in queue.sent} <= {("asked by ada", "ada")}
    assert (said.status, said.location, said.body.asked) == (202, "/api/fleet", len(names))


def _row(name: str, state: State, reason: str, subscription: str = SUBSCRIPTIONS[0]) -> ClusterRow:
    return ClusterRow(str(ClusterId(subscription, "rg", name)), state=state, reason=reason)
