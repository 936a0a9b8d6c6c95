"""Resource Guards: the requests by which a call shows that somebody else may have a say in it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.arm.answers import Json
from shared.arm.ids import name_of
from shared.catalog.model import Catalog
from shared.fleet.records import Places


def guard_requests(guards: Mapping[str, tuple[str, ...]], profile: str, location: str) -> tuple[str, ...]:
    """The requests that the settings name for a vault: by its profile, by its region, or for all (`*`)."""
    keys = dict.fromkeys((profile, location, "*"))
    return tuple(dict.fromkeys(request for key in keys for request in guards.get(key, ())))


def requests_of(guards: Mapping[str, tuple[str, ...]], known: Places | None, catalog: Catalog) -> tuple[str, ...]:
    """The same for the vault that protected a cluster last; its policy's ARM name begins with the catalog's."""
    if known is None or not guards:
        return ()
    policy = catalog.policies.get(name_of(known.policy).rpartition("-")[0])
    return guard_requests(guards, policy.vault_profile if policy else "", known.location)


def agreement(requests: tuple[str, ...]) -> Json | None:
    """The body of a call that a guard may protect; None where no guard is known."""
    return {"resourceGuardOperationRequests": list(requests)} if requests else None
