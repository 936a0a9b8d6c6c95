"""What a cluster has lived through since it was first protected: part of its status row, and the memory of its passes.

It holds what Azure can't say: what was put back how often, what this app itself suspended, what a person asked for.
Times are Azure's, in epoch seconds; 0 means never.
"""

from msgspec import Struct, field


class Repair(Struct):
    """How often one thing was put back.

    Attributes:
        count: times, without a day in between in which it held.
        last: when it was last begun, or last seen whole.
        open: it was begun and hasn't been seen whole since.
        given_up: it didn't hold; somebody has to see to it.
    """

    count: int = 0
    last: float = 0.0
    open: bool = False
    given_up: bool = False


class Release(Struct):
    """The end of what protects a cluster, announced and not done yet.

    Attributes:
        reason: why: NotSelected or Excluded.
        action: suspend or stop, as the policy says by which it was protected.
        since: when it was first seen that nothing is wanted any more.
        due: when it is done.
    """

    reason: str
    action: str
    since: float
    due: float


class Thing(Struct, frozen=True):
    """Something that off-boarding ends.

    Attributes:
        what: stop (an instance's protection), delete-backups (the instance itself), binding, role or extension.
        id: its ARM id.
    """

    what: str
    id: str


class Offer(Struct, frozen=True):
    """A dry run's list of what would go, to be confirmed.

    Attributes:
        token: SHA-256 of the confirmation, in hex; the confirmation itself is known to who asked only.
        expires: until when it can be confirmed.
        delete_backups: the recovery points go too.
        things: what would go.
    """

    token: str
    expires: float
    delete_backups: bool
    things: list[Thing]


class Life(Struct):
    """What is remembered of a cluster for as long as it has a row.

    Attributes:
        identity: of the cluster when it was last protected; another one under the same id is another cluster.
        settled: fingerprint of what was wanted when it was last protected; what is absent after that was taken away.
        on_removal: keep, suspend or stop: what the policy says by which it was last protected.
        repairs: step -> how often its thing was put back.
        mended: what was put back since the cluster was last seen protected, to be told then.
        paused: lower-cased instance id -> the protection state that this app itself brought it to.
        release: what is going to happen because the tag is gone.
        external: ids of backup instances that others made and that protect the cluster.
        leftovers: ids of what is left of a cluster that is gone.
        adopted: its extension and storage are somebody else's.
        offboarding: what a person has confirmed, as far as it isn't done.
        offboarded: when all of that was done; 0 after the cluster was protected again.
        gone: when the cluster was first seen to be gone.
    """

    identity: str = ""
    settled: str = ""
    on_removal: str = "keep"
    repairs: dict[str, Repair] = field(default_factory=dict)
    mended: list[str] = field(default_factory=list)
    paused: dict[str, str] = field(default_factory=dict)
    release: Release | None = None
    external: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    gone: float = 0.0
    adopted: bool = False
    offboarding: list[Thing] = field(default_factory=list)
    offboarded: float = 0.0
