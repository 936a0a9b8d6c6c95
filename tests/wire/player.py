"""Plays recorded interactions against a running simulated Azure."""

import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from yarl import URL

from local.azure.server import LocalAzure
from tests.wire.comparison import COLLAPSED, Answer
from tests.wire.recordings import Interaction

AZURE = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com"
SKIP_TOKEN = "<opaque-skip-token>"
"""What the recordings have in the place of every skip token."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ENDS_IN_GUID = re.compile(r"(/subscriptions/.+/)([0-9a-f-]{36})", re.IGNORECASE)
_POINT = re.compile(r"[0-9a-f]{32}")
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
        self._ids: dict[str, str] = {}
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
        known = self._urls.get(interaction.path.lower())
        url = known or self._local(self._with_served_ids(interaction.path))
        query = {} if known else self._with_served_ids(interaction.query)
        served = await self.send(interaction.method, url, query, self._with_served_ids(interaction.request_body))
        self.follow(interaction.answer, served)
        self._learn(interaction.answer.body, served.body)
        return _as_cut(interaction, self._as_azure(served))

    def _local(self, path: str) -> str:
        """Where the simulator serves a recorded path; directory look-ups have a host of their own in Azure."""
        rest = path.removeprefix(GRAPH)
        base = f"{self.arm}/graph" if rest != path else self.arm
        return base + "/".join(quote(part, safe="") for part in rest.split("/"))

    def _learn(self, recorded: Any, served: Any) -> None:
        """Remember which id the simulator made where Azure made another one, to send it in later requests."""
        if isinstance(recorded, dict) and isinstance(served, dict):
            for name in recorded.keys() & served.keys():
                self._learn(recorded[name], served[name])
        elif isinstance(recorded, list) and isinstance(served, list):
            for one, other in zip(recorded, served, strict=False):
                self._learn(one, other)
        elif _are_ids(recorded, served) and recorded not in {served, COLLAPSED}:
            self._ids[recorded] = served
        elif isinstance(recorded, str) and isinstance(served, str):
            ours, theirs = _ENDS_IN_GUID.fullmatch(recorded), _ENDS_IN_GUID.fullmatch(served)
            if ours and theirs and ours[1] == theirs[1]:  # the id of a job, of which only the name is made up
                self._learn(ours[2], theirs[2])

    def _with_served_ids[T](self, value: T) -> T:
        text = json.dumps(value)
        for recorded, served in self._ids.items():
            text = text.replace(recorded, served)
        changed: T = json.loads(text)
        return changed

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
            served = Answer(answer.status, wire, _parsed(text, wire.get("content-type", "")))
        if isinstance(served.body, dict) and served.body.get("$skipToken"):
            self._ids[SKIP_TOKEN] = served.body["$skipToken"]
        return served

    def _as_azure(self, served: Answer) -> Answer:
        local = self._azure.ready["arm"]
        hosts = ((f"{local}/graph", GRAPH), (local, AZURE))
        headers, body = dict(served.headers), json.dumps(served.body)
        if token := self._ids.get(SKIP_TOKEN):
            body = body.replace(json.dumps(token), json.dumps(SKIP_TOKEN))
        for here, there in hosts:
            headers = {name: value.replace(here, there) for name, value in headers.items()}
            body = body.replace(here, there)
        return Answer(served.status, headers, json.loads(body))


def _are_ids(recorded: object, served: object) -> bool:
    """Whether both are GUIDs, or both names of recovery points."""
    if not isinstance(recorded, str) or not isinstance(served, str):
        return False
    return any(form.fullmatch(recorded) and form.fullmatch(served) for form in (_GUID, _POINT))


def _as_cut(interaction: Interaction, served: Answer) -> Answer:
    """An answer with as many items as the recording kept of a list, if there were as many as the recording counted."""
    for name, kept, of in interaction.cuts:
        if isinstance(served.body, dict) and len(served.body.get(name) or ()) == of:
            served.body[name] = served.body[name][:kept]
    return served


def _parsed(text: str, kind: str) -> Any:
    if not text:
        return None
    return json.loads(text) if "json" in kind else text


@asynccontextmanager
async def player(azure: LocalAzure, caller: str) -> AsyncIterator[Player]:
    """A signed-in player."""
    async with Player(azure, caller) as playing:
        yield playing
