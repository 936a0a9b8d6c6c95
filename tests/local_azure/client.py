"""A plain client of the simulated Azure."""

from __future__ import annotations

import dataclasses
import json
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.cloud import Cloud
    from local.azure.server import LocalAzure

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
OTHER_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000002"

VERSIONS = {
    "microsoft.dataprotection": "2025-07-01",
    "microsoft.authorization": "2022-04-01",
    "microsoft.containerservice": "2024-09-01",
    "microsoft.storage": "2024-01-01",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in any case) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """Code of the error."""
        return str(self.body["error"]["code"])


class Client:
    """Calls Azure Resource Manager, the identity endpoint and the control endpoint."""

    def __init__(self, azure: LocalAzure, session: aiohttp.ClientSession) -> None:
        self.azure = azure
        self.cloud: Cloud = azure.cloud
        self._session = session
        self._trust = ssl.create_default_context(cafile=azure.ready["ca_file"])
        self._tokens: dict[str, str] = {}

    async def token(self, caller: str = "owner", resource: str = "https://management.azure.com/") -> str:
        """A token of the app or of an owner."""
        query = {"api-version": "2019-08-01", "resource": resource}
        headers = {"X-IDENTITY-HEADER": self.azure.ready[f"identity_header_{caller}"]}
        async with self._session.get(self.azure.ready["identity_endpoint"], params=query, headers=headers) as answer:
            return str((await answer.json())["access_token"])

    async def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        caller: str = "owner",
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request to ARM; a path without an api-version gets the namespace's usual one."""
        if caller not in self._tokens:
            self._tokens[caller] = await self.token(caller)
        sent = {"Authorization": f"Bearer {self._tokens[caller]}", **(headers or {})}
        if "api-version" not in path.lower() and version != "":
            path += f"{'&' if '?' in path else '?'}api-version={version or _usual_version(path)}"
        url = path if path.startswith("https://") else self.azure.ready["arm"] + path
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, url, data=content, headers=sent, ssl=self._trust, skip_auto_headers=("Content-Type",)
        ) as answer:
            text = await answer.text()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(answer.status, answer.headers, json.loads(text) if text and is_json else text)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the control endpoint; the answer's JSON, or None."""
        async with self._session.request(method, self.azure.ready["control"] + path, json=body) as answer:
            text = await answer.text()
            return json.loads(text) if text else None

    async def group(self, name: str, location: str = "westeurope", subscription: str = SUBSCRIPTION) -> str:
        """Create a resource group and return its id."""
        path = f"{subscription}/resourceGroups/{name}"
        assert (await self.arm("PUT", path, {"location": location})).status in {200, 201}
        return path


def _usual_version(path: str) -> str:
    namespace = path.partition("?")[0].lower().rpartition("/providers/")[2].partition("/")[0]
    return VERSIONS.get(namespace, "2022-09-01")
