from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.options import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_ID = "11111111-0000-4000-8000-000000000011"


async def _start(folder: Path, *options: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.azure", "--port", "0", "--ready-file", str(folder / "ready.json"), *options),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    ready: dict[str, Any] = json.loads(line)
    return process, ready


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_alone_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """One line of JSON, the same in the ready file, and a clean end that takes the file away."""
    (tmp_path / "ready.json").write_text("an earlier run's", encoding="utf-8")
    process, ready = await _start(tmp_path, "--subscription", _ID, "--caller", "owner", "--time-scale", "10")
    assert json.loads((tmp_path / "ready.json").read_text(encoding="utf-8")) == ready
    assert ready["subscriptions"] == [_ID]
    assert ready["identity_header"] == ready["identity_header_owner"] != ready["identity_header_app"]
    assert ready["arm"].startswith("https://localhost:")
    roots = ssl.create_default_context(cafile=ready["ca_file"]).get_ca_certs()
    assert len(roots) > 50
    process.send_signal(number)
    assert process.stderr
    assert await process.stderr.read() == b""
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert not (tmp_path / "ready.json").exists()


async def test_the_real_credential_and_client_work_against_it(tmp_path: Path) -> None:
    """azure-identity and azure-mgmt-dataprotection, configured as in the deployed app, need nothing special."""
    process, ready = await _start(tmp_path, "--ca-file", str(tmp_path / "ca.pem"), "--time-scale", "600")
    program = """
import asyncio, json, sys
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient
ready = json.loads(sys.argv[1])
async def main():
    async with ManagedIdentityCredential(client_id=ready["app_client_id"]) as credential, DataProtectionMgmtClient(
        credential, ready["subscriptions"][0], base_url=ready["arm"], api_version="2025-07-01",
        credential_scopes=["https://management.azure.com/.default"]) as client:
        try:
            await client.backup_vaults.get("none", "vault")
        except HttpResponseError as error:
            print(error.status_code, error.error.code)
asyncio.run(main())
"""
    environment = {
        "SSL_CERT_FILE": ready["ca_file"],
        "IDENTITY_ENDPOINT": ready["identity_endpoint"],
        "IDENTITY_HEADER": ready["identity_header"],
    }
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, json.dumps(ready)), env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(client.communicate(), 50)
    assert output.decode().split() == ["404", "ResourceGroupNotFound"]
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0
