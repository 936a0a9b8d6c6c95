"""What indexing the app brings in, and what it must not: every cold start pays for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("azure.core", "azure.identity", "azure.mgmt", "azure.data", "azure.storage", "azure.eventgrid", "aiohttp")
PARSERS = ("yaml", "msgspec", "pydantic", "tzlocal")
SETTINGS = {"AUTOPILOT_SUBSCRIPTIONS": "00000000-0000-0000-0000-000000000001", "AzureWebJobsStorage": "x"}
SCRIPT = """
import json, sys
import azure.functions
before = set(sys.modules)
import function_app
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(**extra: str) -> list[str]:
    """Modules that importing the app adds to those of the programming model."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AUTOPILOT_")}
    done = subprocess.run(  # noqa: S603  # this interpreter, this script
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**environ, **SETTINGS, **extra},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_indexing_imports_no_sdk_and_no_parser() -> None:
    """Clients, credential, HTTP, YAML and models come when the first function needs them."""
    found = imported()
    assert "shared.startup" in found
    assert [name for name in found if name.startswith((*HEAVY, *PARSERS))] == []


def test_an_unstamped_catalog_is_checked_at_the_cost_of_its_parser_alone(tmp_path: Path) -> None:
    """A catalog that was edited on the way still stops a broken start; even then no SDK is loaded."""
    catalog = tmp_path / "policies.yaml"
    catalog.write_text((ROOT / "backup-policies.yaml").read_text() + "# edited\n")
    found = imported(AUTOPILOT_CATALOG=str(catalog))
    assert "yaml" in found
    assert [name for name in found if name.startswith(HEAVY)] == []
