"""Entra ID in place of keys: the platform says who asks, the app asks for the role."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION
from tests.e2e.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_CLUSTER: Final = f"/api/clusters/{SUBSCRIPTION}/rg-auth/web"
_ID: Final = "0a0b0c0d-0000-0000-0000-00000000000{}"
_TOKENS: Final = {
    name: {"id": _ID.format(number), "name": name, "roles": roles}
    for number, (name, roles) in enumerate(
        {"reader": ["Autopilot.Read"], "operator": ["Autopilot.Operate"], "nobody": []}.items()
    )
}


class Door:
    """The app's front door."""

    def __init__(self, session: aiohttp.ClientSession, ready: dict[str, Any]) -> None:
        self._session = session
        self._ready = ready

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        """Status and JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self._ready['base_url']}{path}"
        async with self._session.request(method, url, headers=sent) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    @property
    def master_key(self) -> str:
        """Opens every door that asks for a key."""
        return str(self._ready["master_key"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Door]:
    """The app with AUTOPILOT_AUTH=entra, behind the platform's authentication."""
    folder = tmp_path_factory.mktemp("auth")
    (folder / "tokens.json").write_text(json.dumps(_TOKENS))
    settings = {
        "AUTOPILOT_AUTH": "entra",
        "WEBSITE_AUTH_ENABLED": "True",
        "LOCAL_HOST_TOKENS": str(folder / "tokens.json"),
    }
    async with fleet(folder, settings) as app, aiohttp.ClientSession() as session:
        yield Door(session, app.parts.running_host.ready)


@pytest.mark.parametrize(
    ("path", "method", "who", "status", "reason"),
    [
        ("/api/fleet", "GET", "reader", 200, None),
        ("/api/fleet", "GET", "operator", 200, None),
        ("/api/fleet", "GET", "nobody", 403, "RoleMissing"),
        ("/api/openapi.json", "GET", "nobody", 403, "RoleMissing"),
        (f"{_CLUSTER}/backups", "POST", "reader", 403, "RoleMissing"),
        (f"{_CLUSTER}/backups", "POST", "operator", 404, "ClusterNotFound"),
    ],
)
async def test_a_role_opens_what_it_is_for(
    *, door: Door, path: str, method: str, who: str, status: int, reason: str | None
) -> None:
    """Read reads, Operate changes as well; whoever has neither gets nothing."""
    found, body = await door.ask(path, method, Authorization=f"Bearer {who}")
    assert (found, body.get("reason")) == (status, reason)


async def test_neither_a_key_nor_a_forged_header_opens_anything(door: Door) -> None:
    """Whoever has no token isn't let in, whatever else they bring."""
    principal = {"auth_typ": "aad", "claims": [{"typ": "roles", "val": "Autopilot.Operate"}]}
    forged = {"X_MS_CLIENT_PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode()}
    keys = {"x_functions_key": door.master_key}
    for headers in ({}, keys, forged):
        status, body = await door.ask("/api/fleet", **headers)
        assert (status, body["reason"]) == (401, "NotSignedIn")
    assert (await door.ask("/api/fleet", Authorization="Bearer unknown"))[0] == 401
