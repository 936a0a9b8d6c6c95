"""Which change of a cluster's state is news, and that it is told once."""

from shared.fleet.records import ClusterRow, State
from shared.notify.events import DATA, EventType
from shared.onboarding.announce import announce


def steps(*states: tuple[State, str], protected_before: bool = False) -> list[EventType]:
    """The events of a row that goes through states."""
    row = ClusterRow("/cluster", policy="gold", fingerprint="f" if protected_before else "")
    for state, reason in states:
        row.state, row.reason = state, reason
        announce(row, 0.0)
    assert len({event.id for event in row.outbox}) == len(row.outbox)
    return [event.type for event in row.outbox]


WAITING = (State.WAITING, "InstallingExtension")
PROTECTED = (State.PROTECTED, "ProtectionConfigured")
LOCKED = (State.BLOCKED, "ScopeLocked")


def test_protected_is_told_once_however_often_it_is_looked_at() -> None:
    """Waiting in between is no news."""
    assert steps(WAITING, PROTECTED, PROTECTED, WAITING, PROTECTED) == [EventType.PROTECTED]


def test_each_reason_to_be_blocked_is_told_and_so_is_the_way_out() -> None:
    """The same reason again isn't; protected after it is."""
    other = (State.BLOCKED, "RequestDisallowedByPolicy")
    assert steps(LOCKED, WAITING, LOCKED, other, PROTECTED) == [
        EventType.BLOCKED,
        EventType.BLOCKED,
        EventType.PROTECTED,
    ]


def test_protection_that_was_there_and_is_gone_is_lost() -> None:
    """Another word than for an onboarding that never came to an end; coming back is told too."""
    stopped = (State.BLOCKED, "ProtectionStopped")
    told = steps(PROTECTED, stopped, PROTECTED, protected_before=True)
    assert told == [EventType.PROTECTED, EventType.LOST, EventType.PROTECTED]


def test_what_never_was_ours_is_released_in_silence() -> None:
    """Untagged clusters are no news; a tag that goes is."""
    assert steps((State.RELEASED, "NotSelected")) == []
    assert steps(PROTECTED, (State.RELEASED, "NotSelected")) == [EventType.PROTECTED, EventType.RELEASED]


def test_a_rejected_policy_is_told_by_name() -> None:
    """Another unknown name is another fact."""
    row = ClusterRow("/cluster", state=State.REJECTED, policy="platinum")
    announce(row, 0.0)
    announce(row, 0.0)
    row.policy = "diamond"
    announce(row, 0.0)
    assert [(event.type, event.data["policy"]) for event in row.outbox] == [
        (EventType.REJECTED, "platinum"),
        (EventType.REJECTED, "diamond"),
    ]


def test_every_type_of_event_has_a_shape() -> None:
    """The catalogue is complete."""
    assert set(DATA) == set(EventType)
