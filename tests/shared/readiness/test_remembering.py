"""What a check that somebody asked for leaves for the fleet."""

import uuid
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from local.azurite import Azurite
from shared.errors import ArmError
from shared.fleet.tables import Rows
from shared.notify.events import iso
from shared.readiness.kept import ReadinessRow, Validated, Validating, verdict_of
from shared.readiness.model import Readiness, Verdict
from shared.readiness.remembering import remember

CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/web"
)
ANSWER = Readiness(CLUSTER, Verdict.READY, "r", iso(100.0), False, "OperationalStore", CLUSTER, "p", 60, None, [])
REFUSED = Validated(passed=False, at=100.0, recovery_point="p", code="UserErrorX", message="no role")
BROKEN = Validated(passed=False, at=100.0, recovery_point="p", code="CloudInternalError")


@pytest_asyncio.fixture
async def rows(azurite: Azurite) -> AsyncGenerator[Rows[ReadinessRow]]:
    """An empty table."""
    async with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        yield Rows(tables.get_table_client(f"readiness{uuid.uuid4().hex}"), ReadinessRow, 1, lambda _: {})


async def verdict(rows: Rows[ReadinessRow]) -> Verdict:
    """What is kept."""
    (row,) = [stored.value async for stored in rows.all()]
    return verdict_of(row)[0]


async def test_azures_refusal_holds_until_azure_agrees(rows: Rows[ReadinessRow]) -> None:
    """Whatever quick checks say in between."""
    await remember(rows, ANSWER, REFUSED)
    await remember(rows, ANSWER)
    assert await verdict(rows) is Verdict.NOT_READY
    await remember(rows, ANSWER, Validated(passed=True, at=200.0, recovery_point="p"))
    assert await verdict(rows) is Verdict.READY


@pytest.mark.parametrize("outcome", [BROKEN, Validating("https://arm/1", 100.0, "p"), ArmError("busy", status=503)])
async def test_what_is_no_word_of_azures_changes_nothing(
    rows: Rows[ReadinessRow], outcome: Validated | Validating | ArmError
) -> None:
    """Its own troubles, an operation that still runs, a question that couldn't be asked."""
    await remember(rows, ANSWER, REFUSED)
    await remember(rows, ANSWER, outcome)
    assert await verdict(rows) is Verdict.NOT_READY
