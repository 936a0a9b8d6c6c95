"""A fleet lives through whatever people, Azure and the hosts do to it, in any order, and drifts back to what is wanted.

Hypothesis draws the disturbances and makes a failing life short. What must hold after each of them are invariants; what
must hold in the end is checked when the disturbance stops: everybody is looked at, and everything settles.
`AUTOPILOT_LIVES=400 pytest tests/fleet/test_machine.py` lives through that many, other ones each time.
"""

from __future__ import annotations

import asyncio
import copy
import os
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from local.azure.data_protection import requirements
from local.azure.data_protection.candidate import Candidate
from shared.fleet.records import ClusterRow, State
from tests.fleet import damage
from tests.fleet.app import SUBSCRIPTION, App
from tests.fleet.test_foreign import their_instance

if TYPE_CHECKING:
    from collections.abc import Coroutine

_LIVES: Final = int(os.environ.get("AUTOPILOT_LIVES", "15"))
_STEPS: Final = 12
_DAY: Final = 86400.0
_PASSES: Final = 60
"""Passes over one cluster within which it has to settle once nobody disturbs it; a fresh onboarding takes a dozen."""

_END: Final = 1.5 * _DAY
"""Seconds after which everything has settled: a day of grace, and time for what it ends in."""

_LOOKS: Final = int(_END / 1800.0)
"""Passes that only look, over what is stopped (every half hour) or blocked (every hour)."""

_HARM: Final = {
    harm.__name__: harm
    for harm in (
        damage.extension_removed,
        damage.extension_failed,
        damage.extension_reinstalled,
        damage.binding_deleted,
        damage.roles_deleted,
        damage.instance_deleted,
        damage.policy_changed,
        damage.protection_broken,
        damage.container_deleted,
        damage.account_deleted,
        damage.group_deleted,
    )
}
_STOPS: Final = {"stopProtection": damage.protection_stopped, "suspendBackups": damage.backups_suspended}

_NAMES: Final = st.sampled_from(["shop", "web"])
_TAGS: Final = st.sampled_from(["gold", "silver", "paused", "halted", "none", "external", "platinum", None])
_TOLD: Final = st.sampled_from([0, 1, 1, 2])
"""How often the event of a change arrives: lost, once, doubled."""


_ACTS: Final = st.one_of(
    # methods of a life, with what they are called with; what protects a cluster is harmed most often
    st.tuples(st.just("create"), _NAMES, _TAGS, _TOLD),
    st.tuples(st.just("delete"), _NAMES, _TOLD),
    st.tuples(st.just("retag"), _NAMES, _TAGS, _TOLD),
    st.tuples(st.just("retag"), st.just("shop"), st.sampled_from(["gold", "paused", "halted", None]), _TOLD),
    st.tuples(st.just("leave_and_return"), st.sampled_from(["gold", "paused", "halted"]), st.booleans()),
    st.tuples(st.just("harm_again"), st.sampled_from(sorted(_HARM)), st.integers(2, 4)),
    st.tuples(st.just("switch"), _NAMES, st.sampled_from(["stop", "start", "start"]), _TOLD),
    st.tuples(st.just("harm"), _NAMES, st.sampled_from(sorted(_HARM)), _TOLD),
    st.tuples(st.just("harm"), st.just("shop"), st.sampled_from(sorted(_HARM)), _TOLD),
    st.tuples(st.just("stop_by_hand"), _NAMES, st.sampled_from(sorted(_STOPS)), _TOLD),
    st.tuples(st.just("others_come"), _NAMES, st.booleans(), _TOLD),
    st.tuples(st.just("others_go"), _NAMES, _TOLD),
    st.tuples(st.just("die_while_asking"), st.integers(0, 12)),
    st.tuples(st.just("die_while_writing"), st.integers(0, 4)),
    st.tuples(
        st.just("azure_stumbles"),
        st.integers(1, 15),
        st.sampled_from([429, 500, 503, 409]),
        st.sampled_from(["GET", "PUT", "POST"]),
    ),
    st.tuples(st.just("an_old_event_arrives"), _NAMES),
    st.tuples(st.just("a_message_comes_twice")),
)


_THERE: Final = {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}}
_READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_BESIDE: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-beside"
_BYSTANDERS: Final[dict[str, Any]] = {
    # resources of the same kinds that have nothing to do with the fleet
    _BESIDE: _THERE,
    f"{_BESIDE}/providers/Microsoft.Storage/storageAccounts/beside": {**_THERE, "kind": "StorageV2"},
    f"{_BESIDE}/providers/Microsoft.DataProtection/backupVaults/beside": _THERE,
    f"{_BESIDE}/providers/Microsoft.Compute/snapshots/beside": _THERE,
    f"{_BESIDE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-0000000000b1": {
        "properties": {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{_READER}",
            "principalId": "00000000-0000-0000-0000-0000000000b2",
        }
    },
}


class Killed(RuntimeError):
    """The host died."""


class Life(RuleBasedStateMachine):
    """One fleet's life."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.foreign: dict[str, Any] = {}
        self.stopped_by_hand: set[str] = set()
        self.harmed: dict[str, int] = {}

    @initialize(
        tag=st.sampled_from(["gold", "paused", "halted"]),
        harms=st.lists(st.sampled_from(sorted(_HARM)), min_size=1, max_size=2, unique=True),
    )
    def begin(self, tag: str, harms: list[str]) -> None:
        """One cluster that has been protected for days and is harmed at once, and room for another one.

        Few lives are lived in a test; without these harms some kinds would be in none of them.
        """
        self.app = App(AUTOPILOT_GRACE_DAYS="1", AUTOPILOT_RELEASES_PER_HOUR="200", AUTOPILOT_RELEASE_PERCENT="100")
        for resource, body in _BYSTANDERS.items():
            self.app.cloud.seed(resource, copy.deepcopy(body))
            self._know(resource)
        self._run(self.app.protect("shop", tag))
        for harm in harms:
            self.harm("shop", harm, 1)

    @rule(
        acts=st.lists(_ACTS, min_size=1, max_size=4),
        seconds=st.sampled_from([0.0, 20.0, 240.0, 1800.0, 4 * 3600.0, _DAY, 2 * _DAY]),
    )
    def live(self, acts: list[tuple[Any, ...]], seconds: float) -> None:
        """A few things happen at once; then time passes, and whatever becomes due in it is worked on."""
        for what, *how in acts:
            getattr(self, what)(*how)
        self._settle(seconds)

    # --- what people do

    def create(self, name: str, tag: str | None, told: int) -> None:
        """Create a cluster, or create it again."""
        if self.app.cloud.store.get(self._id(name)) is None:
            self._run(self.app.cluster(name, tag))
            self._tell(name, told)

    def delete(self, name: str, told: int) -> None:
        """Delete it."""
        if self._exists(name):
            self._try(self.app.do("DELETE", self._id(name)))
            self._tell(name, told)

    def retag(self, name: str, tag: str | None, told: int) -> None:
        """Give it another tag, or none."""
        if self._exists(name):
            self._run(self.app.tag(self._id(name), aks_backup=tag))
            self._tell(name, told)

    def switch(self, name: str, action: str, told: int) -> None:
        """Stop it or start it."""
        if self._exists(name):
            self._try(self.app.do("POST", f"{self._id(name)}/{action}"))
            self._tell(name, told)

    def harm(self, name: str, harm: str, told: int) -> None:
        """Take away or change something that protects it."""
        if self._protected_once(name):
            self._try(_HARM[harm](self.app, self._id(name)))
            self.harmed[name] = self.harmed.get(name, 0) + 1
            self._tell(name, told)

    def leave_and_return(self, tag: str, late: bool) -> None:
        """The tag goes, and returns before the backups are suspended or stopped, or after that."""
        self.retag("shop", None, 1)
        self._settle(1.5 * _DAY if late else 3600.0)
        self.retag("shop", tag, 1)

    def harm_again(self, harm: str, times: int) -> None:
        """Something takes the same thing away whenever it is back."""
        for _ in range(times):
            self.harm("shop", harm, 1)
            self._settle(3600.0)

    def stop_by_hand(self, name: str, how: str, told: int) -> None:
        """Stop or suspend its backups."""
        if self._protected_once(name) and self._try(_STOPS[how](self.app, self._id(name))):
            self.stopped_by_hand.add(name)
            self._tell(name, told)

    def others_come(self, name: str, works: bool, told: int) -> None:
        """Somebody else protects it as well, or tries to."""
        if self._exists(name):
            state = "ProtectionConfigured" if works else "ProtectionError"
            instance = their_instance(self.app, self._id(name), state, f"theirs-{name}")
            self._know(instance)
            self._tell(name, told)

    def others_go(self, name: str, told: int) -> None:
        """They stop doing so."""
        for instance in [item for item in self.foreign if item.endswith(f"theirs-{name}")]:
            self.app.cloud.remove(instance, self.app.cloud.clock.now())
            del self.foreign[instance]
            self._tell(name, told)

    # --- what Azure, the queue and the hosts do

    def die_while_asking(self, requests: int) -> None:
        """The host that works on the next message dies before one of its requests."""
        left = [requests]

        def before() -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        self.app.wire.before = before
        self._run(self._one_message())
        self.app.wire.before = lambda: None

    def die_while_writing(self, writes: int) -> None:
        """Or before it writes a row."""
        left = [writes]

        def before() -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        self.app.table.before = before
        self._run(self._one_message())
        self.app.table.before = lambda: None

    def azure_stumbles(self, nth: int, status: int, method: str) -> None:
        """One of the next requests is refused in passing."""
        code = {429: "TooManyRequests", 409: "AnotherOperationInProgress"}.get(status, "InternalServerError")
        match = {"principal": self.app.cloud.app.object_id, "method": method, "path": "."}
        self.app.cloud.faults.add({"match": match, "action": "fail", "nth": nth, "status": status, "code": code})

    def an_old_event_arrives(self, name: str) -> None:
        """Late, doubled or out of order: it says nothing but to look."""
        self._tell(name, 1)

    def a_message_comes_twice(self) -> None:
        """Queues deliver at least once."""
        if self.app.queue.waiting:
            self.app.queue.waiting.append(copy.copy(min(self.app.queue.waiting)))

    # --- what must hold all the time

    @invariant()
    def one_instance_of_ours(self) -> None:
        """There are never two of ours for one cluster."""
        if hasattr(self, "app"):
            for name in ("shop", "web"):
                assert len(self.app.ours(self._id(name))) <= 1

    @invariant()
    def nothing_of_others_is_changed(self) -> None:
        """Byte for byte."""
        for instance, body in self.foreign.items():
            found = self.app.cloud.store.get(instance)
            assert found is not None
            assert found.body == body

    @invariant()
    def no_backup_data_is_deleted(self) -> None:
        """All that the app ever deletes are policies that nothing uses."""
        if hasattr(self, "app"):
            deleted = [write for write in self.app.writes() if write.startswith("DELETE")]
            assert all("/backupPolicies/" in write for write in deleted), deleted

    @invariant()
    def each_refusal_is_visible(self) -> None:
        """Whoever is stuck says why, and who can act."""
        if hasattr(self, "app"):
            for row in self._run(self._rows()):
                assert row.message or row.state in (State.NEW, State.PROTECTED), row
                assert row.who or row.state is not State.BLOCKED, row

    # --- what must hold in the end

    def teardown(self) -> None:
        """The disturbance stops, and a resync looks at everybody: all settles, and then nothing is written any more."""
        try:
            if hasattr(self, "app"):
                self._run(self._converge())
        finally:
            self.runner.close()

    async def _converge(self) -> None:
        self.app.cloud.faults.clear(None)
        for _ in range(2):  # what was given up or just harmed is looked at once more after a day
            await self._look_at_all()
        for name in ("shop", "web"):
            self._judge(name, await self.app.row(self._id(name)))
        before = len(self.app.writes())
        await self._look_at_all()
        assert self.app.writes()[before:] == []

    async def _look_at_all(self) -> None:
        for name in ("shop", "web"):
            await self.app.hint(self._id(name))
        passes = await self._until(_END)
        assert passes <= 2 * (_PASSES + _LOOKS), passes

    def _judge(self, name: str, row: ClusterRow) -> None:
        """A cluster stands where its tag, its power and what people did to it say."""
        seen = (row.state, row.reason, row.message)
        cluster = self.app.cloud.store.get(self._id(name))
        if cluster is None:
            assert row.state in (State.RELEASED, State.ORPHANED), seen
            return
        tag = (cluster.body.get("tags") or {}).get("aks-backup")
        power = cluster.properties["powerState"]["code"]
        external = any(
            item.endswith(f"theirs-{name}") and body["properties"]["currentProtectionState"] == "ProtectionConfigured"
            for item, body in self.foreign.items()
        )
        if tag in (None, "none"):
            assert row.state is State.RELEASED, seen
        elif tag == "platinum":
            assert row.state is State.REJECTED, seen
        elif tag == "external":
            assert row.state in (State.PROTECTED, State.BLOCKED), seen
            assert row.state is State.PROTECTED or not external, seen
        elif power == "Stopped":
            assert row.reason == "ClusterStopped", seen
        elif row.state is not State.PROTECTED:
            allowed = {"ProtectionStopped": name in self.stopped_by_hand, "RepairDidNotHold": self._often(name)}
            assert allowed.get(row.reason, False), (seen, row.steps)
        elif row.reason == "ProtectionConfigured":
            self._can_be_backed_up(name, str(tag))

    def _can_be_backed_up(self, name: str, policy: str) -> None:
        """The simulated Azure's own judgement: extension, binding, roles, storage, groups, and the tag's policy."""
        [instance] = self.app.ours(self._id(name))
        assert instance.properties["currentProtectionState"] == "ProtectionConfigured"
        assert instance.properties["policyInfo"]["policyId"].rpartition("/")[2].startswith(f"{policy}-")
        vault = self.app.cloud.store.get(instance.id.rpartition("/backupInstances/")[0])
        assert vault is not None
        requirements.judge(Candidate(self.app.cloud, vault, instance.properties, self.app.cloud.clock.now()))

    # --- helpers

    def _often(self, name: str) -> bool:
        return self.harmed.get(name, 0) >= 3  # repairs of one thing

    def _id(self, name: str) -> str:
        return self.app.cluster_id(name)

    def _exists(self, name: str) -> bool:
        return self.app.cloud.store.get(self._id(name)) is not None

    def _protected_once(self, name: str) -> bool:
        return self._exists(name) and bool(self.app.ours(self._id(name)))

    def _know(self, instance: str) -> None:
        found = self.app.cloud.store.get(instance)
        assert found is not None
        self.foreign[instance] = copy.deepcopy(found.body)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def _try(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Azure may refuse what people do; whether it didn't."""
        try:
            self._run(work)
        except AssertionError:
            return False
        return True

    def _tell(self, name: str, times: int) -> None:
        for _ in range(times):
            self._run(self.app.hint(self._id(name)))

    def _settle(self, seconds: float) -> None:
        self._run(self._until(seconds))

    async def _until(self, seconds: float) -> int:
        """Work on what becomes due within some seconds; the passes."""
        end, passes = self.app.now() + seconds, 0
        most = 4 * (_PASSES + int(seconds / 1800.0))
        while (due := self.app.queue.next_visible()) is not None and due <= end:
            self.app.step(max(0.0, due - self.app.now()))
            await self._one_message()
            passes += 1
            assert passes <= most, [(row.cluster_id, row.state, row.reason, row.steps) for row in await self._rows()]
        self.app.step(max(0.0, end - self.app.now()))
        return passes

    async def _one_message(self) -> None:
        """Work on one message; a host that dies is followed by another."""
        try:
            await self.app.work()
        except (Killed, BaseExceptionGroup):
            self.app.restart()

    async def _rows(self) -> list[ClusterRow]:
        return [stored.value async for stored in self.app.reconciler.clusters.all()]


@pytest.mark.timeout(900)
def test_a_fleet_drifts_back_to_what_is_wanted() -> None:
    """Whatever happened to it, in whatever order: see the invariants and the end of a life above."""
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=_LIVES,
            stateful_step_count=_STEPS,
            deadline=None,
            derandomize="AUTOPILOT_LIVES" not in os.environ,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
