"""Pipeline policies of the one door: no foreign hosts, careful retries, Azure's clock."""

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy, SansIOHTTPPolicy

from shared.arm.answers import retry_after_of
from shared.arm.clock import AzureClock
from shared.errors import ForeignHost

CORRELATION: ContextVar[str] = ContextVar("correlation", default="")
"""Correlation id of the work that the current task belongs to; "" for none."""

_RETRIED = frozenset({408, 500, 502, 503, 504})
_LONGEST_PAUSE = 3.0  # seconds; a pass never waits: what asks for more is left to a later pass


class OnlyThisHost(SansIOHTTPPolicy[Any, Any]):
    """Refuses to send anything, the token first of all, to another host than Azure Resource Manager.

    Operation URLs, Locations, nextLinks and stored ones all come through here, typed clients' requests included.
    """

    def __init__(self, endpoint: str) -> None:
        self._netloc = urlsplit(endpoint).netloc.casefold()

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Check the URL.

        Raises:
            ForeignHost: scheme, host or port differ from the configured endpoint's.
        """
        url = urlsplit(request.http_request.url)
        if url.scheme != "https" or url.netloc.casefold() != self._netloc:
            raise ForeignHost(f"refused to follow a URL to {url.scheme}://{url.netloc[:100]}")


class BriefRetry(AsyncRetryPolicy[Any, Any]):
    """Repeats what is idempotent after a broken connection or a 5xx, twice and briefly.

    Throttling isn't waited for here: 429 with its Retry-After goes up to the pass, which ends and comes back.
    """

    def __init__(self) -> None:
        super().__init__(retry_total=2, retry_backoff_factor=0.3, retry_backoff_max=_LONGEST_PAUSE)

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether this answer is worth another try within the pass."""
        http = response.http_response
        if http.status_code not in _RETRIED or (retry_after_of(http.headers) or 0) > _LONGEST_PAUSE:
            return False
        return bool(settings["total"]) and http.request.method in ("GET", "HEAD", "PUT", "DELETE")


class Correlate(SansIOHTTPPolicy[Any, Any]):
    """Gives every request of one cluster's passes the same correlation id, which Azure's activity log then shows."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Set the header, inside a pass."""
        correlation = CORRELATION.get()
        if correlation:
            request.http_request.headers["x-ms-correlation-request-id"] = correlation


class HearTheClock(SansIOHTTPPolicy[Any, Any]):
    """Tells the clock the time of each answer."""

    def __init__(self, clock: AzureClock) -> None:
        self._clock = clock

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Take the answer's Date header."""
        del request  # part of the signature, not of the matter
        self._clock.heard(response.http_response.headers.get("Date"))
