"""ARM ids: parsed and checked before they go into a URL.

Names follow "Naming rules and restrictions for Azure resources". Ids compare without case, so the canonical form here
has Azure's spelling of the fixed words; names keep the case they came with and `key` folds it.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from uuid import UUID

from shared.errors import InvalidResourceId

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_GROUP = r"[\w\-.()]{0,89}[\w\-()]"  # letters of any alphabet, digits, _ - . ( ), not ending with a dot
_CLUSTER = r"(?a:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)"  # without case, [a-z] also means the Kelvin sign but for (?a:
_NAME = r"(?a:[a-z0-9](?:[\w.-]{0,148}[\w-])?)"  # what vaults, instances and accounts have in common, and more
_CLUSTER_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_GUID})/resourceGroups/(?P<group>{_GROUP})"
    rf"/providers/Microsoft\.ContainerService/managedClusters/(?P<name>{_CLUSTER})",
    re.IGNORECASE,
)


def folded(text: str) -> str:
    """Text as Azure compares ids: without case, letter by letter; in `str.casefold` the groups ß and ss were one."""
    return text.lower() if text.isascii() else "".join(map(str.lower, text))


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two ids name one resource; Azure changes the case of ids at will."""
    return one is not None and other is not None and folded(one.rstrip("/")) == folded(other.rstrip("/"))


@dataclass(frozen=True, slots=True)
class ClusterId:
    """The id of a managed cluster, safe to put into a URL."""

    subscription: str
    group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id as Azure or a person writes it.

        Raises:
            InvalidResourceId: the text is anything else than the id of a managed cluster.
        """
        match = _CLUSTER_ID.fullmatch(text)
        if match is None:
            raise InvalidResourceId(f"not the id of a managed cluster: {text[:300]!r}")
        return cls(match["subscription"].lower(), match["group"], match["name"])

    def __str__(self) -> str:
        group = group_id(self.subscription, self.group)
        return f"{group}/providers/Microsoft.ContainerService/managedClusters/{self.name}"

    @property
    def key(self) -> str:
        """SHA-256 of the lower-cased id: 64 hex digits, the same however the id is spelled."""
        return sha256(folded(str(self)).encode()).hexdigest()

    @property
    def correlation(self) -> str:
        """A UUID of the cluster: what this app does for it carries it in Azure's activity log."""
        return str(UUID(self.key[:32]))


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The id of a resource of a wanted type, safe to put into a URL; `names` are those after the provider's types."""

    subscription: str
    group: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, kind: str) -> Self:
        """Read the id of a resource of a type, e.g. `Microsoft.Storage/storageAccounts`; of a group with "".

        Raises:
            InvalidResourceId: the text is anything else.
        """
        namespace, *types = kind.split("/") if kind else [""]
        inner = "".join(rf"/{re.escape(one)}/({_NAME})" for one in types)
        provider = rf"/providers/{re.escape(namespace)}{inner}" if namespace else ""
        match = re.fullmatch(rf"/subscriptions/({_GUID})/resourceGroups/({_GROUP}){provider}", text, re.IGNORECASE)
        if match is None:
            raise InvalidResourceId(f"not the id of a {kind or 'resource group'}: {text[:300]!r}")
        subscription, group, *names = match.groups()
        return cls(subscription.lower(), group, tuple(names))


def group_id(subscription: str, group: str) -> str:
    """The id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def group_of(resource_id: str) -> str:
    """The name of the resource group in a resource's id.

    Raises:
        InvalidResourceId: the id has no resource group.
    """
    match = re.match(rf"/subscriptions/{_GUID}/resourceGroups/({_GROUP})(/|$)", resource_id, re.IGNORECASE)
    if match is None:
        raise InvalidResourceId(f"no resource group in {resource_id[:300]!r}")
    return match[1]


def subscription_of(resource_id: str) -> str:
    """The subscription in a resource's id, lower-case.

    Raises:
        InvalidResourceId: the id has no subscription.
    """
    match = re.match(rf"/subscriptions/({_GUID})(/|$)", resource_id, re.IGNORECASE)
    if match is None:
        raise InvalidResourceId(f"no subscription in {resource_id[:300]!r}")
    return match[1].lower()


def name_of(resource_id: str) -> str:
    """The last part of an id."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]
