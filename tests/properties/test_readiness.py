"""Whatever is broken together: a verdict of Ready means that Azure itself would let the restore through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.arm.ids import ClusterId
from shared.errors import ArmError, InvalidRestoreRequest
from shared.readiness import deep
from shared.readiness.drafting import draft
from shared.readiness.kept import Validated
from shared.readiness.model import Verdict
from shared.readiness.request import RestoreRequest
from tests.shared.readiness.breakages import BREAKAGES, TARGET_BREAKAGES
from tests.shared.readiness.protected import TARGET, Protected, protected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.readiness.service import Checked
    from tests.local_azure.client import Client

_ALL = BREAKAGES | TARGET_BREAKAGES
_HOUR = 3600.0


@pytest_asyncio.fixture
async def world(azure: Client) -> AsyncGenerator[Protected]:
    """A cluster with everything that a restore needs, for all examples: each repairs what it broke."""
    async with protected(azure) as running:
        yield running


async def _validated(world: Protected, checked: Checked) -> bool:
    """Whether the simulated Azure validates the restore that the check is about."""
    try:
        request = draft(checked.facts)
        if not isinstance(request, RestoreRequest):
            return False
        begun = await deep.begin(world.door, request)
        if isinstance(begun, Validated):
            return begun.passed
        await world.step(42)
        ended = await deep.look(world.door, begun)
    except (ArmError, InvalidRestoreRequest):
        return False
    assert ended is not None
    return ended.passed


async def _past_the_next_backup(world: Protected) -> None:
    """Scheduled backups run while nothing is broken: what is broken here is what a restore finds, not a backup."""
    while ((await world.readiness()).expected_data_loss_seconds or 0) > 3 * _HOUR:
        await world.step(0.5 * _HOUR)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(st.sampled_from(sorted(_ALL)), max_size=3), elsewhere=st.booleans())
async def test_ready_is_never_said_of_what_azure_would_refuse(
    world: Protected, names: set[str], elsewhere: bool
) -> None:
    """Up to three things are broken at once, for a restore to the source or to another cluster.

    Nor is AtRisk, which says that a restore would work. With nothing broken it is Ready, and Azure agrees.
    """
    await _past_the_next_backup(world)
    repairs = [_ALL[name].do(world) for name in sorted(names)]
    try:
        checked = await world.check(**({"target": ClusterId.parse(TARGET)} if elsewhere else {}))
        passes = await _validated(world, checked)
    finally:
        for repair in reversed(repairs):
            repair()
    verdict = checked.readiness.verdict
    assert passes or verdict not in (Verdict.READY, Verdict.AT_RISK), checked.readiness.reason
    assert names or (passes and verdict is Verdict.READY)
