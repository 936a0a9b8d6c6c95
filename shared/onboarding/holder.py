"""The claim of one pass, and everything that a pass may write only while it has it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from shared import logs
from shared.arm.ids import ClusterId
from shared.errors import ClaimLost, RowChanged
from shared.fleet.claims import CLAIM_SECONDS, live
from shared.fleet.records import Claim, ClusterRow, RegionRow
from shared.fleet.tables import Key, Rows, Stored
from shared.governance.governor import Governor
from shared.onboarding.breaker import Breaker
from shared.onboarding.governed import hold, stopped
from shared.onboarding.outcomes import Waiting
from shared.onboarding.step import Step
from shared.onboarding.vault_tier import REMEMBERED
from shared.onboarding.world import World

_RACES = 50  # for one row, before the message is left to come again


class House(Protocol):
    """Where the rows are, and who has a say."""

    @property
    def clusters(self) -> Rows[ClusterRow]:
        """The clusters' rows."""

    @property
    def regions(self) -> Rows[RegionRow]:
        """The regions' rows."""

    @property
    def governor(self) -> Governor:
        """Who knows the operator's word."""

    @property
    def breaker(self) -> Breaker:
        """The circuit breaker of releases."""


class Holder:
    """The claim of one pass: it guards every batch of writes, and the writes to what a region shares."""

    def __init__(self, key: Key, stored: Stored[ClusterRow], cluster: ClusterId, house: House) -> None:
        claim = stored.value.claim
        if claim is None:
            raise ClaimLost("the row has no claim")
        self.key = key
        self.stored = stored
        self.claim = claim
        self.run = claim.run
        self._cluster = cluster
        self._clusters = house.clusters
        self._regions = house.regions
        self._governor = house.governor
        self._breaker = house.breaker
        self._region: tuple[Key, Stored[RegionRow]] | None = None

    @property
    def row(self) -> ClusterRow:
        """The row as it was read or written last."""
        return self.stored.value

    async def check(self) -> None:
        """Make sure that the claim is still held.

        Raises:
            ClaimLost: it isn't.
        """
        stored = await self._clusters.read(self.key, lambda: ClusterRow(self.row.cluster_id))
        claim = stored.value.claim
        if claim is None or claim.run != self.run or claim.until < time.time():
            raise ClaimLost("another pass has the row")

    async def remember(self) -> None:
        """Write the row as the pass has it now, so that it explains what the pass does next."""
        for _ in range(_RACES):
            if self.row.claim is None or self.row.claim.run != self.run:
                raise ClaimLost("another pass has the row")
            try:
                self.stored = await self._clusters.write(self.key, self.stored)
            except RowChanged:
                life = self.row.life
                self.stored = await self._clusters.read(self.key, lambda: ClusterRow(self.row.cluster_id))
                self.row.life = life
                continue
            return
        raise RowChanged(f"lost {_RACES} races for the row of {self.row.cluster_id}")

    async def enter_region(self, place: tuple[str, str]) -> bool:
        """Try to become the one writer of what a region shares."""
        key = Key(*place)
        stored = await self._regions.read(key, RegionRow)
        if await self._is_worked_in(stored.value):
            return False
        stored.value.claim = Claim(self.claim.message_id, self.run, time.time() + CLAIM_SECONDS)
        stored.value.holder = (self.key.partition, self.key.row)
        try:
            self._region = (key, await self._regions.write(key, stored))
        except RowChanged:
            return False
        return True

    async def lacks_vault_tier(self, location: str, now: float) -> bool:
        """Whether Azure has said lately that the region has no vault tier."""
        row = (await self._regions.read(Key(self._cluster.subscription, location), RegionRow)).value
        return row.no_vault_tier > now - REMEMBERED

    async def learn_no_vault_tier(self, location: str, now: float) -> None:
        """Remember it for all clusters of the subscription and region."""
        key = Key(self._cluster.subscription, location)
        for _ in range(_RACES):
            # where the vault stands in the cluster's subscription this is the row that the pass holds
            mine = self._region is not None and self._region[0] == key
            stored = self._region[1] if mine and self._region else await self._regions.read(key, RegionRow)
            stored.value.no_vault_tier = now
            try:
                written = await self._regions.write(key, stored)
            except RowChanged:
                if mine:
                    return  # taken over: whoever has it learns it as well
                continue
            if mine:
                self._region = (key, written)
            return

    async def hold(self, ready: Sequence[Step], world: World) -> Waiting | None:
        """Why these steps must not be started now."""
        return await hold(self._governor, ready, world)

    async def stopped(self) -> Waiting | None:
        """Why nothing may be written for the cluster at all."""
        return await stopped(self._governor, self._cluster.subscription)

    async def expect_release(self, due: float) -> None:
        """Tell the breaker when the cluster is going to be released."""
        await self._breaker.expect(self._cluster, due)

    async def forget_release(self) -> None:
        """Tell it that it isn't."""
        await self._breaker.forget(self._cluster)

    async def admit_release(self, now: float) -> bool:
        """Whether it may be released now."""
        return await self._breaker.admit(self._cluster, now)

    async def _is_worked_in(self, region: RegionRow) -> bool:
        """Whether the pass that claimed the region still runs.

        A killed host leaves the region's claim behind. The next pass over its cluster has another run and may need
        nothing that is shared, so nobody would clear it.
        """
        claim = region.claim
        if claim is None or not live(claim, self.claim.message_id, time.time()):
            return False
        if region.holder is None:
            return True
        stored = await self._clusters.read(Key(*region.holder), lambda: ClusterRow(""))
        return stored.value.claim is not None and stored.value.claim.run == claim.run

    async def leave_region(self) -> None:
        """Let others write what the region shares."""
        if self._region is None:
            return
        key, stored = self._region
        stored.value.claim = None
        try:
            await self._regions.write(key, stored)
        except RowChanged as changed:
            logs.warning("region_taken_over", region=key.row, reason=changed)
