"""What is kept about a cluster between passes: a cache and a record, never the truth.

Deleting the tables loses history and nothing else. Times named `at` are Azure's (epoch seconds); a claim's `until` is
this machine's, since claims are about passes and not about Azure.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.fleet.life import Life, Offer, Thing
from shared.notify.events import Event

VERSION = 1
"""Version of rows and messages; an unknown one means: read Azure again."""

HISTORY_LENGTH = 50


class State(StrEnum):
    """Where a cluster stands."""

    NEW = "New"
    WAITING = "Waiting"
    PROTECTED = "Protected"
    BLOCKED = "Blocked"
    REJECTED = "Rejected"
    RELEASED = "Released"
    ORPHANED = "Orphaned"


class Claim(Struct, frozen=True):
    """Who works on a row: the queue message, the run that it started, and until when (epoch seconds)."""

    message_id: str
    run: str
    until: float


class Condition(Struct, frozen=True):
    """One observation, in Kubernetes' form. `reason` is PascalCase, `last_transition` an ISO 8601 time."""

    type: str
    status: str
    severity: str
    reason: str
    message: str
    last_transition: str


class HistoryEntry(Struct, frozen=True):
    """One change of state."""

    at: str
    state: str
    reason: str


class Storage(Struct, frozen=True):
    """Where an extension keeps its backups."""

    account_id: str
    container: str


class Places(Struct, frozen=True):
    """Where everything was that protected a cluster when a pass last ended Protected.

    With these ids a readiness check asks all at once; what Azure then says counts, never they.

    Attributes:
        location: the cluster's region.
        policy: ARM id of the backup policy.
        vault: id; so are instance, group (of the snapshots), account and binding.
        container: name of the blob container.
        node_group: id of the cluster's node resource group; "" where Azure didn't name it.
    """

    location: str
    policy: str
    vault: str
    instance: str
    group: str
    account: str
    container: str
    binding: str
    node_group: str = ""


class Due(Struct, frozen=True):
    """The next look at something under way."""

    at: float
    reason: str
    message: str


class Progress(Struct):
    """What an onboarding carries from pass to pass; losing it costs repeated requests, nothing else.

    Attributes:
        fingerprint: of what is wanted; with another one, everything here is void.
        cluster: the cluster as last read, so that a pass that only looks after something needn't read it again.
        read_at: when it was read.
        met: step -> when it was observed as met.
        absent: step -> when it was observed as absent; not asked again while what it needs isn't met.
        granted: role step -> when its role assignment was made.
        operations: step -> URL of the operation under way.
        started: step -> when it was started.
        due: step -> when it is worth another look, and what it is waiting for.
        attempts: step -> failures in a row.
        unregistered: resource providers whose registration is awaited.
        retired: backup policies that the cluster's instance has left and that may have to be deleted.
        storage: storage of an extension that somebody else installed, and that is used as it is.
        admitted: kinds of work that were let in and go on, whatever caps and windows say since.
    """

    fingerprint: str = ""
    cluster: dict[str, Any] | None = None
    read_at: float = 0.0
    met: dict[str, float] = field(default_factory=dict)
    absent: dict[str, float] = field(default_factory=dict)
    granted: dict[str, float] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    due: dict[str, Due] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    unregistered: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    storage: Storage | None = None
    admitted: list[str] = field(default_factory=list)

    def want(self, fingerprint: str) -> None:
        """With something else wanted than before, what was seen before says nothing; in place, as it is shared."""
        if self.fingerprint == fingerprint:
            return
        kept = Progress(fingerprint, self.cluster, self.read_at, storage=self.storage, granted=self.granted)
        kept.retired, kept.unregistered, kept.admitted = self.retired, self.unregistered, self.admitted
        for name in self.__struct_fields__:
            setattr(self, name, getattr(kept, name))


class ClusterRow(Struct):
    """The status row of a cluster.

    Attributes:
        wake: id of the one delayed message that may still start a pass; None after a terminal outcome.
        again: somebody asked for a pass while one ran.
        who: who can act when the state is Blocked or Rejected.
        fingerprint: of the policy that the cluster was last protected with.
        places: where its backup was when it was last protected.
        announced: what was told of the cluster last, so that nothing is told twice.
        announcements: how many facts were told; part of their ids.
        outbox: events that the topic hasn't taken yet.
        owner: value of the cluster's owner tag, as last read.
        unlogged: lines that the decision log hasn't taken yet.
        steps: step -> what the last pass saw of it, for people.
        life: what is remembered of the cluster beyond an onboarding; passes alone write it.
        offer: what a person was shown that off-boarding would end.
        confirmed: what a person has confirmed of that; the next pass takes it into `life`.
        wake_due: real time at which that delayed message becomes visible; 0 without one.
        looked_at: Azure's time at which the last pass ended.
        asked: why the last pass was asked for, if it found nothing to do: the same finding is answered by that.
    """

    cluster_id: str
    version: int = VERSION
    state: State = State.NEW
    reason: str = ""
    message: str = ""
    who: str = ""
    policy: str = ""
    fingerprint: str = ""
    wake: str | None = None
    again: bool = False
    claim: Claim | None = None
    progress: Progress = field(default_factory=Progress)
    conditions: list[Condition] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    history: list[HistoryEntry] = field(default_factory=list)
    places: Places | None = None
    announced: str = ""
    announcements: int = 0
    outbox: list[Event] = field(default_factory=list)
    unlogged: list[str] = field(default_factory=list)
    owner: str = ""
    life: Life = field(default_factory=Life)
    offer: Offer | None = None
    confirmed: list[Thing] = field(default_factory=list)
    wake_due: float = 0.0
    looked_at: float = 0.0
    asked: str = ""


class GlanceLife(Struct, frozen=True, gc=False):
    """What of a cluster's life a look at the whole fleet needs."""

    identity: str = ""


class Glance(Struct, frozen=True, gc=False):
    """What of a cluster's row a look at the whole fleet needs; the rest isn't even decoded."""

    cluster_id: str
    state: State = State.NEW
    reason: str = ""
    policy: str = ""
    fingerprint: str = ""
    wake: str | None = None
    claim: Claim | None = None
    wake_due: float = 0.0
    looked_at: float = 0.0
    asked: str = ""
    life: GlanceLife = GlanceLife()
    places: Places | None = None


class RegionRow(Struct):
    """Who may write what the clusters of a region share.

    Attributes:
        holder: partition and key of the cluster's row whose pass made the claim.
        no_vault_tier: when Azure said last that the region has no vault tier for AKS; 0 for never.
    """

    version: int = VERSION
    claim: Claim | None = None
    holder: tuple[str, str] | None = None
    no_vault_tier: float = 0.0
