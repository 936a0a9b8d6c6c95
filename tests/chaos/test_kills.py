"""The host is killed while it works, again and again, and started anew."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.chaos.outcome import at_rest, one_of_each
from tests.e2e.fleet import Fleet, fleet

if TYPE_CHECKING:
    from pathlib import Path

_LOCATION: Final = "westeurope"
_POLICIES: Final = ("gold", "bronze", "gold", "bronze")
_LEASE: Final = ("--lease-seconds", "2")
_SCALE: Final = 120.0
"""A message on which the host died five times is poisoned; its cluster is looked at again after 30 s at this scale."""

_FIRST: Final = "step=vault"
"""Logged when a pass has the region's claim and is about to write what the region shares."""

_LINES: Final = ("verdict=take", "start cluster=", "state cluster=")
"""Logged at very different places of a pass: when it begins, before it writes to Azure, when it is about to end."""

_KILLS: Final = 5
_LONGEST: Final = 3.0  # seconds to wait for a line; passes are rare towards the end of an onboarding


async def _kill_at(running: Fleet, line: str, times: int) -> None:
    """Kill the host as soon as it has logged a line so many times more; at any other moment if it doesn't."""
    wanted = running.log.count(line) + times
    deadline = time.monotonic() + _LONGEST
    while running.log.count(line) < wanted and time.monotonic() < deadline:  # noqa: ASYNC110  # another process logs it
        await asyncio.sleep(0.002)
    await running.parts.running_host.kill()


async def _cut_short(running: Fleet) -> int:
    """Passes that the kill has cut short: their claims are still there."""
    return sum(row["doc"]["claim"] is not None for row in await running.rows("clusters"))


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_host_loses_nothing(tmp_path: Path, seed: int) -> None:
    """Killed at seeded moments of several onboardings: all end protected, once each, and nothing is left locked."""
    moments = random.Random(seed)
    async with fleet(tmp_path, time_scale=_SCALE, host_options=_LEASE) as running:
        clusters = [
            await running.onboard(f"killed-{number}", policy, location=_LOCATION)
            for number, policy in enumerate(_POLICIES)
        ]
        cut_short = 0
        for line in (_FIRST, *moments.choices(_LINES, k=_KILLS)):
            await _kill_at(running, line, moments.randint(3, 9) if line != _FIRST else 1)
            cut_short += await _cut_short(running)
            await running.parts.start_host()
        assert cut_short >= 2, "the kills came between the passes"
        await running.protected(*clusters, seconds=75)
        # its policy isn't in the vault yet: whoever makes it has to get the region's claim
        clusters.append(await running.onboard("latecomer", "silver", location=_LOCATION))
        await running.protected(*clusters)
        await one_of_each(running, clusters, _LOCATION)
        await at_rest(running, clusters)
