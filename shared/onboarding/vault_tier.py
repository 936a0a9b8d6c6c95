"""Where there is no vault tier, and what a policy with one becomes there. Pure.

Whatever region the list leaves out is learned from Azure's refusal, and remembered for the region.
"""

from __future__ import annotations

from msgspec.structs import replace

from shared.catalog.caveats import REGIONS_WITHOUT_VAULT_TIER
from shared.catalog.model import Policy
from shared.onboarding.outcomes import Blocked, Outcome, Who
from shared.settings import Settings, VaultTierFallback

REMEMBERED = 30 * 86400.0
"""Azure's seconds until a region that had no vault tier is tried again."""

_REFUSED = "DppUserErrorVaultTierPolicyNotSupported"
_WITHOUT = tuple(name.replace(" ", "").casefold() for name in REGIONS_WITHOUT_VAULT_TIER)
"""Names of regions, and beginnings of the names of whole clouds' ones."""


def fitting(policy: Policy, location: str, settings: Settings, *, learned: bool = False) -> Policy:
    """The policy as a region can keep it: without its vault tier where there is none and the settings allow that.

    Args:
        policy: as the catalog has it.
        location: the cluster's region.
        settings: the deployment's.
        learned: Azure has said that the region has no vault tier.
    """
    if settings.vault_tier_fallback is VaultTierFallback.BLOCK or not _lacks(policy, location, learned=learned):
        return policy
    on_demand = policy.on_demand
    if on_demand is not None and on_demand.retention != "Default":
        on_demand = replace(on_demand, retention="Default")  # the others are the vault tier's
    return replace(policy, vault_tier=None, on_demand=on_demand)


def unfitting(policy: Policy, name: str, location: str, settings: Settings) -> Blocked | None:
    """Why a policy can't be kept in a region at all; None: it can. Nothing has been made before."""
    if settings.vault_tier_fallback is not VaultTierFallback.BLOCK or not _lacks(policy, location, learned=False):
        return None
    message = (
        f"policy {name} has a vault tier, which {location} doesn't; choose another policy, or let such clusters be "
        f"backed up without it: AUTOPILOT_VAULT_TIER_FALLBACK={VaultTierFallback.OPERATIONAL}"
    )
    return Blocked("VaultTierNotSupported", message, Who.OPERATOR)


def can_learn(policy: Policy, settings: Settings) -> bool:
    """Whether it matters what Azure has said about a region."""
    wanted = policy.vault_tier is not None and policy.existing.policy is None
    return wanted and settings.vault_tier_fallback is VaultTierFallback.OPERATIONAL


def refused(outcome: Outcome) -> bool:
    """Whether a pass ended with Azure's word that the region has no vault tier."""
    return isinstance(outcome, Blocked) and outcome.reason == _REFUSED


def _lacks(policy: Policy, location: str, *, learned: bool) -> bool:
    if policy.vault_tier is None or policy.existing.policy is not None:
        return False
    return learned or location.startswith(_WITHOUT)
