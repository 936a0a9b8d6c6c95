"""What protecting a cluster took, from the simulated Azure's own records. Seconds are Azure's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.arm.ids import ClusterId

if TYPE_CHECKING:
    from local.stack import Stack

Record = Mapping[str, Any]

_DATA_PROTECTION_API = "2025-07-01"


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests of the app for one cluster: writes, reads (the first GET of a URL) and polls (all other GETs)."""

    read: int = 0
    write: int = 0
    poll: int = 0


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One cluster's onboarding; the seconds are None while it isn't protected."""

    seconds_to_protected: float | None
    critical_path_seconds: float | None
    calls: Calls

    def as_json(self) -> dict[str, Any]:
        """The fields as they stand in `build/demo.json`."""
        return {
            "seconds_to_protected": self.seconds_to_protected,
            "critical_path_seconds": self.critical_path_seconds,
            "arm_calls": asdict(self.calls),
        }


async def onboarding(running: Stack, cluster: str) -> Onboarding:
    """Measure the onboarding of a cluster, given by its id."""
    operations = await running.owner.control("GET", "/operations")
    calls = arm_calls(await running.owner.control("GET", "/requests"), ClusterId.parse(cluster).correlation)
    path = f"{cluster}/providers/Microsoft.DataProtection/backupInstances"
    status, answer = await running.owner.arm("GET", path, _DATA_PROTECTION_API)
    instances = answer.get("value", []) if status == 200 else []  # noqa: PLR2004  # HTTP: found
    if not instances:
        return Onboarding(None, None, calls)
    instance = instances[0]
    stores = instance["properties"]["policyInfo"]["policyParameters"]["dataStoreParametersList"]
    longest = critical_path(operations, cluster, instance["id"], stores[0]["resourceGroupId"])
    took = seconds_to_protected(operations, cluster, instance["id"])
    return Onboarding(took and round(took, 1), longest and round(longest, 1), calls)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _longest(records: Iterable[Record]) -> float:
    return max((float(record["seconds"]) for record in records), default=0.0)


def critical_path(operations: Iterable[Record], cluster_id: str, instance_id: str, group_id: str) -> float | None:
    """The longest chain of Azure's own durations, propagation and one validation included: no onboarding is shorter.

    It knows nothing of what the app did when: each duration counts as if it had begun the moment it could.

    Args:
        operations: the simulator's record, `GET {control}/operations`.
        cluster_id: id of the cluster.
        instance_id: id of its backup instance; the vault's is in it.
        group_id: id of the resource group with its storage account and snapshots.

    Returns:
        None while the cluster isn't protected.
    """
    cluster, instance, group = (text.casefold() for text in (cluster_id, instance_id, group_id))
    vault = instance.rpartition("/backupinstances/")[0]
    done = [record for record in operations if record["end"] and record["status"] == "Succeeded"]

    def of(kind: str, prefix: str) -> list[Record]:
        return [item for item in done if item["kind"] == kind and item["resource"].casefold().startswith(prefix)]

    protection = of("protection", instance)
    if not protection:
        return None
    extension = of("extensionWrite", cluster)
    vault_ready = _longest(of("vaultWrite", vault))
    storage_ready = max(vault_ready, _longest(of("storageAccountWrite", f"{group}/")))
    end_of_install = max((_moment(item["end"]) for item in extension), default=None)
    grants = [*of("rolePropagation", f"{group}/"), *of("rolePropagation", f"{cluster}/")]
    # the extension's identity exists only after its installation; every other one from the start
    late = [item for item in grants if end_of_install and _moment(item["start"]) >= end_of_install]
    early = [item for item in grants if item not in late]
    ready = max(
        storage_ready + _longest(extension) + _longest(late),
        storage_ready + _longest(early),
        vault_ready + _longest(of("trustedAccessWrite", cluster)),
    )
    validations = sorted(of("validateForBackup", cluster), key=lambda item: str(item["end"]))
    return ready + _longest(validations[-1:]) + _longest(protection)


def seconds_to_protected(operations: Iterable[Record], cluster_id: str, instance_id: str) -> float | None:
    """From the end of the cluster's creation, which its event reports, to ProtectionConfigured; None without either."""
    ends = {
        (item["kind"], item["resource"].casefold()): _moment(item["end"])
        for item in operations
        if item["status"] == "Succeeded"
    }
    created = ends.get(("managedClusterWrite", cluster_id.casefold()))
    protected = ends.get(("protection", instance_id.casefold()))
    return (protected - created).total_seconds() if created and protected else None


def arm_calls(requests: Sequence[Record], correlation: str) -> Calls:
    """Count the requests that carry a cluster's correlation id."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    for request in requests:
        if request["correlation"] == correlation:
            path = request["path"].casefold()
            again = path in seen or "/operation" in path or "/asyncoperations/" in path
            counts["write" if request["kind"] == "write" else "poll" if again else "read"] += 1
            seen.add(path)
    return Calls(**counts)
