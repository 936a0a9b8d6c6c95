"""Plays recorded interactions against a running simulated Azure."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from yarl import URL

from local.azure.server import LocalAzure
from tests.wire.comparison import Answer
from tests.wire.recordings import Interaction

AZURE = "https://management.azure.com"
_OPERATION_HEADERS = ("azure-asyncoperation", "location")


class Player:
    """Sends recorded requests and follows the operations that the answers start.

    A recorded operation id means nothing to the simulator: a recorded request to an operation's URL is sent to the URL
    which the simulator gave in the same place.
    """

    def __init__(self, azure: LocalAzure, caller: str) -> None:
        self._azure = azure
        self._caller = caller
        self._token = ""
        self._urls: dict[str, str] = {}
        self._session = aiohttp.ClientSession(auto_decompress=True)
        self._tls = ssl.create_default_context(cafile=azure.ready["ca_file"])
        self._at: float | None = None

    @property
    def arm(self) -> str:
        """The simulator's own address."""
        return str(self._azure.ready["arm"])

    async def __aenter__(self) -> Self:
        await self.sign_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_in(self) -> None:
        """Get a token as the caller, from the managed identity endpoint."""
        ready = self._azure.ready
        query = {"api-version": "2019-08-01", "resource": AZURE}
        headers = {"X-IDENTITY-HEADER": ready[f"identity_header_{self._caller}"]}
        async with self._session.get(ready["identity_endpoint"], params=query, headers=headers) as answer:
            self._token = (await answer.json())["access_token"]

    async def advance(self, seconds: float) -> None:
        """Step virtual time."""
        async with self._session.post(f"{self._azure.ready['control']}/clock", json={"advance": seconds}) as answer:
            assert answer.status == 200

    async def order_fault(self, fault: dict[str, Any]) -> None:
        """Order a fault over the control endpoint."""
        async with self._session.post(f"{self._azure.ready['control']}/faults", json=fault) as answer:
            assert answer.status == 201

    async def seed(self, resource_id: str, body: dict[str, Any]) -> None:
        """Put a resource as it stands."""
        order = {"id": resource_id, "body": body}
        async with self._session.put(f"{self._azure.ready['control']}/resources", json=order) as answer:
            assert answer.status == 200, await answer.text()

    async def play(self, interaction: Interaction) -> Answer:
        """Send a recorded request at its moment and return what was served, as if Azure's host had sent it."""
        await self.advance(max(0.0, interaction.at - (interaction.at if self._at is None else self._at)))
        self._at = interaction.at
        path = "/".join(quote(part, safe="") for part in interaction.path.split("/"))
        url = self._urls.get(interaction.path.lower()) or f"{self._azure.ready['arm']}{path}"
        query = {} if interaction.path.lower() in self._urls else interaction.query
        served = await self.send(interaction.method, url, query, interaction.request_body)
        self.follow(interaction.answer, served)
        return self._as_azure(served)

    def follow(self, recorded: Answer, served: Answer) -> None:
        """Remember where the simulator has the operations of a recorded answer."""
        for name in _OPERATION_HEADERS:
            # A Location at another host isn't the simulator's to serve (k8s_extension_arc_lro).
            if recorded.headers.get(name, "").startswith(AZURE) and name in served.headers:
                self._urls[unquote(urlsplit(recorded.headers[name]).path).lower()] = served.headers[name]

    def follow_as(self, path: str, url: str) -> None:
        """Send requests for a recorded operation to a URL."""
        self._urls[path.lower()] = url

    async def send(self, method: str, url: str, query: dict[str, str], body: Any) -> Answer:
        """One request to Azure Resource Manager."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        target = URL(url, encoded=True)
        async with self._session.request(
            method, target.update_query(query) if query else target, headers=headers, data=data, ssl=self._tls
        ) as answer:
            text = await answer.text()
            wire = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, wire, _parsed(text, wire.get("content-type", "")))

    def _as_azure(self, served: Answer) -> Answer:
        local = self._azure.ready["arm"]
        headers = {name: value.replace(local, AZURE) for name, value in served.headers.items()}
        body = json.loads(json.dumps(served.body).replace(local, AZURE))
        return Answer(served.status, headers, body)


def _parsed(text: str, kind: str) -> Any:
    if not text:
        return None
    return json.loads(text) if "json" in kind else text


@asynccontextmanager
async def player(azure: LocalAzure, caller: str) -> AsyncIterator[Player]:
    """A signed-in player."""
    async with Player(azure, caller) as playing:
        yield playing
