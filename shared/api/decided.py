"""The decision log's line of a request that changes something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.json import decode

from shared.api.endpoint import PROBLEM, Endpoint
from shared.arm.requests import Requested
from shared.governance.decisions import line

_CLUSTER = ("subscriptionId", "resourceGroup", "clusterName")


def decided(
    endpoint: Endpoint,
    route: Mapping[str, str],
    who: str,
    answer: tuple[int, str, bytes, Mapping[str, str]],
    *,
    requests: Sequence[Requested],
    at: float,
) -> str:
    """Who asked for what, and what was answered: status, media type, body, headers.

    Neither the request's body nor a good answer's is repeated: confirmation tokens come in them.
    """
    status, media_type, body, headers = answer
    problem = decode(body) if media_type == PROBLEM else {}
    return line(
        at,
        "/".join(route[name] for name in _CLUSTER) if "clusterName" in route else "fleet",
        asked=f"{endpoint.method} {endpoint.route}",
        by=who,
        decided=str(status),
        reason=str(problem.get("reason", "")),
        message=str(problem.get("detail", "")) or headers.get("Location", ""),
        requests=requests,
    )
