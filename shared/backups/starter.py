"""Starts on-demand backups: the timer's, and those that people ask for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from shared import logs
from shared.arm.answers import OperationState
from shared.arm.door import DATA_PROTECTION_API, Door
from shared.arm.ids import ClusterId, name_of
from shared.arm.requests import recording
from shared.arm.writes import ACTING_FOR, WriteGuard
from shared.backups.jobs import read_job
from shared.backups.ondemand import Cause, Refusal, refusal, wanted
from shared.backups.policies import Policies
from shared.backups.status import BackupStatus, on_demand_today
from shared.backups.store import StatusStore, key_of
from shared.errors import ArmError, WriteRefused
from shared.fleet.scope import Scope, lies_in
from shared.fleet.tables import Stored
from shared.governance.decisions import line
from shared.governance.journal import Journal

_A_TICK = 25  # backups started by one run of the timer; the rest has its turn at the next ones
_LOOKS = 15
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Started:
    """A backup was started. `job_id` is "" while Azure hasn't named the job yet."""

    instance_id: str
    job_id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Refused:
    """None was started, and why. `status` is the HTTP status that says so."""

    status: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything that starting a backup takes."""

    scope: Scope
    door: Door
    policies: Policies
    store: StatusStore
    guard: WriteGuard
    journal: Journal

    async def tick(self) -> int:
        """Start what the catalog asks for; the number of backups started.

        Raises:
            ArmError: Azure didn't tell the time.
        """
        now, allowed = await self.door.now(), await self.scope.subscriptions()
        due: list[tuple[str, Cause, Stored[BackupStatus]]] = []
        for stored in (await self.store.all()).values():
            cause = self._cause(stored.value, now)
            ours = lies_in(allowed, stored.value.cluster_id)  # a row outlasts its subscription's place in the settings
            if cause is not None and ours and not await self._forbidden(stored.value):
                due.append((_key(stored.value), cause, stored))
        due.sort(key=lambda item: (item[1] is not Cause.RERUN, item[0]))
        outcomes = await asyncio.gather(*(self._start_due(stored, cause) for _, cause, stored in due[:_A_TICK]))
        started = sum(isinstance(outcome, Started) for outcome, _ in outcomes)
        lines = [line for _, line in outcomes]
        if not await self.journal.append(lines):
            for line in lines:
                logs.warning("decision_not_logged", line=line)
        logs.info("adhoc_backups", **{"aks_backup.on_demand.due": len(due), "aks_backup.on_demand.started": started})
        return started

    async def _forbidden(self, status: BackupStatus) -> WriteRefused | None:
        """Why nothing may be started for this cluster at all: the app is paused, or only observes."""
        return await self.guard.refusal(ClusterId.parse(status.cluster_id).subscription)

    async def _start_due(self, stored: Stored[BackupStatus], cause: Cause) -> tuple[Started | Refused, str]:
        """Start one, as a task of its own; what came of it, and its line of the decision log."""
        requests = recording()
        policy = self.policies.policy(stored.value)
        tag = policy.on_demand.retention if policy and policy.on_demand else None
        outcome = await self.start(stored, cause, tag if tag != "Default" else None, wait=False)
        reason, message = "", stored.value.instance_id
        if isinstance(outcome, Refused):
            reason, message = outcome.reason, outcome.message
        return outcome, line(
            self.door.clock.now().timestamp(),
            stored.value.cluster_id,
            asked=f"backup: {cause}",
            by="timer adhoc_backups",
            decided=type(outcome).__name__,
            reason=reason,
            message=message,
            policy=stored.value.policy,
            requests=requests,
        )

    def _cause(self, status: BackupStatus, now: float) -> Cause | None:
        policy, rpo = self.policies.policy(status), self.policies.rpo(status)
        if policy is None or rpo is None:
            return None
        if policy.on_demand is None:
            cause = Cause.RERUN if status.rerun else None
            reserve = 0
        else:
            cause = wanted(status, policy.on_demand, now, rpo, _key(status))
            reserve = policy.on_demand.reserve
        return cause if cause and refusal(status, now, reserve) is None else None

    async def start(
        self, stored: Stored[BackupStatus], cause: Cause, retention_tag: str | None, *, wait: bool
    ) -> Started | Refused:
        """Start a backup of an instance. The start is claimed in the row first, so two never start one each.

        Args:
            stored: the row as it was read.
            cause: why.
            retention_tag: the policy's tag to use instead of its default one.
            wait: whether to stay until Azure has named the job, some seconds.
        """
        status = stored.value
        ACTING_FOR.set(ClusterId.parse(status.cluster_id).subscription)
        now = self.door.clock.now().timestamp()
        status.starting = now
        status.on_demand = [*status.on_demand, now]
        if cause is Cause.RERUN:
            status.rerun, status.reruns = False, status.reruns + 1
        if not await self.store.write(stored):
            return Refused(409, Refusal.STARTING, "somebody else is starting a backup of this cluster")
        try:
            rule, url = await self._send(status, retention_tag)
            job = await self._job_of(url) if wait and url else ""
        except ArmError as error:
            logs.warning("backup_refused", cluster=status.cluster_id, cause=cause, code=error.code)
            await self._release(status, now)
            return _refused(error)
        logs.info("backup_started", cluster=status.cluster_id, cause=cause, job=name_of(job) or None)
        return Started(status.instance_id, job, rule)

    async def _release(self, status: BackupStatus, claimed: float) -> None:
        """Give a claimed start back: Azure didn't take it."""
        stored = await self.store.rows.read(key_of(status.instance_id), lambda: status)
        if stored.etag is not None and stored.value.starting == claimed:
            stored.value.starting = 0.0
            stored.value.on_demand = [moment for moment in stored.value.on_demand if moment != claimed]
            await self.store.write(stored)

    async def _send(self, status: BackupStatus, retention_tag: str | None) -> tuple[str, str]:
        """Ask Azure for a backup; the name of its rule and the operation's URL."""
        rule = await self._rule(status)
        trigger = {"retentionTagOverride": retention_tag} if retention_tag else {}
        body = {"backupRuleOptions": {"ruleName": rule, "triggerOption": trigger}}
        answer = await self.door.post(f"{status.instance_id}/backup", DATA_PROTECTION_API, body)
        return rule, answer.operation.url

    async def _rule(self, status: BackupStatus) -> str:
        """The name of the backup rule, as the instance's own policy has it."""
        instance = await self.door.get(status.instance_id, DATA_PROTECTION_API)
        policy_id = str(instance["properties"]["policyInfo"]["policyId"])
        policy = await self.door.get(policy_id, DATA_PROTECTION_API)
        rules = policy["properties"]["policyRules"]
        return next(str(rule["name"]) for rule in rules if rule["objectType"] == "AzureBackupRule")

    async def _job_of(self, url: str) -> str:
        """The job's id, from the operation that made it: at the first look as a rule.

        "" when Azure doesn't tell: the backup was accepted all the same, and the sweep sees its job.

        Raises:
            ArmError: the operation itself failed; nothing was started.
        """
        state = OperationState(running=True, retry_after=None, body={})
        try:
            for _ in range(_LOOKS):
                state = await self.door.poll(url)
                if not state.running:
                    break
                await asyncio.sleep(state.retry_after or _LOOK_SECONDS)
        except ArmError as error:
            logs.warning("job_not_named", code=error.code, status=error.status)
        if state.error:
            raise state.error
        properties = state.body.get("properties") or {}
        return str(properties.get("jobId") or state.body.get("jobId") or "")

    async def back_up_now(self, cluster: ClusterId, retention_tag: str | None, *, dry_run: bool) -> Started | Refused:
        """Start a backup because somebody asks: no reserve is kept from people, all other limits hold.

        Raises:
            ArmError: Azure didn't answer.
        """
        stored = await self._newest(cluster)
        if stored is None:
            return Refused(404, "NotProtected", "no backup instance of this cluster is known; is it protected?")
        now = await self.door.now()
        why = refusal(stored.value, now, 0)
        if why is Refusal.RUNNING and not await self._runs(stored.value):
            stored.value.running = ""  # the sweep hasn't seen its end yet, and will count it all the same
            why = refusal(stored.value, now, 0)
        if why is Refusal.LIMIT:
            used = on_demand_today(stored.value, now)
            return Refused(429, why, f"{used} on-demand backups were started today; Azure allows 10 a day (UTC)")
        if why is not None:
            return Refused(409, why, _MESSAGES[why])
        forbidden = await self._forbidden(stored.value)
        if forbidden is not None:
            return Refused(409, forbidden.code, forbidden.message)
        if dry_run:
            return Started(stored.value.instance_id, "", await self._rule(stored.value))
        return await self.start(stored, Cause.PERSON, retention_tag, wait=True)

    async def _runs(self, status: BackupStatus) -> bool:
        """Whether the job that the last sweep saw running still runs; while nobody can say, it does."""
        found = await self.door.find(status.running, DATA_PROTECTION_API)
        return isinstance(found, ArmError) or read_job(found).running

    async def _newest(self, cluster: ClusterId) -> Stored[BackupStatus] | None:
        rows = await self.store.of_cluster(cluster)
        return rows[-1] if rows else None


_MESSAGES = {
    Refusal.NOT_PROTECTED: "the cluster's protection isn't configured; its status says why",
    Refusal.RUNNING: "a backup of this cluster runs; its job is in GET .../jobs",
    Refusal.STARTING: "a backup of this cluster was started a moment ago",
}


def _key(status: BackupStatus) -> str:
    return ClusterId.parse(status.cluster_id).key


_LIMITS = frozenset({"usererrormaxondemandbackupsperdayreached"})  # chosen: no recording shows the limit's code


def _refused(error: ArmError) -> Refused:
    """What Azure's refusal means for whoever asked: at a limit, Azure in trouble, or not now."""
    if error.status == 429 or error.code.casefold() in _LIMITS:  # noqa: PLR2004  # HTTP: too many requests
        return Refused(429, error.code or "TooManyRequests", error.message)
    if error.status == 0 or error.status >= 500:  # noqa: PLR2004  # HTTP: its own trouble
        return Refused(503, error.code or "AzureUnreachable", error.message)
    return Refused(409, error.code or "Refused", error.message)
