"""A message in, a pass, a status row out: one pass at a time over a cluster, and one chain of delayed messages.

The rules, in the order of what can go wrong: a claim is taken by a conditional write; the delayed message is sent
before the row that names it is written, so a crash in between leaves the old wake valid; a message is deleted by
success only, so whatever raises here comes again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from uuid import uuid4

from azure.core.exceptions import AzureError

from shared import logs
from shared.arm.clock import AzureClock
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.arm.requests import recording
from shared.catalog.model import Catalog
from shared.errors import ClaimLost, RowChanged
from shared.fleet.claims import CLAIM_SECONDS, PASS_SECONDS, Verdict, judge
from shared.fleet.messages import ASKED, Message
from shared.fleet.queues import Sender
from shared.fleet.records import HISTORY_LENGTH, Claim, ClusterRow, Condition, HistoryEntry, RegionRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key, Rows, Stored
from shared.governance.governor import Governor
from shared.governance.journal import Journal
from shared.notify.outbox import tell
from shared.notify.publisher import Notifier
from shared.onboarding.announce import announce
from shared.onboarding.breaker import Breaker
from shared.onboarding.decided import UNLOGGED, broken_off, decided
from shared.onboarding.drift import forgive
from shared.onboarding.holder import Holder
from shared.onboarding.outcomes import Blocked, Orphaned, Outcome, Protected, Rejected, Released, Waiting
from shared.onboarding.run import Pass
from shared.settings import Settings

_STATES: dict[type[Outcome], tuple[State, str, str]] = {
    # outcome -> state, status and severity of the condition Protected
    Protected: (State.PROTECTED, "True", "Info"),
    Waiting: (State.WAITING, "False", "Info"),
    Blocked: (State.BLOCKED, "False", "Error"),
    Rejected: (State.REJECTED, "False", "Error"),
    Released: (State.RELEASED, "False", "Info"),
    Orphaned: (State.ORPHANED, "False", "Warning"),
}
_SOON = 1.0  # real seconds
_RACES = 50  # for one row, before the message is left to come again
_TIMED_OUT_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Everything that working on a message takes."""

    settings: Settings
    scope: Scope
    catalog: Catalog
    door: Door
    clusters: Rows[ClusterRow]
    regions: Rows[RegionRow]
    sender: Sender
    notifier: Notifier
    governor: Governor
    breaker: Breaker
    journal: Journal
    on_protected: Callable[[str, ClusterId, str, float], Awaitable[None]]
    """Called with instance id, cluster, policy and Azure's time when a cluster has become protected."""

    jitter: random.Random = field(default_factory=random.SystemRandom)
    """Spreads what is tried again."""

    async def handle(self, message: Message, message_id: str) -> None:
        """Work on one message.

        Raises:
            Exception: anything unforeseen; the queue delivers the message again.
        """
        key = Key(message.cluster.subscription, message.cluster.key)
        taken = await self._take(key, message, message_id)
        if taken is None:
            return
        holder = Holder(key, taken, message.cluster, self)
        requests, finished = recording(), False
        try:
            # the region first: a crash after the row's last write would leave its claim behind with nobody to take it
            # over, since the message that comes back then finds another wake in the row
            try:
                outcome, work = await self._pass(message, holder)
            finally:
                await holder.leave_region()
            line = decided(message, outcome, work, requests, self._now())
            holder.row.unlogged = await self._logged(holder.row, line)
            finished = True
            await self._finish(message, holder, outcome, work)
        except ClaimLost as lost:
            logs.warning("claim_lost", cluster=message.cluster, reason=lost)
        finally:
            if not finished and requests:
                await self.journal.append([broken_off(message, requests, self._now())])

    async def _logged(self, row: ClusterRow, new: str) -> list[str]:
        """Write a decision, and those that the row still has; what the log doesn't take the row keeps."""
        lines = [*row.unlogged, new]
        if await self.journal.append(lines):
            return []
        for lost in lines[:-UNLOGGED]:
            logs.warning("decision_not_logged", line=lost)
        return lines[-UNLOGGED:]

    def _now(self) -> float:
        """Azure's time."""
        return self.door.clock.now().timestamp()

    async def _take(self, key: Key, message: Message, message_id: str) -> Stored[ClusterRow] | None:
        """Claim the row; None when the message has done its part without a pass."""
        for _ in range(_RACES):
            stored = await self.clusters.read(key, lambda: ClusterRow(str(message.cluster)))
            row, now = stored.value, time.time()
            verdict = judge(row, exists=stored.etag is not None, message=message, message_id=message_id, now=now)
            logs.info("message", cluster=message.cluster, reason=message.reason, verdict=verdict)
            if verdict is Verdict.STALE:
                return None
            if verdict is Verdict.LATER:
                row.again = True
            else:
                row.claim = Claim(message_id, uuid4().hex, now + CLAIM_SECONDS)
                row.again = False
            try:
                stored = await self.clusters.write(key, stored)
            except RowChanged:
                continue  # the race is lost: what is there now decides
            return stored if verdict is Verdict.TAKE else None
        raise RowChanged(f"lost {_RACES} races for the row of {message.cluster}")

    async def _pass(self, message: Message, holder: Holder) -> tuple[Outcome, Pass]:
        row = holder.row
        if message.reason.startswith(ASKED):
            forgive(row.life)
        if row.confirmed:
            row.life.offboarding, row.confirmed = row.confirmed, []
        work = Pass(
            cluster_id=message.cluster,
            progress=holder.row.progress,
            door=self.door,
            catalog=self.catalog,
            settings=self.settings,
            scope=self.scope,
            gate=holder,
            fresh=message.wake is None,
            jitter=self.jitter,
            life=holder.row.life,
            known=holder.row.places,
        )
        try:
            async with asyncio.timeout(PASS_SECONDS):
                return await work.run(), work
        except TimeoutError:
            return Waiting("PassTimedOut", f"the pass took over {PASS_SECONDS:.0f} s", _TIMED_OUT_WAIT), work

    async def _finish(self, message: Message, holder: Holder, outcome: Outcome, work: Pass) -> None:
        """Send the delayed message first, then write the row that names it."""
        wake, unlogged = await self.send_wake(message, outcome), holder.row.unlogged
        stored = holder.stored
        for _ in range(_RACES):
            row = stored.value
            if row.claim is None or row.claim.run != holder.run:
                raise ClaimLost("the row was taken over before its end")
            if row.again:
                wake = await self._send_wake(message, _SOON)
            _record(row, outcome, work, self.door.clock)
            row.asked = "" if message.wake or work.started else message.reason
            row.wake, row.claim, row.again, row.unlogged = wake, None, False, unlogged
            row.wake_due = max(self.due(outcome), time.time() + _SOON) if wake else 0.0
            try:
                stored = await self.clusters.write(holder.key, stored)
            except RowChanged:
                stored = await self.clusters.read(holder.key, lambda: ClusterRow(str(message.cluster)))
                continue
            if isinstance(outcome, Protected) and work.instance:
                now = self.door.clock.now().timestamp()
                await self.on_protected(work.instance, message.cluster, work.policy, now)
            await self._tell(holder.key, stored)
            return
        raise RowChanged(f"lost {_RACES} races for the row of {message.cluster}")

    async def _tell(self, key: Key, stored: Stored[ClusterRow]) -> None:
        """Send the row's news; what the topic doesn't take now, the next sweep sends."""
        try:
            await tell(self.notifier, self.clusters, [(key, stored)])
        except AzureError as error:
            logs.warning("not_told", cluster=stored.value.cluster_id, fault=error)

    async def send_wake(self, message: Message, outcome: Outcome) -> str | None:
        """Send the delayed message that an outcome asks for; its wake, or None after a terminal outcome."""
        delay = self._delay(outcome)
        return None if delay is None else await self._send_wake(message, delay)

    def due(self, outcome: Outcome) -> float:
        """Real time at which the delayed message of an outcome becomes visible; 0 after a terminal one."""
        delay = self._delay(outcome)
        return 0.0 if delay is None else time.time() + delay

    async def _send_wake(self, message: Message, delay: float) -> str:
        wake = uuid4().hex
        await self.sender.send(Message(message.cluster, "wake", wake, message.by), delay)
        return wake

    def _delay(self, outcome: Outcome) -> float | None:
        """Real seconds until the next pass; None after a terminal outcome."""
        if isinstance(outcome, Waiting):
            return max(_SOON, outcome.again_after * self.settings.wait_scale, outcome.retry_after)
        if isinstance(outcome, Blocked | Released) and outcome.again_after is not None:
            return max(_SOON, outcome.again_after * self.settings.wait_scale)
        return None


def _record(row: ClusterRow, outcome: Outcome, work: Pass, clock: AzureClock) -> None:
    """Write the outcome into the row: state, condition, history, and what the steps looked like."""
    state, status, severity = _STATES[type(outcome)]
    at = clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if (row.state, row.reason) != (state, outcome.reason):
        row.history = [*row.history, HistoryEntry(at, state, outcome.reason)][-HISTORY_LENGTH:]
        logs.info("state", cluster=row.cluster_id, state=state, reason=outcome.reason, policy=work.policy or None)
    unchanged = row.conditions and row.conditions[0].status == status
    since = row.conditions[0].last_transition if unchanged else at
    row.conditions = [Condition("Protected", status, severity, outcome.reason, outcome.message, since)]
    row.state, row.reason, row.message = state, outcome.reason, outcome.message
    row.who = outcome.who if isinstance(outcome, Blocked) else ("cluster owner" if state is State.REJECTED else "")
    row.policy = row.policy if isinstance(outcome, Orphaned) else work.policy
    row.fingerprint = work.fingerprint if state is State.PROTECTED else row.fingerprint
    row.places = work.places if state is State.PROTECTED else row.places
    row.owner = row.owner if work.owner is None else work.owner
    row.progress, row.life = work.progress, work.life
    row.looked_at = clock.now().timestamp()
    announce(row, clock.now().timestamp())
    row.steps = work.described or row.steps
