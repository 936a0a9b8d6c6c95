"""What may be started when: the reasons against it, in their order."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.api import governance as api
from shared.api.asking import Asked
from shared.api.queries import PauseOptions
from shared.arm.clock import AzureClock
from shared.fleet.tables import Rows
from shared.governance.caps import Caps
from shared.governance.governor import Governor, Hold, Kind, Work
from shared.governance.pause import Pause, PauseRow
from shared.settings import load
from tests.fleet.stores import MemoryTable
from tests.shared.governance.memory import MemoryRows

ONE, OTHER = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
ENVIRON = {"AUTOPILOT_SUBSCRIPTIONS": f"{ONE},{OTHER}", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


def governor(**environ: str) -> Governor:
    """A governor of a deployment with these settings."""
    settings = load(ENVIRON | {f"AUTOPILOT_{name}": value for name, value in environ.items()})
    rows = cast("Any", MemoryRows())
    return Governor(settings, Pause(rows, always=settings.paused), Caps(rows))


def work(kind: Kind = Kind.ONBOARDING, key: str = "a", *, begun: bool = False, installs: bool = False) -> Work:
    """A piece of work."""
    return Work(key * 64, ONE, kind, begun, installs)


async def test_nothing_stops_a_deployment_without_any_of_these_settings() -> None:
    """And finding out what kind of work it is isn't even asked for."""
    free = governor()
    assert await free.stopped(ONE) is None
    assert await free.refusal("") is None
    assert not free.asks_for_work


@pytest.mark.parametrize(
    ("act", "one", "other"),
    [
        ("observe", "Observed", "Observed"),
        (f"observe,{OTHER}=auto", "Observed", None),
        (f"auto,{ONE.upper()}=observe", "Observed", None),
        (f"{OTHER}=observe", None, "Observed"),
    ],
)
async def test_observing_holds_for_the_deployment_or_for_a_subscription(
    act: str, one: str | None, other: str | None
) -> None:
    """A request of no known subscription is held by what the deployment says."""
    observing = governor(ACT=act)
    for subscription, reason in ((ONE, one), (OTHER, other)):
        hold, refusal = await observing.stopped(subscription), await observing.refusal(subscription)
        assert (hold.reason if hold else None) == reason
        assert (refusal.code if refusal else None) == reason
    assert (await observing.refusal("") is None) == (not act.startswith("observe"))


async def test_the_switch_pauses_at_once_and_says_who_and_why() -> None:
    """Pausing outweighs everything; resuming takes it away."""
    paused = governor(ACT="observe")
    await paused.pause.set(on=True, by="kim", reason="audit")
    hold = await paused.stopped(ONE)
    assert hold is not None
    assert hold.reason == "Paused"
    assert "kim" in hold.message
    assert "audit" in hold.message
    await paused.pause.set(on=False, by="kim", reason="")
    hold = await paused.stopped(ONE)
    assert hold is not None
    assert hold.reason == "Observed"


async def test_the_setting_pauses_whatever_the_switch_says() -> None:
    """AUTOPILOT_PAUSED=on can't be undone by a request."""
    paused = governor(PAUSED="on")
    await paused.pause.set(on=False, by="kim", reason="")
    hold = await paused.stopped(ONE)
    assert hold is not None
    assert hold.reason == "Paused"


async def test_a_switch_that_cannot_be_read_pauses_until_somebody_sets_it() -> None:
    """A row of another version, as after a step back to an older app, must not let writes go on."""
    table: Any = MemoryTable("marks")
    newer = Pause(Rows(table, PauseRow, 2, lambda _: {}), always=False)
    await newer.set(on=True, by="kim", reason="audit")
    older = Pause(Rows(table, PauseRow, 1, lambda _: {}), always=False)
    assert (await older.state()).on
    assert not (await older.set(on=False, by="kim", reason="")).on
    assert not (await Pause(Rows(table, PauseRow, 1, lambda _: {}), always=False).state()).on


async def test_the_answer_says_what_holds_though_the_switch_says_otherwise() -> None:
    """Switching off what AUTOPILOT_PAUSED keeps on lets nothing go on, and nobody is told that it did."""
    paused = governor(PAUSED="on")
    services: Any = SimpleNamespace(
        governor=paused, settings=load(ENVIRON | {"AUTOPILOT_PAUSED": "on"}), door=SimpleNamespace(clock=AzureClock())
    )
    said = await api.pause(services, Asked(None, PauseOptions(paused=False), {}, None, "kim"))
    assert said.body.pause.on
    assert said.noted.startswith("switched off, still paused by AUTOPILOT_PAUSED")


async def test_pausing_twice_keeps_the_first_word() -> None:
    """Who has paused, and since when, isn't overwritten by whoever comes second."""
    twice = governor()
    first = await twice.pause.set(on=True, by="kim", reason="audit")
    second = await twice.pause.set(on=True, by="lee", reason="also")
    assert (second.by, second.reason, second.since) == ("kim", "audit", first.since)


@pytest.mark.parametrize(
    ("what", "held"),
    [
        (work(), True),
        (work(begun=True), False),
        (work(begun=True, installs=True), True),
        (work(Kind.ROLLOVER), True),
        (work(Kind.REPAIR), False),
        (work(Kind.REPAIR, installs=True), True),
    ],
)
async def test_a_quiet_window_holds_what_begins_and_what_is_installed(what: Work, held: bool) -> None:
    """What has begun is finished, and repairs outside the cluster go on."""
    quiet = governor(QUIET_WINDOWS="daily 08:00-18:00")
    hold = await quiet.hold(what, NOON)
    assert (hold is not None) == held
    if hold:
        assert hold.reason == "QuietWindow"
        assert "2026-11-25T18:00:00Z" in hold.message
        assert hold.again_after == 6 * 3600
    assert await quiet.hold(what, NOON + 6 * 3600) is None


async def test_a_cap_names_the_turn() -> None:
    """The second cluster of an hour is told when; then it may."""
    capped = governor(MAX_ONBOARDINGS_PER_HOUR="1")
    assert await capped.hold(work(key="a"), NOON) is None
    hold = await capped.hold(work(key="b"), NOON + 600)
    assert isinstance(hold, Hold)
    assert (hold.reason, hold.again_after) == ("OnboardingCapReached", 3000)
    assert "2026-11-25T13:00:00Z" in hold.message
    assert await capped.hold(work(key="b"), NOON + 3600) is None
    assert await capped.hold(work(Kind.ROLLOVER, "c"), NOON) is None


async def test_rollovers_have_a_cap_of_their_own() -> None:
    """A changed catalog doesn't take the turns of new clusters."""
    capped = governor(MAX_ROLLOVERS_PER_HOUR="1")
    assert await capped.hold(work(Kind.ROLLOVER, "a"), NOON) is None
    hold = await capped.hold(work(Kind.ROLLOVER, "b"), NOON)
    assert hold is not None
    assert hold.reason == "RolloverCapReached"
    assert await capped.hold(work(key="c"), NOON) is None
