"""The nightly check: everyone in a night, Azure in turns, changes told once, whatever breaks off in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from shared.arm.clock import AzureClock
from shared.arm.ids import ClusterId
from shared.errors import ArmError, RowChanged
from shared.fleet.records import State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Stored
from shared.notify.events import Event, iso
from shared.readiness.kept import ReadinessRow, Validated, Validating
from shared.readiness.members import Standing
from shared.readiness.model import Readiness, Verdict
from shared.readiness.nightly import Nightly, Report

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
HOUR, DAY = 3600.0, 86400.0


def cluster(name: str) -> str:
    """A cluster's id."""
    return str(ClusterId(SUBSCRIPTION, "rg", name))


class Died(BaseException):
    """The process ended."""


@dataclass
class Table[T]:
    """Rows in memory with ETags, as Table Storage has them; `before_write` is called first, and may raise."""

    kind: type[T]
    rows: dict[Key, tuple[bytes, int]] = field(default_factory=dict)
    before_write: Callable[[], None] = lambda: None

    async def all(self) -> AsyncIterator[Stored[T]]:
        for document, etag in list(self.rows.values()):
            yield Stored(decode(document, type=self.kind), str(etag))

    async def write(self, key: Key, stored: Stored[T]) -> Stored[T]:
        self.before_write()
        _, etag = self.rows.get(key, (b"", 0))
        if stored.etag != (str(etag) if etag else None):
            raise RowChanged("written by somebody else")
        self.rows[key] = (encode(stored.value), etag + 1)
        return Stored(stored.value, str(etag + 1))

    def values(self) -> dict[str, T]:
        """The documents by cluster name."""
        found = [decode(document, type=self.kind) for document, _ in self.rows.values()]
        return {cast("Any", row).cluster_id.rpartition("/")[2]: row for row in found}


@dataclass
class World:
    """A fleet and an Azure in memory."""

    names: Sequence[str]
    nights: int = 1
    now: float = 1_800_000_000.0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    ends: dict[str, Validated | ArmError | None] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    told: list[Event] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    before: Callable[[str], None] = lambda _: None
    clusters: Table[Standing] = field(default_factory=lambda: Table(Standing))
    kept: Table[ReadinessRow] = field(default_factory=lambda: Table(ReadinessRow))

    async def night(self, budget: float = 0.4) -> Report:
        """One run of the timer."""
        return await self.nightly().run(budget)

    def nightly(self) -> Nightly:
        """The nightly check at this moment."""
        clock = AzureClock(monotonic_clock=lambda: 0.0)
        clock.heard(datetime.fromtimestamp(self.now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"))
        for name in self.names:
            row = Standing(cluster(name), state=State.PROTECTED)
            self.clusters.rows[Key(SUBSCRIPTION, name)] = (encode(row), 1)
        scope = Scope(cast("Any", None), frozenset({SUBSCRIPTION}), ())
        return Nightly(scope, self.nights, 0.001, clock, cast("Any", self.clusters), cast("Any", self.kept), self, self)

    async def publish(self, events: Sequence[Event]) -> None:
        self.before("publish")
        self.told += events

    async def check(self, which: ClusterId) -> Readiness | None:
        self.before("check")
        if which.name in self.broken:
            raise ValueError(which.name)
        self.asked[which.name] += 1
        verdict = self.verdicts.get(which.name, Verdict.READY)
        return Readiness(str(which), verdict, "r", iso(self.now), False, "s", "t", "p", 60, None, [])

    async def begin(self, which: ClusterId) -> Validating | Validated | None:
        self.before("begin")
        self.begun[which.name] += 1
        return Validating(f"https://arm/{which.name}", self.now, "p")

    async def look(self, operation: Validating) -> Validated | None:
        self.before("look")
        name = operation.url.rpartition("/")[2]
        ended = self.ends.get(name, Validated(passed=True, at=self.now, recovery_point="p"))
        if isinstance(ended, ArmError):
            raise ended
        return ended

    def news(self) -> list[tuple[str, str]]:
        """What was told, each fact once: cluster and verdict."""
        facts = {event.id: event for event in self.told}
        return [(event.subject.rpartition("/")[2], event.data["verdict"]) for event in facts.values()]


async def test_a_night_checks_and_validates_everyone_once() -> None:
    """A second run of the same night has nothing to do; the next night does it again."""
    world = World("abc")
    report = await world.night()
    assert (report.clusters, report.checked, report.begun) == (3, 3, 3)
    again = await world.night()
    assert (again.checked, again.begun) == (0, 0)
    world.now += DAY
    assert (await world.night()).checked == 3
    assert world.asked == Counter(a=2, b=2, c=2)


async def test_azure_is_asked_in_turns() -> None:
    """With three nights, a third of the fleet a night; after three nights everyone has been asked once."""
    world = World("abcdef", nights=3)
    for _ in range(3):
        assert (await world.night()).begun == 2
        world.now += DAY
    assert world.begun == Counter("abcdef")


async def test_an_operation_that_outlasts_the_run_is_picked_up_by_the_next() -> None:
    """Its URL stands in the row; it isn't started again, and its end is told."""
    world = World("a", ends={"a": None})
    assert (await world.night()).running == 1
    world.ends["a"] = Validated(False, world.now, "p", "UserErrorX", "no role")
    world.now += 900
    report = await world.night()
    assert (report.begun, report.ended, report.refused) == (0, 1, 1)
    assert world.news() == [("a", "NotReady")]
    assert world.kept.values()["a"].validating is None


async def test_an_operation_that_never_ends_is_given_up() -> None:
    """After two hours; the next night asks anew."""
    world = World("a", ends={"a": None})
    await world.night()
    world.now += 3 * HOUR
    await world.night()
    assert world.kept.values()["a"].validating is None
    world.now += DAY
    assert (await world.night()).begun == 1


async def test_azures_own_troubles_say_nothing_of_a_cluster() -> None:
    """Neither a look that fails nor a validation that ended in a failure of the service is a refusal."""
    world = World("ab", ends={"a": ArmError("busy", status=503), "b": Validated(False, 1.0, "p", "CloudInternalError")})
    await world.night()
    assert world.news() == []
    assert world.kept.values()["b"].validated is None


async def test_what_is_not_ready_needs_no_proof() -> None:
    """Azure isn't asked to validate what can't be restored anyway, nor does it take another's turn."""
    world = World("ab", verdicts={"a": Verdict.NOT_READY})
    assert (await world.night()).begun == 1
    assert world.begun == Counter("b")


async def test_a_cluster_that_breaks_the_run_keeps_nobody_from_their_turn() -> None:
    """All others are checked and told of; the run fails in the end, so that somebody sees it."""
    world = World("abc", verdicts={"c": Verdict.NOT_READY}, broken={"a"})
    with pytest.raises(ExceptionGroup, match="couldn't be worked on"):
        await world.night()
    assert world.asked["b"] == world.asked["c"] == 1
    assert world.news() == [("c", "NotReady")]


async def test_two_runs_at_once_tell_each_fact_once() -> None:
    """Whoever writes a row second leaves it as it is."""
    world = World("abcd", verdicts=dict.fromkeys("abcd", Verdict.NOT_READY))
    await asyncio.gather(world.night(), world.night())
    assert sorted(world.news()) == [(name, "NotReady") for name in "abcd"]


STOPS = ("check", "begin", "look", "publish", "write")


@given(
    deaths=st.lists(st.tuples(st.sampled_from(STOPS), st.integers(0, 4)), max_size=4),
    verdicts=st.lists(st.sampled_from(Verdict), min_size=3, max_size=3),
)
def test_however_runs_die_each_change_is_told_once(deaths: list[tuple[str, int]], verdicts: list[Verdict]) -> None:
    """Runs that die anywhere, then one that doesn't: everyone is checked, and the topic has each fact, none twice."""
    world = World("abc", verdicts=dict(zip("abc", verdicts, strict=True)))

    async def nights() -> None:
        for place, count in deaths:
            left = count

            def die(where: str, place: str = place) -> None:
                nonlocal left
                if where == place:
                    if not left:
                        raise Died
                    left -= 1

            world.before, world.kept.before_write = die, lambda: die("write")
            with contextlib.suppress(Died):
                await world.night(0.05)
            world.now += 900
        world.before, world.kept.before_write = lambda _: None, lambda: None
        await world.night(0.05)

    asyncio.run(nights())
    bad = sorted(
        (name, str(verdict)) for name, verdict in world.verdicts.items() if verdict not in ("Ready", "Unknown")
    )
    assert sorted(world.news()) == bad
    assert all(row.checked and not row.outbox for row in world.kept.values().values())


async def test_a_cluster_of_a_subscription_that_was_taken_away_is_not_asked_about() -> None:
    """Its row outlasts the settings: no request is sent for it, and nothing is told of it."""
    world = World("a", verdicts={"gone": Verdict.NOT_READY})
    gone = str(ClusterId("11111111-1111-1111-1111-111111111111", "rg", "gone"))
    world.clusters.rows[Key("s", "gone")] = (encode(Standing(gone, state=State.PROTECTED)), 1)
    assert (await world.night()).clusters == 1
    assert (list(world.asked), world.news()) == (["a"], [])


async def test_a_run_begins_nothing_after_its_budget() -> None:
    """What it doesn't get to is left to the next one."""
    world = World("abc")
    assert (await world.night(0.0)).checked == 0
    assert (await world.night()).checked == 3


async def test_what_the_topic_did_not_take_is_told_by_the_next_sweep() -> None:
    """It needn't wait for another night, and is told once."""
    world = World("a", verdicts={"a": Verdict.NOT_READY})

    def refuse(where: str) -> None:
        if where == "publish":
            raise ConnectionError

    world.before = refuse
    with pytest.raises(ConnectionError):
        await world.night()
    world.before = lambda _: None
    assert [await world.nightly().tell() for _ in range(2)] == [1, 0]
    assert world.news() == [("a", "NotReady")]
