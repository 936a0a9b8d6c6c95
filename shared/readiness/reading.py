"""Reads what one check needs: everything that can be asked is asked at once, each thing at most once.

With the places of a cluster known there is one round, and a second one only for what Azure's answers contradict.
Without them the cluster is asked first where its backup is. A check never sends more requests than its budget allows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.ids import ClusterId, group_id, same_id, subscription_of
from shared.errors import ArmError, InvalidResourceId
from shared.fleet.records import Places
from shared.onboarding import names, readings
from shared.onboarding.cluster import Cluster, read_cluster
from shared.onboarding.readings import CLUSTERS_API, STORAGE_API, Extension
from shared.onboarding.steps.extension import storage_of
from shared.readiness import answers
from shared.readiness.ask import VAULT, Ask
from shared.readiness.facts import Account, Fact, Side, Staging, absent, choose
from shared.readiness.graph import ask_graph, instances_by_graph
from shared.readiness.volumes import ask_volumes

BUDGET, BUDGET_WITH_TARGET = 15, 20
"""Requests to Azure Resource Manager that a check may send."""

_LOCKS_API = "2020-05-01"
NOWHERE = Places(*[""] * 8)

type Read = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Reader:
    """The reads of one check.

    Attributes:
        window: how far back snapshots matter, seconds.
        run_command: whether a command may run in the cluster.
        budget: requests that may be sent.
        spent: something wasn't asked for want of it.
    """

    door: Door
    cluster: ClusterId
    ask: Ask
    window: float
    run_command: bool = False
    budget: int = field(init=False)
    requests: int = 0
    spent: bool = False
    _found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A target is a second cluster to read."""
        elsewhere = self.ask.target is not None or self.ask.tier == VAULT
        self.budget = (BUDGET_WITH_TARGET if elsewhere else BUDGET) + self.ask.volumes

    async def read(self, known: Places | None) -> Places:
        """Read everything; where things are, as Azure says."""
        first = self._of_side(self.cluster)
        first["instances"] = lambda: readings.instances(self.door, self.cluster)
        if self.ask.target is not None:
            first |= self._of_side(self.ask.target)
        first |= self._of_staging()
        if known is not None:
            first |= self._of_places(known)
        if self.ask.volumes:
            first["volumes"] = self._volumes()
        await self._all(first)
        if absent(self.fact("instances")):
            # a deleted cluster isn't asked for its instances any more, but they and their points are still there
            await self._all({"kept instances": self._kept(known)})
            self._found["instances"] = self.fact("kept instances")
        places = self._places(known)
        await self._all(self._of_places(places))
        if places.group and absent(self.fact(f"grants {group_scope(places)}")):
            # what an account's list would have shown of its group, when there is no account any more
            await self._all({f"grants {places.group}": self._grants(places.group)})
        return places

    def group_grants(self, places: Places) -> Any:
        """Role assignments at and above the snapshot group, wherever they were listed."""
        listed = self.fact(f"grants {group_scope(places)}")
        return self.fact(f"grants {places.group}") if absent(listed) else listed

    def locks(self, scope: str) -> Any:
        """Locks at a scope and above it, out of all of its subscription."""
        found = self.fact(f"locks {subscription_of(scope)}") if scope else _NOT_ASKED
        return found if isinstance(found, ArmError) else tuple(lock for lock in found if lock.holds(scope))

    async def read_memberships(self, asked: list[tuple[str, str]]) -> Mapping[tuple[str, str], Fact[Any]]:
        """All role assignments of identities in a subscription, those by way of groups included."""

        def of(subscription: str, principal: str) -> Read:
            scope = f"/subscriptions/{subscription}"
            return lambda: readings.grants(self.door, scope, f"assignedTo('{principal}')")

        await self._all({f"memberships {key}": of(*key) for key in asked})
        return {key: self.fact(f"memberships {key}") for key in asked}

    def fact(self, key: str) -> Any:
        """What was read, or the error that says why not."""
        return self._found.get(key, _NOT_ASKED)

    def side(self, cluster: ClusterId) -> Side:
        """What was read of a cluster."""
        return Side(
            cluster,
            *(self.fact(f"{what} {cluster}") for what in ("cluster", "extensions", "bindings", "grants")),
        )

    def staging(self) -> Staging | None:
        """What was read of where a restore from the vault stages; None when nothing was named."""
        if not (self.ask.staging_group and self.ask.staging_account):
            return None
        group, account = self.ask.staging_group, self.ask.staging_account
        keys = (f"grants {group}", f"grants {account}", f"account {account}")
        return Staging(*(self.fact(key) for key in keys))

    async def _all(self, reads: Mapping[str, Read]) -> None:
        """Send what hasn't been asked yet, side by side, as far as the budget goes."""
        new = [key for key in reads if key not in self._found]
        for key in new[self.budget - self.requests :]:
            self._found[key] = _BUDGET_SPENT
            self.spent = True
        async with asyncio.TaskGroup() as group:
            for key in new[: self.budget - self.requests]:
                group.create_task(self._one(key, reads[key]))

    async def _one(self, key: str, read: Read) -> None:
        self.requests += 1
        try:
            self._found[key] = await read()
        except ArmError as error:
            self._found[key] = error
        except InvalidResourceId as error:
            self._found[key] = ArmError(str(error), code="InvalidResourceId")

    def _of_side(self, cluster: ClusterId) -> dict[str, Read]:
        door = self.door

        async def itself() -> Cluster:
            return read_cluster(cluster, await door.get(str(cluster), CLUSTERS_API))

        async def bindings() -> Any:
            return answers.bindings_of(await door.list(f"{cluster}/trustedAccessRoleBindings", CLUSTERS_API))

        return {
            f"cluster {cluster}": itself,
            f"extensions {cluster}": lambda: readings.extensions(door, cluster),
            f"bindings {cluster}": bindings,
            f"grants {cluster}": lambda: readings.grants(door, str(cluster)),
        }

    def _of_places(self, places: Places) -> dict[str, Read]:
        """Reads by ids; those that aren't known are left out."""
        door, reads = self.door, dict[str, Read]()
        if places.instance:
            reads[f"points {places.instance}"] = self._points(places.instance)
            reads[f"vault {places.vault}"] = lambda: readings.vault(door, places.vault)
        for place in (places.group, places.vault):
            if place:
                reads[f"locks {subscription_of(place)}"] = self._locks(subscription_of(place))
        if places.account:
            reads[f"account {places.account}"] = self._account(places.account)
            reads[f"container {container_of(places)}"] = self._there(container_of(places))
        for scope in scopes_of(places):
            reads[f"grants {scope}"] = self._grants(scope)
        key = f"graph {places.vault} {places.group} {places.node_group}"
        reads[key] = lambda: ask_graph(door, self.cluster, places, self.window, self.ask.staging_group)
        return reads

    def _of_staging(self) -> dict[str, Read]:
        group, account = self.ask.staging_group, self.ask.staging_account
        if self.ask.tier != VAULT or not (group and account):
            return {}
        return {
            f"grants {group}": self._grants(group),
            f"grants {account}": self._grants(account),
            f"account {account}": self._account(account),
        }

    def _kept(self, known: Places | None) -> Read:
        """The instance that is known, read by its own id; without one, those that Resource Graph has of the cluster."""

        async def itself() -> Any:
            found = await self.door.find(known.instance if known else "", DATA_PROTECTION_API)
            return [] if isinstance(found, ArmError) else [readings.read_instance(found)]

        async def listed() -> Any:
            return await instances_by_graph(self.door, self.cluster)

        return itself if known is not None and known.instance else listed

    def _points(self, instance: str) -> Read:
        # one page: a second one would have to wait for the first
        async def read() -> Any:
            return answers.points_of(await self.door.get(f"{instance}/recoveryPoints", DATA_PROTECTION_API, filter=""))

        return read

    def _locks(self, subscription: str) -> Read:
        # all of a subscription: one request for the snapshot group, the vault, and wherever they turn out to be
        async def read() -> Any:
            path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/locks"
            return answers.locks_of(await self.door.list(path, _LOCKS_API))

        return read

    def _account(self, account: str) -> Read:
        async def read() -> Account:
            return answers.account_of(await self.door.get(account, STORAGE_API))

        return read

    def _there(self, path: str) -> Read:
        async def read() -> bool:
            return bool(await self.door.get(path, STORAGE_API))

        return read

    def _volumes(self) -> Read:
        async def refused() -> Any:
            raise ArmError("AUTOPILOT_RUN_COMMAND is off", code="RunCommandOff")

        return (lambda: ask_volumes(self.door, self.cluster)) if self.run_command else refused

    def _grants(self, scope: str) -> Read:
        return lambda: readings.grants(self.door, scope)

    def _places(self, known: Places | None) -> Places:
        """Where things are by what Azure has answered; what it didn't say is as it was known."""
        base, side = known or NOWHERE, self.side(self.cluster)
        cluster, extension, instances = side.cluster, side.extension, self.fact("instances")
        chosen = None if isinstance(instances, ArmError) else choose(instances, base.instance)
        vault, group = base.vault, base.group
        if chosen is not None:
            vault, group = chosen.id.rpartition("/backupInstances/")[0], chosen.group_id or base.group
        storage = storage_of(extension.settings) if isinstance(extension, Extension) else None
        node_group = base.node_group
        if isinstance(cluster, Cluster) and cluster.node_group:
            node_group = group_id(self.cluster.subscription, cluster.node_group)
        found = Places(
            location=cluster.location if isinstance(cluster, Cluster) else base.location,
            policy=chosen.policy_id if chosen else base.policy,
            vault=vault,
            instance=chosen.id if chosen else base.instance,
            group=group,
            account=storage.account_id if storage else base.account,
            container=storage.container if storage else base.container,
            binding=str(names.binding(self.cluster, vault)) if vault else base.binding,
            node_group=node_group,
        )
        return _in_the_old_spelling(base, found)


def _in_the_old_spelling(known: Places, found: Places) -> Places:
    """Ids as they were known where they name the same thing: Azure changes their case, and nothing is read twice."""
    fields = Places.__struct_fields__
    pairs = [(getattr(known, name), getattr(found, name)) for name in fields]
    return Places(*(old if same_id(old, new) else new for old, new in pairs))


def scopes_of(places: Places) -> tuple[str, ...]:
    """Where role assignments are listed: an account's list shows what is assigned on its resource group too."""
    if not places.account:
        return (places.group,) if places.group else ()
    inside = places.group and places.account.casefold().startswith(f"{places.group.casefold()}/")
    return (places.account,) if inside or not places.group else (places.account, places.group)


def group_scope(places: Places) -> str:
    """The listed scope that shows the assignments on the snapshot group."""
    return scopes_of(places)[-1] if places.group else ""


def container_of(places: Places) -> str:
    """Id of the blob container."""
    return f"{places.account}/blobServices/default/containers/{places.container}"


_NOT_ASKED = ArmError("what it hangs on isn't there", code="NotAsked")
_BUDGET_SPENT = ArmError("the check has spent its requests to Azure", code="BudgetSpent")
