"""Who may write what a region shares, when hosts die in between."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from shared.arm.ids import ClusterId
from shared.errors import RowChanged
from shared.fleet.records import Claim, ClusterRow
from shared.fleet.tables import Key, Stored
from shared.onboarding.holder import Holder

PLACE = ("subscription", "westeurope")
CLUSTER = ClusterId("00000000-0000-0000-0000-000000000001", "g", "c")


@dataclass
class ToyRows:
    """A table in memory, with ETags."""

    rows: dict[Key, Stored[Any]] = field(default_factory=dict)

    async def read(self, key: Key, new: Callable[[], Any]) -> Stored[Any]:
        return deepcopy(self.rows.get(key, Stored(new(), None)))

    async def write(self, key: Key, stored: Stored[Any]) -> Stored[Any]:
        if key in self.rows and self.rows[key].etag != stored.etag:
            raise RowChanged("toy")
        self.rows[key] = Stored(deepcopy(stored.value), str(int(stored.etag or 0) + 1))
        return deepcopy(self.rows[key])


class Fleet:
    """Two tables and the passes over clusters."""

    def __init__(self) -> None:
        self.clusters, self.regions = ToyRows(), ToyRows()

    async def begin(self, name: str, message: str, run: str) -> Any:
        """A message is taken: the cluster's row is claimed anew."""
        key = Key("subscription", name)
        row = ClusterRow(name, claim=Claim(message, run, time.time() + 240))
        self.clusters.rows[key] = Stored(row, "1")
        reconciler: Any = SimpleNamespace(clusters=self.clusters, regions=self.regions, governor=None, breaker=None)
        return Holder(key, Stored(row, "1"), CLUSTER, reconciler)

    def end(self, name: str) -> None:
        """The pass wrote its outcome."""
        self.clusters.rows[Key("subscription", name)].value.claim = None


async def test_a_region_has_one_writer_at_a_time() -> None:
    """The second cluster waits until the first has left."""
    fleet = Fleet()
    one, two = await fleet.begin("one", "m1", "r1"), await fleet.begin("two", "m2", "r2")
    assert await one.enter_region(PLACE)
    assert not await two.enter_region(PLACE)
    await one.leave_region()
    assert await two.enter_region(PLACE)


async def test_a_region_is_free_when_the_pass_that_held_it_is_over() -> None:
    """Its host was killed: the message came back and made another run, or ended in the poison queue."""
    fleet = Fleet()
    killed, two = await fleet.begin("one", "m1", "r1"), await fleet.begin("two", "m2", "r2")
    assert await killed.enter_region(PLACE)
    assert not await two.enter_region(PLACE), "nobody knows yet that it was killed"
    await fleet.begin("one", "m1", "r1-again")
    assert await two.enter_region(PLACE)

    poisoned = await fleet.begin("three", "m3", "r3")
    await two.leave_region()
    assert await poisoned.enter_region(PLACE)
    fleet.end("three")
    assert await two.enter_region(PLACE)


async def test_a_message_that_came_back_has_its_own_region_at_once() -> None:
    """It takes over what its killed run left behind."""
    fleet = Fleet()
    killed = await fleet.begin("one", "m1", "r1")
    assert await killed.enter_region(PLACE)
    again = await fleet.begin("one", "m1", "r1-again")
    assert await again.enter_region(PLACE)
