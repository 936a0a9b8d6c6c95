"""Rows in memory, as conditional as Table Storage's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from msgspec.json import decode, encode

from shared.errors import RowChanged
from shared.fleet.tables import Key, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct


class MemoryRows:
    """As much of `Rows` as governance uses.

    Attributes:
        before_write: called before each write; what somebody else does in between.
        writes: how many there were.
    """

    def __init__(self) -> None:
        self.before_write: Callable[[], None] = lambda: None
        self.writes = 0
        self._rows: dict[Key, tuple[bytes, str]] = {}
        self._etags = itertools.count(1)

    async def read(self, key: Key, new: Callable[[], Any]) -> Stored[Any]:
        """Read a row."""
        fresh: Struct = new()
        if key not in self._rows:
            return Stored(fresh, None)
        text, etag = self._rows[key]
        return Stored(decode(text, type=type(fresh)), etag)

    async def write(self, key: Key, stored: Stored[Any]) -> Stored[Any]:
        """Write it, if nobody else has."""
        self.before_write()
        if self._rows.get(key, (b"", None))[1] != stored.etag:
            raise RowChanged("it was written meanwhile")
        self.put(key, stored.value)
        return Stored(stored.value, self._rows[key][1])

    def put(self, key: Key, value: Any) -> None:
        """Write it whatever is there."""
        self.writes += 1
        self._rows[key] = (encode(value), str(next(self._etags)))
