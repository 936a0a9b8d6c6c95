"""Tables and a queue in memory, as strict as Azure Storage where the app relies on it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.fleet.messages import Message


class Entity(dict[str, Any]):
    """An entity as the SDK hands it out."""

    metadata: dict[str, str]


def _entity(fields: dict[str, Any], etag: str) -> Entity:
    entity = Entity(fields)
    entity.metadata = {"etag": etag}
    return entity


class MemoryTable:
    """As much of a table client as `Rows` uses.

    Attributes:
        before: called before each write; what it raises goes up through the app.
    """

    def __init__(self, name: str) -> None:
        self.table_name = name
        self.before: Callable[[], None] = lambda: None
        self._rows: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
        self._etags = itertools.count(1)

    async def get_entity(self, partition: str, row: str) -> Entity:
        """Read a row."""
        found = self._rows.get((partition, row))
        if found is None:
            raise ResourceNotFoundError(f"no row {row}")
        return _entity(*found)

    async def create_entity(self, entity: dict[str, Any]) -> dict[str, str]:
        """Write a new row."""
        self.before()
        key = (entity["PartitionKey"], entity["RowKey"])
        if key in self._rows:
            raise ResourceExistsError("it is there")
        return self._put(key, entity)

    async def update_entity(self, entity: dict[str, Any], *, etag: str, **options: Any) -> dict[str, str]:
        """Replace the row that was read."""
        self.before()
        key = (entity["PartitionKey"], entity["RowKey"])
        if key not in self._rows:
            raise ResourceNotFoundError("it is gone")
        if self._rows[key][1] != etag:
            raise ResourceModifiedError("it was written meanwhile")
        return self._put(key, entity)

    async def list_entities(self) -> AsyncIterator[Entity]:
        """Every row."""
        for fields, etag in list(self._rows.values()):
            yield _entity(fields, etag)

    async def create_table(self) -> None:
        """It is always there."""

    def clear(self) -> None:
        """Lose everything."""
        self._rows.clear()

    def _put(self, key: tuple[str, str], entity: dict[str, Any]) -> dict[str, str]:
        etag = str(next(self._etags))
        self._rows[key] = (dict(entity), etag)
        return {"etag": etag}


@dataclass(order=True)
class Waiting:
    """A message in the queue: when it becomes visible, and how often it was handed out."""

    visible: float
    number: int
    message: Message = field(compare=False)
    tries: int = field(default=0, compare=False)


class MemoryQueue:
    """As much of a sender as the reconciler uses; `now` gives the seconds that visibility is counted in."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._numbers = itertools.count(1)
        self.waiting: list[Waiting] = []

    async def send(self, message: Message, delay: float = 0) -> None:
        """Put a message in."""
        self.waiting.append(Waiting(self._now() + max(0, round(delay)), next(self._numbers), message))

    def take(self) -> Waiting | None:
        """The message that has been visible longest, out of the queue; None when there is none."""
        due = min((item for item in self.waiting if item.visible <= self._now()), default=None)
        if due is not None:
            self.waiting.remove(due)
        return due

    def next_visible(self) -> float | None:
        """When there will be something to take."""
        return min((item.visible for item in self.waiting), default=None)
