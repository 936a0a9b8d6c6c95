"""Validations that outlast a request: kept in the table `operations`, so that whoever asked can come back.

A row is found only by its id, which nobody can guess, lives for a day of Azure's time, and survives restarts. Rows of a
day share a partition, so that old ones go together.
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from shared.arm.ids import ClusterId
from shared.errors import ArmError, RowChanged
from shared.fleet.tables import Key, Rows, Stored
from shared.readiness import deep
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Check, Readiness
from shared.readiness.request import RestoreRequest
from shared.readiness.verdict import verdict_of

ID = "[0-9]{8}-[A-Za-z0-9_-]{32}"
"""Of an operation: its day, and 24 random bytes."""

LIFETIME = 86_400.0
"""Seconds."""


class Subject(Struct, frozen=True):
    """What a validation is about: ids, and the store that would be restored from."""

    cluster_id: str
    target: str
    vault: str
    tier: str

    @classmethod
    def of(cls, cluster: ClusterId, request: RestoreRequest) -> Subject:
        """What a cluster's restore request asks for."""
        vault, _, _ = request.instance.partition("/backupInstances/")
        return cls(str(cluster), str(request.target), vault, request.tier)

    def check(self, outcome: Validated | Validating | ArmError) -> Check:
        """How the validation went, as a check."""
        target = ClusterId.parse(self.target)
        return deep.validation_check(outcome, vault=self.vault, tier=self.tier, target=target)


class Pending(Struct):
    """A question that waits for Azure's validateRestore.

    Attributes:
        kind: which question; whoever asked it knows how to go on.
        answer: what could be said at once, as JSON, deflated: a text property holds 32,000 characters.
        created: epoch seconds.
        validated: how it ended, None while nobody has seen the end.
    """

    kind: str
    subject: Subject
    answer: bytes
    validating: Validating
    created: float
    validated: Validated | None = None

    def read[T](self, shape: type[T]) -> T:
        """What could be said at once."""
        return msgspec.json.decode(zlib.decompress(self.answer), type=shape)


def packed(answer: Struct) -> bytes:
    """An answer as it stands in a row."""
    return zlib.compress(msgspec.json.encode(answer))


def deepened(quick: Readiness, validation: Check) -> Readiness:
    """A readiness with Azure's own word beside the other checks, and the verdict over all."""
    checks = deep.beside(quick.checks, validation)
    verdict, reason = verdict_of(checks)
    return msgspec.structs.replace(quick, checks=checks, verdict=verdict, reason=reason, deep=True)


@dataclass(frozen=True, slots=True)
class Operations:
    """The table."""

    rows: Rows[Pending]

    async def keep(self, pending: Pending) -> str:
        """Keep a question, and let go of those that have expired; its id."""
        await self.rows.sweep(_day(pending.created - LIFETIME))
        name = f"{_day(pending.created)}-{secrets.token_urlsafe(24)}"
        await self.rows.write(_key(name), Stored(pending, None))
        return name

    async def find(self, name: str, now: float) -> Stored[Pending] | None:
        """A question that is still kept.

        Args:
            name: an id, of the form that `ID` says.
            now: epoch seconds.
        """
        nothing = Pending("", Subject("", "", "", ""), b"", Validating("", 0.0, ""), 0.0)
        stored = await self.rows.read(_key(name), lambda: nothing)
        expired = now >= stored.value.created + LIFETIME
        return None if stored.etag is None or expired else stored

    async def end(self, name: str, stored: Stored[Pending], validated: Validated) -> None:
        """Remember how a validation ended: Azure doesn't for long."""
        stored.value.validated = validated
        try:
            await self.rows.write(_key(name), stored)
        except RowChanged:  # somebody else asked at the same time, and saw the same
            return


def _key(name: str) -> Key:
    if not re.fullmatch(ID, name):
        raise ValueError("no operation has such an id")
    return Key(name[:8], name[9:])


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d")
