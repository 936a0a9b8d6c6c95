"""A tag that goes: what the policy says is announced at once, done later, and undone when it returns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from shared.api import releases
from shared.api.asking import Asked
from shared.api.queries import Lift
from shared.fleet.records import State
from shared.notify.events import iso
from tests.fleet import damage
from tests.fleet.app import App

_DAY: Final = 86400.0
_STATES: Final = {"paused": "BackupSchedulesSuspended", "halted": "ProtectionStopped"}


def state_of(app: App, cluster: str) -> str:
    """Protection state of the cluster's only instance."""
    [instance] = app.instances(cluster)
    return str(instance.properties["currentProtectionState"])


@pytest.mark.parametrize("tags", [{}, {"aks_backup": "none"}])
async def test_by_default_a_tag_that_goes_changes_nothing(tags: dict[str, str]) -> None:
    """`keep`: the backups go on, and the event says that nobody wants them any more."""
    app = App()
    cluster = await app.protect("shop", "gold")
    await app.tag(cluster, **tags)
    before = len(app.writes())
    row = await app.look(cluster, horizon=30 * _DAY)
    assert row.state is State.RELEASED
    assert (state_of(app, cluster), len(app.writes())) == ("ProtectionConfigured", before)
    assert app.told(cluster) == ["ClusterProtected", "ClusterReleased"]


@pytest.mark.parametrize("policy", ["paused", "halted"])
async def test_the_policy_by_which_it_was_protected_says_what_comes_after_the_grace_period(policy: str) -> None:
    """Announced at once, not done a minute before a week is over, and every recovery point stays."""
    app = App()
    cluster = await app.protect("shop", policy)
    await app.tag(cluster)
    row = await app.look(cluster)
    begun = app.now()
    assert (row.state, row.reason) == (State.WAITING, "ReleasePending")
    assert app.told(cluster) == ["ClusterProtected", "ReleasePending"]
    await app.settle(begun + 7 * _DAY - 4 * 3600.0 - app.now())
    assert state_of(app, cluster) == "ProtectionConfigured"
    await app.settle(2 * _DAY)
    row = await app.row(cluster)
    assert (row.state, row.reason) == (State.RELEASED, "NotSelected")
    assert state_of(app, cluster) == _STATES[policy]
    assert app.resources("Microsoft.DataProtection/backupVaults/backupInstances/recoveryPoints")
    assert app.told(cluster) == ["ClusterProtected", "ReleasePending", "ClusterReleased"]


async def test_a_tag_that_returns_in_time_calls_it_off() -> None:
    """Nothing was changed, and the chain of wakes that would have done it has ended."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster)
    await app.look(cluster)
    app.step(3 * _DAY)
    await app.tag(cluster, aks_backup="paused")
    row = await app.look(cluster, horizon=30 * _DAY)
    assert (row.state, row.life.release) == (State.PROTECTED, None)
    assert not [write for write in app.writes() if "suspend" in write]


async def test_a_pause_holds_a_release_and_says_what_is_to_come() -> None:
    """Nothing is announced or suspended while the app is paused; what was announced before is done afterwards."""
    app = App()
    early, late = await app.protect("early", "paused"), await app.protect("late", "paused")
    await app.tag(early)
    announced = (await app.look(early)).life.release
    assert announced is not None
    await app.governor.pause.set(on=True, by="kim", reason="audit")
    await app.tag(late)
    app.step(8 * _DAY)
    rows = [await app.look(cluster, horizon=900.0) for cluster in (early, late)]
    assert [(row.state, row.reason) for row in rows] == [(State.WAITING, "Paused")] * 2
    assert f"backups would be suspended on {iso(announced.due)}" in rows[0].message
    assert "backups would be suspended 7 days after the app has announced it" in rows[1].message
    assert app.told(late) == ["ClusterProtected"]
    assert [state_of(app, cluster) for cluster in (early, late)] == ["ProtectionConfigured"] * 2
    await app.governor.pause.set(on=False, by="kim", reason="")
    await app.settle(_DAY)
    assert state_of(app, early) == "BackupSchedulesSuspended"
    assert (await app.row(late)).reason == "ReleasePending"


@pytest.mark.parametrize("back", ["paused", "platinum", "external"])
async def test_each_loss_of_the_tag_has_its_own_days(back: str) -> None:
    """It returned in between, to a stopped cluster or with another word: then a week begins anew."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster)
    await app.look(cluster)
    await app.do("POST", f"{cluster}/stop")
    await app.tag(cluster, aks_backup=back)
    await app.look(cluster, horizon=3600.0)
    await app.do("POST", f"{cluster}/start")
    app.step(10 * _DAY)
    await app.tag(cluster)
    row = await app.look(cluster, horizon=3600.0)
    assert (row.state, row.reason) == (State.WAITING, "ReleasePending")
    assert state_of(app, cluster) == "ProtectionConfigured"


@pytest.mark.parametrize("policy", ["paused", "halted"])
async def test_a_tag_that_returns_late_resumes_what_the_app_itself_ended(policy: str) -> None:
    """The same instance goes on."""
    app = App()
    cluster = await app.protect("shop", policy)
    await app.tag(cluster)
    await app.look(cluster, horizon=8 * _DAY)
    assert state_of(app, cluster) == _STATES[policy]
    await app.tag(cluster, aks_backup=policy)
    row = await app.look(cluster)
    assert (row.state, state_of(app, cluster)) == (State.PROTECTED, "ProtectionConfigured")
    assert row.life.paused == {}


async def test_what_a_person_ended_meanwhile_is_not_resumed() -> None:
    """The app suspended, a person then stopped: that was somebody's will."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster)
    await app.look(cluster, horizon=8 * _DAY)
    await damage.protection_stopped(app, cluster)
    await app.tag(cluster, aks_backup="paused")
    row = await app.look(cluster)
    assert (row.state, row.reason) == (State.BLOCKED, "ProtectionStopped")


async def test_what_a_person_resumes_without_the_tag_stays_resumed() -> None:
    """Suspended once for one lost tag, not again and again."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster)
    await app.look(cluster, horizon=8 * _DAY)
    await app.do("POST", f"{app.instances(cluster)[0].id}/resumeBackups", {})
    row = await app.look(cluster, horizon=30 * _DAY)
    assert (row.state, state_of(app, cluster)) == (State.RELEASED, "ProtectionConfigured")
    assert "resumed" in row.message


async def test_a_pass_that_dies_while_it_suspends_leaves_no_riddle() -> None:
    """It was written down beforehand: the tag's return resumes, whichever request was the last."""
    app = App()
    cluster = await app.protect("shop", "paused")
    await app.tag(cluster)
    await app.look(cluster)
    app.step(8 * _DAY)

    def die() -> None:
        if [write for write in app.writes() if write.endswith("suspendBackups")]:
            raise RuntimeError("the host is gone")

    app.table.before = die
    with pytest.raises(RuntimeError):
        await app.settle()
    app.table.before = lambda: None
    app.restart()
    app.step(120)
    assert state_of(app, cluster) == "BackupSchedulesSuspended"
    await app.tag(cluster, aks_backup="paused")
    row = await app.look(cluster)
    assert (row.state, state_of(app, cluster)) == (State.PROTECTED, "ProtectionConfigured")


async def test_tags_stripped_from_many_clusters_release_none() -> None:
    """Of 4 clusters one may go in an hour: all at once is a mistake, told once, until a person lifts it."""
    app = App()
    clusters = [await app.protect(f"shop-{number}", "paused") for number in range(4)]
    for cluster in clusters:
        await app.tag(cluster)
        await app.hint(cluster)
    await app.settle(8 * _DAY)
    rows = [await app.row(cluster) for cluster in clusters]
    assert {(row.state, row.reason, row.who) for row in rows} == {(State.BLOCKED, "ReleaseHalted", "operator")}
    assert {state_of(app, cluster) for cluster in clusters} == {"ProtectionConfigured"}
    await app.reconciler.breaker.tell(app.topic)
    assert app.told().count("ReleasesHalted") == 1
    services: Any = SimpleNamespace(
        breaker=app.reconciler.breaker,
        door=app.reconciler.door,
        clusters=app.reconciler.clusters,
        scope=app.reconciler.scope,
        reconciler=app.reconciler,
    )
    asked: Asked[None, Lift] = Asked(None, Lift(lift=True), {})
    assert (await releases.show(services, cast("Asked[None, None]", asked))).body.waiting == sorted(clusters)
    assert (await releases.lift(services, asked)).body.halted_since is None
    await app.settle(600.0)
    assert {state_of(app, cluster) for cluster in clusters} == {"BackupSchedulesSuspended"}


async def test_one_cluster_after_the_other_is_no_crowd() -> None:
    """Clusters that lose their tags hours apart are released."""
    app = App()
    clusters = [await app.protect(f"shop-{number}", "paused") for number in range(3)]
    for cluster in clusters:
        await app.tag(cluster)
        await app.look(cluster, horizon=3 * 3600.0)
        app.step(3 * 3600.0)
    await app.settle(8 * _DAY)
    assert {state_of(app, cluster) for cluster in clusters} == {"BackupSchedulesSuspended"}


async def test_an_exclusion_has_a_reason_and_an_end() -> None:
    """`none` until a day counts until that day is over; the cluster is then protected without anybody's event."""
    app = App(AUTOPILOT_MODE="opt-out", AUTOPILOT_DEFAULT_POLICY="gold")
    cluster = await app.cluster("shop", "none", **{"aks-backup-note": "moves to another region; until=2026-03-20"})
    row = await app.look(cluster, horizon=15 * _DAY)
    assert (row.state, row.reason) == (State.RELEASED, "Excluded")
    assert "moves to another region, until 2026-03-20" in row.message
    await app.settle(10 * _DAY)
    row = await app.row(cluster)
    assert (row.state, row.policy) == (State.PROTECTED, "gold")
