"""Tables of routes: which provider serves which path with which method."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from local.azure import errors
from local.azure.exchange import Call, Reply
from local.azure.paths import Target
from local.azure.throttle import Budget

if TYPE_CHECKING:
    from local.azure.cloud import Cloud

Handler = Callable[[Call], Reply]

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z]+)?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Route:
    """One line of a provider's table.

    Attributes:
        method: HTTP method.
        template: The path after `/providers/{namespace}/`; literal segments are types (or, at the end of a POST's, the
            action), `{x}` takes any one segment.
        handler: Answers the call.
        budget: The provider's own budget of requests, where it has one.
        action: The whole RBAC action, where the path doesn't give it; `{x}` stands for the template's `{x}`.
        parents: Whether the resources that the path lies in must exist.
        registered: Whether the subscription must be registered for the namespace.
        metered: Whether calls count against ARM's budgets and the provider's; False leaves that to the handler.
    """

    method: str
    template: str
    handler: Handler
    budget: Budget | None = None
    action: str | None = None
    parents: bool = True
    registered: bool = True
    metered: bool = True

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Pattern for the tail of a path; types are compared without case."""
        parts = (
            f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part) for part in self.template.split("/")
        )
        return re.compile("/".join(parts), re.IGNORECASE)

    @functools.cached_property
    def types(self) -> str:
        """The literal segments, e.g. `backupVaults/backupInstances`."""
        return "/".join(part for part in self.template.split("/") if not part.startswith("{"))

    def rbac_action(self, namespace: str, arguments: Mapping[str, str]) -> str:
        """The action that a caller needs, or "" when no role is needed."""
        if self.action is not None:
            return self.action.format_map(arguments)
        return f"{namespace}/{self.types}/{_VERBS[self.method]}"


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceType:
    """What `GET /subscriptions/{id}/providers/{namespace}` tells of a type."""

    name: str
    versions: tuple[str, ...]
    capabilities: str = "None"


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """A resource provider.

    Attributes:
        namespace: E.g. `Microsoft.DataProtection`.
        routes: Its table; the first match counts.
        versions: Oldest and newest api-version that exist; anything of the form of a date between them is taken.
        types: What the provider is listed with.
        implicit: Types (without namespace, lower-case) that are no resources of their own, such as `locations`.
        attach: Called once with the simulated Azure that it is a provider of, before anything is in it.
    """

    namespace: str
    routes: tuple[Route, ...]
    versions: tuple[str, str]
    types: tuple[ResourceType, ...] = ()
    implicit: frozenset[str] = frozenset({"locations"})
    attach: Callable[[Cloud], None] | None = None

    def check_version(self, version: str | None) -> str:
        """The api-version of a request.

        Raises:
            ArmError: There is none, or it doesn't exist.
        """
        if not version:
            raise errors.missing_api_version()
        oldest, newest = self.versions
        if not _VERSION.fullmatch(version) or not oldest <= version[:10] <= newest:
            known = sorted({listed for kind in self.types for listed in kind.versions}) or [oldest, newest]
            raise errors.invalid_api_version(version, known)
        return version

    def find(self, method: str, target: Target) -> tuple[Route, dict[str, str]] | None:
        """The route for a path, and the names in it."""
        for route in self.routes:
            found = route.pattern.fullmatch(target.tail) if route.method == method else None
            if found:
                return route, found.groupdict()
        return None

    def serves(self, target: Target) -> bool:
        """Whether any method is served at a path."""
        return any(route.pattern.fullmatch(target.tail) for route in self.routes)


class Providers:
    """All providers by namespace."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._all = {provider.namespace.lower(): provider for provider in providers}

    def get(self, namespace: str) -> Provider | None:
        """The provider of a namespace, compared without case."""
        return self._all.get(namespace.lower())

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._all.values())
