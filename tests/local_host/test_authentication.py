from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.local_host.conftest import Host, StartsHosts

APP = """
@app.route(auth_level="anonymous")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    found = {name.lower(): value for name, value in req.headers.items() if name.lower().startswith("x-")}
    return func.HttpResponse(json.dumps(found), mimetype="application/json")
"""
FORGED = {"X-MS-CLIENT-PRINCIPAL": "forged", "x-ms-client-principal-name": "root", "X-Other": "kept"}


@pytest.fixture(scope="module")
def host(start_host: StartsHosts, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host behind the platform's authentication, which knows one token."""
    tokens: Path = tmp_path_factory.mktemp("tokens") / "tokens.json"
    tokens.write_text(json.dumps({"good": {"id": "an-id", "name": "somebody", "roles": ["Some.Role"]}}))
    return start_host(APP, settings={"WEBSITE_AUTH_ENABLED": "True", "LOCAL_HOST_TOKENS": str(tokens)})


async def test_nobody_but_the_platform_says_who_asks(host: Host, http: aiohttp.ClientSession) -> None:
    """What a client sends under the platform's names doesn't reach the app; its other headers do."""
    async with http.get(host.url("/api/headers"), headers=FORGED) as response:
        assert await response.json() == {"x-other": "kept"}


async def test_a_good_token_becomes_claims(host: Host, http: aiohttp.ClientSession) -> None:
    """The app gets the claims as Azure sets them, whatever the client has sent there."""
    async with http.get(host.url("/api/headers"), headers={**FORGED, "Authorization": "Bearer good"}) as response:
        found = await response.json()
    assert found["x-ms-client-principal-id"] == "an-id"
    assert found["x-ms-client-principal-name"] == "somebody"
    principal = json.loads(base64.b64decode(found["x-ms-client-principal"]))
    assert principal["auth_typ"] == "aad"
    assert {"typ": "roles", "val": "Some.Role"} in principal["claims"]


async def test_a_bad_token_is_refused(host: Host, http: aiohttp.ClientSession) -> None:
    """401, and the function doesn't run."""
    async with http.get(host.url("/api/headers"), headers={"Authorization": "Bearer bad"}) as response:
        assert (response.status, await response.text()) == (401, "")


async def test_without_it_the_headers_are_the_clients(start_host: StartsHosts, http: aiohttp.ClientSession) -> None:
    """Off, nothing is stripped: an app that believed the header then would believe anybody."""
    open_host = start_host(APP)
    async with http.get(open_host.url("/api/headers"), headers=FORGED) as response:
        assert (await response.json())["x-ms-client-principal"] == "forged"
