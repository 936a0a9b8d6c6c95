"""Which change of a cluster's readiness is news, and whose turn it is in a night."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.notify.events import EventType, iso
from shared.readiness.kept import DOUBTS, ReadinessRow, Validated, Validating, end, keep, start, verdict_of
from shared.readiness.model import Check, Readiness, Status, Verdict
from shared.readiness.rotation import NIGHT, to_check, to_validate

CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/web"
DAY = 86400.0
REFUSED = Validated(passed=False, at=50.0, recovery_point="p", code="UserErrorX", message="no role")
PASSED = Validated(passed=True, at=60.0, recovery_point="p")


def answer(verdict: Verdict, at: float = 100.0, **statuses: Status) -> Readiness:
    """What a check says, with some of its checks."""
    checks = [Check(name, status, "R", "m", decides=True) for name, status in statuses.items()]
    return Readiness(
        cluster_id=CLUSTER,
        verdict=verdict,
        reason=f"it is {verdict}",
        checked_at=iso(at),
        deep=False,
        tier="OperationalStore",
        target=CLUSTER,
        recovery_point="p",
        expected_data_loss_seconds=3600,
        expected_duration_seconds=None,
        checks=checks,
    )


def test_a_first_answer_is_news_only_when_it_is_bad() -> None:
    """A ready fleet is silent; a cluster that isn't ready is told of, with what is wrong, the worst first."""
    ready, bad = ReadinessRow(CLUSTER), ReadinessRow(CLUSTER)
    keep(ready, answer(Verdict.READY))
    assert ready.outbox == []
    keep(bad, answer(Verdict.NOT_READY, a=Status.WARN, b=Status.PASS, c=Status.FAIL))
    (event,) = bad.outbox
    assert (event.type, event.subject) == (EventType.READINESS, CLUSTER)
    assert event.data["previousVerdict"] == "Ready"
    assert (event.data["verdict"], event.data["checks"]) == ("NotReady", ["c", "a"])
    assert (event.data["reason"], event.data["validatedAt"]) == ("it is NotReady", None)


def test_the_same_verdict_is_told_once() -> None:
    """Night after night; when it changes back and forth, each change has an id of its own."""
    row = ReadinessRow(CLUSTER)
    for verdict in ("NotReady", "NotReady", "Ready", "Ready", "NotReady"):
        keep(row, answer(Verdict(verdict)))
    assert [event.data["verdict"] for event in row.outbox] == ["NotReady", "Ready", "NotReady"]
    assert len({event.id for event in row.outbox}) == 3


def test_a_doubtful_night_is_no_news_and_a_second_one_is() -> None:
    """Azure's troubles of one night are not told of a thousand clusters."""
    row = ReadinessRow(CLUSTER)
    keep(row, answer(Verdict.UNKNOWN))
    keep(row, answer(Verdict.READY))
    keep(row, answer(Verdict.UNKNOWN))
    assert row.outbox == []
    keep(row, answer(Verdict.UNKNOWN))
    assert [event.data["verdict"] for event in row.outbox] == ["Unknown"]


def test_azures_refusal_outweighs_every_check_until_azure_agrees() -> None:
    """The quick checks of later nights don't make it ready; the next validation does."""
    row = ReadinessRow(CLUSTER)
    keep(row, answer(Verdict.READY))
    start(row, Validating("https://arm/operation", 40.0, "p"))
    end(row, REFUSED, 50.0)
    keep(row, answer(Verdict.READY))
    assert verdict_of(row)[0] is Verdict.NOT_READY
    assert "UserErrorX: no role" in row.outbox[0].data["reason"]
    end(row, PASSED, 60.0)
    assert verdict_of(row) == (Verdict.READY, "it is Ready")
    assert [event.data["verdict"] for event in row.outbox] == ["NotReady", "Ready"]


def test_a_validation_whose_end_is_lost_changes_nothing() -> None:
    """It is asked again another night; what Azure said before still counts."""
    row = ReadinessRow(CLUSTER, validated=REFUSED)
    start(row, Validating("https://arm/operation", 40.0, "p"))
    end(row, None, 90.0)
    assert (row.validating, row.validated, row.outbox) == (None, REFUSED, [])


STEPS = st.one_of(st.sampled_from(Verdict), st.booleans())


@given(st.lists(STEPS, max_size=30))
def test_what_was_told_is_how_it_stands(steps: list[Verdict | bool]) -> None:
    """Over any nights: no verdict twice in a row, and the last one told is the present one, but for a fresh doubt."""
    row = ReadinessRow(CLUSTER)
    for number, step in enumerate(steps):
        if isinstance(step, Verdict):
            keep(row, answer(step))
        else:
            end(row, Validated(passed=step, at=float(number), recovery_point="p"), float(number))
    told = ["Ready", *(event.data["verdict"] for event in row.outbox)]
    assert all(one != other for one, other in pairwise(told))
    assert [event.data["previousVerdict"] for event in row.outbox] == told[:-1]
    verdict, _ = verdict_of(row)
    doubted = verdict is Verdict.UNKNOWN and row.doubts < DOUBTS
    assert row.checked is None or doubted or told[-1] == verdict


def row(name: str, asked: float = 0.0, checked: float = 0.0, validated: Validated | None = None) -> ReadinessRow:
    """A row that was checked and validated at some time."""
    made = ReadinessRow(name, asked=asked, validated=validated)
    if checked:
        keep(made, answer(Verdict.READY, checked))
    return made


def names(rows: list[ReadinessRow]) -> list[str]:
    """The clusters of rows."""
    return [item.cluster_id for item in rows]


def test_a_night_checks_each_cluster_once_the_longest_unchecked_first() -> None:
    """A later run of the same night goes on where the earlier one stopped."""
    now = 10 * DAY
    rows = [row("a", checked=now - 3600), row("b", checked=now - DAY), row("c"), row("d", checked=now - 2 * DAY)]
    assert names(to_check(rows, now)) == ["c", "d", "b"]


def test_each_cluster_is_validated_once_in_its_nights() -> None:
    """Twenty clusters, seven nights, three runs a night: everyone has had a turn, nobody two."""
    rows = [row(f"{number:02}") for number in range(20)]
    asked: list[str] = []
    for night in range(7):
        for run in range(3):
            now = 10 * DAY + night * DAY + run * 900
            for due in to_validate(rows, now, 7):
                due.asked = now
                asked.append(due.cluster_id)
    assert len(asked) == 21  # 3 a night, rounded up: the first one comes again in the last
    assert sorted(set(asked)) == names(rows)


def test_whom_azure_refused_is_asked_every_night_beside_the_others() -> None:
    """Ten refused clusters don't keep the rest of the fleet from its turn."""
    now = 10 * DAY
    refused = [row(f"r{number}", asked=now - DAY, validated=REFUSED) for number in range(10)]
    others = [row(f"o{number}", asked=now - (number + 1) * DAY, validated=PASSED) for number in range(4)]
    due = names(to_validate([*refused, *others], now, 7))
    assert due == [*names(refused), "o3", "o2"]
    assert to_validate([*refused, *others], now, 0) == []


def test_nobody_is_asked_while_azure_still_thinks() -> None:
    """What was started and isn't finished is looked at, not started again, however long ago that was."""
    waiting = row("a", asked=1.0)
    waiting.validating = Validating("https://arm/operation", 1.0, "p")
    assert to_validate([waiting], 10 * DAY, 1) == []
    assert NIGHT < DAY
