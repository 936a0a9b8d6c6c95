"""How long things take, in seconds of virtual time."""

from __future__ import annotations

import random

DURATIONS: dict[str, tuple[float, float]] = {
    # recorded, see the table of durations in the wire facts
    "vaultWrite": (0.4, 0.5),
    "vaultDelete": (0.6, 0.8),
    "validateForBackup": (43.9, 44.4),
    # The wire's 0.5-0.9 s are the least, as endTime is cut to whole seconds: a poll one second later still saw it run
    # in dp_backup_and_restore_aks.
    "backupInstanceWrite": (1.1, 1.8),
    "protection": (37.0, 71.0),
    "backupInstanceDelete": (80.4, 102.6),
    "resumeProtection": (45.0, 52.0),
    "backupTrigger": (0.1, 0.3),
    # One of AKS took 184.5 s, one of a disk 185.6 s; it still ran 175 s after its request (dp_backup_and_restore_aks).
    "backup": (180.0, 185.6),
    # Scheduled backups of disks and blobs started 2-13 s after their time (dp_job_list_and_show); up to two hours are
    # documented, `Options.backup_delay` is the longest.
    "scheduledStart": (2.0, 13.0),
    # endTime is cut to whole seconds: 40.9 s are the least
    "validateRestore": (40.9, 41.9),
    "restoreTrigger": (0.1, 0.3),
    "restore": (212.0, 216.0),  # 214.3 s, one recording of a cluster
    "managedClusterWrite": (255.0, 275.0),
    "trustedAccessWrite": (16.0, 16.7),
    "trustedAccessDelete": (12.5, 13.0),
    "extensionWrite": (381.0, 412.0),
    "storageAccountWrite": (5.0, 18.0),
    "registration": (60.0, 70.0),
    "replication": (0.0, 5.0),
    # not recorded: chosen
    "vaultCopy": (1800.0, 5400.0),
    "pairCopy": (3600.0, 43200.0),  # at most 12 h are documented
    "rolePropagation": (30.0, 90.0),
    "suspendBackups": (40.0, 50.0),
    "stopProtection": (40.0, 50.0),
    "backupInstanceUpdate": (40.0, 60.0),
    "vaultUpdate": (0.4, 0.5),
    "resourceGroupDelete": (30.0, 60.0),
    "managedClusterUpdate": (60.0, 90.0),
    "managedClusterUpgrade": (600.0, 900.0),
    "managedClusterDelete": (180.0, 240.0),
    "managedClusterStart": (120.0, 180.0),
    "managedClusterStop": (90.0, 150.0),
    "runCommand": (5.0, 20.0),
    "agentPoolWrite": (90.0, 150.0),
    "agentPoolDelete": (60.0, 120.0),
    "extensionUpdate": (60.0, 120.0),
    "extensionDelete": (60.0, 120.0),
    "privateEndpointWrite": (20.0, 40.0),
    "privateEndpointDelete": (10.0, 30.0),
}
"""Shortest and longest duration of each kind of operation."""


def duration(seed: int, kind: str, resource_id: str) -> float:
    """How long an operation of `kind` takes on a resource: the same in every run with the same seed."""
    low, high = DURATIONS[kind]
    return random.Random(f"{seed}|{kind}|{resource_id.lower()}").uniform(low, high)
