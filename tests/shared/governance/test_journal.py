"""The decision log as append blobs, on Azurite."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared.governance.decisions import line
from shared.governance.journal import BlobJournal

if TYPE_CHECKING:
    from local.azurite import Azurite


async def written(service: BlobServiceClient, container: str) -> dict[str, list[dict[str, object]]]:
    """Name of each blob -> its lines."""
    client = service.get_container_client(container)
    found: dict[str, list[dict[str, object]]] = {}
    async for blob in client.list_blobs():
        text = (await (await client.download_blob(blob.name)).readall()).decode()
        found[blob.name] = [json.loads(row) for row in text.splitlines()]
    return found


async def test_lines_are_appended_to_a_blob_of_the_day(azurite: Azurite) -> None:
    """The container is made with the first line; what is there is never written over; processes don't share a blob."""
    container = f"decisions-{uuid.uuid4().hex[:8]}"
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        one, other = (BlobJournal(lambda: service, container) for _ in range(2))
        assert await one.append([line(0.0, "c1", asked="event", decided="Waiting")])
        assert await one.append(
            [line(1.0, "c1", asked="wake", decided="Protected"), line(2.0, "c2", asked="x", decided="y")]
        )
        assert await other.append([line(3.0, "c3", asked="event", decided="Waiting")])
        assert await one.append([])
        found = await written(service, container)
    today = datetime.now(UTC).date().isoformat()
    assert all(name.startswith(f"{today}/") and name.endswith("-1.jsonl") for name in found)
    assert sorted([row["subject"] for row in rows] for rows in found.values()) == [["c1", "c1", "c2"], ["c3"]]


async def test_a_log_that_cannot_be_reached_costs_no_work(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is raised; whoever wrote is told, and the app's own log says so."""
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a"
    async with BlobServiceClient.from_connection_string(nowhere, retry_total=0) as service:
        journal = BlobJournal(lambda: service, "decisions")
        assert not await journal.append([line(0.0, "c1", asked="event", decided="Waiting")])
    assert "decisions_not_written lines=1" in caplog.text


def test_a_line_says_who_asked_and_what_was_decided_in_a_word() -> None:
    """One JSON object without a line break, whatever Azure says; long messages and subjects are cut."""
    assert len(json.loads(line(0.0, "x" * 9000, asked="event", decided="400"))["subject"]) == 1000
    text = line(0.0, "c1", asked="event", by="event 7", decided="Blocked", reason="X", message="a\nb" * 1000)
    assert "\n" not in text
    row = json.loads(text)
    assert (row["v"], row["at"], row["by"], len(row["message"])) == (1, "1970-01-01T00:00:00Z", "event 7", 1000)
