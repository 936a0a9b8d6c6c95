"""The door with real HTTPS: whatever an answer says, only the configured host ever gets the token."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import aiohttp.connector
import pytest
import pytest_asyncio
import trustme
from aiohttp import web
from azure.core.credentials import AccessToken, AccessTokenInfo

from shared.arm.door import Door
from shared.arm.writes import ACTING_FOR, LOOKING_ONLY
from shared.errors import ArmError, ForeignHost, WriteRefused

TOKEN: Final = "the-token-that-must-stay"
SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000001"
CLUSTER: Final = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
)
EXTENSION: Final = {"properties": {"extensionType": "microsoft.dataprotection.kubernetes"}}
INSTANCE: Final = {"properties": {"friendlyName": "c"}}


class Credential:
    """Gives the token to whoever asks."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, 4_000_000_000)

    async def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        return AccessTokenInfo(TOKEN, 4_000_000_000)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""


@dataclass
class Server:
    """An HTTPS server that answers everything alike and records what arrives."""

    url: str = ""
    answer: Callable[[web.Request], web.Response] = field(default=lambda _: web.json_response({}))
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path, request.headers.get("Authorization", "")))
        await request.read()
        return self.answer(request)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncGenerator[Server]:
    """Run a server on a free port of localhost."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    server.url = f"{'https' if tls else 'http'}://localhost:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class Guard:
    """Refuses writes for some subscriptions; remembers who was asked about."""

    refused: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    async def refusal(self, subscription: str) -> WriteRefused | None:
        self.asked.append(subscription)
        return WriteRefused("Observed", "only looking") if subscription in self.refused else None


@dataclass
class Scene:
    """Azure Resource Manager as the door knows it, two hosts that it doesn't, and the door."""

    arm: Server
    foreign: Server
    plain: Server
    door: Door
    guard: Guard

    def hostile_urls(self) -> dict[str, str]:
        """URLs that lead elsewhere, some of which look as if they didn't."""
        port = self.arm.url.rpartition(":")[2]
        other = self.foreign.url.rpartition(":")[2]
        return {
            "another port": f"{self.foreign.url}/operations/1",
            "no TLS": f"{self.plain.url}/operations/1",
            "arm as user name": f"https://localhost:{port}@localhost:{other}/operations/1",
            "arm as subdomain": f"https://localhost.localhost:{other}/operations/1",
            "another name of this machine": f"https://127.0.0.1:{other}/operations/1",
            "backslash": f"https://localhost:{other}\\@localhost:{port}/operations/1",
            "tab in the scheme": f"ht\ttps://localhost:{other}/operations/1",
        }


@pytest_asyncio.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Scene]:
    """Three servers whose certificates are trusted, so that nothing but the door stands before the token."""
    authority, guard = trustme.CA(), Guard()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1", "localhost.localhost").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    # aiohttp makes its context when it is imported, before any test could name a bundle of roots
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    async with (
        serving(tls) as arm,
        serving(tls) as foreign,
        serving(None) as plain,
        Door(arm.url, "https://management.azure.com", Credential(), guard=guard) as door,
    ):
        yield Scene(arm, foreign, plain, door, guard)


def nothing_arrived(scene: Scene) -> None:
    """Neither foreign host was asked anything, with or without the token; ARM was, with it."""
    assert scene.foreign.seen == []
    assert scene.plain.seen == []
    assert {authorization for _, _, authorization in scene.arm.seen} <= {f"Bearer {TOKEN}"}


async def test_the_configured_host_gets_the_token(scene: Scene) -> None:
    """What all other tests here rely on: the servers are reached, and the token travels."""
    scene.arm.answer = lambda _: web.json_response({"name": "c"})
    assert (await scene.door.get(CLUSTER, "2024-09-01"))["name"] == "c"
    assert scene.arm.seen == [("GET", CLUSTER, f"Bearer {TOKEN}")]


async def test_a_foreign_operation_url_is_not_followed(scene: Scene) -> None:
    """Neither one from an answer nor one that was stored long ago, however it is dressed up."""
    for what, url in scene.hostile_urls().items():
        with pytest.raises(ForeignHost):
            await scene.door.poll(url)
        assert scene.foreign.seen == [], what
    nothing_arrived(scene)


@pytest.mark.parametrize("header", ["Location", "Azure-AsyncOperation"])
async def test_a_put_with_a_foreign_operation_is_told_and_not_followed(scene: Scene, header: str) -> None:
    """The PUT itself goes well; asking for its operation is what is refused."""
    headers = {header: f"{scene.foreign.url}/operations/1"}
    scene.arm.answer = lambda _: web.json_response({}, status=201, headers=headers)
    answer = await scene.door.put(CLUSTER, "2024-09-01", {})
    with pytest.raises(ForeignHost):
        await scene.door.poll(answer.operation.url)
    nothing_arrived(scene)


async def test_the_locations_host_does_not_matter_beside_an_operation_of_arms_own(scene: Scene) -> None:
    """Extensions answer with a Location on another host (recorded); Azure-AsyncOperation is what is asked."""
    headers = {
        "Location": f"{scene.foreign.url}/operations/1",
        "Azure-AsyncOperation": f"{scene.arm.url}/operations/1",
    }
    scene.arm.answer = lambda _: web.json_response({"status": "Succeeded"}, status=201, headers=headers)
    operation = (await scene.door.put(CLUSTER, "2024-09-01", {})).operation
    assert not (await scene.door.poll(operation.url)).running
    nothing_arrived(scene)


async def test_a_foreign_next_page_is_not_fetched(scene: Scene) -> None:
    """A list ends with an error in place of a page from elsewhere."""
    page = {"value": [{"name": "one"}], "nextLink": f"{scene.foreign.url}/page2"}
    scene.arm.answer = lambda _: web.json_response(page)
    with pytest.raises(ForeignHost):
        await scene.door.list(f"{CLUSTER}/providers/Microsoft.Authorization/roleAssignments", "2022-04-01")
    assert len(scene.arm.seen) == 1
    nothing_arrived(scene)


async def test_typed_clients_do_not_fetch_a_foreign_page(scene: Scene) -> None:
    """The same for the lists of the SDK's clients."""
    page = {"value": [], "nextLink": f"{scene.foreign.url}/page2"}
    scene.arm.answer = lambda _: web.json_response(page)

    async def read(pages: Any) -> list[Any]:
        return [item async for item in pages]

    extensions = scene.door.kubernetes_configuration(SUBSCRIPTION).extensions
    instances = scene.door.data_protection(SUBSCRIPTION).backup_instances_extension_routing
    lists: tuple[Any, ...] = (
        extensions.list("g", "Microsoft.ContainerService", "managedClusters", "c"),
        instances.list(CLUSTER.lstrip("/")),
    )
    for pages in lists:
        with pytest.raises(ForeignHost):
            await scene.door.call(read(pages))
    assert len(scene.arm.seen) == len(lists)
    nothing_arrived(scene)


async def test_typed_clients_start_and_ask_nobody_else(scene: Scene) -> None:
    """A long-running call of the SDK's clients leaves after its first answer and follows no URL of it."""
    foreign = f"{scene.foreign.url}/operations/1"
    headers = {"Location": foreign, "Azure-AsyncOperation": foreign, "Retry-After": "0"}
    body = {"id": CLUSTER, "properties": {"provisioningState": "Creating"}}
    scene.arm.answer = lambda _: web.json_response(body, status=201, headers=headers)
    extensions = scene.door.kubernetes_configuration(SUBSCRIPTION).extensions
    place = ("g", "Microsoft.ContainerService", "managedClusters", "c", "azure-aks-backup")
    instances = scene.door.data_protection(SUBSCRIPTION).backup_instances
    started = [
        await scene.door.start(extensions.begin_create, *place, EXTENSION),
        await scene.door.start(instances.begin_create_or_update, "g", "v", "i", INSTANCE),
    ]
    assert {operation.url for operation in started} == {foreign}
    assert [method for method, _, _ in scene.arm.seen] == ["PUT", "PUT"]
    with pytest.raises(ForeignHost):
        await scene.door.poll(foreign)
    nothing_arrived(scene)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_not_followed(scene: Scene, status: int) -> None:
    """Azure Resource Manager doesn't redirect; who does isn't believed, neither for reads nor for writes."""
    headers = {"Location": f"{scene.foreign.url}/elsewhere"}
    scene.arm.answer = lambda _: web.Response(status=status, headers=headers)
    requests: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: scene.door.get(CLUSTER, "2024-09-01"),
        lambda: scene.door.put(CLUSTER, "2024-09-01", {}),
        lambda: scene.door.poll(f"{scene.arm.url}/operations/1"),
    )
    for request in requests:
        with pytest.raises(ArmError):
            await request()
    nothing_arrived(scene)


def writes(scene: Scene) -> dict[str, Callable[[], Awaitable[object]]]:
    """Every way of the door to change something."""
    policies = scene.door.data_protection(SUBSCRIPTION).backup_policies
    extensions = scene.door.kubernetes_configuration(SUBSCRIPTION).extensions
    place = ("g", "Microsoft.ContainerService", "managedClusters", "c", "azure-aks-backup")
    body: Any = {"properties": {}}
    return {
        "put": lambda: scene.door.put(CLUSTER, "2024-09-01", {}),
        "put_once": lambda: scene.door.put_once(CLUSTER, "2024-09-01", {}, exists="X"),
        "post": lambda: scene.door.post(f"{CLUSTER}/runCommand", "2024-09-01", {}),
        "typed put": lambda: scene.door.call(policies.create_or_update("g", "v", "p", body)),
        "typed delete": lambda: scene.door.call(policies.delete("g", "v", "p")),
        "typed start": lambda: scene.door.start(extensions.begin_create, *place, EXTENSION),
    }


async def test_nothing_is_written_for_a_subscription_that_is_only_observed(scene: Scene) -> None:
    """However it is tried, by the plain pipeline or by a typed client: nothing leaves."""
    scene.guard.refused = frozenset({SUBSCRIPTION})
    for how, write in writes(scene).items():
        with pytest.raises(WriteRefused, match="only looking"):
            await write()
        assert scene.arm.seen == [], how


async def test_the_cluster_counts_and_not_where_its_vault_stands(scene: Scene) -> None:
    """A vault in a central subscription is written for the clusters that it serves."""
    central = f"/subscriptions/{SUBSCRIPTION.replace('1', 'c')}/resourceGroups/g"
    for acting_for, refused in (("observed", True), ("auto", False)):
        scene.guard.refused = frozenset({"observed"})
        token = ACTING_FOR.set(acting_for)
        try:
            if refused:
                with pytest.raises(WriteRefused):
                    await scene.door.put(central, "2024-11-01", {})
            else:
                await scene.door.put(central, "2024-11-01", {})
        finally:
            ACTING_FOR.reset(token)
    assert scene.guard.asked == ["observed", "auto"]
    assert len(scene.arm.seen) == 1


async def test_reads_and_checks_go_on_while_nothing_may_be_written(scene: Scene) -> None:
    """Also those that are POSTs: Resource Graph, and Azure's own validations, which change nothing."""
    scene.guard.refused = frozenset({SUBSCRIPTION, ""})
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
    await scene.door.get(CLUSTER, "2024-09-01")
    await scene.door.post("/providers/Microsoft.ResourceGraph/resources", "2021-03-01", {})
    await scene.door.post(f"{vault}/validateForBackup", "2025-07-01", {})
    await scene.door.post(f"{vault}/backupInstances/i/validateRestore", "2025-07-01", {})
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g"
    there = f"{group}/providers/Microsoft.DataProtection/locations/northeurope"
    await scene.door.post(f"{there}/validateCrossRegionRestore", "2025-07-01", {})
    for path in (f"{vault}/backupInstances/i/restore", f"{there}/crossRegionRestore"):
        with pytest.raises(WriteRefused):
            await scene.door.post(path, "2025-07-01", {})
    with pytest.raises(WriteRefused):
        await scene.door.post(f"{vault}/backupInstances/i/backup", "2025-07-01", {})
    assert len(scene.arm.seen) == 5


async def test_a_task_that_only_looks_writes_nothing_though_the_app_may(scene: Scene) -> None:
    """A plan can't act by mistake."""
    token = LOOKING_ONLY.set(True)
    try:
        for write in writes(scene).values():
            with pytest.raises(WriteRefused):
                await write()
        await scene.door.get(CLUSTER, "2024-09-01")
    finally:
        LOOKING_ONLY.reset(token)
    assert [method for method, _, _ in scene.arm.seen] == ["GET"]
