"""The end of a cluster's protection for good, because a person has asked for it, seen what goes, and confirmed that.

What is listed is what this app made for this cluster alone, and what nobody else uses. Groups, accounts, containers,
snapshots and vaults hold backups or belong to many, and are never on the list. Recovery points go with the instance,
which is on it only where that was asked for; soft delete then keeps them for as long as the vault says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared import logs
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.failures import FailureClass, classify, guard_advice
from shared.arm.ids import ClusterId, folded, name_of, same_id
from shared.errors import ArmError
from shared.fleet.life import Life, Thing
from shared.fleet.records import Places
from shared.onboarding import foreign, names, readings
from shared.onboarding.cluster import read_cluster
from shared.onboarding.desired import EXTENSION_NAME, EXTENSION_TYPE
from shared.onboarding.guards import agreement
from shared.onboarding.outcomes import Blocked, Outcome, Released, Waiting, Who
from shared.onboarding.readings import CLUSTERS_API, ROLES_API
from shared.onboarding.refusal import refusal, told
from shared.onboarding.steps.extension import storage_of
from shared.onboarding.steps.roles import ROLES

if TYPE_CHECKING:
    from shared.onboarding.release import ReleaseGate

EXTENSIONS_API = "2023-05-01"

_STOPPABLE = frozenset({"ProtectionConfigured", "ProtectionError", "BackupSchedulesSuspended"})
_GOING = frozenset({"SoftDeleting", "ConfiguringProtection", "UpdatingProtection"})
_WAIT = 30.0  # seconds that Azure takes for most of it
_API = {
    "stop": DATA_PROTECTION_API,
    "delete-backups": DATA_PROTECTION_API,
    "binding": CLUSTERS_API,
    "role": ROLES_API,
    "extension": EXTENSIONS_API,
}
_FIRST = ("stop", "delete-backups")  # Azure reaches the cluster through the other things while it does these


@dataclass(frozen=True, slots=True)
class Inventory:
    """What off-boarding would end, read from Azure."""

    cluster: ClusterId
    places: Places
    life: Life
    door: Door
    shared_group: bool
    """Group and account belong to a region: what others need there isn't this cluster's to end."""

    async def things(self, *, delete_backups: bool) -> list[Thing]:
        """What would go, in the order in which it goes.

        Raises:
            ArmError: Azure didn't say.
        """
        body = await self.door.find(str(self.cluster), CLUSTERS_API)
        if isinstance(body, ArmError):  # what stood on the cluster went with it
            return [
                *await self._instance(self.places.instance, delete_backups=delete_backups),
                *await self._roles([] if self.shared_group else [self.places.group, self.places.account], None),
            ]
        instances = await readings.instances(self.door, self.cluster)
        others = foreign.others(instances, self.places.instance)
        # today's, and those in vaults that it has left
        mine = [self.places.instance, *(item.id for item in instances if item not in others)]
        unique = {folded(item): item for item in mine}.values()
        found = [thing for item in unique for thing in await self._instance(item, delete_backups=delete_backups)]
        for item in unique:
            found += await self._binding(item.rpartition("/backupInstances/")[0], others)
        scopes = [str(self.cluster), self.places.group, self.places.account]
        found += await self._roles(scopes, await self._own_principals(body) if self.shared_group else None)
        return found if others else [*found, *await self._extension()]

    async def _own_principals(self, body: Any) -> set[str]:
        """Principal ids of the cluster and of its extension, lower case."""
        cluster = read_cluster(self.cluster, body)
        extensions = await readings.extensions(self.door, self.cluster)
        ids = [cluster.principal_id or "", *(item.principal_id for item in extensions if item.type == EXTENSION_TYPE)]
        return {item.casefold() for item in ids if item}

    async def _instance(self, instance: str, *, delete_backups: bool) -> list[Thing]:
        body = await self.door.find(instance, DATA_PROTECTION_API)
        if isinstance(body, ArmError):
            return []
        if delete_backups:
            return [Thing("delete-backups", instance)]
        return [Thing("stop", instance)] if readings.protection_state(body) in _STOPPABLE else []

    async def _binding(self, vault: str, others: Iterable[readings.Instance]) -> list[Thing]:
        """The binding of a vault, unless an instance of somebody else's is in there."""
        if any(folded(item.id).startswith(f"{folded(vault)}/") for item in others):
            return []
        path = names.binding(self.cluster, vault)
        body = await self.door.find(path, CLUSTERS_API)
        if isinstance(body, ArmError) or not same_id(body["properties"].get("sourceResourceId"), vault):
            return []
        return [Thing("binding", path)]

    async def _roles(self, scopes: Iterable[str], principals: set[str] | None) -> list[Thing]:
        """Assignments at these scopes under names that this app computes.

        With `principals`, on what a region shares, only theirs: what the vault needs there, others need too.
        """
        listed: dict[str, Thing] = {}
        for scope in scopes:
            path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
            try:
                rows = await self.door.list(path, ROLES_API, filter="atScope()")
            except ArmError as error:
                if error.status == 404:  # noqa: PLR2004  # HTTP: not found
                    continue
                raise
            own = principals is None or scope == str(self.cluster)
            for row in rows:
                theirs = str(row["properties"]["principalId"]).casefold()
                if _ours(row["properties"], str(row["id"])) and (own or theirs in (principals or ())):
                    listed[folded(str(row["id"]))] = Thing("role", str(row["id"]))
        return list(listed.values())

    async def _extension(self) -> list[Thing]:
        if self.life.adopted:
            return []
        found = await readings.extensions(self.door, self.cluster)
        there = any(
            item.type == EXTENSION_TYPE and item.name == EXTENSION_NAME and self._keeps_ours(item) for item in found
        )
        path = f"{self.cluster}/providers/Microsoft.KubernetesConfiguration/extensions/{EXTENSION_NAME}"
        return [Thing("extension", path)] if there else []

    def _keeps_ours(self, extension: readings.Extension) -> bool:
        """Whether it keeps this app's backups; the name alone is the usual one, which others give theirs as well."""
        found, places = storage_of(extension.settings), self.places
        return found is not None and same_id(found.account_id, places.account) and found.container == places.container


@dataclass(frozen=True, slots=True)
class Offboarding:
    """Does what was confirmed, a pass at a time."""

    cluster: ClusterId
    life: Life
    door: Door
    gate: ReleaseGate
    guard_requests: tuple[str, ...] = ()

    async def run(self) -> Outcome:
        """Bring it forward once; what is done leaves the list."""
        held = await self.gate.stopped()
        if held is not None:
            return Waiting(held.reason, f"{held.message}; off-boarding was confirmed", held.again_after)
        first = [thing for thing in self.life.offboarding if thing.what in _FIRST]
        try:
            for thing in first or list(self.life.offboarding):
                if await self._ended(thing):
                    self.life.offboarding.remove(thing)
        except ArmError as error:
            return _refused(error, self.cluster)
        if self.life.offboarding:
            left = ", ".join(f"{thing.what} {name_of(thing.id)}" for thing in self.life.offboarding)
            return Waiting("OffBoarding", f"being ended: {left}", _WAIT)
        self.life.offboarded, self.life.settled, self.life.release = self.door.clock.now().timestamp(), "", None
        return offboarded()

    async def _ended(self, thing: Thing) -> bool:
        """Whether it is gone; else it is told to go, unless it is going."""
        if thing.what == "role":  # answered at once, and 204 when it is gone
            await self._write(thing)
            return True
        body = await self.door.find(thing.id, _API[thing.what])
        if isinstance(body, ArmError):
            return True
        state = readings.protection_state(body)
        if thing.what == "stop" and state not in _STOPPABLE | _GOING:
            return True
        if state in _GOING or body.get("properties", {}).get("provisioningState") == "Deleting":
            return False
        await self._write(thing)
        return False

    async def _write(self, thing: Thing) -> None:
        if thing.what == "stop":
            self.life.paused[thing.id.casefold()] = "ProtectionStopped"  # a tag that returns one day resumes it
        await self.gate.remember()
        await self.gate.check()
        logs.info("offboard", cluster=self.cluster, what=thing.what, id=thing.id)
        if thing.what == "stop":
            await self.door.post(f"{thing.id}/stopProtection", DATA_PROTECTION_API, agreement(self.guard_requests))
        else:
            await self.door.delete(thing.id, _API[thing.what])


def offboarded() -> Released:
    """Where a cluster stands for which everything was ended that a person confirmed."""
    return Released("OffBoarded", "what was confirmed has been ended; what is left is listed in docs/offboarding.md")


def _ours(row: Any, assignment: str) -> bool:
    """Whether a role assignment is one of the table, under the name that this app computes for it."""
    scope, principal, role = str(row["scope"]), str(row["principalId"]), name_of(str(row["roleDefinitionId"]))
    computed = names.role_assignment(scope, principal, role)
    return role.casefold() in {item.id for item in ROLES} and name_of(computed) == name_of(assignment).casefold()


def _refused(error: ArmError, cluster: ClusterId) -> Outcome:
    if classify(error) is not FailureClass.ACCESS or guard_advice(error):
        return refusal(error, "off-boarding")
    grant = (
        "give the app's identity the role of infra/role-offboarding.json (docs/offboarding.md): az role assignment "
        f'create --role "AKS Backup Autopilot Off-boarding" --scope /subscriptions/{cluster.subscription} '
        "--assignee-object-id <the identity's> --assignee-principal-type ServicePrincipal"
    )
    return Blocked("OffboardingNotGranted", f"{grant}; {told(error, 'off-boarding')}", Who.OPERATOR)
