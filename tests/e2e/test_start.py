"""A start that can't go well doesn't begin."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from local.azurite import development_connection_string
from local.stack import ROOT, SUBSCRIPTION

_BROKEN: Final = """
vaultProfiles:
  standard: { redundancy: Anywhere }
policies:
  bronze: { vaultProfile: nowhere, schedule: { every: PT5M } }
"""
_SECONDS: Final = 30


async def _start(**settings: str) -> tuple[int, str]:
    """Exit status of the host with these settings, and all that it printed."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "AUTOPILOT_"))}
    usual = {"AzureWebJobsStorage": development_connection_string(), "AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.host", "--app", str(ROOT), "--port", "0"),
        cwd=ROOT,
        env={**inherited, **usual, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode()


async def test_every_broken_setting_is_named_at_once() -> None:
    """Wrong values, a missing one and a name that doesn't exist: one start shows them all, and the status isn't 0."""
    status, output = await _start(
        AUTOPILOT_SUBSCRIPTIONS="not-a-subscription",
        AUTOPILOT_MODE="opt-maybe",
        AUTOPILOT_ISOLATON="region",
        AUTOPILOT_WAIT_SCALE="-1",
        AUTOPILOT_ARM_ENDPOINT="http://management.azure.com",
        AzureWebJobsStorage="",
        AzureWebJobsStorage__queueServiceUri="https://a.queue.core.windows.net",
    )
    assert status == 1
    wanted = ("SUBSCRIPTIONS", "MODE", "ISOLATON", "WAIT_SCALE", "ARM_ENDPOINT")
    assert [name for name in wanted if f"AUTOPILOT_{name} " not in output] == []
    assert "AzureWebJobsStorage is missing" in output


async def test_every_fault_of_the_catalog_is_named_at_once(tmp_path: Path) -> None:
    """Each with file, line and field; a broken setting beside it hides none of them."""
    catalog = tmp_path / "policies.yaml"
    catalog.write_text(_BROKEN)
    status, output = await _start(AUTOPILOT_CATALOG=str(catalog), AUTOPILOT_MODE="opt-maybe")
    assert status == 1
    assert "AUTOPILOT_MODE" in output
    assert "policies.yaml:3" in output
    assert "policies.yaml:5" in output
    for field in ("redundancy", "vaultProfile", "every"):
        assert field in output


async def test_a_catalog_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The path that was looked at is in the message."""
    missing = tmp_path / "missing.yaml"
    status, output = await _start(AUTOPILOT_CATALOG=str(missing))
    assert status == 1
    assert str(missing) in output
