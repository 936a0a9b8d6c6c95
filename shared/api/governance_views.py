"""The shapes of answers about what the app may do, would do and ends. Times are ISO 8601 in UTC, null for never."""

from __future__ import annotations

from msgspec import Struct


class PlanStep(Struct, frozen=True, rename="camel"):
    """A step that a pass would start.

    Attributes:
        round: 1 for now, higher for what follows when that is there.
        reason: what was seen of it.
        looked_at: false when it stands in something that isn't there yet, so that it may turn out not to be needed.
        usual_seconds: how long it usually takes in Azure, 0 for at once.
    """

    step: str
    round: int
    reason: str
    looked_at: bool
    usual_seconds: float


class PlanCost(Struct, frozen=True, rename="camel"):
    """What the policy would cost for a cluster of the size asked about, a month of 30 days.

    Attributes:
        a_month: null without a price that is needed.
        note: what kind of number it is, or why there is none.
        quantities: the arithmetic.
    """

    a_month: float | None
    currency: str | None
    note: str
    quantities: list[str]


class PlanView(Struct, frozen=True, rename="camel"):
    """What a pass over a cluster would do.

    Attributes:
        state: how it would end; Waiting with reason Planned when it would start something.
        held_by: why it wouldn't start that at once (Paused, Observed, QuietWindow, a cap), "" for no reason.
        standing: step -> what was seen of it.
        cost: null when the policy isn't known, or is an existing one.
    """

    cluster_id: str
    policy: str
    state: str
    reason: str
    message: str
    held_by: str
    held_message: str
    steps: list[PlanStep]
    standing: dict[str, str]
    cost: PlanCost | None


class PauseView(Struct, frozen=True, rename="camel"):
    """The switch that stops all writes to Azure."""

    on: bool
    since: str | None
    by: str
    reason: str


class GovernanceView(Struct, frozen=True, rename="camel"):
    """What the app may do now.

    Attributes:
        act: auto or observe; `exceptions` has the subscriptions for which the other one holds.
        quiet_until: when the quiet window ends that holds now; null outside of one.
        caps: kind of work -> how many may begin in an hour; null for any number.
    """

    act: str
    exceptions: dict[str, str]
    pause: PauseView
    quiet_until: str | None
    caps: dict[str, int | None]


class ThingView(Struct, frozen=True, rename="camel"):
    """Something that off-boarding ends.

    Attributes:
        what: stop (the protection of an instance; its recovery points stay), delete-backups (the instance, and its
            recovery points), binding, role or extension.
    """

    what: str
    id: str


class OffboardPlan(Struct, frozen=True, rename="camel"):
    """What off-boarding a cluster would end; empty once it was confirmed.

    Attributes:
        confirmation: sent back within ten minutes, it confirms just this list.
    """

    things: list[ThingView]
    delete_backups: bool
    confirmation: str | None
    expires: str | None


class ReleasesView(Struct, frozen=True, rename="camel"):
    """How the releases of the fleet stand.

    Attributes:
        halted_since: when so many clusters would have lost their protection that none did; null while all is well.
        waiting: ids of the clusters that wait for somebody to look.
    """

    halted_since: str | None
    waiting: list[str]
