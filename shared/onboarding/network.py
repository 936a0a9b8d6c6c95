"""How the storage accounts of clusters are reached: by anybody with a role, or only from named networks. Pure.

Shared keys and public access to blobs are off in any case. The network is open by default, since the app can't know
from where the nodes of a cluster come; closing it takes subnets of each region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.arm.answers import Json
from shared.onboarding.outcomes import Blocked, Who
from shared.settings import Settings, StorageNetwork


@dataclass(frozen=True, slots=True)
class Network:
    """From where an account of ours is reached.

    Attributes:
        rules: its ARM properties; {} leaves them to Azure's default, and to whoever changes them.
        subnet: where its private endpoint lies, or "".
    """

    rules: dict[str, Any]
    subnet: str


OPEN = Network({}, "")


def network(settings: Settings, location: str) -> Network:
    """The network of the accounts in a region."""
    if settings.storage_network is StorageNetwork.OPEN:
        return OPEN
    subnets = settings.storage_subnets.get(location, ())
    rules = {
        # from nowhere but private endpoints; exceptions for trusted services stay (documented)
        "publicNetworkAccess": "Enabled" if subnets else "Disabled",
        "networkAcls": {
            "defaultAction": "Deny",
            "bypass": "AzureServices",  # Azure Backup is one: the vault reads what it copies
            "virtualNetworkRules": [{"id": subnet, "action": "Allow"} for subnet in subnets],
            "ipRules": [],
        },
    }
    return Network(rules, next(iter(settings.private_subnets.get(location, ())), ""))


def unreachable(settings: Settings, location: str) -> Blocked | None:
    """Why no account can be made in a region: the network is closed, and nobody would reach it. None: it can."""
    if settings.storage_network is StorageNetwork.OPEN:
        return None
    if settings.storage_subnets.get(location) or settings.private_subnets.get(location):
        return None
    message = (
        f"AUTOPILOT_STORAGE_NETWORK is deny, and neither AUTOPILOT_STORAGE_SUBNETS nor AUTOPILOT_PRIVATE_SUBNETS names "
        f"a subnet for {location}: the cluster would not reach its backups"
    )
    return Blocked("StorageSubnetMissing", message, Who.OPERATOR)


def as_wanted(wanted: Network, properties: Json) -> bool:
    """Whether an account's network is the wanted one; an open one may have been closed by hand."""
    if not wanted.rules:
        return True
    rules = properties.get("networkAcls") or {}
    return (
        str(properties.get("publicNetworkAccess") or "Enabled") == wanted.rules["publicNetworkAccess"]
        and rules.get("defaultAction") == "Deny"
        and _subnets(rules) == _subnets(wanted.rules["networkAcls"])
    )


def _subnets(rules: Json) -> set[str]:
    return {str(rule["id"]).casefold() for rule in rules.get("virtualNetworkRules") or ()}
