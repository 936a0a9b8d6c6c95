"""On-demand backups (dp_backup_and_restore_aks.json)."""

from __future__ import annotations

import datetime as dt

from local.azure.data_protection import backups, dialect, retention
from local.azure.data_protection.dialect import JOBS, invalid_input, not_found, user_error, vault_of
from local.azure.data_protection.moments import parse
from local.azure.data_protection.timetable import backup_rule
from local.azure.errors import ArmError
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.routing import Route
from local.azure.store import Resource

MOST_A_DAY = 10
"""On-demand backups of an instance in a day, as documented; that a day is one of UTC is chosen."""

_TRIGGER = "backupTrigger"
_NO_OVERRIDE = "default"  # recorded, with a small d, whatever the policy's default tag is called


def _backup(call: Call) -> Reply:
    instance = call.stored(call.target.addressed())
    if instance is None:
        raise not_found()
    tag = _asked_tag(call, instance)
    state = instance.properties.get("currentProtectionState")
    if state != "ProtectionConfigured":
        raise invalid_input(f"A backup isn't possible while the protection state is {state}.")
    _refuse_second(call, instance)
    _refuse_too_many(call, instance)
    vault, cloud, failure = vault_of(call), call.cloud, call.failure_of(backups.KIND)

    def succeed(operation: Operation) -> None:
        if backups.running(cloud, instance):
            raise _busy()
        job = backups.start(cloud, instance, tag, operation.ends, user_triggered=True, failure=failure)
        operation.result = {"jobId": job.id, "objectType": "OperationJobExtendedInfo"}

    operation = call.start(_TRIGGER, instance.id, operation_id=dialect.new_operation_id(call, vault), succeed=succeed)
    return dialect.accepted(call, vault, operation)


def _asked_tag(call: Call, instance: Resource) -> str:
    """The retention tag that a request asks for.

    Raises:
        ArmError: The policy doesn't have the rule or the tag. What Azure says then isn't recorded.
    """
    options = call.body.get("backupRuleOptions")
    if not isinstance(options, dict) or not isinstance(options.get("triggerOption"), dict):
        raise invalid_input("backupRuleOptions with ruleName and triggerOption is missing.")
    policy = call.stored(str((instance.properties.get("policyInfo") or {}).get("policyId") or "-"))
    properties = policy.properties if policy else {}
    rule = backup_rule(properties) or {}
    if not options.get("ruleName") or options["ruleName"] != rule.get("name"):
        raise invalid_input(f"ruleName must be the policy's backup rule, {rule.get('name')}.")
    tag = options["triggerOption"].get("retentionTagOverride")
    if tag in {None, ""}:
        return _NO_OVERRIDE
    if not isinstance(tag, str) or not retention.known_tag(properties, tag):
        raise invalid_input("retentionTagOverride must be one of the policy's tags.")
    return tag


def _refuse_second(call: Call, instance: Resource) -> None:
    if next(call.cloud.operations.running(instance.id, backups.KIND, _TRIGGER), None):
        raise _busy()


def _busy() -> ArmError:
    """Code and wording are documented for disks; that clusters get the same is inferred."""
    return user_error(
        "UserErrorMaxConcurrentOperationLimitReached",
        "Unable to start the operation as maximum number of allowed concurrent backups has reached.",
        recommended=["Wait until the previous running backup completes."],
    )


def _refuse_too_many(call: Call, instance: Resource) -> None:
    """The limit is documented, its code isn't: it is chosen."""
    if jobs_today(call, instance, "Backup") >= MOST_A_DAY:
        raise user_error(
            "UserErrorMaxOnDemandBackupsPerDayReached",
            f"The backup instance {instance.name} has had {MOST_A_DAY} on-demand backups today.",
            recommended=["Wait until tomorrow (UTC), or rely on the scheduled backups."],
        )


def jobs_today(call: Call, instance: Resource, category: str) -> int:
    """How many jobs of a category (Backup or Restore) people have started of an instance since midnight UTC."""
    vault_id, today = instance.id.rsplit("/backupInstances/", 1)[0], call.at.astimezone(dt.UTC).date()
    jobs = call.cloud.store.children(vault_id, JOBS)
    return sum(_counts(job, instance, category, today) for job in jobs)


def _counts(job: Resource, instance: Resource, category: str, today: dt.date) -> bool:
    properties = job.properties
    if not properties.get("isUserTriggered") or properties.get("operationCategory") != category:
        return False
    begun = parse(properties.get("startTime"))
    return (
        begun is not None
        and begun.astimezone(dt.UTC).date() == today
        and str(properties.get("backupInstanceId")).lower() == instance.id.lower()
    )


ROUTES = (Route("POST", "backupVaults/{vault}/backupInstances/{instance}/backup", _backup),)
