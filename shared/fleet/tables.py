"""Rows in Azure Table Storage, every write conditional on the ETag of what was read."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared import logs
from shared.errors import RowChanged

_KEYS = ["PartitionKey", "RowKey"]


@dataclass(frozen=True, slots=True)
class Key:
    """Where a row stands."""

    partition: str
    row: str


@dataclass(frozen=True, slots=True)
class Stored[T]:
    """A row as read: `etag` is None when there is no row yet."""

    value: T
    etag: str | None


class Rows[T: msgspec.Struct]:
    """One table whose rows are JSON documents of one kind, with a few columns beside for people's queries."""

    def __init__(
        self,
        client: TableClient,
        kind: type[T],
        version: int,
        columns: Callable[[T], dict[str, str]],
    ) -> None:
        self._client = client
        self._kind = kind
        self._version = version
        self._columns = columns

    async def read(self, key: Key, new: Callable[[], T]) -> Stored[T]:
        """Read a row; a missing one and one of another version come back as `new()`."""
        try:
            entity = await self._client.get_entity(key.partition, key.row)
        except ResourceNotFoundError:
            return Stored(new(), None)
        value = self._decode(entity)
        return Stored(value if value is not None else new(), str(entity.metadata["etag"]))

    async def write(self, key: Key, stored: Stored[T]) -> Stored[T]:
        """Write a row that was read before.

        Raises:
            RowChanged: somebody else wrote in between; read and decide anew.
        """
        entity = {
            "PartitionKey": key.partition,
            "RowKey": key.row,
            "v": self._version,
            **self._columns(stored.value),
            "doc": msgspec.json.encode(stored.value).decode(),
        }
        try:
            metadata = await self._send(entity, stored.etag)
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
            raise RowChanged(f"row {key.row} was written by somebody else") from error
        return Stored(stored.value, str(metadata["etag"]))

    async def all(self) -> AsyncIterator[Stored[T]]:
        """Every row of the known version, in no order."""
        try:
            async for entity in self._client.list_entities():
                value = self._decode(entity)
                if value is not None:
                    yield Stored(value, str(entity.metadata["etag"]))
        except ResourceNotFoundError:
            return

    async def sweep(self, partition: str) -> int:
        """Delete the rows of all partitions that sort before one; how many there were."""
        gone = 0
        try:
            older = self._client.query_entities(
                "PartitionKey lt @before", parameters={"before": partition}, select=_KEYS
            )
            async for entity in older:
                await self._client.delete_entity(entity["PartitionKey"], entity["RowKey"])
                gone += 1
        except ResourceNotFoundError:
            return gone
        return gone

    async def _send(self, entity: dict[str, Any], etag: str | None) -> Mapping[str, Any]:
        if etag is not None:
            return await self._client.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        try:
            return await self._client.create_entity(entity)
        except ResourceNotFoundError:  # of a new row only the table can be missing
            await self._create_table()
        return await self._client.create_entity(entity)

    async def _create_table(self) -> None:
        try:
            await self._client.create_table()
        except ResourceExistsError:
            logs.info("table_exists", table=self._client.table_name)

    def _decode(self, entity: Mapping[str, Any]) -> T | None:
        if entity.get("v") != self._version:
            return None
        try:
            return msgspec.json.decode(str(entity.get("doc", "")), type=self._kind)
        except msgspec.MsgspecError:
            return None
