"""What becomes of a claimed start when Azure doesn't tell the job's id, or when the operation itself fails."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.arm.answers import Operation, OperationState
from shared.arm.clock import AzureClock
from shared.arm.door import Answer
from shared.arm.ids import ClusterId
from shared.backups.ondemand import Cause
from shared.backups.starter import Refused, Started, Starter
from shared.backups.status import BackupStatus
from shared.errors import ArmError, WriteRefused
from shared.fleet.scope import Scope
from shared.fleet.tables import Stored
from shared.governance.journal import NoJournal

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"
    "/providers/Microsoft.ContainerService/managedClusters/c"
)
SCOPE = Scope(cast("Any", None), frozenset({CLUSTER.split("/")[2]}), ())
RULE = {"name": "BackupHourly", "objectType": "AzureBackupRule"}


@dataclass
class ToyDoor:
    """Accepts every backup; `polled` is what a look at the operation gives."""

    polled: OperationState | ArmError
    job: str = "InProgress"
    clock: AzureClock = field(default_factory=AzureClock)

    async def now(self) -> float:
        return self.clock.now().timestamp()

    async def get(self, path: str, api_version: str) -> dict[str, Any]:
        return {"properties": {"policyInfo": {"policyId": f"{VAULT}/backupPolicies/p"}, "policyRules": [RULE]}}

    async def find(self, path: str, api_version: str) -> dict[str, Any]:
        return {"id": path, "properties": {"status": self.job}}

    async def post(self, path: str, api_version: str, body: Any) -> Answer:
        return Answer(202, {}, Operation("https://arm/operation", None))

    async def poll(self, url: str) -> OperationState:
        if isinstance(self.polled, ArmError):
            raise self.polled
        return self.polled


@dataclass
class ToyStore:
    """One row in memory; it is its own table."""

    row: BackupStatus

    @property
    def rows(self) -> "ToyStore":
        return self

    async def read(self, key: Any, new: Any) -> Stored[BackupStatus]:
        return Stored(self.row, "etag")

    async def write(self, stored: Stored[BackupStatus]) -> Stored[BackupStatus]:
        self.row = stored.value
        return stored

    async def of_cluster(self, cluster: ClusterId) -> list[Stored[BackupStatus]]:
        return [Stored(self.row, "etag")]


@dataclass
class Guard:
    """Refuses everything, or nothing."""

    word: WriteRefused | None = None

    async def refusal(self, subscription: str) -> WriteRefused | None:
        return self.word


async def started(polled: OperationState | ArmError) -> tuple[Started | Refused, BackupStatus]:
    """Start a backup; what was answered, and the row afterwards."""
    store = ToyStore(BackupStatus(f"{VAULT}/backupInstances/i", CLUSTER, protection_state="ProtectionConfigured"))
    starter = Starter(SCOPE, ToyDoor(polled), None, store, Guard(), NoJournal())  # type: ignore[arg-type]  # as much of them as a start needs
    outcome = await starter.start(Stored(store.row, "etag"), Cause.PERSON, None, wait=True)
    return outcome, store.row


async def test_an_accepted_backup_stays_claimed_when_its_job_is_not_named() -> None:
    """Azure has it: giving the claim back would let a second one start, and would miscount the day."""
    outcome, row = await started(ArmError("busy", status=503))
    assert outcome == Started(row.instance_id, "", "BackupHourly")
    assert row.starting > 0
    assert len(row.on_demand) == 1


async def test_a_failed_operation_gives_the_claim_back() -> None:
    """Nothing was started, so nothing is counted."""
    failure = ArmError("no", status=200, code="Conflict")
    outcome, row = await started(OperationState(running=False, retry_after=None, body={}, error=failure))
    assert isinstance(outcome, Refused)
    assert (row.starting, row.on_demand) == (0.0, [])


async def test_nobody_gets_a_backup_while_the_app_is_paused() -> None:
    """A person is told so; the row isn't claimed, and the day's count stays."""
    store = ToyStore(BackupStatus(f"{VAULT}/backupInstances/i", CLUSTER, protection_state="ProtectionConfigured"))
    guard = Guard(WriteRefused("Paused", "by kim"))
    starter = Starter(SCOPE, ToyDoor(ArmError("unasked")), None, store, guard, NoJournal())  # type: ignore[arg-type]  # as above
    outcome = await starter.back_up_now(ClusterId.parse(CLUSTER), None, dry_run=False)
    assert outcome == Refused(409, "Paused", "by kim")
    assert (store.row.starting, store.row.on_demand) == (0.0, [])


@pytest.mark.parametrize(("job", "reason"), [("InProgress", "BackupRunning"), ("Completed", None), ("Failed", None)])
async def test_a_job_that_has_ended_since_the_sweep_holds_nobody_up(job: str, reason: str | None) -> None:
    """The row says that one runs; Azure is asked whether it still does, and not only at the next sweep."""
    row = BackupStatus(f"{VAULT}/backupInstances/i", CLUSTER, protection_state="ProtectionConfigured")
    row.running, row.running_since = f"{VAULT}/backupJobs/1", AzureClock().now().timestamp() - 900
    door = ToyDoor(OperationState(running=False, retry_after=None, body={"jobId": "2"}), job)
    starter = Starter(SCOPE, door, None, ToyStore(row), Guard(), NoJournal())  # type: ignore[arg-type]  # as above
    outcome = await starter.back_up_now(ClusterId.parse(CLUSTER), None, dry_run=False)
    assert (outcome.reason if isinstance(outcome, Refused) else None) == reason
    assert (row.starting > 0) == (reason is None)


async def test_the_timer_backs_up_nothing_of_a_subscription_that_was_taken_away() -> None:
    """Its rows outlast the settings by a sweep; the app may not touch its clusters any more."""
    theirs = CLUSTER.replace(CLUSTER.split("/")[2], "11111111-1111-1111-1111-111111111111")
    rows = {
        name: BackupStatus(f"{VAULT}/backupInstances/{name}", cluster, protection_state="ProtectionConfigured")
        for name, cluster in (("ours", CLUSTER), ("theirs", theirs))
    }
    for row in rows.values():
        row.rerun = True
    store: Any = ToyStore(rows["ours"])

    async def everything() -> dict[str, Stored[BackupStatus]]:
        return {name: Stored(row, "etag") for name, row in rows.items()}

    store.all = everything
    policies: Any = SimpleNamespace(policy=lambda _: SimpleNamespace(on_demand=None), rpo=lambda _: 3600.0)
    door: Any = ToyDoor(OperationState(running=False, retry_after=None, body={"jobId": "2"}))
    assert await Starter(SCOPE, door, policies, store, Guard(), NoJournal()).tick() == 1
    assert (rows["ours"].rerun, rows["theirs"].rerun) == (False, True)
