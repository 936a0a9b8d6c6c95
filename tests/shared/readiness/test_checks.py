"""Each check against a simulated Azure: broken alone, and repaired."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from local.stack import ROOT
from shared.arm.ids import ClusterId
from shared.readiness.checks import ROLE_CHECKS, TABLE
from shared.readiness.model import Status, Verdict
from tests.shared.readiness.breakages import BREAKAGES, LOCK, TARGET_BREAKAGES, put
from tests.shared.readiness.cli import wrong
from tests.shared.readiness.protected import TARGET, troubles

if TYPE_CHECKING:
    from tests.shared.readiness.breakages import Breakage
    from tests.shared.readiness.protected import Protected


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_protected_cluster_with_backups_is_ready(lasting: Protected) -> None:
    """Every check passes, within the budget of requests, and the answer names the point and its age."""
    checked = await lasting.check()
    readiness = checked.readiness
    assert (readiness.verdict, troubles(readiness)) == (Verdict.READY, {}), readiness
    assert checked.facts.requests <= 15
    assert readiness.recovery_point
    assert 0 < (readiness.expected_data_loss_seconds or 0) < 4 * 3600


async def test_a_restore_to_another_cluster_is_ready(lasting: Protected) -> None:
    """With what the target needs, the same holds for it."""
    checked = await lasting.check(target=ClusterId.parse(TARGET))
    assert (checked.readiness.verdict, troubles(checked.readiness)) == (Verdict.READY, {}), checked.readiness
    assert checked.facts.requests <= 20


async def _broken_and_repaired(world: Protected, breakage: Breakage, **asked: ClusterId) -> None:
    repair = breakage.do(world)
    try:
        broken = await world.readiness(**asked)
    finally:
        repair()
    assert troubles(broken) == breakage.turns
    first = next(check for check in broken.checks if check.id == next(iter(breakage.turns)))
    decides = first.decides and first.status is Status.FAIL
    assert broken.verdict is (Verdict.NOT_READY if decides else Verdict.AT_RISK)
    assert broken.reason.startswith(f"{first.id}: {first.message}")
    assert first.fix
    assert [fault for check in broken.checks for fault in wrong(check.fix)] == []
    repaired = await world.readiness(**asked)
    assert (repaired.verdict, troubles(repaired)) == (Verdict.READY, {})


@pytest.mark.parametrize("name", BREAKAGES)
async def test_what_is_broken_turns_its_check_and_no_other(lasting: Protected, name: str) -> None:
    """One thing is broken: its check says so and how to put it right; repaired, the cluster is Ready again."""
    await _broken_and_repaired(lasting, BREAKAGES[name])


@pytest.mark.parametrize("name", TARGET_BREAKAGES)
async def test_what_is_broken_of_a_target_turns_its_check(lasting: Protected, name: str) -> None:
    """What only the source needs for itself doesn't decide about a restore to another cluster."""
    await _broken_and_repaired(lasting, TARGET_BREAKAGES[name], target=ClusterId.parse(TARGET))


_ELSEWHERE = {
    # tested with their own questions
    *("staging", "staging-role-group", "staging-role-account", "staging-role-blobs", "staging-role-cluster"),
    *("staging-role-extension", "target-subscription", "volumes-in-cluster"),
}


async def test_every_check_is_broken_by_something() -> None:
    """A new check comes with what breaks it."""
    broken = {next(iter(item.turns)) for item in (*BREAKAGES.values(), *TARGET_BREAKAGES.values())}
    assert {entry.id for entry in TABLE} | set(ROLE_CHECKS) == broken | _ELSEWHERE


async def test_every_check_is_described() -> None:
    """The documentation has a row for each."""
    text = (ROOT / "docs" / "readiness.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    described = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert ({entry.id for entry in TABLE} | set(ROLE_CHECKS)) - described == set()


async def test_fixes_can_be_pasted_whatever_is_in_a_name(lasting: Protected) -> None:
    """A lock's name is its maker's: in the command it stays one word."""
    name = "keep(it); rm -rf ~"
    repair = put(lambda world: (f"{world.desired.group}/{LOCK}{name}", {"properties": {"level": "ReadOnly"}}))(lasting)
    try:
        readiness = await lasting.readiness()
    finally:
        repair()
    locked = next(check for check in readiness.checks if check.id == "snapshot-group-unlocked")
    assert shlex.split(locked.fix) == ["az", "lock", "delete", "--ids", f"{lasting.desired.group}/{LOCK}{name}"]


async def test_fixes_are_held_against_the_azure_cli() -> None:
    """The list isn't blind: it names commands, options and settings that the Azure CLI doesn't have."""
    assert wrong("az aks start --ids /subscriptions/1") == [
        "aks start lacks --name",
        "aks start lacks --resource-group",
        "aks start lacks --subscription",
        "aks start has no --ids",
    ]
    assert wrong("az lock delete --ids 1 && az storage container-rm restore --name c") == [
        "no command: az storage container-rm restore --name c"
    ]
    assert wrong('az lock delete --ids "$(az lock find)"') == ["no command: az lock find"]
