"""The restore request that a check's facts lead to: pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import ArmError
from shared.readiness.answers import region
from shared.readiness.ask import OPERATIONAL
from shared.readiness.facts import Facts, absent
from shared.readiness.request import RestoreRequest


@dataclass(frozen=True, slots=True)
class Undrafted:
    """Why there is no request. `known` tells what isn't there from what couldn't be read."""

    reason: str
    message: str
    known: bool


def draft(
    facts: Facts, namespaces: tuple[str, ...] = (), mappings: tuple[tuple[str, str], ...] = ()
) -> RestoreRequest | Undrafted:
    """Write the request for what the check was asked about.

    Raises:
        InvalidRestoreRequest: namespaces, mappings or the staging location can't be used in one.
    """
    instance, point, side = facts.instance, facts.point, facts.restored_to
    for what, fact in (("the backup instance", instance), ("the recovery point", point), (f"{side.id}", side.cluster)):
        if isinstance(fact, ArmError) and not absent(fact):
            return Undrafted(fact.code or "NotRead", f"{what} couldn't be read: {fact.message}", known=False)
    if instance is None or isinstance(instance, ArmError):
        return Undrafted("NotProtected", "no backup instance protects the cluster", known=True)
    if point is None or isinstance(point, ArmError):
        named = f"the recovery point {facts.ask.recovery_point}" if facts.ask.recovery_point else "a recovery point"
        return Undrafted("NoRecoveryPoint", f"{named} isn't there in the {facts.ask.tier}", known=True)
    if isinstance(side.cluster, ArmError):
        return Undrafted("ClusterMissing", f"{side.id} doesn't exist; name a target to restore to", known=True)
    vault = facts.vault
    home = region(facts.places.location or ("" if isinstance(vault, ArmError) else vault.location))
    where = region(side.cluster.location)
    if facts.ask.tier == OPERATIONAL and home not in {"", where}:
        return Undrafted("OtherRegion", f"the snapshots are in {home}, {side.id.name} is in {where}", known=True)
    return RestoreRequest(
        instance=instance.id,
        point=point.id,
        target=side.id,
        location=where,
        tier=facts.ask.tier,
        namespaces=namespaces,
        mappings=mappings,
        staging_group=facts.ask.staging_group or "",
        staging_account=facts.ask.staging_account or "",
        home=home,
    )
