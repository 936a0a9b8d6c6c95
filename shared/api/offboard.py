"""Off-boarding for good: a dry run that lists what would go, and the confirmation of just that list."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from shared import logs
from shared.api.answers import Answer
from shared.api.clusters import known, path_of
from shared.api.governance_views import OffboardPlan, ThingView
from shared.api.problems import Problem
from shared.arm.ids import name_of
from shared.errors import RowChanged
from shared.fleet.life import Offer, Thing
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, Places, State
from shared.fleet.tables import Key
from shared.notify.events import iso
from shared.onboarding.offboarding import Inventory
from shared.settings import Isolation

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import OffboardOptions
    from shared.arm.ids import ClusterId
    from shared.services import Services

VALID = 600.0
"""Azure's seconds for which a dry run's list can be confirmed."""

_LOOK_AFTER = 10  # seconds
_RACES = 20
_UNWANTED = frozenset({State.RELEASED, State.ORPHANED})
_ENDING = frozenset({"ReleasePending", "ReleaseHalted", "OffBoarding", "OffboardingNotGranted"})


async def offboard(services: Services, asked: Asked[None, OffboardOptions]) -> Answer:
    """List what would go, or let it go; passes do that, not this request.

    Raises:
        Problem: the cluster is still wanted, was never protected, or what is confirmed isn't what was listed.
        ArmError: Azure didn't say what is there.
    """
    row = await known(services, asked.cluster)
    places = _endable(row)
    request = _Request(services, asked.cluster, places, delete_backups=asked.body.delete_backups)
    now = await services.door.now()
    if asked.body.confirmation is None:
        return Answer(await request.offer(now), noted=f"dry run{request.words}")
    things = await request.confirm(asked.body.confirmation, now, asked.who)
    await services.urgent.send(Message(asked.cluster, f"off-boarding confirmed by {asked.who}", by=asked.who))
    noted = f"confirmed{request.words}: {', '.join(f'{thing.what} {name_of(thing.id)}' for thing in things)}"
    plan = OffboardPlan([], asked.body.delete_backups, None, None)
    return Answer(plan, 202, path_of(asked.cluster), _LOOK_AFTER, noted)


def _endable(row: ClusterRow) -> Places:
    """Where everything stands that can be ended."""
    if row.places is None:
        raise Problem(409, "NeverProtected", "this app never protected the cluster; there is nothing to end")
    if row.state not in _UNWANTED and row.reason not in _ENDING:
        raise Problem(409, "StillSelected", "the cluster's tag asks for protection; remove it or set it to none first")
    return row.places


@dataclass(frozen=True, slots=True)
class _Request:
    services: Services
    cluster: ClusterId
    places: Places
    delete_backups: bool

    @property
    def words(self) -> str:
        """The option, for the decision log."""
        return " with deleteBackups" if self.delete_backups else ""

    async def offer(self, now: float) -> OffboardPlan:
        """The dry run: nothing but the list is remembered."""
        things, confirmation = await self._things(), secrets.token_urlsafe(24)
        offer = Offer(_hashed(confirmation), now + VALID, self.delete_backups, things)

        def remember(row: ClusterRow) -> None:
            row.offer = offer

        await self._change(remember)
        views = [ThingView(thing.what, thing.id) for thing in things]
        return OffboardPlan(views, self.delete_backups, confirmation, iso(offer.expires))

    async def confirm(self, confirmation: str, now: float, who: str) -> list[Thing]:
        """Put the list that was shown to work; the list."""
        things = await self._things()

        def accept(row: ClusterRow) -> None:
            offer = row.offer
            good = offer is not None and hmac.compare_digest(offer.token, _hashed(confirmation))
            if offer is None or not good or now >= offer.expires or offer.delete_backups is not self.delete_backups:
                message = "it is no confirmation of the last dry run with these options, or over ten minutes old"
                raise Problem(409, "NotConfirmed", f"{message}; ask for another dry run")
            if offer.things != things:
                raise Problem(409, "ListChanged", "what would go isn't what was shown; ask for another dry run")
            row.offer, row.confirmed = None, things

        await self._change(accept)
        logs.info("offboarding_confirmed", cluster=self.cluster, who=who, things=len(things))
        return things

    async def _things(self) -> list[Thing]:
        row = await known(self.services, self.cluster)
        shared_group = self.services.settings.isolation is Isolation.REGION
        inventory = Inventory(self.cluster, self.places, row.life, self.services.door, shared_group)
        return await inventory.things(delete_backups=self.delete_backups)

    async def _change(self, change: Callable[[ClusterRow], None]) -> None:
        key = Key(self.cluster.subscription, self.cluster.key)
        for _ in range(_RACES):
            stored = await self.services.clusters.read(key, lambda: ClusterRow(str(self.cluster)))
            change(stored.value)
            try:
                await self.services.clusters.write(key, stored)
            except RowChanged:
                continue
            return
        raise Problem(409, "ClusterBusy", "passes over the cluster write its row all the time; try again")


def _hashed(confirmation: str) -> str:
    return sha256(confirmation.encode()).hexdigest()
