"""What is there: each thing is read at most once a pass, when the first step asks for it, and shared by all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.arm.answers import Json, OperationState
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.ids import group_of, name_of, same_id, subscription_of
from shared.errors import ArmError
from shared.fleet.life import Life
from shared.fleet.records import Places, Progress
from shared.onboarding import readings
from shared.onboarding.cluster import read_cluster
from shared.onboarding.desired import OWNER_TAG, Desired
from shared.onboarding.readings import (
    CLUSTERS_API,
    GROUPS_API,
    STORAGE_API,
    Extension,
    Grant,
    Instance,
    Vault,
    read_instance,
)

if TYPE_CHECKING:
    from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient

PROVIDERS_API = "2024-11-01"

_NO_ANSWER = frozenset({0, 408, 429, 502, 503, 504})  # says nothing about the operation: ask again


class World:
    """The reads of one pass."""

    def __init__(
        self,
        door: Door,
        desired: Desired,
        progress: Progress,
        *,
        cluster_read: bool,
        life: Life | None = None,
        known: Places | None = None,
        remember: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            door: to Azure.
            desired: what is wanted.
            progress: what earlier passes left for this one; changed in place.
            cluster_read: the cluster in `desired` was read in this pass.
            life: what is remembered of the cluster; changed in place.
            known: where everything was when the cluster was last protected.
            remember: writes that down before something is done that Azure's answers wouldn't explain afterwards.
        """
        self.door = door
        self.desired = desired
        self.progress = progress
        self.life = life or Life()
        self.known = known
        self.remember = remember or _nothing
        self.cluster = desired.cluster
        self._cluster_read = cluster_read
        self._reads: dict[str, asyncio.Future[Any]] = {}

    def now(self) -> float:
        """Azure's time, epoch seconds."""
        return self.door.clock.now().timestamp()

    @property
    def settled(self) -> bool:
        """Whether the cluster was protected before with the very same things: what is absent was taken away."""
        return self.life.settled == self.desired.fingerprint

    @property
    def created_anew(self) -> bool:
        """Whether the cluster isn't the one that was protected under this id."""
        return bool(self.life.identity) and self.life.identity != self.cluster.identity

    @property
    def backup_client(self) -> DataProtectionMgmtClient:
        """The typed client of the vault's subscription, which needn't be the cluster's."""
        return self.door.data_protection(subscription_of(self.desired.vault))

    async def operation(self, step: str) -> OperationState | None:
        """One look at the operation that a step left running; None when it left none.

        One that has ended is forgotten, and so is one that can't be asked any more: losing it costs a repeat.

        Raises:
            ArmError: the look failed; an operation asked at its Location fails in the same form.
        """
        url = self.progress.operations.get(step)
        if not url:
            return None
        try:
            state = await self.door.poll(url)
        except ArmError as error:
            if error.status not in _NO_ANSWER:
                del self.progress.operations[step]
            raise
        if not state.running:
            del self.progress.operations[step]
        return state

    async def cluster_principal(self) -> str:
        """The principal id of the cluster's identity, as Azure says it in this pass."""
        if self._cluster_read:
            return self.cluster.principal_id or ""
        body = await self._once("cluster", lambda: self.door.get(str(self.cluster.id), CLUSTERS_API))
        return read_cluster(self.cluster.id, body).principal_id or ""

    async def vault(self) -> Vault | ArmError:
        """The vault, or the 404 that says how much of its path is missing."""
        return await self._once("vault", self._read_vault)

    async def resource(self, path: str, api_version: str) -> Json | ArmError:
        """Any other resource, or the 404."""
        return await self._found(path, api_version)

    async def account(self) -> Json | ArmError:
        """The storage account, or the 404."""
        return await self._found(self.desired.account, STORAGE_API)

    async def container(self) -> Json | ArmError:
        """The blob container, or the 404."""
        path = f"{self.desired.account}/blobServices/default/containers/{self.desired.container}"
        return await self._found(path, STORAGE_API)

    async def group(self, group: str) -> Json | ArmError:
        """A resource group, or the 404."""
        return await self._found(group, GROUPS_API)

    async def bindings(self) -> Sequence[Json]:
        """The trusted access role bindings of the cluster, under any name."""
        path = f"{self.cluster.id}/trustedAccessRoleBindings"
        return await self._once("bindings", lambda: self.door.list(path, CLUSTERS_API))

    async def policy(self) -> ArmError | None:
        """None when the backup policy is there, else the 404."""
        return await self._once("policy", self._read_policy)

    async def extensions(self) -> Sequence[Extension]:
        """The extensions of the cluster, under any name."""
        return await self._once("extensions", lambda: readings.extensions(self.door, self.cluster.id))

    async def instances(self) -> Sequence[Instance]:
        """The backup instances of the cluster, in any vault."""
        return await self._once("instances", lambda: readings.instances(self.door, self.cluster.id))

    async def grants(self, scope: str) -> Sequence[Grant]:
        """The role assignments at a scope and above it."""
        return await self._once(f"grants {scope}", lambda: readings.grants(self.door, scope))

    async def instance(self) -> Instance | None:
        """Our backup instance."""
        return next((item for item in await self.instances() if same_id(item.id, self.desired.instance)), None)

    async def deleted_instance(self) -> bool:
        """Whether soft delete keeps our backup instance; only one that is remembered is asked for."""
        if self.known is None or not same_id(self.known.instance, self.desired.instance):
            return False
        path = deleted_id(self.desired.instance)
        return not isinstance(await self._found(path, DATA_PROTECTION_API), ArmError)

    async def previous_instances(self) -> Sequence[Instance]:
        """Our backup instances of this cluster in other vaults of ours: left from before its policy moved."""
        ours = name_of(self.desired.instance).casefold()
        return [
            item
            for item in await self.instances()
            if name_of(item.id).casefold() == ours and not same_id(item.id, self.desired.instance)
        ]

    async def policies_in_use(self) -> set[str]:
        """Lower-cased ids of the backup policies that the vault's instances use."""
        client, vault = self.backup_client, self.desired.vault

        async def read() -> set[str]:
            pages = client.backup_instances.list(group_of(vault), name_of(vault))
            return {read_instance(item.as_dict()).policy_id.casefold() async for item in pages}

        return await self.door.call(read())

    def forget_shared(self) -> None:
        """Read anew what other clusters' passes write too: vault, policy and their group."""
        for key in ("vault", "policy", self.desired.vault_group):
            self._reads.pop(key, None)

    async def _once[T](self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        if key not in self._reads:
            self._reads[key] = asyncio.ensure_future(read())
        return await asyncio.shield(self._reads[key])

    async def _found(self, path: str, api_version: str) -> Json | ArmError:
        return await self._once(path, lambda: self.door.find(path, api_version))

    async def _read_vault(self) -> Vault | ArmError:
        try:
            return await readings.vault(self.door, self.desired.vault)
        except ArmError as error:
            return _only_404(error)

    async def _read_policy(self) -> ArmError | None:
        path, vault = self.desired.policy, self.desired.vault
        client = self.backup_client
        try:
            await self.door.call(client.backup_policies.get(group_of(path), name_of(vault), name_of(path)))
        except ArmError as error:
            return _only_404(error)
        return None


def deleted_id(instance: str) -> str:
    """Where soft delete keeps a backup instance."""
    vault, _, name = instance.rpartition("/backupInstances/")
    return f"{vault}/deletedBackupInstances/{name}"


async def _nothing() -> None:
    """There is nowhere to write it down."""


def owned(tags: Mapping[str, str] | None, desired: Desired) -> bool:
    """Whether a resource carries our tag."""
    return (tags or {}).get(OWNER_TAG) == desired.owner


def _only_404(error: ArmError) -> ArmError:
    if error.status != 404:  # noqa: PLR2004  # HTTP: not found
        raise error
    return error
