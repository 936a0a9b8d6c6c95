"""The servers: Azure Resource Manager over TLS, and managed identity and control over plain http."""

from __future__ import annotations

import datetime as dt
import json
import logging
import ssl
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import certifi
import trustme
from aiohttp import web

from local.azure import gateway, graph, metadata
from local.azure.clock import http_date
from local.azure.cloud import Cloud
from local.azure.container_service.control import VolumeControl
from local.azure.control import Control
from local.azure.directory import Principal
from local.azure.errors import ArmError
from local.azure.event_grid import publishing, topics
from local.azure.event_grid.control import EventControl
from local.azure.event_grid.topic_control import TopicControl
from local.azure.exchange import LateFailure, Reply, Request
from local.azure.faults import Fault
from local.azure.identity import IdentityEndpoint
from local.azure.options import Options
from local.azure.providers import PROVIDERS
from local.azure.resource_graph.control import GraphControl
from local.azure.routing import Provider
from local.azure.tenant_control import TenantControl
from local.azure.tokens import Tokens

_LOG = logging.getLogger("local.azure")
_ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_MAX_BODY = 4 * 1024 * 1024  # ARM's own limit for a request's body


class LocalAzure:
    """A running simulated Azure.

    Attributes:
        cloud: The world behind the servers.
        ready: What is told to whoever started it: addresses, headers, ids.
    """

    def __init__(
        self, options: Options, providers: Iterable[Provider] = PROVIDERS, start: dt.datetime | None = None
    ) -> None:
        self.cloud = Cloud(options, providers, start)
        self.ready: dict[str, Any] = {}
        self._runners: list[web.AppRunner] = []
        self._tokens = Tokens(self.cloud.directory, options.tenant, frozenset(_ARM_AUDIENCES))

    async def start(self, ca_file: Path, port: int = 0, control_port: int = 0) -> dict[str, Any]:
        """Listen, and return the ready object.

        Args:
            ca_file: Where the bundle of the system's roots and our own is written.
            port: Of Azure Resource Manager (TLS); 0 for any.
            control_port: Of managed identity and control (plain http, this machine only); 0 for any.
        """
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)
        _write_bundle(ca_file, authority)
        arm_port = await self._listen(_arm_app(self), port, tls)
        base = f"https://localhost:{arm_port}"
        self.cloud.base_url = base
        self._tokens.audiences |= {base, f"{base}/graph"}
        identity = IdentityEndpoint(self.cloud, self._tokens)
        side_port = await self._listen(_side_app(self.cloud, identity), control_port, None)
        self.cloud.spawn(self.cloud.clock.run())
        options, side = self.cloud.options, f"http://127.0.0.1:{side_port}"
        self.ready = {
            "arm": base,
            "ca_file": str(ca_file),
            "identity_endpoint": f"{side}/identity/token",
            "identity_header": identity.headers[options.caller],
            "identity_header_app": identity.headers["app"],
            "identity_header_owner": identity.headers["owner"],
            "control": f"{side}/control",
            "subscriptions": list(options.subscriptions),
            "tenant_id": options.tenant,
            "app_client_id": self.cloud.app.client_id,
            "app_principal_id": self.cloud.app.object_id,
            "owner_principal_id": self.cloud.owner.object_id,
            "time_scale": options.time_scale,
        }
        return self.ready

    async def stop(self) -> None:
        """Stop listening and end everything under way."""
        await self.cloud.stop()
        for runner in self._runners:
            await runner.cleanup()

    def authenticate(self, request: Request, audiences: frozenset[str] | None = None) -> Principal:
        """Who calls, with a token for one of `audiences`; raises ArmError when that can't be told."""
        return self._tokens.caller(request.headers.get("authorization"), audiences)

    async def respond(self, request: Request, principal: Principal | None = None) -> web.Response | None:
        """Answer a request to ARM and record it; None is a connection that broke.

        Args:
            request: The request.
            principal: Who calls; None: whoever its token names.
        """
        cloud = self.cloud
        try:
            principal = principal or self.authenticate(request)
            if request.path.startswith(graph.PREFIX):
                return _response(cloud, request, graph.answer(cloud, request))
            reply = await _with_faults(
                cloud, request, principal, lambda late: gateway.answer(cloud, request, principal, late)
            )
        except ArmError as error:
            reply = gateway.refusal(request, error, {})
        except Exception:  # noqa: BLE001 (the boundary: a mistake of the simulation is logged and told as a 500)
            _LOG.exception("%s %s", request.method, request.path)
            reply = gateway.refusal(request, ArmError(500, "InternalServerError", "Local Azure failed.", "service"), {})
        cloud.ledger.record(cloud.clock.now(), request, principal, reply.status if reply else 0)
        return _response(cloud, request, reply) if reply else None

    async def _listen(self, app: web.Application, port: int, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        return int(runner.addresses[0][1])


def _write_bundle(ca_file: Path, authority: trustme.CA) -> None:
    """SSL_CERT_FILE replaces the system's roots, so they go in as well."""
    ca_file.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())


def _side_app(cloud: Cloud, identity: IdentityEndpoint) -> web.Application:
    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_get("/identity/token", identity.answer)
    app.router.add_routes(Control(cloud).routes("/control"))
    parts = (EventControl(cloud), TopicControl(cloud), GraphControl(cloud), TenantControl(cloud), VolumeControl(cloud))
    for part in parts:
        app.router.add_routes(part.routes("/control"))
    return app


def _arm_app(azure: LocalAzure) -> web.Application:
    app = web.Application(client_max_size=_MAX_BODY)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await _answer(azure, request)

    app.router.add_route("*", "/{path:.*}", answer)
    app.on_response_prepare.append(_no_server_header)
    return app


async def _no_server_header(_: web.Request, response: web.StreamResponse) -> None:
    """ARM doesn't tell what it runs on."""
    response.headers.pop("Server", None)


async def _answer(azure: LocalAzure, wire: web.Request) -> web.StreamResponse:
    """Answer one request, whatever it is for."""
    if wire.path.lower().rstrip("/") == "/metadata/endpoints":
        return _metadata(azure, wire)
    request = Request(
        wire.method,
        "/" + "/".join(unquote(part) for part in wire.rel_url.raw_path.strip("/").split("/")),
        dict(wire.query),
        {name.lower(): value for name, value in wire.headers.items()},
        await wire.read(),
    )
    if request.path.lower().startswith(topics.PREFIX):
        return await _publish(azure, wire, request)
    return await azure.respond(request) or _lost(wire)


async def _publish(azure: LocalAzure, wire: web.Request, request: Request) -> web.Response:
    """Answer a request to a custom topic, which is no part of Resource Manager: its requests aren't recorded."""
    cloud = azure.cloud

    def publish(_: LateFailure | None) -> Reply:
        return publishing.publish(cloud, request, lambda: azure.authenticate(request, publishing.AUDIENCES))

    try:
        reply = await _with_faults(cloud, request, None, publish)
    except ArmError as error:
        reply = gateway.refusal(request, error, {})
    return _response(cloud, request, reply) if reply else _lost(wire)


def _lost(wire: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if wire.transport:
        wire.transport.abort()
    return web.Response(status=503)


def _metadata(azure: LocalAzure, wire: web.Request) -> web.Response:
    """Needs no token; older versions answer less, which no client of today asks for."""
    if not wire.query.get("api-version"):
        return web.json_response(
            {
                "error": {
                    "code": "MissingApiVersionParameter",
                    "message": "The api-version query parameter is required.",
                }
            },
            status=400,
        )
    return web.json_response(metadata.endpoints(azure.cloud.base_url, azure.cloud.options.tenant))


async def _with_faults(
    cloud: Cloud, request: Request, principal: Principal | None, answer: Callable[[LateFailure | None], Reply]
) -> Reply | None:
    """The answer, after the faults that strike the request; None to drop the connection."""
    late: LateFailure | None = None
    lost = False
    for fault in cloud.faults.for_request(request.method, request.path, principal):
        if fault.action == "delay":
            await cloud.clock.sleep(float(fault.details.get("seconds", 1)))
        elif fault.action == "fail_late":
            late = _late(fault)
        elif fault.action == "drop":
            if not fault.details.get("after"):
                return None
            lost = True
        else:
            raise fault.error()
    reply = answer(late)
    return None if lost else reply


def _late(fault: Fault) -> LateFailure:
    error, kind = fault.error(), fault.details.get("kind")
    error.cause = None
    return LateFailure(error, str(kind) if kind else None)


def _response(cloud: Cloud, request: Request, reply: Reply) -> web.Response:
    headers = {
        "Date": http_date(cloud.clock.now()),
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        **reply.headers,
    }
    headers["x-ms-routing-request-id"] = f"LOCAL:{headers['x-ms-correlation-request-id']}"
    if request.headers.get("x-ms-return-client-request-id", "").lower() == "true":
        headers["x-ms-client-request-id"] = request.headers.get("x-ms-client-request-id", "")
    if reply.retry_after is not None:
        headers["Retry-After"] = str(cloud.clock.retry_after(reply.retry_after))
    if reply.body is None:
        response = web.Response(status=reply.status, headers=headers)
        if "Content-Type" not in reply.headers:
            response.headers.popall("Content-Type", None)
        return response
    content = json.dumps(reply.body, ensure_ascii=False).encode()
    return web.Response(body=content, status=reply.status, headers={**headers, "Content-Type": reply.content_type})
