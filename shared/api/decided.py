"""The decision log's line of a request that changes something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.json import decode

from shared.api.asking import cluster_path
from shared.api.endpoint import PROBLEM, Endpoint
from shared.arm.requests import Requested
from shared.governance.decisions import line

if TYPE_CHECKING:
    from shared.api.answers import Outgoing


def decided(
    endpoint: Endpoint,
    route: Mapping[str, str],
    who: str,
    said: Outgoing,
    *,
    requests: Sequence[Requested],
    at: float,
) -> str:
    """Who asked for what, and what was answered.

    Neither the request's body nor a good answer's is repeated: confirmation tokens come in them.
    """
    problem = decode(said.body) if said.media_type == PROBLEM else {}
    return line(
        at,
        cluster_path(route) if "clusterName" in route else "fleet",
        asked=f"{endpoint.method} {endpoint.route}",
        by=who,
        decided=str(said.status),
        reason=str(problem.get("reason", "")),
        message=str(problem.get("detail", "")) or said.noted or said.headers.get("Location", ""),
        requests=requests,
    )
