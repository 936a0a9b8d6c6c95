"""Protection that others made: found, judged and watched, never changed.

The CLI, Azure Policy and Terraform make backup instances under any name and in any vault, and a cluster may have
several. One that works serves as well as ours would; the sweep counts its jobs like those of any other.
"""

from collections.abc import Iterable, Sequence

from shared.arm.ids import name_of, same_id
from shared.errors import ArmError
from shared.fleet.records import Storage
from shared.onboarding.desired import Desired
from shared.onboarding.outcomes import Blocked, Outcome, Protected, Waiting, Who
from shared.onboarding.readings import Instance
from shared.onboarding.steps.extension import our_extension, storage_of
from shared.onboarding.world import World

_SERVES = frozenset({"ProtectionConfigured"})
_CHANGING = frozenset({"ConfiguringProtection", "UpdatingProtection"})
_USUAL = 60.0  # seconds that configuring protection takes


def others(instances: Iterable[Instance], ours: str) -> list[Instance]:
    """The instances that this app didn't make: ours has its computed name, in whichever vault of ours it is."""
    return [item for item in instances if not ours or name_of(item.id).casefold() != name_of(ours).casefold()]


def serving(instances: Iterable[Instance]) -> list[Instance]:
    """Those that protect the cluster, or are about to."""
    return [item for item in instances if item.state in _SERVES | _CHANGING]


def judge(instances: Sequence[Instance], *, asked: str) -> Outcome:
    """Where a cluster stands that others protect.

    Args:
        instances: all backup instances of the cluster that count as somebody else's.
        asked: what the tag says, for people.
    """
    good = [item for item in instances if item.state in _SERVES]
    if good:
        names = ", ".join(item.id for item in good)
        return Protected("ExternallyProtected", f"protected by others, and watched only: {names}")
    changing = [item for item in instances if item.state in _CHANGING]
    if changing:
        return Waiting(changing[0].state, f"somebody else's instance {changing[0].id} is being configured", _USUAL)
    if instances:
        states = ", ".join(f"{item.id} is {item.state}" for item in instances)
        return Blocked("ExternalProtectionBroken", f"{asked}, but {states}", Who.CLUSTER_OWNER)
    return Blocked("ExternalProtectionMissing", f"{asked}, but no backup instance is there", Who.CLUSTER_OWNER)


async def storage(world: World) -> Storage | None:
    """The storage of a backup extension that somebody else installed, if it can serve."""
    try:
        extension = await our_extension(world)
    except ArmError:
        return None  # the extension's step meets the same answer and deals with it
    found = storage_of(extension.settings) if extension else None
    if found is None:
        return None
    wanted = _is_ours(world.desired, found)
    same_subscription = found.account_id.casefold().startswith(
        f"/subscriptions/{world.cluster.id.subscription}/".casefold()
    )
    return found if same_subscription and not wanted else None


def _is_ours(desired: Desired, storage: Storage) -> bool:
    """Whether an extension's storage is the one that this app would have given it."""
    same = same_id(storage.account_id, desired.account) and storage.container == desired.container
    return same and not desired.adopted
