"""One pass at a time, one chain of messages: the decisions."""

import json
import time

import pytest

from shared.arm.ids import ClusterId
from shared.errors import InvalidMessage
from shared.fleet.claims import Verdict, judge
from shared.fleet.messages import Message, decode
from shared.fleet.records import Claim, ClusterRow

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLUSTER = ClusterId.parse(
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
)
NOW = time.time()
HINT = Message(CLUSTER, "event")
CURRENT = Message(CLUSTER, "wake", "current")
OLD = Message(CLUSTER, "wake", "old")
OTHERS = Claim("other-message", "run", NOW + 100)
OWN = Claim("this-message", "run", NOW + 100)
ENDED = Claim("other-message", "run", NOW - 1)


@pytest.mark.parametrize(
    ("claim", "message", "exists", "verdict"),
    [
        (None, HINT, True, Verdict.TAKE),
        (None, CURRENT, True, Verdict.TAKE),
        (None, OLD, True, Verdict.STALE),
        (None, OLD, False, Verdict.TAKE),
        (OTHERS, HINT, True, Verdict.LATER),
        (OTHERS, OLD, True, Verdict.LATER),
        (ENDED, HINT, True, Verdict.TAKE),
        (ENDED, OLD, True, Verdict.STALE),
        (OWN, CURRENT, True, Verdict.TAKE),
        (OWN, HINT, True, Verdict.TAKE),
    ],
)
def test_a_message_takes_waits_or_is_stale(
    claim: Claim | None, message: Message, *, exists: bool, verdict: Verdict
) -> None:
    """A live claim of others makes it wait, a replaced wake is stale, a redelivery takes over its own claim."""
    row = ClusterRow(str(CLUSTER), wake="current", claim=claim)
    assert judge(row, exists=exists, message=message, message_id="this-message", now=NOW) is verdict


def test_a_terminal_row_still_takes_hints_and_no_wake() -> None:
    """After the end of a chain, only hints start another one."""
    row = ClusterRow(str(CLUSTER), wake=None)
    assert judge(row, exists=True, message=HINT, message_id="m", now=NOW) is Verdict.TAKE
    assert judge(row, exists=True, message=CURRENT, message_id="m", now=NOW) is Verdict.STALE


def test_a_message_survives_its_encoding() -> None:
    """What is sent is what is read."""
    for message in (HINT, CURRENT):
        assert decode(message.encode(), {SUBSCRIPTION}) == message


def test_another_version_is_a_hint() -> None:
    """A wake of a version that isn't known means nothing here; the cluster is looked at all the same."""
    body = json.dumps({"v": 99, "cluster_id": str(CLUSTER), "reason": "r", "wake": "w"}).encode()
    assert decode(body, {SUBSCRIPTION}).wake is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b'{"cluster_id": 7}', b"\xff"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    """Whatever stands in the queue, the error says what was wrong with it."""
    with pytest.raises(InvalidMessage):
        decode(body, {SUBSCRIPTION})


def test_a_foreign_subscription_is_refused() -> None:
    """A message for a cluster outside the allowed subscriptions never gets to Azure."""
    with pytest.raises(InvalidMessage, match="AUTOPILOT_SUBSCRIPTIONS"):
        decode(HINT.encode(), {"another"})
