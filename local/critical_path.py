"""The longest chain of the simulated Azure's own durations for one cluster: no onboarding could be shorter.

It is computed from the simulator's record of operations, not from what the app did: each duration counts as if
everything before it had been started the moment it could be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]


def _seconds(record: Record) -> float:
    return (_moment(record["end"]) - _moment(record["start"])).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _longest(records: Iterable[Record]) -> float:
    return max(map(_seconds, records), default=0.0)


def critical_path(operations: Iterable[Record], cluster_id: str, instance_id: str, group_id: str) -> float | None:
    """Virtual seconds of the longest chain, propagation and the last validation included.

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
    account_ready = _longest(of("storageAccountWrite", f"{group}/"))
    installed = max(vault_ready, account_ready) + _longest(extension)
    end_of_install = max((_moment(item["end"]) for item in extension), default=None)
    grants = [*of("rolePropagation", f"{group}/"), *of("rolePropagation", f"{cluster}/")]
    # the extension's identity exists only after its installation; every other one from the start
    late = [item for item in grants if end_of_install and _moment(item["start"]) >= end_of_install]
    early = [item for item in grants if item not in late]
    ready = max(
        installed + _longest(late),
        max(vault_ready, account_ready) + _longest(early),
        vault_ready + _longest(of("trustedAccessWrite", cluster)),
    )
    validations = sorted(of("validateForBackup", cluster), key=lambda item: str(item["end"]))
    return ready + _longest(validations[-1:]) + _longest(protection)
