"""Each kind of drift asks for a pass over exactly that cluster; what converged isn't touched."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.arm.ids import ClusterId
from shared.catalog.loading import load
from shared.fleet.records import Claim, Glance, Places, State
from shared.resync.drift import Judge, Moment
from shared.resync.inventory import Inventory
from shared.settings import load as load_settings
from tests.shared.resync.conftest import POLICIES, SUBSCRIPTIONS, World

if TYPE_CHECKING:
    from collections.abc import Callable

INSTANCES = "Microsoft.DataProtection/backupVaults/backupInstances"
EXTENSIONS = "Microsoft.KubernetesConfiguration/extensions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


def _retag(world: World, cluster: str) -> None:
    world.cluster(cluster).body["tags"] = {"AKS-Backup": "Silver"}


def _untag(world: World, cluster: str) -> None:
    world.cluster(cluster).body["tags"] = {"team": "a"}


def _release(world: World, cluster: str) -> None:
    world.row(cluster).state = State.RELEASED


def _age_catalog(world: World, cluster: str) -> None:
    world.row(cluster).fingerprint = "older"


def _reject(world: World, cluster: str) -> None:
    world.row(cluster).state = State.REJECTED


def _remake(world: World, cluster: str) -> None:
    world.cluster(cluster).body["identity"] = {"type": "SystemAssigned", "principalId": "another"}


def _delete_instance(world: World, cluster: str) -> None:
    world.remove(world.part(INSTANCES, cluster).id)


def _stop(world: World, cluster: str) -> None:
    world.part(INSTANCES, cluster).properties["currentProtectionState"] = "ProtectionStopped"


def _move_policy(world: World, cluster: str) -> None:
    world.part(INSTANCES, cluster).properties["policyInfo"]["policyId"] += "-other"


def _delete_extension(world: World, cluster: str) -> None:
    world.remove(world.part(EXTENSIONS, cluster).id)


def _fail_extension(world: World, cluster: str) -> None:
    world.part(EXTENSIONS, cluster).properties["provisioningState"] = "Failed"


def _revoke(world: World, cluster: str) -> None:
    principal = world.part(EXTENSIONS, cluster).properties["aksAssignedIdentity"]["principalId"]
    found = [item.id for item in world.cloud.store.of_type(ASSIGNMENTS) if item.properties["principalId"] == principal]
    assert len(found) == 1
    world.remove(found[0])


def _delete(world: World, cluster: str) -> None:
    world.remove(cluster)


def _lose_wake(world: World, cluster: str) -> None:
    row = world.row(cluster)
    row.state, row.wake, row.wake_due = State.WAITING, "lost", time.time() - 3600


def _never_finish(world: World, cluster: str) -> None:
    row = world.row(cluster)
    row.state, row.claim = State.NEW, Claim("m", "r", time.time() - 1)


DRIFTS: dict[str, Callable[[World, str], None]] = {
    "NotOnboarded": lambda world, cluster: world.forget(cluster),
    "TagChanged": _retag,
    "TagRemoved": _untag,
    "ReleasedButTagged": _release,
    "CatalogChanged": _age_catalog,
    "CatalogChanged-2": _reject,
    "Recreated": _remake,
    "InstanceMissing": _delete_instance,
    "ProtectionLost": _stop,
    "PolicyChanged": _move_policy,
    "ExtensionMissing": _delete_extension,
    "ExtensionFailed": _fail_extension,
    "RoleMissing": _revoke,
    "Deleted": _delete,
    "WakeLost": _lose_wake,
    "WakeLost-2": _never_finish,
}


async def test_a_converged_fleet_is_not_touched(world: World) -> None:
    """No message, no write, seven requests, whatever the policies, and in several subscriptions."""
    for policy in POLICIES:
        world.add(f"{policy}-1", f"{policy}-2", policy=policy)
    world.add("far", subscription=SUBSCRIPTIONS[1])
    await world.azure.control("DELETE", "/requests")
    assert await world.asked() == {}
    requests = await world.azure.control("GET", "/requests")
    assert [request["kind"] for request in requests if request["kind"] == "write"] == []
    assert len(world.door.asked) == 6
    assert (world.marks.row.clusters, world.marks.row.converged, world.marks.row.by_reason) == (7, 7, {})


async def test_each_drift_asks_for_its_cluster_and_no_other(world: World) -> None:
    """One cluster for each kind of drift, and some with none, all at once."""
    names = [f"c-{kind.casefold()}" for kind in DRIFTS]
    damaged = dict(zip(DRIFTS, world.add(*names), strict=True))
    world.add("fine-1", "fine-2", policy="silver")
    for kind, damage in DRIFTS.items():
        damage(world, damaged[kind])
    found = await world.asked()
    assert found == {f"c-{kind.casefold()}": kind.partition("-")[0] for kind in DRIFTS}
    assert world.marks.row.by_reason == {**dict.fromkeys(found.values(), 1), "CatalogChanged": 2, "WakeLost": 2}
    assert world.marks.row.converged == 2


async def test_who_is_on_the_way_is_left_alone(world: World) -> None:
    """A pass that runs, and a delayed message that comes before long, see what changed by themselves."""
    waiting, blocked, running, far = world.add("waiting", "blocked", "running", "far")
    for cluster, state, due in ((waiting, State.WAITING, 20.0), (blocked, State.BLOCKED, 3600.0)):
        row = world.row(cluster)
        row.state, row.wake, row.wake_due = state, "coming", time.time() + due
    world.row(running).claim = Claim("m", "r", time.time() + 200)
    row = world.row(far)
    row.state, row.wake, row.wake_due = State.BLOCKED, "in a week", time.time() + 7 * 86400
    for cluster in (waiting, blocked, running, far):
        _untag(world, cluster)
    assert await world.asked() == {"far": "TagRemoved"}
    assert world.marks.row.under_way == 3


async def test_nothing_is_wanted_and_nothing_is_there(world: World) -> None:
    """Untagged clusters without a row, released ones, and the rows of clusters that went after their release."""
    fresh, excluded, released, gone = world.add("fresh", "excluded", "released", "gone")
    for cluster in (fresh, released):
        _untag(world, cluster)
    world.cluster(excluded).body["tags"] = {"aks-backup": "none"}
    for cluster in (fresh, excluded):
        world.forget(cluster)
    for cluster in (released, gone):
        _release(world, cluster)
    _delete(world, gone)
    assert await world.asked() == {}


async def test_a_finding_that_a_pass_found_nothing_about_is_not_asked_again_for_a_day(world: World) -> None:
    """The graph may lag or not show everything: Azure's own answer counts until its next turn."""
    (cluster,) = world.add("c")
    _revoke(world, cluster)
    assert await world.asked() == {"c": "RoleMissing"}
    row, reason = world.row(cluster), world.queue.sent[-1][0].reason
    row.asked, row.looked_at = reason, world.now
    assert await world.asked() == {}
    _stop(world, cluster)
    assert await world.asked() == {"c": "ProtectionLost"}
    world.part(INSTANCES, cluster).properties["currentProtectionState"] = "ProtectionConfigured"
    await world.azure.control("POST", "/clock", {"advance": 25 * 3600})
    row.looked_at = world.now - 25 * 3600
    assert await world.asked() == {"c": "RoleMissing"}


def _turns(world: World, now: float) -> list[str]:
    """Whose turn it is for a look without a finding; they are looked at."""
    settings = load_settings(world.environ)
    judge = Judge(Inventory(), load(settings.catalog), settings, Moment(now, time.time()))
    taken: list[str] = []
    for row in world.glances.rows:
        glance = msgspec.convert(msgspec.to_builtins(row), Glance)
        if judge.deep_turn(ClusterId.parse(row.cluster_id), glance):
            taken.append(row.cluster_id)
            row.looked_at = now
    return taken


def test_every_converged_cluster_has_its_hour_of_the_day(world: World) -> None:
    """Over a day each is looked at once, a share of them an hour: what the graph doesn't show is found."""
    world.add(*(f"c{number}" for number in range(240)))
    every = sorted(row.cluster_id for row in world.glances.rows)
    for day in range(2):
        hours = [_turns(world, world.now + day * 86400 + hour * 3600) for hour in range(2, 26)]
        assert sorted(chain.from_iterable(hours)) == every
        assert max(map(len, hours)) < 30


@pytest.mark.parametrize("hours", [5, 6, 24])
def test_a_resync_that_does_not_come_every_hour_misses_nobody(world: World, hours: int) -> None:
    """Whatever the schedule, nobody is left without a look for longer than a day and two resyncs."""
    world.add(*(f"c{number}" for number in range(48)))
    start = world.now
    for number in range(1, 13):
        now = start + number * hours * 3600
        _turns(world, now)
        assert all(now - row.looked_at <= 86400 + 2 * hours * 3600 for row in world.glances.rows)


async def test_a_turn_is_one_message(world: World) -> None:
    """At its hour a converged cluster is asked for once, with that reason; a look in the same hour answers it."""
    (cluster,) = world.add("c")
    share = int(ClusterId.parse(cluster).key[8:16], 16) % 24
    hours = (share - int(world.now // 3600)) % 24 or 24
    await world.azure.control("POST", "/clock", {"advance": hours * 3600})
    assert await world.asked() == {"c": "DeepLook"}
    world.row(cluster).looked_at = world.now
    assert await world.asked() == {}


async def test_a_row_that_waits_for_the_end_of_its_grace_period_knows_that_the_tag_is_gone(world: World) -> None:
    """Only the tag's return is news to it."""
    (cluster,) = world.add("c")
    row = world.row(cluster)
    row.state, row.reason, row.policy = State.WAITING, "ReleasePending", ""
    row.wake, row.wake_due = "in days", time.time() + 6 * 86400
    tags = world.cluster(cluster).body["tags"]
    _untag(world, cluster)
    assert await world.asked() == {}
    world.cluster(cluster).body["tags"] = tags
    assert await world.asked() == {"c": "TagChanged"}


async def test_what_others_protect_is_not_missed(world: World) -> None:
    """An instance of another name serves, whether the tag says so or not; without any, protection is lost."""
    ours, external, lost = world.add("ours", "external", "lost")
    for cluster in (ours, external):
        instance = world.part(INSTANCES, cluster)
        world.remove(instance.id)
        world.cloud.seed(f"{instance.id}-theirs", {"properties": instance.properties})
        _delete_extension(world, cluster)
    _delete_instance(world, lost)
    for cluster in (external, lost):
        world.cluster(cluster).body["tags"] = {"aks-backup": "external"}
        world.row(cluster).policy = ""
    world.add("shows-that-the-graph-has-extensions")
    assert await world.asked() == {"lost": "ProtectionLost"}
    _untag(world, external)
    assert await world.asked() == {"lost": "ProtectionLost", "external": "TagRemoved"}


async def test_roles_are_looked_for_where_they_were_when_it_was_last_protected(world: World) -> None:
    """An adopted extension keeps its backups in an account of its own; above the scope serves as well."""
    adopted, inherited = world.add("adopted", "inherited", policy="silver")
    theirs = f"/subscriptions/{SUBSCRIPTIONS[0]}/resourceGroups/rg-theirs"
    account = f"{theirs}/providers/Microsoft.Storage/storageAccounts/theirs"
    stores = world.part(INSTANCES, adopted).properties["policyInfo"]["policyParameters"]["dataStoreParametersList"]
    world.row(adopted).places = Places("westeurope", "", "", "", stores[0]["resourceGroupId"], account, "", "")
    for cluster, scope in ((adopted, account), (inherited, f"/subscriptions/{SUBSCRIPTIONS[0]}")):
        principal = world.part(EXTENSIONS, cluster).properties["aksAssignedIdentity"]["principalId"]
        (old,) = (
            item for item in world.cloud.store.of_type(ASSIGNMENTS) if item.properties["principalId"] == principal
        )
        world.remove(old.id)
        new = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{old.name}"
        world.cloud.seed(new, {"properties": {**old.properties, "scope": scope}})
    assert await world.asked() == {}
    _revoke(world, adopted)
    assert await world.asked() == {"adopted": "RoleMissing"}


@pytest.mark.parametrize("inherit", ["group", "subscription"])
async def test_tags_are_inherited_as_the_setting_says(world: World, inherit: str) -> None:
    """An untagged cluster of a tagged group isn't untagged; its own tag wins."""
    world.environ["AUTOPILOT_INHERIT"] = inherit
    heir, own = world.add("heir", "own")
    _untag(world, heir)
    world.cluster(own).body["tags"] = {"aks-backup": "none"}
    place = f"/subscriptions/{SUBSCRIPTIONS[0]}" + ("/resourceGroups/rg-fleet" if inherit == "group" else "")
    holder = world.cloud.store.get(place)
    assert holder
    holder.body["tags"] = {"Aks-Backup": "gold"}
    assert await world.asked() == {"own": "TagRemoved"}
    world.cluster(own).body["tags"] = {"aks-backup": "none", "aks-backup-note": "until=2020-01-31"}
    assert await world.asked() == {}
    world.environ["AUTOPILOT_INHERIT"] = "none"
    assert await world.asked() == {"heir": "TagRemoved", "own": "TagRemoved"}
