"""Which subscriptions are allowed: named ones, and those of management groups, as Azure says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.arm.ids import ClusterId
from shared.errors import ArmError, InvalidMessage
from shared.fleet import scope as module
from shared.fleet.messages import Message
from shared.fleet.scope import Scope

NAMED, GROUPED, MOVED, STRANGER = (f"00000000-0000-0000-0000-00000000000{number}" for number in "1234")


@dataclass
class Groups:
    """Azure, as far as it tells of management groups; `found` may be its refusal."""

    found: list[str] | ArmError = field(default_factory=lambda: [GROUPED])
    asked: list[str] = field(default_factory=list)

    async def list(self, path: str, api_version: str) -> list[dict[str, Any]]:
        """The descendants of a group: subscriptions, and groups, which have descendants of their own."""
        self.asked.append(path)
        if isinstance(self.found, ArmError):
            raise self.found
        child = {"id": "/providers/Microsoft.Management/managementGroups/child", "type": "managementGroups"}
        return [child, *({"id": f"/subscriptions/{name.upper()}", "name": name} for name in self.found)]


@dataclass
class Watch:
    """A clock that stands still."""

    now: float = 1000.0

    def monotonic(self) -> float:
        """Its seconds."""
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The clock of the scope."""
    made = Watch()
    monkeypatch.setattr(module, "time", made)
    return made


def scope(azure: Groups, *groups: str) -> Scope:
    """A scope of one named subscription and some groups."""
    return Scope(cast("Any", azure), frozenset({NAMED}), groups)


def body(subscription: str) -> bytes:
    """A message about a cluster of a subscription."""
    parent = f"/subscriptions/{subscription}/resourceGroups/g"
    cluster = ClusterId.parse(f"{parent}/providers/Microsoft.ContainerService/managedClusters/c")
    return Message(cluster, "event").encode()


async def test_without_groups_nobody_is_asked() -> None:
    """The named subscriptions are all there are."""
    azure = Groups()
    assert await scope(azure).subscriptions(STRANGER) == {NAMED}
    assert azure.asked == []


async def test_a_group_brings_its_subscriptions_for_an_hour(watch: Watch) -> None:
    """Ids in any case; child groups are no subscriptions; the answer is kept, and then asked for again."""
    azure = Groups()
    grouped = scope(azure, "mg-a")
    assert await grouped.subscriptions() == {NAMED, GROUPED}
    azure.found = [GROUPED, MOVED]
    watch.now += 3599
    assert await grouped.subscriptions() == {NAMED, GROUPED}
    watch.now += 1
    assert await grouped.subscriptions() == {NAMED, GROUPED, MOVED}
    assert azure.asked == ["/providers/Microsoft.Management/managementGroups/mg-a/descendants"] * 2


async def test_a_subscription_that_moved_into_a_group_is_found_within_a_minute(watch: Watch) -> None:
    """A cluster of an unknown subscription makes the app look again, but a stranger can't make it ask all the time."""
    azure = Groups()
    grouped = scope(azure, "mg-a")
    await grouped.subscriptions()
    azure.found = [GROUPED, MOVED]
    assert MOVED not in await grouped.subscriptions(MOVED)
    watch.now += 60
    assert (await grouped.message(body(MOVED))).cluster.subscription == MOVED
    for _ in range(5):
        with pytest.raises(InvalidMessage, match="isn't this deployment's"):
            await grouped.message(body(STRANGER))
    assert len(azure.asked) == 2


async def test_while_azure_does_not_tell_what_was_known_holds(watch: Watch) -> None:
    """A refusal isn't an empty group: clusters don't lose their protection over it."""
    azure = Groups()
    grouped = scope(azure, "mg-a")
    await grouped.subscriptions()
    azure.found = ArmError("no", status=503)
    watch.now += 7200
    assert await grouped.subscriptions() == {NAMED, GROUPED}


async def test_before_azure_has_told_nothing_is_guessed() -> None:
    """The message comes again, and the log says what was refused."""
    azure = Groups(ArmError("no", status=403, code="AuthorizationFailed"))
    with pytest.raises(ArmError, match="AuthorizationFailed"):
        await scope(azure, "mg-a").message(body(GROUPED))
