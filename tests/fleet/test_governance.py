"""Paused, observing, in a quiet window or at a cap, passes look and don't write; a plan says what they would do."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from shared.api.asking import Asked
from shared.api.governance import plan as plan_of
from shared.api.queries import PlanQuery
from shared.arm.ids import ClusterId
from shared.errors import WriteRefused
from shared.fleet.records import State
from shared.onboarding.planning import Plan, plan
from tests.fleet import damage
from tests.fleet.app import SUBSCRIPTION, App

if TYPE_CHECKING:
    from pathlib import Path

    from shared.onboarding.outcomes import Waiting

HOUR: Final = 3600.0
ONBOARDING: Final = (
    # what a fresh cluster takes in isolation by cluster, without the vault tier, in the order of the rounds
    {"vault-group", "backup-group"},
    {"vault", "storage-account", "role/Contributor on backup-group"},
    {"policy", "container", "trusted-access", "role/Reader on cluster", "role/Reader on backup-group"},
    {"extension"},
    {"role/Storage Blob Data Contributor on storage-account"},
    {"validation"},
    {"backup-instance"},
)


async def planned(app: App, cluster: str) -> Plan:
    """What a pass would do now."""
    return await plan(app.reconciler, ClusterId.parse(cluster))


async def test_observing_writes_nothing_and_says_what_would_be_done() -> None:
    """The status has the reason and the steps; nothing is written, however often it is looked at."""
    app = App(AUTOPILOT_ACT="observe")
    cluster = await app.cluster("shop", "gold")
    row = await app.look(cluster, horizon=12 * HOUR)
    assert (row.state, row.reason) == (State.WAITING, "Observed")
    assert "would start vault-group, backup-group; then" in row.message
    assert row.steps["vault-group"].startswith("Planned: ")
    assert row.steps["backup-instance"].startswith("Planned: ")
    assert app.writes() == []


async def test_a_subscription_acts_though_the_deployment_only_observes() -> None:
    """The exception is for single subscriptions."""
    app = App(AUTOPILOT_ACT=f"observe,{SUBSCRIPTION}=auto")
    cluster = await app.cluster("shop", "gold")
    assert (await app.look(cluster)).state is State.PROTECTED


async def test_observing_repairs_nothing_either() -> None:
    """Drift is shown as a plan; what is whole is still called protected."""
    app = App()
    cluster = await app.protect("shop")
    await damage.binding_deleted(app, cluster)
    app.settings = app.settings._replace(act=App(AUTOPILOT_ACT="observe").settings.act)
    app.restart()
    before = len(app.writes())
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.WAITING, "Observed")
    assert "would start trusted-access" in row.message
    assert len(app.writes()) == before


async def test_a_pause_in_the_middle_stops_the_next_write_and_nothing_else() -> None:
    """What was started goes on in Azure and is looked at; resumed, the onboarding goes on where it was."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    await app.hint(cluster)
    for _ in range(3):
        await app.work()
        app.step(15)
    assert app.writes()
    await app.governor.pause.set(on=True, by="kim", reason="audit")
    before = len(app.writes())
    await app.settle(HOUR)
    row = await app.row(cluster)
    assert (row.state, row.reason) == (State.WAITING, "Paused")
    assert "kim" in row.message
    assert len(app.writes()) == before
    with pytest.raises(WriteRefused):
        await app.reconciler.door.put(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/x", "2024-11-01", {})
    await app.governor.pause.set(on=False, by="kim", reason="")
    await app.settle()
    assert (await app.row(cluster)).state is State.PROTECTED


async def test_a_protected_cluster_stays_so_while_the_app_is_paused() -> None:
    """There is nothing to write, so nothing is held."""
    app = App()
    cluster = await app.protect("shop")
    await app.governor.pause.set(on=True, by="kim", reason="audit")
    assert (await app.look(cluster)).state is State.PROTECTED


async def test_one_onboarding_an_hour_begins_and_each_gets_its_turn() -> None:
    """The others say when; nothing is made for them before."""
    app = App(AUTOPILOT_MAX_ONBOARDINGS_PER_HOUR="1")
    clusters = [await app.cluster(f"shop{number}", "gold") for number in range(3)]
    for cluster in clusters:
        await app.hint(cluster)
    await app.settle(HOUR / 2)
    rows = [await app.row(cluster) for cluster in clusters]
    assert Counter(row.reason for row in rows) == {"OnboardingCapReached": 2, "ProtectionConfigured": 1}
    assert len(app.resources("Microsoft.DataProtection/backupVaults/backupInstances")) == 1
    await app.settle(3 * HOUR)
    rows = [await app.row(cluster) for cluster in clusters]
    assert {row.state for row in rows} == {State.PROTECTED}
    first, second, third = sorted(datetime.fromisoformat(row.history[-1].at).timestamp() for row in rows)
    assert min(second - first, third - second) > 0.9 * HOUR  # the first took longer: it made the vault


async def test_nothing_is_installed_in_a_quiet_window() -> None:
    """An onboarding waits for the window's end and then goes through; a role is put back all the same."""
    app = App(AUTOPILOT_QUIET_WINDOWS="daily 12:00-18:00")
    cluster = await app.cluster("shop", "gold")
    row = await app.look(cluster, horizon=HOUR)
    assert (row.state, row.reason) == (State.WAITING, "QuietWindow")
    assert app.writes() == []
    await app.settle(8 * HOUR)
    assert (await app.row(cluster)).state is State.PROTECTED
    app.step(-app.now() % 86400.0 + 13 * HOUR)  # into the next day's window
    await damage.roles_deleted(app, cluster)
    assert (await app.look(cluster, horizon=HOUR)).state is State.PROTECTED
    await damage.binding_deleted(app, cluster)
    row = await app.look(cluster, horizon=HOUR / 2)
    assert row.reason == "QuietWindow"


async def test_a_plan_of_a_fresh_cluster_has_every_step_in_its_order() -> None:
    """It is what the passes then do; neither Azure nor the app's rows are written for it."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    made = await planned(app, cluster)
    rounds: dict[int, set[str]] = {}
    for item in made.work.plan:
        rounds.setdefault(item.round, set()).add(item.name)
    assert tuple(rounds.values()) == ONBOARDING
    assert (made.outcome.reason, made.held) == ("Planned", None)
    assert app.writes() == []
    assert (await app.row(cluster)).state is State.NEW
    assert (await app.look(cluster)).state is State.PROTECTED
    assert (await planned(app, cluster)).work.plan == ()


async def test_a_plan_says_what_would_hold_it_and_takes_no_turn() -> None:
    """The turn that it names is still free for whoever comes first."""
    app = App(AUTOPILOT_MAX_ONBOARDINGS_PER_HOUR="1")
    first, second = [await app.cluster(f"shop{number}", "gold") for number in range(2)]
    assert (await planned(app, first)).held is None
    assert (await planned(app, second)).held is None
    await app.look(first, horizon=HOUR / 2)
    held = cast("Waiting", (await planned(app, second)).held)
    assert held.reason == "OnboardingCapReached"
    await app.governor.pause.set(on=True, by="kim", reason="audit")
    assert cast("Waiting", (await planned(app, second)).held).reason == "Paused"


async def test_a_plan_of_what_drifted_is_the_repair() -> None:
    """Only what is missing, and why."""
    app = App()
    cluster = await app.protect("shop")
    await damage.extension_removed(app, cluster)
    made = await planned(app, cluster)
    names: list[Any] = [item.name for item in made.work.plan]
    assert names[0] == "extension"
    assert made.work.plan[0].reason == "not installed"
    assert set(names) <= {"extension", "role/Storage Blob Data Contributor on storage-account"}


async def test_a_plan_of_a_cluster_that_cannot_be_protected_says_why() -> None:
    """There is nothing to start, and the outcome is that of a pass."""
    app = App()
    cluster = await app.cluster("shop", "platinum")
    made = await planned(app, cluster)
    assert (type(made.outcome).__name__, made.outcome.reason, made.work.plan) == ("Rejected", "UnknownPolicy", ())


async def test_events_say_who_owns_the_cluster() -> None:
    """The tag's value as the last pass read it, under the name that the setting gives; empty without one."""
    app = App(AUTOPILOT_OWNER_TAG="team")
    await app.look(await app.cluster("shop", "gold", Team="payments"))
    await app.look(await app.cluster("bare", "gold"))
    assert [event.data["owner"] for event in app.topic.events] == ["payments", ""]


@pytest.mark.parametrize(
    "harm",
    [damage.roles_deleted, damage.extension_reinstalled, damage.policy_changed, damage.group_deleted],
    ids=lambda harm: harm.__name__,
)
async def test_a_plan_is_what_the_pass_then_does(harm: Any) -> None:
    """Its first round is started first, for the reasons that it gave; and nothing is started that it hadn't named."""
    app = App()
    cluster = await app.protect("shop")
    await harm(app, cluster)
    made = await planned(app, cluster)
    first = {item.name: f"Absent: {item.reason}" for item in made.work.plan if item.round == 1}
    seen = len(app.journal.lines)
    assert (await app.look(cluster)).state is State.PROTECTED
    started = [line.get("started", {}) for line in app.journal.lines[seen:]]
    assert {name: started[0].get(name) for name in first} == first
    assert {name for steps in started for name in steps} <= {item.name for item in made.work.plan}


PRICES: Final = """
currency: EUR
namespaceMonth: 10
snapshotGibMonth: 0.1
vaultGibMonth: {LocallyRedundant: 0.05}
"""


@pytest.mark.parametrize(
    ("prices", "total", "note"),
    [
        (None, None, "AUTOPILOT_PRICES names no price file"),
        (PRICES, 4 * 10 + 0.1 * 100 * (1 + 0.02 * (7 - 4 / 24)), "an estimate"),
        (PRICES.replace("0.1", ""), None, "lacks a price"),
    ],
)
async def test_a_plan_says_what_the_policy_costs(
    tmp_path: Path, prices: str | None, total: float | None, note: str
) -> None:
    """For a cluster of the size asked about, by the operator's own prices; without them there are quantities only."""
    path = tmp_path / "prices.yaml"
    path.write_text(prices or "")
    app = App(AUTOPILOT_PRICES=str(path) if prices else "")
    cluster = ClusterId.parse(await app.cluster("shop", "gold"))
    services: Any = SimpleNamespace(reconciler=app.reconciler, settings=app.settings)
    asked: Any = Asked(PlanQuery(namespaces=4, disks=2, gib=100), None, {}, cluster)
    view = (await plan_of(services, asked)).body
    assert view.cost.a_month == (pytest.approx(total) if total else None)
    assert note in view.cost.note
    assert view.cost.quantities[0] == "namespaces: 4 assumed"
    assert [step.step for step in view.steps if step.round == 1] == ["vault-group", "backup-group"]
    assert view.steps[0].reason.startswith("no resource group")
