"""All parts on one machine: Azurite, the simulated Azure and the Functions host, each a process of its own.

The demo, `make up`, the end-to-end tests and the benchmarks run on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import aiohttp
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient

from local.azurite import Azurite, azurite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"

_START_SECONDS = 60.0
_STOP_SECONDS = 8.0
_LOOK_SECONDS = 0.05
_SEEDS = 500  # resources in one request
_CLUSTERS_API = "2024-09-01"
_GROUPS_API = "2024-11-01"
_EVENTS_API = "2025-02-15"
_EVENTGRID_DATA_SENDER = "d5a91429-5739-47e2-a06b-3470a27159e7"
NODE_POOL = {"name": "nodepool1", "count": 1, "vmSize": "Standard_D4s_v5", "osType": "Linux", "mode": "System"}
"""A node pool that Azure Backup can work with."""


class PartError(RuntimeError):
    """A part didn't start; the message holds what it printed last."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of 127.0.0.1; 0 is a free one."""

    azure: int = 0
    control: int = 0
    host: int = 0
    blob: int = 0
    queue: int = 0
    table: int = 0


@dataclass(slots=True)
class Part:
    """One process: started until it has written its ready object, stopped with everything that it started.

    `process` is None for a part that somebody else runs.
    """

    name: str
    process: asyncio.subprocess.Process | None
    ready: dict[str, Any]

    @classmethod
    def running(cls, name: str, ready: dict[str, Any]) -> Self:
        """A part that runs already, known by its ready object."""
        return cls(name, None, ready)

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], environ: Mapping[str, str], folder: Path) -> Self:
        """Start `python -m ...` and wait for its ready object.

        Raises:
            PartError: it ended, or wasn't ready within a minute.
        """
        folder.mkdir(parents=True, exist_ok=True)
        ready_file, log = folder / f"{name}.json", folder / f"{name}.log"
        ready_file.unlink(missing_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", *arguments, "--ready-file", str(ready_file)),
                cwd=ROOT,
                env=dict(environ),
                stdout=output,
                stderr=output,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches only this process, which then stops its parts in order
            )
        part = cls(name, process, {})
        try:
            async with asyncio.timeout(_START_SECONDS):
                await part._until_ready(ready_file, log)
        except BaseException as error:
            await part.stop()
            if isinstance(error, TimeoutError):
                raise PartError(f"{name} wasn't ready within {_START_SECONDS:.0f} s:\n{_tail(log)}") from error
            raise
        part.ready = json.loads(ready_file.read_text())
        return part

    async def _until_ready(self, ready_file: Path, log: Path) -> None:
        while not ready_file.exists():  # another process writes it
            if self.process is None or self.process.returncode is not None:
                raise PartError(
                    f"{self.name} ended with status {self.process and self.process.returncode}:\n{_tail(log)}"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Ask it to end, and end it when it doesn't."""
        await self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._ended()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it as a crash does."""
        await self._signal(signal.SIGKILL)
        await self._ended()

    async def _ended(self) -> None:
        if self.process is not None:
            await self.process.wait()

    async def _signal(self, number: int) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-40:])


class Owner:
    """Somebody with all rights in the simulated subscriptions, and its control endpoint."""

    def __init__(self, ready: Mapping[str, Any], session: aiohttp.ClientSession) -> None:
        self._ready = ready
        self._session = session
        self._tls = ssl.create_default_context(cafile=ready["ca_file"])
        self._token = ""

    async def arm(self, method: str, path: str, api_version: str, body: Any = None) -> tuple[int, Any]:
        """One request to Azure Resource Manager: status and JSON body (None when empty)."""
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        url, query = f"{self._ready['arm']}{path}", {"api-version": api_version}
        async with self._session.request(
            method, url, params=query, json=body, headers=headers, ssl=self._tls
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def put(self, path: str, api_version: str, body: Any) -> Any:
        """PUT that has to work.

        Raises:
            RuntimeError: it was refused.
        """
        status, answer = await self.arm("PUT", path, api_version, body)
        if status >= 400:  # noqa: PLR2004  # HTTP: refused
            raise RuntimeError(f"PUT {path}: {status} {answer}")
        return answer

    async def made(self, path: str, api_version: str, body: Any) -> None:
        """PUT that has to work, and wait until Azure has done it.

        Raises:
            RuntimeError: it was refused, failed, or wasn't done within a minute.
        """
        await self.put(path, api_version, body)
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            _, answer = await self.arm("GET", path, api_version)
            state = str((answer.get("properties") or {}).get("provisioningState"))
            if state == "Succeeded":
                return
            if state == "Failed":
                break
            await asyncio.sleep(_LOOK_SECONDS)
        raise RuntimeError(f"PUT {path}: {answer}")

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the simulator's control endpoint."""
        async with self._session.request(method, f"{self._ready['control']}{path}", json=body) as response:
            text = await response.text()
            if response.status >= 400:  # noqa: PLR2004  # HTTP: refused
                raise RuntimeError(f"{method} {path}: {response.status} {text}")
            return json.loads(text) if text else None

    async def _bearer(self) -> str:
        if not self._token:
            query = {"api-version": "2019-08-01", "resource": "https://management.azure.com"}
            headers = {"X-IDENTITY-HEADER": self._ready["identity_header_owner"]}
            async with self._session.get(self._ready["identity_endpoint"], params=query, headers=headers) as response:
                self._token = (await response.json())["access_token"]
        return self._token


@dataclass(slots=True)
class Stack:
    """The running parts."""

    folder: Path
    storage: Azurite
    azure: Part
    owner: Owner
    environ: dict[str, str]
    host_options: tuple[str, ...]
    ports: Ports
    host: Part | None = None
    _groups: set[str] = field(default_factory=set)

    async def start_host(self) -> None:
        """Start the Functions host, with the keys and the port that it had before.

        Raises:
            PartError: it didn't start.
        """
        port = str(urlsplit(self.host.ready["base_url"]).port) if self.host else str(self.ports.host)
        state = str(self.folder / "host-state")
        arguments = ("local.host", "--app", str(ROOT), "--port", port, "--state-dir", state, *self.host_options)
        self.host = await Part.start("host", arguments, self.environ, self.folder)

    @property
    def running_host(self) -> Part:
        """The host.

        Raises:
            PartError: it wasn't started.
        """
        if self.host is None:
            raise PartError("the host isn't running")
        return self.host

    def webhook(self, function: str = "cluster_events") -> str:
        """Where Event Grid delivers to a function of the host."""
        ready = self.running_host.ready
        base = f"{ready['base_url']}/runtime/webhooks/eventgrid"
        return f"{base}?functionName={function}&code={ready['eventgrid_key']}"

    async def subscribe(self, *, subscription: str = SUBSCRIPTION, schema: str = "EventGridSchema") -> None:
        """Subscribe the host to the subscription's events."""
        path = f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/eventSubscriptions/autopilot"
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": self.webhook()}}
        operations = ["managedClusters/write", "managedClusters/delete", "managedClusters/start/action", "tags/write"]
        operation = {"operatorType": "StringEndsWith", "key": "data.operationName", "values": operations}
        body = {
            "properties": {
                "destination": destination,
                "eventDeliverySchema": schema,
                "filter": {"advancedFilters": [operation]},
            }
        }
        # before the handshake with the webhook has ended, events go nowhere
        await self.owner.made(path, _EVENTS_API, body)

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The app's status rows: lower-cased cluster id -> the row's document; {} before the first one."""
        tables = TableServiceClient.from_connection_string(self.storage.connection_string)
        async with tables, tables.get_table_client("clusters") as table:
            try:
                documents = [json.loads(entity["doc"]) async for entity in table.list_entities()]
            except ResourceNotFoundError:
                return {}
        return {document["cluster_id"].casefold(): document for document in documents}

    async def seed(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Put many resources there as they stand, each an id and a body."""
        for start in range(0, len(orders), _SEEDS):
            await self.owner.control("PUT", "/resources", {"resources": list(orders[start : start + _SEEDS])})

    async def seed_cluster(
        self, name: str, *, group: str = "rg-apps", location: str = "westeurope", power: str = "Running"
    ) -> str:
        """Put a cluster there as it stands, untagged, without the time that creating one takes. Returns its id."""
        await self.group(group, location)
        cluster = cluster_id(name, group)
        principal = str(uuid5(NAMESPACE_URL, cluster))
        body = {
            "type": "Microsoft.ContainerService/ManagedClusters",
            "name": name,
            "location": location,
            "identity": {"type": "SystemAssigned", "principalId": principal, "tenantId": self.azure.ready["tenant_id"]},
            "properties": {
                "provisioningState": "Succeeded",
                "powerState": {"code": power},
                "agentPoolProfiles": [NODE_POOL],
                "storageProfile": {},
            },
        }
        await self.owner.control("PUT", "/resources", {"id": cluster, "body": body})
        return cluster

    async def tag(self, resource: str, tags: Mapping[str, str], *, operation: str = "Merge") -> None:
        """Merge tags into a resource's, replace or delete them, by the tags API as `az tag update` does."""
        path = f"{resource}/providers/Microsoft.Resources/tags/default"
        status, answer = await self.owner.arm(
            "PATCH", path, _GROUPS_API, {"operation": operation, "properties": {"tags": dict(tags)}}
        )
        if status >= 400:  # noqa: PLR2004  # HTTP: refused
            raise RuntimeError(f"PATCH {path}: {status} {answer}")

    async def group(self, name: str, location: str, subscription: str = SUBSCRIPTION) -> None:
        """Make a resource group, once."""
        if name not in self._groups:
            body = {"location": location}
            await self.owner.put(f"/subscriptions/{subscription}/resourceGroups/{name}", _GROUPS_API, body)
            self._groups.add(name)

    async def create_cluster(
        self,
        name: str,
        tags: Mapping[str, str] | None = None,
        *,
        group: str = "rg-apps",
        location: str = "westeurope",
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """Create a cluster as its owner would; it takes the time that Azure takes. Returns its id."""
        await self.group(group, location)
        cluster = cluster_id(name, group)
        body = {
            "location": location,
            "identity": {"type": "SystemAssigned"},
            "tags": dict(tags or {}),
            "properties": {
                "dnsPrefix": name,
                "agentPoolProfiles": [NODE_POOL],
                "storageProfile": {},
                **(properties or {}),
            },
        }
        await self.owner.put(cluster, _CLUSTERS_API, body)
        return cluster


def cluster_id(name: str, group: str = "rg-apps", subscription: str = SUBSCRIPTION) -> str:
    """The id of a cluster."""
    parent = f"/subscriptions/{subscription}/resourceGroups/{group}"
    return f"{parent}/providers/Microsoft.ContainerService/managedClusters/{name}"


def _app_environ(ready: Mapping[str, Any], storage: Azurite, settings: Mapping[str, str]) -> dict[str, str]:
    """What the app gets: the simulated Azure's identity and roots, Azurite, and nothing of this machine's own login."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "AUTOPILOT_"))}
    return inherited | {
        "AzureWebJobsStorage": storage.connection_string,
        "IDENTITY_ENDPOINT": ready["identity_endpoint"],
        "IDENTITY_HEADER": ready["identity_header"],
        "SSL_CERT_FILE": ready["ca_file"],
        "AUTOPILOT_SUBSCRIPTIONS": ",".join(ready["subscriptions"]),
        "AUTOPILOT_ARM_ENDPOINT": ready["arm"],
        "JOB_SWEEP_SCHEDULE": "0 */15 * * * *",
        "RESYNC_SCHEDULE": "0 27 * * * *",
        "READINESS_SCHEDULE": "0 8/15 1-4 * * *",
        "ADHOC_BACKUP_SCHEDULE": "0 5/10 * * * *",
        **settings,
    }


@contextlib.asynccontextmanager
async def stack(
    folder: Path,
    *,
    time_scale: float = 60,
    settings: Mapping[str, str] | None = None,
    azure_options: Sequence[str] = (),
    host_options: Sequence[str] = (),
    ports: Ports = Ports(),
    topic: bool = False,
    start_host: bool = True,
) -> AsyncGenerator[Stack]:
    """Run all parts for as long as the block lasts.

    Args:
        folder: logs, ready objects and the host's keys.
        time_scale: virtual seconds per real second; the app's own waits are scaled alike.
        settings: app settings on top of those that the parts give.
        azure_options: command-line options of `local.azure`.
        host_options: command-line options of `local.host`.
        ports: fixed ports, where wanted.
        topic: whether to make an Event Grid topic that the app publishes to.
        start_host: whether to start the host too.

    Raises:
        PartError: a part didn't start.
    """
    at = ("--port", str(ports.azure), "--control-port", str(ports.control))
    arguments = ("local.azure", *at, "--time-scale", str(time_scale), "--subscription", SUBSCRIPTION)
    folder.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as parts:
        starting = asyncio.ensure_future(Part.start("azure", (*arguments, *azure_options), dict(os.environ), folder))
        parts.push_async_callback(_stop_started, starting)
        storage = await parts.enter_async_context(
            azurite(blob_port=ports.blob, queue_port=ports.queue, table_port=ports.table)
        )
        azure = await starting
        session = await parts.enter_async_context(aiohttp.ClientSession())
        scaled = {"AUTOPILOT_WAIT_SCALE": str(min(1.0, 1 / time_scale)), **(settings or {})}
        environ = _app_environ(azure.ready, storage, scaled)
        running = Stack(folder, storage, azure, Owner(azure.ready, session), environ, tuple(host_options), ports)
        parts.push_async_callback(_stop_host, running)
        if topic:
            running.environ["AUTOPILOT_TOPIC_ENDPOINT"] = await _topic(running)
        if start_host:
            await running.start_host()
        yield running


async def _topic(running: Stack) -> str:
    """Make the topic, let the app's identity send to it, and give its endpoint."""
    await running.group("rg-autopilot", "westeurope")
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-autopilot"
    path = f"{group}/providers/Microsoft.EventGrid/topics/autopilot"
    body = {"location": "westeurope", "properties": {"inputSchema": "CloudEventSchemaV1_0"}}
    topic = await running.owner.put(path, _EVENTS_API, body)
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{_EVENTGRID_DATA_SENDER}"
    principal = running.azure.ready["app_principal_id"]
    grant = {"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}
    name = uuid5(NAMESPACE_URL, path)
    assignment = f"{path}/providers/Microsoft.Authorization/roleAssignments/{name}"
    await running.owner.put(assignment, "2022-04-01", {"properties": grant})
    return str(topic["properties"]["endpoint"])


async def _stop_started(starting: asyncio.Future[Part]) -> None:
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError, PartError):
        await (await starting).stop()


async def _stop_host(running: Stack) -> None:
    if running.host is not None:
        await running.host.stop()
