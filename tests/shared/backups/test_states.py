"""What the sweep makes of the protection state that Azure shows of an instance."""

import pytest

from shared.backups.status import DELETED, BackupStatus, note_state

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"


def status(state: str) -> BackupStatus:
    """An instance in a state, failing and overdue."""
    return BackupStatus(
        f"{VAULT}/backupInstances/i", CLUSTER, protection_state=state, streak=2, overdue=True, rerun=True
    )


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [
        ("ProtectionConfigured", "ProtectionConfigured", False),
        ("ProtectionConfigured", "UpdatingProtection", False),
        ("ProtectionConfigured", "ProtectionStopped", True),
        ("ProtectionConfigured", "BackupSchedulesSuspended", True),
        ("ProtectionConfigured", DELETED, True),
        ("ProtectionStopped", "ProtectionStopped", False),
        ("ProtectionStopped", "ProtectionConfigured", False),
        ("", "ConfiguringProtection", False),
    ],
)
def test_protection_that_is_gone_asks_for_a_pass(before: str, now: str, asked: bool) -> None:
    """Once, when it goes: what stays as it is, or comes, needs none."""
    one = status(before)
    note_state(one, now)
    assert (one.reconcile, one.protection_state) == (asked, now)


def test_a_pass_that_was_asked_for_already_stays_asked_for() -> None:
    """A failed job may have asked for it."""
    one = status("ProtectionConfigured")
    one.reconcile = True
    note_state(one, "ProtectionConfigured")
    assert one.reconcile


def test_of_a_deleted_instance_nothing_is_due() -> None:
    """It neither fails nor is late, and no backup of it is run again; one that only stopped keeps its troubles."""
    gone, stopped = status("ProtectionConfigured"), status("ProtectionConfigured")
    note_state(gone, DELETED)
    note_state(stopped, "ProtectionStopped")
    assert (gone.overdue, gone.failing, gone.rerun) == (False, False, False)
    assert (stopped.overdue, stopped.failing, stopped.rerun) == (True, True, True)
