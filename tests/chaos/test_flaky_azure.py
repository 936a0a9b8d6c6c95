"""Azure fails one request in twenty, in every way that it knows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.outcome import at_rest, one_of_each
from tests.e2e.fleet import fleet

_LOCATION: Final = "westeurope"
_POLICIES: Final = ("gold", "bronze", "silver", "gold", "bronze", "gold")
_SHARE: Final = 0.05
_REQUESTS: Final = 1200
_FAILED: Final = frozenset({0, 409, 429, 500, 503})
_WAYS: Final[tuple[dict[str, Any], ...]] = (
    {"action": "fail", "status": 500, "code": "InternalServerError"},
    {"action": "fail", "status": 503, "code": "ServiceUnavailable"},
    {"action": "throttle", "retry_after": 20},
    {"action": "drop"},
    {"action": "drop", "after": True},
    {"action": "fail", "status": 409, "code": "Conflict"},
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_unreliable_azure_only_costs_time(tmp_path: Path, seed: int) -> None:
    """Errors, throttling, dropped connections and lost answers at seeded requests: all clusters end protected."""
    dice = random.Random(seed)
    async with fleet(tmp_path) as running:
        struck = [number for number in range(1, _REQUESTS) if dice.random() < _SHARE]
        for number in struck:
            await running.fault("", **dice.choice(_WAYS), nth=number)
        clusters = [
            await running.onboard(f"flaky-{number}", policy, location=_LOCATION)
            for number, policy in enumerate(_POLICIES)
        ]
        await running.protected(*clusters, seconds=100)
        await one_of_each(running, clusters, _LOCATION)
        await at_rest(running, clusters)
        requests = await running.requests()
        assert (
            len([item for item in requests if item["status"] in (0, 409, 429, 500, 503)]) > len(requests) * _SHARE / 2
        )
