"""Which subscriptions are the deployment's: those that the settings name, and those of its management groups.

The subscriptions of a group change without a deployment, so they are asked for; what was heard last holds for an hour,
and for longer while Azure doesn't answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container

from shared import logs
from shared.arm.door import Door
from shared.arm.ids import ClusterId, name_of
from shared.errors import ArmError, InvalidMessage, InvalidResourceId
from shared.fleet.messages import Message, decode

_API = "2020-05-01"
_KNOWN = 3600.0  # real seconds for which an answer holds
_ASKED = 60.0  # and for a subscription that isn't in it: it may have been moved into the group a moment ago
_SUBSCRIPTION = "/subscriptions/"


def lies_in(subscriptions: Container[str], cluster_id: str) -> bool:
    """Whether a row's cluster is of these subscriptions: rows outlast what made them, as when a subscription goes."""
    try:
        return ClusterId.parse(cluster_id).subscription in subscriptions
    except InvalidResourceId:
        return False


class Scope:
    """The allowed subscriptions; lower-case ids."""

    def __init__(self, door: Door, named: frozenset[str], groups: tuple[str, ...]) -> None:
        self._door = door
        self._named = named
        self._groups = groups
        self._found: frozenset[str] = frozenset()
        self._heard: float | None = None
        self._asking = asyncio.Lock()

    async def subscriptions(self, wanted: str = "") -> frozenset[str]:
        """All of them; when `wanted` isn't among them, what is over a minute old is asked for again.

        Raises:
            ArmError: Azure doesn't tell of a management group, and hasn't before.
        """
        if not self._groups:
            return self._named
        allowed = self._named | self._found
        if self._fresh(_ASKED if wanted and wanted.lower() not in allowed else _KNOWN):
            return allowed
        async with self._asking:
            if not self._fresh(_ASKED):
                await self._ask()
        return self._named | self._found

    async def message(self, body: bytes) -> Message:
        """Read a queue message about a cluster of these subscriptions.

        Raises:
            InvalidMessage: it is none.
            ArmError: as above.
        """
        try:
            return decode(body, await self.subscriptions())
        except InvalidMessage:
            stranger = decode(body, None).cluster.subscription
            return decode(body, await self.subscriptions(stranger))

    def _fresh(self, seconds: float) -> bool:
        return self._heard is not None and time.monotonic() - self._heard < seconds

    async def _ask(self) -> None:
        try:
            found = [await self._of_group(group) for group in self._groups]
        except ArmError as error:
            if self._heard is None:
                raise
            logs.warning("scope_not_read", code=error.code, status=error.status)
            self._heard = time.monotonic()  # what is known goes on to hold, and Azure is left alone for a while
            return
        self._found, self._heard = frozenset().union(*found), time.monotonic()
        logs.info("scope", groups=",".join(self._groups), subscriptions=len(self._named | self._found))

    async def _of_group(self, group: str) -> set[str]:
        """The subscriptions of a group and of all groups below it."""
        path = f"/providers/Microsoft.Management/managementGroups/{group}/descendants"
        items = await self._door.list(path, _API)
        ids = [str(item.get("id", "")).casefold() for item in items]
        return {name_of(found) for found in ids if found.startswith(_SUBSCRIPTION)}
