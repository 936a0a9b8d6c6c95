"""The decision log: append blobs in a container that can be made immutable, one for each day and process.

Nothing waits for it for long and nothing fails over it: whoever writes is told whether the lines are there, keeps them
otherwise and tries again with the next ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError

from shared import logs

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient, BlobServiceClient

_PATIENCE = 10.0  # real seconds
_FULL = "BlockCountExceedsLimit"  # an append blob takes 50,000 blocks


class Journal(Protocol):
    """Something that takes lines."""

    async def append(self, lines: Sequence[str]) -> bool:
        """Write lines at once; whether they are there. It raises nothing: a lost line is no reason to lose the work."""


class NoJournal:
    """The log is off."""

    async def append(self, lines: Sequence[str]) -> bool:
        """Nothing."""
        del lines
        return True


class BlobJournal:
    """Appends to a blob of today's: `{container}/2026-01-31/{process}-1.jsonl`."""

    def __init__(self, connect: Callable[[], BlobServiceClient], container: str) -> None:
        self._connect = connect
        self._container = container
        self._process = uuid4().hex[:12]
        self._service: BlobServiceClient | None = None
        self._day: date | None = None
        self._part = 0
        self._blob: BlobClient | None = None
        self._making = asyncio.Lock()

    async def append(self, lines: Sequence[str]) -> bool:
        """Write lines in one request."""
        if not lines:
            return True
        data = "".join(f"{text}\n" for text in lines).encode()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._append(data)
        except (AzureError, TimeoutError) as error:
            logs.warning("decisions_not_written", lines=len(lines), fault=type(error).__name__)
            return False
        return True

    async def _append(self, data: bytes) -> None:
        blob = await self._todays()
        try:
            await blob.append_block(data)
        except ResourceNotFoundError:
            await (await self._next(blob)).append_block(data)
        except HttpResponseError as error:
            if error.error_code != _FULL:  # type: ignore[attr-defined]  # the storage SDK adds it to every error
                raise
            await (await self._next(blob)).append_block(data)

    async def _todays(self) -> BlobClient:
        today = datetime.now(UTC).date()
        async with self._making:
            if self._blob is None or self._day != today:
                self._day, self._part = today, 1
                self._blob = await self._make()
            return self._blob

    async def _next(self, full: BlobClient) -> BlobClient:
        """Go on in another blob, unless somebody has begun it already."""
        async with self._making:
            if self._blob is full:
                self._part += 1
                self._blob = await self._make()
            return self._blob or full

    async def _make(self) -> BlobClient:
        service = self._service = self._service or self._connect()
        name = f"{self._day}/{self._process}-{self._part}.jsonl"
        blob = service.get_blob_client(self._container, name)
        try:
            await _create(blob)
        except ResourceNotFoundError:
            try:
                await service.create_container(self._container)
            except ResourceExistsError:
                logs.info("container_exists", container=self._container)
            await _create(blob)
        return blob


async def _create(blob: BlobClient) -> None:
    """An empty append blob; one that is there is never emptied."""
    try:
        await blob.create_append_blob(match_condition=MatchConditions.IfMissing)
    except ResourceExistsError:
        logs.info("blob_exists", blob=blob.blob_name)
