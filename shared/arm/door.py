"""The door itself: one authenticated pipeline to Azure Resource Manager, with the typed clients on it.

Nothing here waits for a long-running operation: `start` returns where to ask, `poll` asks once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from azure.core import AsyncPipelineClient
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline import AsyncPipeline
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    ContentDecodePolicy,
    CustomHookPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest

from shared.arm.answers import Json, Operation, OperationState, error_of, operation_of, operation_state, read_json
from shared.arm.clock import AzureClock
from shared.arm.policies import BriefRetry, Correlate, HearTheClock, OnlyThisHost
from shared.arm.requests import RecordRequests
from shared.arm.writes import OnlyAllowedWrites, WriteGuard
from shared.errors import ArmError, ArmUnreachable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient
    from azure.mgmt.kubernetesconfiguration.v2023_05_01.aio import SourceControlConfigurationClient

DATA_PROTECTION_API = "2025-07-01"
"""Later versions refuse vaults whose soft delete isn't AlwaysOn, which can't be undone."""

_SUBSCRIPTIONS_API = "2022-12-01"
_CONNECT_SECONDS = 10
_READ_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer below 400. `operation.url` is "" when nothing was left running."""

    status: int
    body: Json
    operation: Operation


class Door:
    """Everything that the app asks of Azure Resource Manager goes through one of these."""

    def __init__(
        self,
        endpoint: str,
        audience: str,
        credential: AsyncTokenCredential,
        clock: AzureClock | None = None,
        *,
        transport: AsyncHttpTransport[Any, Any] | None = None,
        guard: WriteGuard | None = None,
    ) -> None:
        """Build the pipeline.

        Args:
            endpoint: Resource Manager's address without a trailing slash.
            audience: what tokens are asked for.
            credential: where they come from.
            clock: Azure's time.
            transport: how requests travel; None: over HTTPS.
            guard: who knows whether the app may write now; None: it may.
        """
        self.clock = clock or AzureClock()
        self._endpoint = endpoint
        self._credential = credential
        policies: list[Any] = [
            RequestIdPolicy(),
            HeadersPolicy(),
            Correlate(),
            UserAgentPolicy(base_user_agent="aks-backup-autopilot"),
            OnlyThisHost(endpoint),
            OnlyAllowedWrites(guard),
            ContentDecodePolicy(),
            BriefRetry(),
            AsyncBearerTokenCredentialPolicy(credential, f"{audience}/.default"),
            CustomHookPolicy(),
            HearTheClock(self.clock),
            RecordRequests(),
        ]
        transport = transport or AioHttpTransport(connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)
        self._pipeline: AsyncPipeline[Any, Any] = AsyncPipeline(transport, policies)
        self._client: AsyncPipelineClient[Any, Any] = AsyncPipelineClient(endpoint, pipeline=self._pipeline)
        # a typed client belongs to a subscription; they are made once each and share the pipeline
        self.data_protection = cache(self._data_protection)
        self.kubernetes_configuration = cache(self._kubernetes_configuration)

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the connection pool."""
        await self._client.close()

    async def get(self, path: str, api_version: str, **query: str) -> Json:
        """Read a resource or a list's first page.

        Raises:
            ArmError: Azure refused, or there was no answer.
        """
        return (await self._send("GET", path, api_version, query=query)).body

    async def find(self, path: str, api_version: str) -> Json | ArmError:
        """Read a resource; its absence comes back as the error, whose code tells whether the parent is missing too.

        Raises:
            ArmError: Azure refused for another reason than 404.
        """
        try:
            return await self.get(path, api_version)
        except ArmError as error:
            if error.status == 404:  # noqa: PLR2004  # HTTP: not found
                return error
            raise

    async def put(self, path: str, api_version: str, body: Json) -> Answer:
        """Create or replace a resource.

        Raises:
            ArmError: Azure refused, or there was no answer.
        """
        return await self._send("PUT", path, api_version, body=body)

    async def put_once(self, path: str, api_version: str, body: Json, *, exists: str) -> bool:
        """Create what may be there already, which Azure then says with the error code `exists`.

        Returns:
            Whether it is new.

        Raises:
            ArmError: Azure refused for another reason, or there was no answer.
        """
        try:
            answer = await self.put(path, api_version, body)
        except ArmError as error:
            if error.code == exists:
                return False
            raise
        return answer.status == 201  # noqa: PLR2004  # HTTP: created

    async def post(self, path: str, api_version: str, body: Json | None = None) -> Answer:
        """Call an action.

        Raises:
            ArmError: Azure refused, or there was no answer.
        """
        return await self._send("POST", path, api_version, body=body)

    async def delete(self, path: str, api_version: str) -> Answer:
        """Delete a resource; one that isn't there is as good as deleted (204).

        Raises:
            ArmError: Azure refused, or there was no answer.
        """
        return await self._send("DELETE", path, api_version)

    async def now(self) -> float:
        """Azure's time, asked for now: epoch seconds. Timers ask before they compare anything with it.

        Raises:
            ArmError: there was no answer.
        """
        await self.get("/subscriptions", _SUBSCRIPTIONS_API)
        return self.clock.now().timestamp()

    async def list(self, path: str, api_version: str, *, pages: int = 1000, **query: str) -> list[Json]:
        """Read a list to its last page, or so many of them.

        Raises:
            ArmError: Azure refused, or there was no answer.
            ForeignHost: a nextLink names another host.
        """
        page = await self.get(path, api_version, **query)
        items = list(page.get("value") or ())
        while (link := page.get("nextLink")) and (pages := pages - 1):
            page = (await self._request(HttpRequest("GET", str(link)))).body
            items += page.get("value") or ()
        return items

    async def poll(self, url: str) -> OperationState:
        """Look once at a long-running operation.

        Raises:
            ArmError: the look itself failed; the operation's own failure is in the state.
            ForeignHost: the URL names another host.
        """
        status, headers, text = await self._exchange(HttpRequest("GET", url))
        return operation_state(status, headers, text)

    async def call[T](self, awaitable: Awaitable[T]) -> T:
        """Await a typed client's call.

        Raises:
            ArmError: in place of the SDK's exceptions.
        """
        try:
            return await awaitable
        except HttpResponseError as error:
            raise _arm_error(error) from error
        except AzureError as error:
            raise ArmUnreachable(str(error)) from error

    async def start(self, begin: Callable[..., Awaitable[object]], *args: object) -> Operation:
        """Call a typed client's `begin_...` and leave; its poller is dropped, nobody waits for it.

        Raises:
            ArmError: Azure refused to start it.
        """
        started = Operation("", None)

        def hear(response: Any) -> None:
            nonlocal started
            started = operation_of(response.http_response.headers)

        await self.call(begin(*args, raw_response_hook=hear))
        return started

    def _data_protection(self, subscription: str) -> DataProtectionMgmtClient:
        from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient  # noqa: PLC0415  # costs 45 ms: when used

        return DataProtectionMgmtClient(
            self._credential,
            subscription,
            base_url=self._endpoint,
            api_version=DATA_PROTECTION_API,
            pipeline=self._pipeline,
        )

    def _kubernetes_configuration(self, subscription: str) -> SourceControlConfigurationClient:
        from azure.mgmt.kubernetesconfiguration.v2023_05_01.aio import (  # noqa: PLC0415  # costs 20 ms: when used
            SourceControlConfigurationClient,
        )

        return SourceControlConfigurationClient(
            self._credential, subscription, base_url=self._endpoint, pipeline=self._pipeline
        )

    async def _send(
        self,
        method: str,
        path: str,
        api_version: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        params = urlencode({"api-version": api_version, **{f"${key}": value for key, value in (query or {}).items()}})
        url = f"{self._endpoint}{path}?{params}"
        return await self._request(HttpRequest(method, url, json=body if body is not None else None))

    async def _request(self, request: HttpRequest) -> Answer:
        status, headers, text = await self._exchange(request)
        return Answer(status, read_json(text), operation_of(headers))

    async def _exchange(self, request: HttpRequest) -> tuple[int, Mapping[str, str], str]:
        request.headers["Accept"] = "application/json"  # with a charset, Data Protection answers 406 in place of a 400
        try:
            response = await self._client.send_request(request)
        except AzureError as error:
            raise ArmUnreachable(str(error)) from error
        if response.status_code >= 300:  # noqa: PLR2004  # HTTP: refused; Resource Manager redirects nobody
            raise error_of(response.status_code, response.headers, response.text())
        return response.status_code, response.headers, response.text()


def _arm_error(error: HttpResponseError) -> ArmError:
    response: Any = error.response
    if response is None:
        return ArmUnreachable(str(error))
    return error_of(response.status_code, response.headers, response.text())
