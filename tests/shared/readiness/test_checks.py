"""Each check against a simulated Azure: broken alone, and repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.arm.ids import ClusterId
from shared.readiness.model import Verdict
from tests.shared.readiness.protected import TARGET, troubles

if TYPE_CHECKING:
    from tests.shared.readiness.protected import Protected


async def test_a_protected_cluster_with_backups_is_ready(world: Protected) -> None:
    """Every check passes, within the budget of requests, and the answer names the point and its age."""
    checked = await world.check()
    readiness = checked.readiness
    assert (readiness.verdict, troubles(readiness)) == (Verdict.READY, {}), readiness
    assert checked.facts.requests <= 15
    assert readiness.recovery_point
    assert 0 < (readiness.expected_data_loss_seconds or 0) < 4 * 3600


async def test_a_restore_to_another_cluster_is_ready(world: Protected) -> None:
    """With what the target needs, the same holds for it."""
    checked = await world.check(target=ClusterId.parse(TARGET))
    assert (checked.readiness.verdict, troubles(checked.readiness)) == (Verdict.READY, {}), checked.readiness
    assert checked.facts.requests <= 20
