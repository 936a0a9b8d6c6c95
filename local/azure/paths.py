"""Resource ids and request paths, taken apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

RESOURCES = "Microsoft.Resources"
REGISTRATION_SEGMENTS = 4  # subscriptions, {id}, providers, {namespace}


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What a path addresses.

    Attributes:
        path: The path as sent, without a slash at its end; ids keep their case.
        scope: What the provider's part hangs on: "" (the tenant), a subscription, a group or a resource.
        namespace: The provider that answers; Microsoft.Resources for subscriptions, groups and registration.
        tail: The provider's part, e.g. `backupVaults/v1/backupInstances/i1`.
    """

    path: str
    scope: str
    namespace: str
    tail: str

    @property
    def subscription(self) -> str | None:
        """The subscription id in the path."""
        return _after(self.path, "subscriptions", 0)

    @property
    def group(self) -> str | None:
        """The resource group's name in the path."""
        return _after(self.path, "resourcegroups", 2)

    @property
    def group_id(self) -> str:
        """The resource group's id; only for paths that have one."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def plain(self) -> bool:
        """Whether the whole path is Microsoft.Resources' own: subscriptions, groups, registration."""
        return self.tail == self.path[1:]

    @property
    def name(self) -> str:
        """The last segment."""
        return self.path.rsplit("/", 1)[-1]

    def ancestors(self) -> Iterator[tuple[str, str]]:
        """Types (without namespace) and ids of the resources which the tail's last one lies in, outermost first."""
        segments = self.tail.split("/")
        whole = len(segments) - len(segments) % 2
        last = whole if len(segments) % 2 else whole - 2
        for end in range(2, last + 1, 2):
            yield "/".join(segments[0:end:2]), "/".join([self.path[: -len(self.tail) - 1], *segments[:end]])

    def addressed(self) -> str:
        """Id of the resource that a call is about: an action's or collection's own segment is left out."""
        segments = self.tail.split("/")
        if len(segments) % 2 == 0:
            return self.path
        rest = "/".join(segments[:-1])
        return self.path[: -len(self.tail) - 1] + f"/{rest}" if rest else self.scope


def _after(path: str, word: str, position: int) -> str | None:
    segments = path.strip("/").split("/")
    if len(segments) > position + 1 and segments[position].lower() == word:
        return segments[position + 1]
    return None


def parse(path: str) -> Target:
    """Take a decoded request path or a resource id apart."""
    path = "/" + path.strip("/")
    segments = path[1:].split("/")
    lowered = [segment.lower() for segment in segments]
    if _is_registration(lowered):
        return Target(path, "", RESOURCES, path[1:])
    for index in range(len(segments) - 2, -1, -1):
        if lowered[index] == "providers":
            scope = "/" + "/".join(segments[:index]) if index else ""
            return Target(path, scope, segments[index + 1], "/".join(segments[index + 2 :]))
    return Target(path, "", RESOURCES, path[1:])


def _is_registration(lowered: list[str]) -> bool:
    if lowered[0] == "providers":
        return len(lowered) <= REGISTRATION_SEGMENTS // 2
    if len(lowered) < REGISTRATION_SEGMENTS - 1 or lowered[0] != "subscriptions" or lowered[2] != "providers":
        return False
    return len(lowered) <= REGISTRATION_SEGMENTS or lowered[REGISTRATION_SEGMENTS:] in (["register"], ["unregister"])


def full_type(resource_id: str) -> str:
    """The type of a resource by its id, e.g. `Microsoft.DataProtection/backupVaults/backupInstances`."""
    target = parse(resource_id)
    types = "/".join(target.tail.split("/")[0::2])
    if target.namespace == RESOURCES and types.lower() == "subscriptions/resourcegroups":
        return "Microsoft.Resources/resourceGroups"
    return f"{target.namespace}/{types}"


def is_within(resource_id: str, scope: str) -> bool:
    """Whether `resource_id` is `scope` or lies below it; ids are compared without case."""
    scope = scope.rstrip("/").lower()
    return not scope or (resource_id.lower() + "/").startswith(scope + "/")
