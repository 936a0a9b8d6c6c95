"""How long a large catalog takes to load: reading the file, its YAML, the checks, the values.

In a process of its own, as at the first use after a start. The first load isn't counted: it also imports PyYAML,
msgspec and the time zones, which a function that needs no catalog never does (`cold_start.index_ratio`).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

from local.stack import ROOT

POLICIES = 200
_LOADS = 15
_EVERY = ("PT4H", "PT6H", "PT8H", "PT12H", "P1D")
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
_PROFILES = """\
vaultProfiles:
  standard: { redundancy: LocallyRedundant }
  far:
    redundancy: GeoRedundant
    crossRegionRestore: true
    softDeleteDays: 30

policies:
"""
_POLICY = """\
  policy-{number}:
    description: Policy number {number} of a large catalog.
    vaultProfile: {profile}
    schedule: {{ every: {every}, start: "{hour:02}:30", timeZone: {zone}, spread: PT2H }}
    operationalRetention: P{days}D
    vaultTier:
      daily: P90D
      monthly: P12M
    contents:
      excludedNamespaces: [scratch, monitoring]
      labelSelectors: [app=shop]
      hooks:
        - {{ name: freeze, namespace: shop }}
    rpoTarget: PT26H
    onDemand: {{ afterProtection: true, catchUp: true }}
    tags:
      fixed: {{ team: "{number}" }}
      copied: [owner]
"""


def written(policies: int = POLICIES) -> str:
    """A catalog of so many policies, each with most of what a policy can say."""
    return _PROFILES + "".join(
        _POLICY.format(
            number=number,
            profile="far" if number % 2 else "standard",
            every=_EVERY[number % len(_EVERY)],
            hour=number % 24,
            zone=_ZONES[number % len(_ZONES)],
            days=number % 360 + 1,
        )
        for number in range(policies)
    )


async def measure() -> dict[str, float]:
    """Median of several loads in one fresh process, in milliseconds.

    Raises:
        RuntimeError: The catalog wasn't loaded.
    """
    file = ROOT / "build" / "bench-catalog.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(written())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.catalog", str(file)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{file} was not loaded: exit status {process.returncode}")
    return {"catalog.load_ms": round(float(output), 1)}


def load_ms(file: Path) -> float:
    """Median of the loads after the first one, in milliseconds."""
    from shared.catalog.loading import load  # noqa: PLC0415  # what is measured imports what it needs

    assert len(load(file).policies) == POLICIES
    taken = []
    for _ in range(_LOADS):
        start = time.perf_counter()
        load(file)
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    print(load_ms(Path(sys.argv[1])))
