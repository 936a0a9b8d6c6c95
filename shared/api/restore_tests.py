"""Records of real restores: what a runbook or a person found, beside the restore jobs that the sweep saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from shared.api.answers import Answer
from shared.api.clusters import known
from shared.api.problems import Problem
from shared.arm.ids import ClusterId
from shared.errors import InvalidResourceId, RestoreTestDiffers, RowChanged
from shared.notify.events import iso
from shared.readiness.restore_tests import Outcome, RestoreTest, expected_seconds, restorations

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import NewRestoreTest
    from shared.services import Services

_SKEW = 300.0  # seconds by which a client's clock may be ahead of Azure's
_EARLIEST = 1_483_228_800.0  # 2017, when AKS came: no restore was before


class RestoreTestView(Struct, frozen=True, rename="camel"):
    """A restore as whoever ran it recorded it.

    Attributes:
        at: when the restore began.
        recovery_point: id of the point; empty when it wasn't said.
        target: id of the cluster that was restored to.
        job_id: of Azure's job; empty when it wasn't said.
    """

    id: str
    outcome: Outcome
    at: str
    duration_seconds: float
    who: str
    note: str
    recovery_point: str
    target: str
    job_id: str
    recorded_at: str


class RestorationView(Struct, frozen=True, rename="camel"):
    """A restore that really happened.

    Attributes:
        at: when it began.
        source: restoreJob for one that the sweep saw, restoreTest for a recorded one, which stands for its job too.
        id: of the job or of the test.
    """

    at: str
    duration_seconds: float
    outcome: Outcome
    source: str
    id: str


class RestoreTestList(Struct, frozen=True, rename="camel"):
    """A cluster's real restores, the newest first.

    Attributes:
        value: the restore tests, the newest 20.
        restorations: all that readiness goes by, jobs included.
        expected_duration_seconds: median of those that succeeded; null when there were none.
    """

    value: list[RestoreTestView]
    restorations: list[RestorationView]
    expected_duration_seconds: float | None


async def record(services: Services, asked: Asked[None, NewRestoreTest]) -> Answer:
    """Record a restore test, once for each id.

    Raises:
        Problem: 400 for a moment or a target that can't be, 404 for an unknown cluster, 409 for a known id that said
            something else, 503 when the row is written by many at once.
    """
    cluster, said = asked.cluster, asked.body
    await known(services, cluster)
    now = services.door.clock.now().timestamp()
    at = said.at.timestamp()
    if not _EARLIEST <= at <= now + _SKEW:
        raise Problem(400, "InvalidBody", f"at is {said.at}, and Azure's time is {iso(now)}: say when it began")
    test = RestoreTest(
        id=said.id,
        outcome=Outcome(said.outcome),
        at=at,
        seconds=said.duration_seconds,
        who=said.who,
        note=said.note,
        recovery_point=said.recovery_point,
        target=str(_target(said.target) if said.target else cluster),
        job_id=said.job_id.lower(),
        recorded_at=now,
    )
    try:
        kept, new = await services.restore_tests.record(cluster, test)
    except RestoreTestDiffers as error:
        raise Problem(409, "RestoreTestDiffers", f"{error}; what was recorded stays: use another id") from error
    except RowChanged as error:
        raise Problem(503, "Busy", "others record for this cluster right now", {"Retry-After": "1"}) from error
    return Answer(_view(kept), 201 if new else 200)


async def show(services: Services, asked: Asked[None, None]) -> Answer:
    """The restore tests of a cluster, and all its real restores.

    Raises:
        Problem: 404 for a cluster that was never looked at.
    """
    await known(services, asked.cluster)
    tests = await services.restore_tests.of(asked.cluster)
    statuses = [stored.value for stored in await services.store.of_cluster(asked.cluster)]
    found = restorations(statuses, tests)
    past = [RestorationView(iso(item.at), item.seconds, item.outcome, item.source, item.id) for item in found]
    return Answer(RestoreTestList([_view(test) for test in tests], past, expected_seconds(found)))


def _target(text: str) -> ClusterId:
    try:
        return ClusterId.parse(text)
    except InvalidResourceId as error:
        raise Problem(400, "InvalidBody", f"target: {error}") from error


def _view(test: RestoreTest) -> RestoreTestView:
    return RestoreTestView(
        id=test.id,
        outcome=test.outcome,
        at=iso(test.at),
        duration_seconds=test.seconds,
        who=test.who,
        note=test.note,
        recovery_point=test.recovery_point,
        target=test.target,
        job_id=test.job_id,
        recorded_at=iso(test.recorded_at),
    )
