"""The tenant's directory: who exists, and since when."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable

from local.azure.durations import duration

_ALWAYS = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """Someone who can hold roles.

    Attributes:
        object_id: What role assignments name.
        name: What error messages name: the client id of an application, the address of a person.
        kind: ServicePrincipal, User or Group.
        client_id: Client id of an application.
        resource_id: The resource whose managed identity this is.
        visible_from: When the directory's replicas know it.
    """

    object_id: str
    name: str
    kind: str = "ServicePrincipal"
    client_id: str = ""
    resource_id: str = ""
    visible_from: dt.datetime = _ALWAYS


class Directory:
    """Principals by object id."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._all: dict[str, Principal] = {}
        self._generations: dict[str, int] = {}
        self._members: dict[str, frozenset[str]] = {}

    def guid(self, *names: str) -> str:
        """A GUID in the random form that is the same for the same names and seed."""
        digest = uuid.uuid5(uuid.NAMESPACE_OID, "|".join([str(self._seed), *names]).lower())
        return str(uuid.UUID(int=digest.int, version=4))

    def add(self, principal: Principal) -> Principal:
        """Make a principal known."""
        self._all[principal.object_id.lower()] = principal
        return principal

    def get(self, object_id: str) -> Principal | None:
        """The principal with this object id, replicated or not."""
        return self._all.get(object_id.lower())

    def everyone(self) -> list[Principal]:
        """All principals, replicated or not."""
        return list(self._all.values())

    def remove(self, object_id: str) -> None:
        """Forget a principal; its role assignments stay, as in Azure."""
        self._all.pop(object_id.lower(), None)
        self._members.pop(object_id.lower(), None)

    def add_group(self, object_id: str, name: str, members: Iterable[str]) -> Principal:
        """Make a group known, or give it other members: object ids of principals, also of other groups."""
        self._members[object_id.lower()] = frozenset(member.lower() for member in members)
        return self.add(Principal(object_id, name, kind="Group"))

    def members(self, group_id: str) -> list[str]:
        """The direct members of a group, in lower case."""
        return sorted(self._members.get(group_id.lower(), ()))

    def groups_of(self, object_id: str) -> set[str]:
        """Object ids of the groups that a principal is a member of, directly or through another group."""
        found: set[str] = set()
        new = {object_id.lower()}
        while new:
            new = {group for group, members in self._members.items() if members & new} - found
            found |= new
        return found

    def new_identity(self, resource_id: str, at: dt.datetime) -> Principal:
        """Create the system-assigned identity of a resource: a new one each time, visible after some seconds."""
        generation = self._generations.get(resource_id.lower(), 0) + 1
        self._generations[resource_id.lower()] = generation
        client_id = self.guid("client", resource_id, str(generation))
        delay = duration(self._seed, "replication", f"{resource_id}#{generation}")
        return self.add(
            Principal(
                object_id=self.guid("principal", resource_id, str(generation)),
                name=client_id,
                client_id=client_id,
                resource_id=resource_id,
                visible_from=at + dt.timedelta(seconds=delay),
            )
        )
