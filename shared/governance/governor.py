"""May this be done now? The one place that knows all the reasons why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.errors import WriteRefused
from shared.governance.caps import Caps
from shared.governance.pause import Pause
from shared.governance.quiet import quiet_until
from shared.settings import Acting, Settings

OBSERVED = "Observed"
PAUSED = "Paused"

_PAUSED_WAIT = 300.0  # Azure's seconds until a paused cluster is looked at again
_OBSERVED_WAIT = 3600.0
_SLACK = 1.0  # Azure's seconds: a turn that comes with the next second has come


class Kind(StrEnum):
    """What a pass is about to do for a cluster."""

    ONBOARDING = "onboarding"
    """It has no backup instance of ours yet."""

    ROLLOVER = "rollover"
    """It has one, with another backup policy than the wanted one."""

    REPAIR = "repair"
    """Something that was made before is missing or differs."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass is about to do.

    Attributes:
        cluster_key: hex digits that stand for the cluster.
        subscription: of the cluster.
        kind: what kind of work it is.
        begun: it was let in before, and goes on.
        installs: it writes into the cluster itself.
    """

    cluster_key: str
    subscription: str
    kind: Kind
    begun: bool
    installs: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is started now, and in how many of Azure's seconds to ask again."""

    reason: str
    message: str
    again_after: float


_CAPS = {
    Kind.ONBOARDING: ("OnboardingCapReached", "AUTOPILOT_MAX_ONBOARDINGS_PER_HOUR", "onboardings"),
    Kind.ROLLOVER: ("RolloverCapReached", "AUTOPILOT_MAX_ROLLOVERS_PER_HOUR", "policy rollovers"),
}


class Governor:
    """Knows the settings, the pause and the caps."""

    def __init__(self, settings: Settings, pause: Pause, caps: Caps) -> None:
        self.pause = pause
        self._settings = settings
        self._caps = caps
        self._limits = {Kind.ONBOARDING: settings.max_onboardings, Kind.ROLLOVER: settings.max_rollovers}

    @property
    def asks_for_work(self) -> bool:
        """Whether the kind of work matters; finding out what kind it is may cost a request."""
        return bool(self._settings.quiet_windows) or any(self._limits.values())

    async def stopped(self, subscription: str) -> Hold | None:
        """Why nothing at all may be written for clusters of a subscription; None: it may."""
        state = await self.pause.state()
        if state.on:
            since = f" since {_spoken(state.since)}" if state.since else ""
            message = f"paused by {state.by}{since}: {state.reason or 'no reason given'}"
            return Hold(PAUSED, message, _PAUSED_WAIT)
        if self._settings.act.of(subscription) is Acting.OBSERVE:
            message = f"AUTOPILOT_ACT is observe for subscription {subscription}"
            return Hold(OBSERVED, message, _OBSERVED_WAIT)
        return None

    async def refusal(self, subscription: str) -> WriteRefused | None:
        """The same for the door to Azure."""
        hold = await self.stopped(subscription)
        return WriteRefused(hold.reason, hold.message) if hold else None

    async def hold(self, work: Work, now: float, *, take: bool = True) -> Hold | None:
        """Why a piece of work must wait, at Azure's time `now`; None: it may be started.

        Where there is a cap, the answer takes a turn, unless it is only asked (`take` False).
        """
        until = quiet_until(self._settings.quiet_windows, now) if self._settings.quiet_windows else None
        begins = work.kind is not Kind.REPAIR and not work.begun
        if until is not None and (begins or work.installs):
            message = f"nothing is installed before {_spoken(until)} (AUTOPILOT_QUIET_WINDOWS)"
            return Hold("QuietWindow", message, until - now)
        cap = self._limits.get(work.kind)
        if cap is None or not begins:
            return None
        turn = await self._caps.turn(work.kind, work.cluster_key, cap, now, take=take)
        if turn - now <= _SLACK:
            return None
        reason, setting, what = _CAPS[work.kind]
        message = f"{cap} {what} an hour are allowed ({setting}); this cluster's turn is at {_spoken(turn)}"
        return Hold(reason, message, turn - now)


def _spoken(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
