"""Which change of a cluster's state is news. Pure.

Each fact is told once: what was told last stands in the row, and a state that only passes (Waiting) is no news.
"""

from shared.fleet.records import ClusterRow, State
from shared.notify.events import ClusterData, EventType, OrphanData, RepairData, event

_LOSSES = frozenset({"ProtectionStopped", "ProtectionError", "RepairDidNotHold"})


def news(row: ClusterRow) -> tuple[EventType | None, str]:
    """The event that the row's state calls for, if any, and what is to be remembered as told."""
    told = row.announced
    match row.state:
        case State.PROTECTED:
            key, kind = "Protected", EventType.PROTECTED
        case State.WAITING if row.reason == "ReleasePending" and row.life.release is not None:
            key, kind = f"ReleasePending {row.life.release.since:.0f}", EventType.RELEASE_PENDING
        case State.BLOCKED if row.reason == "ReleaseHalted":
            return None, told  # told once for all of them
        case State.BLOCKED:
            key = f"Blocked {row.reason}"
            lost = row.reason in _LOSSES and bool(row.fingerprint)
            kind = EventType.LOST if lost else EventType.BLOCKED
        case State.REJECTED:
            key, kind = f"Rejected {row.policy}", EventType.REJECTED
        case State.RELEASED:
            key, kind = "Released", EventType.RELEASED
            if not told:
                return None, told  # it never was anything of ours
        case State.ORPHANED:
            key, kind = f"Orphaned {row.reason}", EventType.ORPHANED
        case _:
            return None, told
    return (None, told) if key == told else (kind, key)


def announce(row: ClusterRow, at: float) -> None:
    """Put the news of the row, if there is any, into its outbox.

    Args:
        row: changed in place.
        at: Azure's time, epoch seconds.
    """
    _tell_repairs(row, at)
    kind, key = news(row)
    row.announced = key
    if kind is None:
        return
    row.announcements += 1
    data = _data(row, kind)
    row.outbox.append(event(kind, row.cluster_id, f"{key} {row.announcements}", at, data))


def _data(row: ClusterRow, kind: EventType) -> ClusterData | OrphanData:
    if kind is EventType.ORPHANED:
        return OrphanData(
            cluster_id=row.cluster_id,
            policy=row.policy,
            reason=row.reason,
            message=row.message,
            backup_instance_id=row.places.instance if row.places else "",
            leftovers=row.life.leftovers,
        )
    return ClusterData(
        cluster_id=row.cluster_id,
        policy=row.policy,
        state=row.state,
        reason=row.reason,
        message=row.message,
        who_can_act=row.who,
    )


def _tell_repairs(row: ClusterRow, at: float) -> None:
    """What was put back is told when the cluster is protected again; what couldn't be is told by its own state."""
    if row.state is not State.PROTECTED or not row.life.mended:
        return
    row.announcements += 1
    data = RepairData(cluster_id=row.cluster_id, policy=row.policy, repaired=row.life.mended)
    row.outbox.append(event(EventType.REPAIRED, row.cluster_id, f"Repaired {row.announcements}", at, data))
    row.life.mended = []
