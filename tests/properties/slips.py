"""One slip each: a value that turns a good catalog into one that must be refused."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from tests.properties.catalogs import GIVEN_POLICY, Tree


class Slip(NamedTuple):
    """A value at a path below a policy or a vault profile, and the field that the fault must name."""

    path: str
    value: Any
    field: str


POLICY_SLIPS = (
    *(Slip("schedule.every", every, "every") for every in ("PT1H", "PT5H", "PT24H", "P2D", "P1W", "4h", 4, None)),
    *(Slip("schedule.start", start, "start") for start in ("24:00", "9:00", "02:60", 540, "02:00:00")),
    *(Slip("schedule.timeZone", zone, "timeZone") for zone in ("Berlin", "W. Europe Standard Time", "", "utc")),
    *(Slip("schedule.spread", spread, "spread") for spread in ("P2D", "PT25H", "PT0M", "2h")),
    *(Slip("schedule.buckets", buckets, "buckets") for buckets in (0, 25, "4")),
    *(
        Slip("operationalRetention", days, "operationalRetention")
        for days in ("P0D", "P361D", "P1Y", "P13M", "PT24H", "7", 7, "P7D\n", None)
    ),
    *(Slip("vaultTier.daily", duration, "daily") for duration in ("P0D", "PT24H", "P1Y6M", "90", "P7D ", "")),
    Slip("vaultTier", {}, "vaultTier"),
    Slip("vaultTier.hourly", "P1D", "hourly"),
    Slip("vaultProfile", "no-such-profile", "vaultProfile"),
    Slip("vaultProfile", None, "vaultProfile"),
    Slip("contents.volumeTypes", ["AzureFile"], "volumeTypes"),
    Slip("contents", {"volumeSnapshots": False, "volumeTypes": ["AzureDisk"]}, "volumeTypes"),
    Slip("contents.volumeSnapshots", "no", "volumeSnapshots"),
    Slip("contents.includedNamespaces", [f"ns{number}" for number in range(801)], "contents"),
    Slip("contents.includedNamespaces", ["UPPER"], "includedNamespaces"),
    Slip("contents.hooks", [{"name": "a"}], "hooks"),
    Slip("onDemand", {"every": "PT1H"}, "onDemand"),
    Slip("onDemand", {}, "onDemand"),
    Slip("onDemand", {"afterProtection": True, "reserve": 10}, "reserve"),
    Slip("onRemoval", "delete", "onRemoval"),
    Slip("existing", {"policy": GIVEN_POLICY}, "existing"),
    Slip("existing", {"vault": "/subscriptions/x"}, "vault"),
    Slip("tags", {"fixed": {"Team": "a"}, "copied": ["TEAM"]}, "tags"),
    Slip("tags", {"fixed": {f"t{number}": "" for number in range(50)}}, "tags"),
    Slip("tags", {"fixed": {"a": "v" * 257}}, "fixed.a"),
    Slip("tags", {"copied": ["n" * 129]}, "copied"),
    Slip("tags", {"copied": ["managed-by"]}, "tags"),
    Slip("tags", {"copied": ["Azure-owner"]}, "tags"),
    Slip("accountSku", "Premium_LRS", "accountSku"),
    Slip("costCeiling", 0, "costCeiling"),
    Slip("shcedule", {}, "shcedule"),
)
PROFILE_SLIPS = (
    *(Slip("redundancy", redundancy, "redundancy") for redundancy in ("GRS", "ReadAccessGeoZoneRedundant", None)),
    *(Slip("softDelete", state, "softDelete") for state in (True, False, "on", "Always")),
    *(Slip("softDeleteDays", days, "softDeleteDays") for days in (0, 13, 181, 14.5, "14")),
    *(Slip("immutability", state, "immutability") for state in ("Enabled", True)),
    Slip("subscription", "central", "subscription"),
    Slip("confirmIrreversible", "yes", "confirmIrreversible"),
    Slip("redudancy", "LocallyRedundant", "redudancy"),
)


def slipped(tree: Tree, kind: str, name: str, slip: Slip) -> Tree:
    """The catalog with the slip in one of its policies or profiles."""
    changed = copy.deepcopy(tree)
    block = changed[kind][name]
    *parents, last = slip.path.split(".")
    for parent in parents:
        block = block.setdefault(parent, {})
    block[last] = slip.value
    return changed
