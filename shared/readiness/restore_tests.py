"""Real restores: jobs that the sweep saw, and restore tests that people and runbooks have recorded.

Nothing proves better that a cluster can be restored than that it was. A job says that Azure was done; a restore test
says what whoever ran it found afterwards, so a test that names its job stands in the job's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Protocol

from msgspec import Struct, field

from shared.arm.ids import ClusterId, folded
from shared.backups.status import Restore
from shared.errors import RestoreTestDiffers, RowChanged
from shared.fleet.tables import Key, Rows

KEPT = 20
"""Restore tests kept of a cluster, the newest: a row holds 32,000 characters, and the longest test takes 1,400."""

_TRIES = 5


class Outcome(StrEnum):
    """How a restore ended."""

    SUCCESSFUL = "successful"
    PARTIAL = "partial"
    """Completed with warnings: without some of its parts. Only jobs end so; whoever records a test has to decide."""

    FAILED = "failed"
    TIMED_OUT = "timedOut"


class Source(StrEnum):
    """Who says so."""

    JOB = "restoreJob"
    TEST = "restoreTest"


class RestoreTest(Struct, frozen=True):
    """A restore as whoever ran it recorded it.

    Attributes:
        id: given by the client; recording it twice is recording it once.
        at: when the restore began, epoch seconds.
        seconds: how long it took.
        who: a person or a runbook.
        recovery_point: id of the point that was restored; "" when it wasn't said.
        target: id of the cluster that was restored to.
        job_id: the job of Azure that did it; "" when it wasn't said.
        recorded_at: when it was recorded, epoch seconds.
    """

    id: str
    outcome: Outcome
    at: float
    seconds: float
    who: str
    note: str = ""
    recovery_point: str = ""
    target: str = ""
    job_id: str = ""
    recorded_at: float = 0.0


class RecordedTests(Struct):
    """The restore tests of a cluster, the newest first."""

    cluster_id: str
    tests: list[RestoreTest] = field(default_factory=list)


class Restoration(Struct, frozen=True):
    """One restore that really happened.

    Attributes:
        at: when it began, epoch seconds.
        seconds: how long it took.
        id: of the job or of the test.
    """

    at: float
    seconds: float
    outcome: Outcome
    source: Source
    id: str


_JOBS = {
    "completed": Outcome.SUCCESSFUL,
    "completedwithwarnings": Outcome.PARTIAL,
    "failed": Outcome.FAILED,
}  # a cancelled one proves nothing


class HasRestores(Protocol):
    """The row of a backup instance, or as much of it."""

    @property
    def restores(self) -> Sequence[Restore]:
        """Its finished restore jobs."""


def restorations(statuses: Iterable[HasRestores], tests: Iterable[RestoreTest]) -> list[Restoration]:
    """All restores of a cluster that are known, each once, the newest first.

    Args:
        statuses: the rows of its backup instances.
        tests: its restore tests.
    """
    recorded = list(tests)
    told = {test.job_id.casefold() for test in recorded}
    jobs = (restore for status in statuses for restore in status.restores)
    found = [_of_job(job) for job in jobs if _name(job.job_id) not in told and job.status.casefold() in _JOBS]
    found += [Restoration(test.at, test.seconds, test.outcome, Source.TEST, test.id) for test in recorded]
    return sorted(found, key=lambda item: item.at, reverse=True)


def last_success(found: Sequence[Restoration]) -> Restoration | None:
    """The newest restore that brought everything back."""
    return next((item for item in found if item.outcome is Outcome.SUCCESSFUL), None)


def expected_seconds(found: Sequence[Restoration]) -> float | None:
    """How long a restore will take: the median of those that succeeded; None when there were none."""
    seconds = [item.seconds for item in found if item.outcome is Outcome.SUCCESSFUL]
    return median(seconds) if seconds else None


def _of_job(job: Restore) -> Restoration:
    return Restoration(job.start, job.seconds, _JOBS[job.status.casefold()], Source.JOB, _name(job.job_id))


def _name(job_id: str) -> str:
    return job_id.rpartition("/")[2].casefold()


@dataclass(frozen=True, slots=True)
class RestoreTests:
    """The table `restoretests`, one row a cluster."""

    rows: Rows[RecordedTests]

    async def of(self, cluster: ClusterId) -> list[RestoreTest]:
        """The restore tests of a cluster, the newest first."""
        return (await self.rows.read(_key(cluster), lambda: RecordedTests(str(cluster)))).value.tests

    async def all(self) -> dict[str, list[RestoreTest]]:
        """The restore tests of all clusters that have any, by lower-cased cluster id."""
        return {folded(stored.value.cluster_id): stored.value.tests async for stored in self.rows.all()}

    async def record(self, cluster: ClusterId, test: RestoreTest) -> tuple[RestoreTest, bool]:
        """Record a test; what is kept, and whether it is new.

        Raises:
            RestoreTestDiffers: another test was recorded under its id.
            RowChanged: others write this row all the time; nothing was recorded.
        """
        for last in [False] * (_TRIES - 1) + [True]:
            stored = await self.rows.read(_key(cluster), lambda: RecordedTests(str(cluster)))
            known = next((item for item in stored.value.tests if item.id == test.id), None)
            if known is not None:
                return _same(known, test), False
            stored.value.tests = sorted([*stored.value.tests, test], key=lambda item: item.at, reverse=True)[:KEPT]
            try:
                await self.rows.write(_key(cluster), stored)
            except RowChanged:
                if last:
                    raise
            else:
                return test, True
        raise AssertionError("the last try returns or raises")


def _same(known: RestoreTest, test: RestoreTest) -> RestoreTest:
    for name in RestoreTest.__struct_fields__:
        if name != "recorded_at" and getattr(known, name) != getattr(test, name):
            raise RestoreTestDiffers(f"restore test {test.id} was recorded before, with another {name}")
    return known


def _key(cluster: ClusterId) -> Key:
    return Key(cluster.subscription, cluster.key)
