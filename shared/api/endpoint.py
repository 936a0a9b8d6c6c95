"""What an HTTP endpoint is: one value, from which come its trigger, its checks and its place in the OpenAPI document.

Read while the app is indexed, at every cold start: named tuples, and structs and handlers as names, imported when the
first request needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

CLUSTER = "clusters/{subscriptionId}/{resourceGroup}/{clusterName}"
"""Route of one cluster; what stands below it is about that cluster."""

PROBLEM = "application/problem+json"
"""Media type of errors (RFC 9457)."""


class PathPart(NamedTuple):
    """A parameter in a route.

    Attributes:
        pattern: what the whole of it matches.
        reason: of the 400 when it doesn't.
        description: what it is, for people.
    """

    pattern: str
    reason: str
    description: str


class Good(NamedTuple):
    """A good answer.

    Attributes:
        status: HTTP status.
        shape: the struct of its body, as `module:name` below shared; "" for a body of another kind.
        description: what it says.
        page: `module:function` that makes a page for people (`shared/api/pages.py`) of its body, "" for JSON only.
        located: whether `Location` says where to go on, and `Retry-After` when.
    """

    status: int
    shape: str
    description: str
    page: str = ""
    located: bool = False


class Refusal(NamedTuple):
    """An answer that says no, and why."""

    status: int
    reason: str
    description: str


class Endpoint(NamedTuple):
    """An endpoint below `/api`.

    Attributes:
        name: of its function, as Azure indexes it.
        method: GET or POST.
        route: without the prefix.
        summary: what it is for, in one line.
        handler: `module:function` below shared; called with the services and an `Asked` (`shared/api/asking.py`).
        good: good answers.
        query: struct of the query parameters, "" for none.
        body: struct of the body, "" for none.
        refusals: those of its own; what every endpoint can refuse needs no line.
        changes: whether it changes something: then it wants the master key, or the role Autopilot.Operate.
    """

    name: str
    method: str
    route: str
    summary: str
    handler: str
    good: tuple[Good, ...]
    query: str = ""
    body: str = ""
    refusals: tuple[Refusal, ...] = ()
    changes: bool = False

    @property
    def has_pages(self) -> bool:
        """Whether text and Markdown are offered beside JSON: all its good answers have pages."""
        return all(good.page for good in self.good)


def named(place: str) -> Any:
    """Import what `module:name` below shared names."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"shared.{module}"), name)
