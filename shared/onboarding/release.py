"""The end of a cluster's protection because its tag is gone: announced at once, done later, undone when it returns.

Infrastructure code strips tags, so nothing happens at once, and nothing at all by default (`onRemoval: keep`). Whatever
is done keeps every recovery point: a suspended instance goes on expiring old ones but the newest, a stopped one keeps
all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared import logs
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.errors import ArmError
from shared.fleet.life import Life, Release
from shared.notify.events import iso
from shared.onboarding.guards import agreement
from shared.onboarding.outcomes import Blocked, Outcome, Released, Waiting, Who
from shared.onboarding.readings import protection_state
from shared.onboarding.refusal import refusal

if TYPE_CHECKING:
    from shared.arm.ids import ClusterId

LONGEST_WAKE = 6 * 86400.0
"""Seconds: a message can't be hidden for longer than 7 days; what is due later is looked at once more before."""

_ACTIONS = {
    # what the policy says: action, state at its end, word for people
    "suspend": ("suspendBackups", "BackupSchedulesSuspended", "suspended"),
    "stop": ("stopProtection", "ProtectionStopped", "stopped"),
}
_STOPPABLE = frozenset({"ProtectionConfigured", "ProtectionError"})
_CHANGING = frozenset({"ConfiguringProtection", "UpdatingProtection"})
_HALTED_WAIT = 3600.0
_USUAL = 50.0  # seconds that suspending and stopping take


class ReleaseGate(Protocol):
    """What stands between a release and what it writes."""

    async def check(self) -> None:
        """Make sure that this pass still holds its claim.

        Raises:
            ClaimLost: it doesn't.
        """

    async def stopped(self) -> Waiting | None:
        """Why nothing may be written for this cluster at all; None: it may."""

    async def remember(self) -> None:
        """Write down what is remembered of the cluster, before something is done that it explains."""

    async def expect_release(self, due: float) -> None:
        """Tell the circuit breaker when this cluster is going to be released."""

    async def forget_release(self) -> None:
        """Tell it that it isn't."""

    async def admit_release(self, now: float) -> bool:
        """Whether the circuit breaker lets this cluster be released now."""


@dataclass(frozen=True, slots=True)
class Releasing:
    """Everything that releasing one cluster takes."""

    cluster: ClusterId
    instance: str
    """Id of the backup instance that protects it; "" when there never was one."""

    life: Life
    door: Door
    gate: ReleaseGate
    grace: float
    """Seconds of Azure's time between the announcement and the act."""

    guard_requests: tuple[str, ...] = ()

    async def run(self, reason: str, message: str) -> Outcome:
        """Say where the release stands, and do what is due.

        Args:
            reason: NotSelected or Excluded.
            message: what the tag says, for people.
        """
        action, instance = self.life.on_removal, self.instance
        if not instance or action not in _ACTIONS:
            return Released(reason, f"{message}; backups that run already go on" if instance else message)
        try:
            body = await self.door.find(instance, DATA_PROTECTION_API)
            state = "" if isinstance(body, ArmError) else protection_state(body)
            return await self._advance(reason, message, state)
        except ArmError as error:
            return refusal(error, "releasing")

    async def _advance(self, reason: str, message: str, state: str) -> Outcome:
        instance = self.instance.casefold()
        word = _ACTIONS[self.life.on_removal][2]
        if state in _CHANGING:
            return Waiting(state, f"{message}; the instance is changing", _USUAL)
        if state not in _STOPPABLE:
            self.life.release = None
            ours = self.life.paused.get(instance) == state
            return Released(reason, f"{message}; backups are {word}" if ours else f"{message}; protection is {state}")
        if self.life.release is None and instance in self.life.paused:
            return Released(reason, f"{message}; somebody has resumed backups that were {word}: they go on")
        held = await self.gate.stopped()
        if held is not None:
            return Waiting(
                held.reason, f"{held.message}; {message}: backups would be {word} {self._when()}", held.again_after
            )
        return await self._when_due(self.life.release or await self._announce(reason), message)

    async def _announce(self, reason: str) -> Release:
        now = self._now()
        release = self.life.release = Release(reason, self.life.on_removal, now, now + self.grace)
        await self.gate.expect_release(release.due)
        logs.info("release_pending", cluster=self.cluster, reason=reason, action=release.action, due=iso(release.due))
        return release

    async def _when_due(self, release: Release, message: str) -> Outcome:
        now, (action, ends_in, word) = self._now(), _ACTIONS[release.action]
        if now < release.due:
            text = f"{message}; backups are going to be {word} on {iso(release.due)}, unless the tag returns"
            return Waiting("ReleasePending", text, min(release.due - now, LONGEST_WAKE))
        if not await self.gate.admit_release(now):
            text = (
                f"{message}; too many clusters would be released at once: look whether tags were stripped by mistake, "
                "then POST /api/fleet/releases to let them go"
            )
            return Blocked("ReleaseHalted", text, Who.OPERATOR, _HALTED_WAIT)
        self.life.paused[self.instance.casefold()] = ends_in
        await self.gate.remember()  # whoever finds the instance so knows by whom, even if this pass dies now
        await self.gate.check()
        await self.door.post(f"{self.instance}/{action}", DATA_PROTECTION_API, agreement(self.guard_requests))
        logs.info("release", cluster=self.cluster, action=action)
        return Waiting("Releasing", f"{message}; backups are being {word}", _USUAL)

    def _when(self) -> str:
        if self.life.release is not None:
            return f"on {iso(self.life.release.due)}"
        return f"{self.grace / 86400:.0f} days after the app has announced it"

    def _now(self) -> float:
        return self.door.clock.now().timestamp()


async def call_off(life: Life, gate: ReleaseGate) -> None:
    """The tag asks for something again: nothing is released, nor ended that was confirmed while nobody wanted it."""
    life.offboarding = []
    if life.release is not None:
        life.release = None
        await gate.forget_release()
