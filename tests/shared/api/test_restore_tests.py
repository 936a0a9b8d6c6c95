"""Restore tests as requests: recorded once, kept in the table, refused when they make no sense."""

import json
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from local.azurite import Azurite
from shared.api.answers import answer
from shared.api.asking import Incoming
from shared.api.openapi import document
from shared.api.table import ENDPOINTS
from shared.arm.clock import AzureClock
from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus, Restore
from shared.fleet.records import ClusterRow
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.governance.journal import NoJournal
from shared.readiness.restore_tests import RecordedTests, RestoreTests
from shared.services import Services
from shared.settings import Auth

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLUSTER = ClusterId(SUBSCRIPTION, "rg", "web")
ROUTE = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "clusterName": "web"}
NAMED = {endpoint.name: endpoint for endpoint in ENDPOINTS}
JOB = "2f0d7a4e-1c55-4c3b-8f0e-5b6a3d1c9e77"
GOOD = {
    "id": "nightly-7",
    "outcome": "successful",
    "at": "2026-01-31T08:00:00Z",
    "durationSeconds": 754.5,
    "who": "runbook restore-drill",
}


@dataclass(frozen=True)
class Statuses:
    """Stands for the rows of the sweep: one instance whose restore job was seen."""

    async def of_cluster(self, cluster: ClusterId) -> list[Stored[BackupStatus]]:
        seen = Restore(f"/vault/backupJobs/{JOB}", "Completed", 1769760000.0, 300.0)
        return [Stored(BackupStatus("i", str(cluster), restores=[seen]), "etag")]


@dataclass(frozen=True)
class App:
    """The endpoints over tables of their own."""

    services: Services

    async def ask(self, name: str, body: Any = None, **route: str) -> tuple[int, Any]:
        """One request: status and body."""
        data = b"" if body is None else json.dumps(body).encode()
        said = await answer(NAMED[name], Incoming({**ROUTE, **route}, {}, {}, data), self.services)
        return said.status, json.loads(said.body)


@pytest_asyncio.fixture
async def app(azurite: Azurite) -> AsyncGenerator[App]:
    """An app that knows one cluster."""
    async with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        name = uuid.uuid4().hex
        clusters = Rows(tables.get_table_client(f"clusters{name}"), ClusterRow, 1, lambda _: {})
        await clusters.write(Key(CLUSTER.subscription, CLUSTER.key), Stored(ClusterRow(str(CLUSTER)), None))
        tests = RestoreTests(Rows(tables.get_table_client(f"tests{name}"), RecordedTests, 1, lambda _: {}))
        made = SimpleNamespace(
            settings=SimpleNamespace(auth=Auth.KEYS),
            journal=NoJournal(),
            scope=Scope(cast("Any", None), frozenset({SUBSCRIPTION}), ()),
            clusters=clusters,
            store=Statuses(),
            restore_tests=tests,
            door=SimpleNamespace(clock=AzureClock()),
        )
        yield App(cast("Services", made))


def keeps(name: str, body: Any) -> bool:
    """Whether a body has the published shape."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    jsonschema.validate(body, schema)
    return True


async def test_a_test_is_recorded_once_and_listed_beside_the_jobs(app: App) -> None:
    """201, then 200 for the same; the list has it, and the job that the sweep saw."""
    status, recorded = await app.ask("record_restore_test", GOOD)
    assert status == 201
    assert keeps("RestoreTestView", recorded)
    assert (recorded["target"], recorded["durationSeconds"]) == (str(CLUSTER), 754.5)
    assert await app.ask("record_restore_test", GOOD) == (200, recorded)
    status, listed = await app.ask("restore_tests")
    assert status == 200
    assert keeps("RestoreTestList", listed)
    assert listed["value"] == [recorded]
    assert [item["source"] for item in listed["restorations"]] == ["restoreTest", "restoreJob"]
    assert listed["expectedDurationSeconds"] == (754.5 + 300) / 2


async def test_a_test_of_a_job_counts_in_its_place(app: App) -> None:
    """The restore job went through, and the application didn't come up."""
    said = GOOD | {"outcome": "failed", "jobId": JOB.upper(), "note": "database empty"}
    assert (await app.ask("record_restore_test", said))[0] == 201
    _, listed = await app.ask("restore_tests")
    assert [(item["source"], item["outcome"]) for item in listed["restorations"]] == [("restoreTest", "failed")]
    assert listed["expectedDurationSeconds"] is None


async def test_what_was_recorded_does_not_change(app: App) -> None:
    """409 says what differs, and the first record stays."""
    await app.ask("record_restore_test", GOOD)
    status, problem = await app.ask("record_restore_test", GOOD | {"outcome": "timedOut"})
    assert (status, problem["reason"]) == (409, "RestoreTestDiffers")
    assert "another outcome" in problem["detail"]
    _, listed = await app.ask("restore_tests")
    assert [item["outcome"] for item in listed["value"]] == ["successful"]


async def test_an_unknown_cluster_has_no_tests(app: App) -> None:
    """Neither to read nor to record."""
    assert (await app.ask("restore_tests", clusterName="other"))[0] == 404
    assert (await app.ask("record_restore_test", GOOD, clusterName="other"))[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": "a" * 65},
        {"id": "../x"},
        {"id": "x\n"},
        {"outcome": "Successful"},
        {"outcome": "partial"},
        {"at": "2026-01-31T08:00:00"},
        {"at": "yesterday"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"durationSeconds": -1},
        {"durationSeconds": 1e12},
        {"durationSeconds": "600"},
        {"who": ""},
        {"who": "a\u0000b"},
        {"who": "x" * 101},
        {"note": "line\nline"},
        {"note": "x" * 301},
        {"recoveryPoint": "../../x"},
        {"target": "web"},
        {"target": f"{CLUSTER}/../other"},
        {"jobId": "1"},
        {"force": True},
    ],
)
async def test_what_makes_no_sense_is_refused(app: App, wrong: dict[str, Any]) -> None:
    """400 with a reason, and nothing is recorded."""
    status, problem = await app.ask("record_restore_test", GOOD | wrong)
    assert (status, problem["reason"]) == (400, "InvalidBody")
    assert (await app.ask("restore_tests"))[1]["value"] == []


@pytest.mark.parametrize("missing", sorted(GOOD))
async def test_what_a_record_needs_cannot_be_left_out(app: App, missing: str) -> None:
    """Who, when, how long, how it went, and the id."""
    status, problem = await app.ask("record_restore_test", {name: GOOD[name] for name in GOOD if name != missing})
    assert (status, problem["reason"]) == (400, "InvalidBody")
    assert missing in problem["detail"]
