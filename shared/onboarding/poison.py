"""What becomes of a message that failed too often: a status row that says so, or a row of its own."""

from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from shared import logs
from shared.errors import InvalidMessage, RowChanged
from shared.fleet.messages import Message
from shared.fleet.records import HISTORY_LENGTH, ClusterRow, Condition, HistoryEntry, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows
from shared.governance.decisions import line
from shared.onboarding.outcomes import Blocked, Who
from shared.onboarding.reconcile import Reconciler

_REASON = "PoisonedMessage"
_RACES = 50
_KEPT = 4000  # characters of a body that can't be read


class DeadLetter(Struct):
    """A queue message that nobody could read: its first characters and what was wrong."""

    body: str
    fault: str


async def record_unreadable(deadletters: Rows[DeadLetter], body: bytes, fault: InvalidMessage) -> None:
    """Keep a message that can't be read; the same body is kept once."""
    key = Key("message", sha256(body).hexdigest())
    letter = DeadLetter(body.decode("utf-8", "replace")[:_KEPT], str(fault))
    stored = await deadletters.read(key, lambda: letter)
    if stored.etag is None:
        try:
            await deadletters.write(key, stored)
        except RowChanged:
            logs.info("deadletter_there", key=key.row)
    logs.warning("unreadable_message", fault=fault, key=key.row)


async def record_poisoned(
    reconciler: Reconciler, scope: Scope, deadletters: Rows[DeadLetter], body: bytes, message_id: str
) -> None:
    """Say in the cluster's row that a message failed too often; it is looked at again seldom, and hints start a pass.

    Five deaths of the host on one message poison it as well, so nobody may have to come and mend anything.

    Args:
        reconciler: whose message it was.
        scope: which subscriptions are allowed.
        deadletters: where unreadable messages go.
        body: the message.
        message_id: Queue Storage's id of the poisoned copy.
    """
    try:
        message = await scope.message(body)
    except InvalidMessage as fault:
        await record_unreadable(deadletters, body, fault)
        return
    text = f"a message ({message.reason}) failed too often; the log has its errors"
    # as at the end of a pass: the delayed message first, then the row that names it
    outcome = Blocked(_REASON, text, Who.OPERATOR)
    wake, due = await reconciler.send_wake(message, outcome), reconciler.due(outcome)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for _ in range(_RACES):
        if await _record(reconciler.clusters, message, text, at, (wake, due)):
            break
    else:
        raise RowChanged(f"lost {_RACES} races for the row of {message.cluster}")
    decision = line(
        datetime.now(UTC).timestamp(),
        str(message.cluster),
        asked=message.reason,
        by=message.by,
        decided=State.BLOCKED.value,
        reason=_REASON,
        message=text,
    )
    if not await reconciler.journal.append([decision]):
        logs.warning("decision_not_logged", line=decision)
    logs.warning("poisoned_message", cluster=message.cluster, message_id=message_id)


async def _record(
    clusters: Rows[ClusterRow], message: Message, text: str, at: str, wake: tuple[str | None, float]
) -> bool:
    key = Key(message.cluster.subscription, message.cluster.key)
    stored = await clusters.read(key, lambda: ClusterRow(str(message.cluster)))
    row = stored.value
    row.state, row.reason, row.message, row.who = State.BLOCKED, _REASON, text, Who.OPERATOR
    row.conditions = [Condition("Protected", "Unknown", "Error", _REASON, text, at)]
    row.history = [*row.history, HistoryEntry(at, State.BLOCKED, _REASON)][-HISTORY_LENGTH:]
    row.claim, row.again = None, False
    row.wake, row.wake_due = wake
    try:
        await clusters.write(key, stored)
    except RowChanged:
        return False
    return True
