"""The simulated Azure: its parts, put together."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import logging
import random
import uuid
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from local.azure import conditions, paths
from local.azure.access import ROLE_ASSIGNMENTS, Access
from local.azure.built_in_roles import BUILT_IN, OWNER
from local.azure.clock import Clock
from local.azure.directory import Directory, Principal
from local.azure.errors import Json
from local.azure.faults import Faults
from local.azure.hierarchy import PREFIX, Hierarchy, ManagementGroup
from local.azure.ledger import Ledger
from local.azure.operations import Operation, Operations
from local.azure.options import Options
from local.azure.roles import Role, Roles
from local.azure.routing import Provider, Providers
from local.azure.store import Resource, Store
from local.azure.throttle import Throttle

_LOG = logging.getLogger("local.azure")


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceEvent:
    """A write, deletion or action that has ended, as Event Grid tells of it.

    Attributes:
        outcome: Success or Failure.
        verb: Write, Delete or Action.
        action: RBAC action, e.g. `Microsoft.ContainerService/managedClusters/write`.
        resource_id: What was addressed.
        principal: Who called.
        at: Virtual end.
        correlation_id: Of the call.
        method: HTTP method of the call.
    """

    outcome: str
    verb: str
    action: str
    resource_id: str
    principal: Principal
    at: dt.datetime
    correlation_id: str
    method: str


class Cloud:
    """Everything that a provider may look at or change.

    Attributes:
        options: What it was started with.
        clock: Virtual time.
        store: The resources.
        directory: The principals.
        roles: The role definitions.
        hierarchy: The management groups above the subscriptions.
        access: Who may do what.
        operations: Long-running operations.
        throttle: Budgets of requests.
        ledger: The record of requests.
        faults: Ordered faults.
        providers: The resource providers.
        listeners: Called with every event.
        base_url: ARM's own URL, without a slash at its end.
        app: The app's identity.
        owner: An owner of the subscriptions.
    """

    def __init__(self, options: Options, providers: Iterable[Provider], start: dt.datetime | None = None) -> None:
        self.options = options
        still = {"monotonic": lambda: 0.0} if options.standing else {}
        self.clock = Clock(options.time_scale, start, **still)
        self.store = Store(self.clock.moment)
        self.directory = Directory(options.seed)
        self.roles = Roles(BUILT_IN)
        self.hierarchy = Hierarchy(self.store, options.tenant)
        self.access = Access(self.store, self.roles, self.directory, self.hierarchy)
        self.operations = Operations(self.clock, options.seed)
        self.operations.listeners.append(lambda operation: self.store.touch(operation.resource))
        self.throttle = Throttle()
        self.ledger = Ledger()
        self.faults = Faults()
        self.providers = Providers(providers)
        self.listeners: list[Callable[[ResourceEvent], None]] = []
        self.base_url = "https://localhost"
        self._random = random.Random(options.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = self._caller("app", options.app_client_id)
        self.owner = self._caller("owner", self.directory.guid("client", "owner"))
        for provider in self.providers:
            if provider.attach:
                provider.attach(self)
        self._seed_subscriptions()
        self._seed_roles()

    def new_guid(self) -> str:
        """A GUID that hasn't been used before."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the requests, such as the delivery of events, until the server stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _LOG.error("work beside the requests failed", exc_info=task.exception())

    async def stop(self) -> None:
        """End what was spawned."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def publish(self, event: ResourceEvent) -> None:
        """Tell the listeners of an event."""
        for listener in list(self.listeners):
            listener(event)

    def seed(self, resource_id: str, body: Json) -> Resource:
        """Put a resource as it stands: no rules, no duration, no event.

        Principals that its body names as identities become known, and a role assignment has effect at once.
        """
        kind = paths.full_type(resource_id)
        answer = {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1], "type": kind, **body}
        resource = self.store.put(Resource(resource_id, kind, answer))
        for object_id in _identities(answer):
            if self.directory.get(object_id) is None:
                self.directory.add(Principal(object_id, object_id, resource_id=resource_id))
        if kind.lower() == ROLE_ASSIGNMENTS.lower():
            scope = paths.parse(resource_id).scope or "/"
            resource.properties.setdefault("scope", scope)
        return resource

    def remove(self, resource_id: str, at: dt.datetime, keep: Operation | None = None) -> list[Resource]:
        """Remove a resource with everything below it, the identities of these, and what was under way on them.

        Args:
            resource_id: What to remove.
            at: Virtual time of the removal.
            keep: The operation that removes it, which isn't to be cancelled.
        """
        gone = self.store.remove(resource_id)
        for resource in gone:
            identity = resource.body.get("identity") or {}
            for holder in (identity, resource.properties.get("aksAssignedIdentity") or {}):
                self.directory.remove(str(holder.get("principalId") or ""))
            for operation in self.operations.running(resource.id):
                if operation is not keep:
                    self.operations.cancel(operation, at)
        return gone

    def assign(self, principal: Principal, role: Role, scope: str, condition: str | None = None) -> Resource:
        """Give a principal a role with effect at once."""
        name = self.directory.guid("assignment", principal.object_id, role.id, scope)
        moment = "2024-01-01T00:00:00.0000000Z"
        resource = self.seed(
            f"{scope.rstrip('/')}/providers/{ROLE_ASSIGNMENTS}/{name}",
            {
                "properties": {
                    "roleDefinitionId": role.answer(scope)["id"],
                    "principalId": principal.object_id,
                    "principalType": principal.kind,
                    "scope": scope,
                    "condition": condition,
                    "conditionVersion": "2.0" if condition else None,
                    "createdOn": moment,
                    "updatedOn": moment,
                    "createdBy": None,
                    "updatedBy": None,
                    "delegatedManagedIdentityResourceId": None,
                    "description": None,
                }
            },
        )
        if condition:
            resource.notes["condition"] = conditions.read(condition)
        return resource

    def arrange(self, groups: Sequence[ManagementGroup]) -> None:
        """Put management groups above the subscriptions, whose owner owns them all from then on."""
        self.hierarchy.arrange(groups)
        owner = self.roles.get(OWNER)
        if owner:
            self.assign(self.owner, owner, PREFIX + self.hierarchy.root)

    def _caller(self, name: str, client_id: str) -> Principal:
        identity = f"/callers/{name}"
        return self.directory.add(
            Principal(self.directory.guid("principal", identity), client_id, client_id=client_id, resource_id=identity)
        )

    def _seed_subscriptions(self) -> None:
        for number, subscription in enumerate(self.options.subscriptions, start=1):
            resource = self.seed(
                f"/subscriptions/{subscription}",
                {
                    "authorizationSource": "RoleBased",
                    "managedByTenants": [],
                    "subscriptionId": subscription,
                    "tenantId": self.options.tenant,
                    "displayName": f"Local subscription {number}",
                    "state": "Enabled",
                    "subscriptionPolicies": {
                        "locationPlacementId": "Public_2014-09-01",
                        "quotaId": "PayAsYouGo_2014-09-01",
                        "spendingLimit": "Off",
                    },
                },
            )
            for key in ("name", "type"):
                del resource.body[key]
            resource.notes["registered"] = dict.fromkeys(map(str.lower, self.options.registered), "Registered")

    def _seed_roles(self) -> None:
        scopes = [f"/subscriptions/{subscription}" for subscription in self.options.subscriptions]
        role = self._custom_role(self.options.role_file, scopes)
        further = [self._custom_role(path, scopes) for path in self.options.further_role_files]
        owner = self.roles.get(OWNER)
        path = self.options.condition_file
        condition = path.read_text(encoding="utf-8").strip() if path.is_file() else None
        for scope in scopes:
            self.assign(self.app, role, scope, condition)
            for other in further:
                self.assign(self.app, other, scope)
            if owner:
                self.assign(self.owner, owner, scope)

    def _custom_role(self, path: Path, scopes: list[str]) -> Role:
        definition = json.loads(path.read_text(encoding="utf-8"))
        return self.roles.add(
            Role(
                self.directory.guid("role", definition["roleName"]),
                definition["roleName"],
                definition.get("description", ""),
                tuple(definition.get("actions", ())),
                tuple(definition.get("notActions", ())),
                tuple(definition.get("dataActions", ())),
                tuple(definition.get("notDataActions", ())),
                scopes=(*scopes, PREFIX + self.hierarchy.root),
                custom=True,
            )
        )


def _identities(body: Json) -> Iterable[str]:
    """Object ids of the identities that a resource's body names."""
    identity = body.get("identity") or {}
    properties = body.get("properties") or {}
    holders = [identity, *(identity.get("userAssignedIdentities") or {}).values()]
    holders += [properties.get("aksAssignedIdentity") or {}]
    for holder in holders:
        if isinstance(holder, dict) and isinstance(holder.get("principalId"), str):
            yield holder["principalId"]
