"""The app's way to the simulated Azure without a network: the real pipeline and clients, and no wire between."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest._http_response_impl_async import AsyncHttpResponseImpl
from multidict import CIMultiDict

from local.azure.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.azure.directory import Principal
    from local.azure.server import LocalAzure

ENDPOINT: Final = "https://management.azure.test"


class Nobody:
    """A credential for a transport that says itself who calls."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("none", 9_000_000_000)

    async def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        return AccessTokenInfo("none", 9_000_000_000)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""


class _Closed:
    async def close(self) -> None:
        """Nothing is open."""


class InProcess(AsyncHttpTransport[Any, Any]):
    """Hands requests to a simulated Azure in this process, as one caller's.

    Attributes:
        before: called before each request; what it raises goes up through the app.
    """

    def __init__(self, azure: LocalAzure, caller: Principal) -> None:
        self._azure = azure
        self._caller = caller
        self.before: Callable[[], None] = lambda: None

    async def send(self, request: Any, **options: Any) -> Any:
        """Answer a request of the pipeline."""
        url = urlsplit(request.url)
        path = unquote(url.path)
        self.before()
        await asyncio.sleep(0)  # others get their turn, as they do while a request travels
        headers = {name.lower(): value for name, value in request.headers.items()}
        content = request.data or b""
        asked = Request(
            request.method,
            path,
            dict(parse_qsl(url.query, keep_blank_values=True)),
            headers,
            content.encode() if isinstance(content, str) else content,
        )
        answer = await self._azure.respond(asked, self._caller)
        if answer is None:
            raise ServiceResponseError("the connection broke")
        response = AsyncHttpResponseImpl(
            request=request,
            internal_response=_Closed(),
            status_code=answer.status,
            reason=HTTPStatus(answer.status).phrase,
            content_type=answer.headers.get("Content-Type", ""),
            headers=CIMultiDict(answer.headers),
            stream_download_generator=None,
        )
        response._content = answer.body if isinstance(answer.body, bytes) else b""  # there is no wire to read it from
        return response

    async def sleep(self, duration: float) -> None:
        """Retries within a pass take no time here."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""
