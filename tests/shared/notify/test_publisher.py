"""What is sent to the topic, and what stays in the row until the topic has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from msgspec import Struct, field

from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows, Stored
from shared.notify.events import ClusterData, Event, EventType, event, iso
from shared.notify.outbox import tell
from shared.notify.publisher import LogNotifier, TopicNotifier

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
NOON = 1_800_000_000.0


class Row(Struct):
    """A row with facts that wait."""

    outbox: list[Event] = field(default_factory=list)


class Topic:
    """Takes events, or refuses from one request on."""

    def __init__(self, refuses_from: int | None = None) -> None:
        self.batches: list[list[Any]] = []
        self._refuses_from = refuses_from

    async def send(self, events: list[Any]) -> None:
        """As the SDK's client has it."""
        if self._refuses_from is not None and len(self.batches) >= self._refuses_from:
            raise ConnectionError("the topic is down")
        self.batches.append(events)

    async def publish(self, events: Sequence[Event]) -> None:
        """As a notifier has it."""
        await self.send(list(events))


class Table:
    """Takes rows; those of some keys were written by somebody else."""

    def __init__(self, *changed: str) -> None:
        self.written: list[str] = []
        self._changed = changed

    async def write(self, key: Key, stored: Stored[Row]) -> Stored[Row]:
        """As `Rows` has it."""
        if key.row in self._changed:
            raise RowChanged(key.row)
        assert stored.value.outbox == []
        self.written.append(key.row)
        return stored


def fact(number: int = 1, kind: EventType = EventType.PROTECTED, subject: str = CLUSTER) -> Event:
    """A fact about the cluster."""
    return event(kind, subject, f"fact {number}", NOON, ClusterData(subject, "gold", "Protected", "", "", ""))


def notifier(topic: Topic) -> TopicNotifier:
    """A notifier that is connected to a topic."""
    made = TopicNotifier("https://topic", "/aks-backup-autopilot/test", cast("Any", None), None)
    made._client = cast("Any", topic)
    return made


def test_a_fact_has_one_id_however_it_is_spelled() -> None:
    """Azure changes the case of ids at will; another fact, type or cluster is another id."""
    assert fact(1).id == fact(1, subject=CLUSTER.upper()).id
    others = {fact(2).id, fact(1, EventType.LOST).id, fact(1, subject=f"{CLUSTER}2").id}
    assert len(others | {fact(1).id}) == 4
    assert all(str(UUID(one)) == one for one in others)


def test_times_are_utc_to_the_second() -> None:
    """As receivers compare them."""
    assert iso(NOON + 0.9) == "2027-01-15T08:00:00Z"


async def test_events_are_cloud_events_in_batches_of_a_hundred_in_order() -> None:
    """A batch stays below the megabyte that a request may have."""
    topic, facts = Topic(), [fact(number) for number in range(201)]
    await notifier(topic).publish(facts)
    assert [len(batch) for batch in topic.batches] == [100, 100, 1]
    sent = [item for batch in topic.batches for item in batch]
    assert [item.id for item in sent] == [one.id for one in facts]
    first = sent[0]
    assert (first.source, first.type, first.subject) == ("/aks-backup-autopilot/test", facts[0].type, CLUSTER)
    assert first.time.timestamp() == NOON
    assert first.data["clusterId"] == CLUSTER


async def test_a_refused_batch_is_raised() -> None:
    """What comes after it isn't sent: everything stays in the rows and is told again."""
    topic = Topic(refuses_from=1)
    with pytest.raises(ConnectionError):
        await notifier(topic).publish([fact(number) for number in range(201)])
    assert len(topic.batches) == 1


async def test_without_a_topic_facts_stand_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """One line each, without its data."""
    with caplog.at_level("INFO", logger="autopilot"):
        await LogNotifier().publish([fact()])
    (line,) = caplog.messages
    assert line.startswith(f"event_told type={EventType.PROTECTED} cluster={CLUSTER} id=")


async def test_an_outbox_is_emptied_when_the_topic_has_taken_it() -> None:
    """Rows without facts aren't written."""
    topic, table = Topic(), Table()
    rows = [(Key("p", "full"), Stored(Row([fact(1), fact(2)]), "e")), (Key("p", "empty"), Stored(Row(), "e"))]
    assert await tell(topic, cast("Rows[Any]", table), rows) == 2
    assert table.written == ["full"]
    assert [one.id for one in topic.batches[0]] == [fact(1).id, fact(2).id]


async def test_nothing_is_emptied_when_the_topic_refuses() -> None:
    """The next run tells it, under the same ids."""
    table, row = Table(), Row([fact()])
    with pytest.raises(ConnectionError):
        await tell(Topic(refuses_from=0), cast("Rows[Any]", table), [(Key("p", "r"), Stored(row, "e"))])
    assert table.written == []
    assert row.outbox == [fact()]


async def test_a_row_that_somebody_wrote_meanwhile_does_not_stop_the_others() -> None:
    """It keeps its facts where they are; they are told again."""
    table = Table("changed")
    rows = [(Key("p", name), Stored(Row([fact()]), "e")) for name in ("changed", "mine")]
    assert await tell(Topic(), cast("Rows[Any]", table), rows) == 2
    assert table.written == ["mine"]


async def test_no_facts_are_no_request() -> None:
    """A quiet fleet doesn't reach the topic at all."""
    topic = Topic(refuses_from=0)
    assert await tell(topic, cast("Rows[Any]", Table()), [(Key("p", "r"), Stored(Row(), "e"))]) == 0


def test_each_type_of_event_stands_in_the_documents() -> None:
    """The catalogue that people read is complete."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "events.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for kind in EventType:
        assert any(line.startswith(f"| `{kind.rpartition('.')[2]}` |") for line in rows), kind
