"""Restores that really happened, from jobs and from records of people and runbooks, each counted once."""

import asyncio
import uuid
from collections.abc import AsyncGenerator

import msgspec
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient
from hypothesis import given
from hypothesis import strategies as st

from local.azurite import Azurite
from shared.arm.ids import ClusterId
from shared.backups.status import BackupStatus, Restore
from shared.errors import RestoreTestDiffers
from shared.fleet.tables import Rows
from shared.readiness.restore_tests import (
    KEPT,
    Outcome,
    RecordedTests,
    RestoreTest,
    RestoreTests,
    Source,
    expected_seconds,
    last_success,
    restorations,
)

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLUSTER = ClusterId(SUBSCRIPTION, "rg", "web")
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"


def recorded(name: str, at: float = 1.0, **said: object) -> RestoreTest:
    """A restore test that succeeded in ten minutes, but for what is said."""
    values = {"outcome": Outcome.SUCCESSFUL, "seconds": 600.0, "who": "nightly"} | said
    return RestoreTest(name, at=at, **values)  # type: ignore[arg-type]  # a mapping has one type of values


def status(*jobs: Restore) -> BackupStatus:
    """The row of an instance whose sweep saw these restores."""
    return BackupStatus(f"{VAULT}/backupInstances/i", str(CLUSTER), restores=list(jobs))


def job(name: str, end: str, start: float = 1.0, seconds: float = 100.0) -> Restore:
    """A finished restore job."""
    return Restore(f"{VAULT}/backupJobs/{name}", end, start, seconds)


def test_jobs_and_tests_stand_together_the_newest_first() -> None:
    """Whatever they come from; a job's status is told in the words of tests."""
    found = restorations(
        [status(job("a", "Completed", 5.0), job("b", "CompletedWithWarnings", 9.0)), status(job("c", "Failed", 1.0))],
        [recorded("t", 7.0, outcome=Outcome.TIMED_OUT)],
    )
    assert [(item.id, item.outcome, item.source) for item in found] == [
        ("b", Outcome.PARTIAL, Source.JOB),
        ("t", Outcome.TIMED_OUT, Source.TEST),
        ("a", Outcome.SUCCESSFUL, Source.JOB),
        ("c", Outcome.FAILED, Source.JOB),
    ]


def test_a_cancelled_job_proves_nothing() -> None:
    """Neither that restores work nor that they don't."""
    assert restorations([status(job("a", "Cancelled"), job("b", "Canceled"))], []) == []


def test_a_test_stands_in_the_place_of_its_job() -> None:
    """Azure was content, whoever looked at the pods wasn't; ids have no case."""
    found = restorations([status(job("AB-1", "Completed"))], [recorded("t", job_id="ab-1", outcome=Outcome.FAILED)])
    assert [(item.id, item.outcome) for item in found] == [("t", Outcome.FAILED)]


def test_the_expected_duration_is_the_median_of_what_succeeded() -> None:
    """A restore that failed after hours says nothing about how long one takes."""
    tests = [recorded(str(seconds), seconds=seconds) for seconds in (100.0, 200.0, 900.0)]
    tests += [recorded("bad", 9.0, seconds=9000.0, outcome=Outcome.FAILED)]
    found = restorations([], tests)
    assert expected_seconds(found) == 200.0
    assert expected_seconds(restorations([], tests[-1:])) is None
    success = last_success(found)
    assert success is not None
    assert success.outcome is Outcome.SUCCESSFUL
    assert last_success(restorations([], tests[-1:])) is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=12))
def test_nothing_is_counted_twice(seen: list[tuple[str, bool]]) -> None:
    """However jobs and tests about them are mixed, a restore is there once."""
    jobs = {name for name, _ in seen}
    told = {name for name, by_person in seen if by_person}
    statuses = [status(*(job(name, "Completed") for name in sorted(jobs)))]
    found = restorations(statuses, [recorded(f"t-{name}", job_id=name) for name in sorted(told)])
    assert len(found) == len(jobs)
    assert sum(item.source is Source.TEST for item in found) == len(told)


@pytest_asyncio.fixture
async def table(azurite: Azurite) -> AsyncGenerator[TableServiceClient]:
    """Azurite's tables."""
    async with TableServiceClient.from_connection_string(azurite.connection_string) as client:
        yield client


def store(table: TableServiceClient, name: str) -> RestoreTests:
    """A store over the table of that name, as another process would make it."""
    return RestoreTests(Rows(table.get_table_client(name), RecordedTests, 1, lambda _: {}))


async def test_a_recorded_test_survives_and_is_recorded_once(azurite: Azurite, table: TableServiceClient) -> None:
    """A repeat of the request changes nothing, and gets what is kept; another process sees it."""
    name = f"tests{uuid.uuid4().hex}"
    first = recorded("run-7", note="all pods came up", recorded_at=100.0)
    assert await store(table, name).record(CLUSTER, first) == (first, True)
    again = msgspec.structs.replace(first, recorded_at=200.0)
    async with TableServiceClient.from_connection_string(azurite.connection_string) as other:
        assert await store(other, name).record(CLUSTER, again) == (first, False)
        assert await store(other, name).of(ClusterId(SUBSCRIPTION, "RG", "Web")) == [first]
        assert await store(other, name).all() == {str(CLUSTER).casefold(): [first]}


async def test_another_test_under_a_known_id_is_refused(table: TableServiceClient) -> None:
    """What was recorded doesn't change; the message says what differs."""
    tests = store(table, f"tests{uuid.uuid4().hex}")
    first = recorded("run-7")
    await tests.record(CLUSTER, first)
    with pytest.raises(RestoreTestDiffers, match=r"run-7 .* another outcome"):
        await tests.record(CLUSTER, recorded("run-7", outcome=Outcome.FAILED))
    assert await tests.of(CLUSTER) == [first]


async def test_tests_that_are_recorded_at_once_are_all_kept(table: TableServiceClient) -> None:
    """Whoever loses the race for the row takes another turn."""
    tests = store(table, f"tests{uuid.uuid4().hex}")
    await asyncio.gather(*(tests.record(CLUSTER, recorded(f"run-{at}", at=at)) for at in (3.0, 1.0, 2.0)))
    assert [test.at for test in await tests.of(CLUSTER)] == [3.0, 2.0, 1.0]


async def test_the_longest_tests_fit_into_a_row(table: TableServiceClient) -> None:
    """The newest are kept, each with as much text as a request may bring; quotes take two characters each."""
    tests = store(table, f"tests{uuid.uuid4().hex}")
    for at in range(KEPT + 2):
        test = recorded(
            f"{at:064}", float(at), who='"' * 100, note='"' * 300, target="t" * 260, recovery_point="p" * 64
        )
        await tests.record(CLUSTER, msgspec.structs.replace(test, job_id="j" * 36, recorded_at=1795644000.123456))
    assert [test.at for test in await tests.of(CLUSTER)] == [float(at) for at in range(KEPT + 1, 1, -1)]
