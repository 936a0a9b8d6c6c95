"""validateForBackup, the only probe that says that roles have propagated, and the backup instance itself."""

import re

from shared.arm.door import DATA_PROTECTION_API
from shared.arm.failures import FailureClass, classify
from shared.arm.ids import group_of, name_of, same_id
from shared.errors import ArmError
from shared.onboarding.desired import Desired
from shared.onboarding.guards import agreement
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, UnderWay, Who
from shared.onboarding.readings import Instance
from shared.onboarding.step import Step
from shared.onboarding.steps import roles
from shared.onboarding.steps.extension import EXTENSION
from shared.onboarding.steps.trusted_access import BINDING
from shared.onboarding.steps.vault import INSTANCE, POLICY
from shared.onboarding.world import World, deleted_id

VALIDATION = "validation"
PROTECTED_BY_OTHERS = "ProtectedByOthers"
PREVIOUS = "previous-instances"

_PROPAGATION = 45.0  # Azure's seconds after the last new grant; a validation takes 44 more (recorded)
_MENDS = 3

_CHANGING = frozenset({"ConfiguringProtection", "UpdatingProtection", "SoftDeleting"})
_BROKEN = frozenset({"ProtectionError", "ConfiguringProtectionFailed", "NotProtected", "Invalid"})
_MADE_POLICY = re.compile(r"[a-z][a-z0-9-]*-[0-9a-f]{8}")
_PROTECTED = "ProtectionConfigured"
RESUMED_BY = {"ProtectionStopped": "resumeProtection", "BackupSchedulesSuspended": "resumeBackups"}
"""Protection state -> the action that ends it."""


def as_wanted(instance: Instance, desired: Desired) -> bool:
    """Whether policy, snapshot group and contents of the instance are the wanted ones."""
    parameters = desired.instance_body["policyInfo"]["policyParameters"]
    wanted = parameters["backupDatasourceParametersList"][0]
    return (
        same_id(instance.policy_id, desired.policy)
        and same_id(instance.group_id, desired.group)
        and all(instance.contents.get(key) == value for key, value in wanted.items())
    )


class ValidationStep(Step):
    """Azure's own judgement of everything that the instance stands on (44 s, recorded)."""

    name = VALIDATION
    drifts = False
    usual = 44.0

    def __init__(self, needs: tuple[str, ...]) -> None:
        self.needs = needs

    async def observe(self, world: World) -> Observation:
        """An instance that is as wanted needs no validation; otherwise the running operation is asked.

        Neither does one that soft delete keeps: Azure judges when its protection is resumed.
        """
        instance = await world.instance()
        if instance is not None and instance.state not in _BROKEN and as_wanted(instance, world.desired):
            return Met()
        if instance is None and await world.deleted_instance():
            return Met()
        state = await world.operation(self.name)
        if state is None:
            return Absent("not validated yet")
        if state.running:
            return self.under_way("Validating", retry_after=state.retry_after)
        if state.error:
            raise state.error
        return Met()

    async def start(self, world: World) -> Observation:
        """Ask Azure, not before the newest grant has had its usual time."""
        remaining = max(world.progress.granted.values(), default=0.0) + _PROPAGATION - world.now()
        if remaining > 0:
            return UnderWay("RolesPropagating", "the newest role assignment is propagating", remaining)
        path = world.desired.vault
        begin = world.backup_client.backup_instances.begin_validate_for_backup
        body = {"backupInstance": world.desired.instance_body}
        operation = await world.door.start(begin, group_of(path), name_of(path), body)
        world.progress.operations[self.name] = operation.url
        return self.under_way("Validating", retry_after=operation.retry_after)


class InstanceStep(Step):
    """The backup instance: met when Azure says ProtectionConfigured (37-71 s after its PUT, recorded)."""

    name = INSTANCE
    needs = (VALIDATION,)
    usual = 55.0

    async def observe(self, world: World) -> Observation:
        """Read its protection state; a Succeeded operation or provisioning state says nothing about it."""
        instance = await world.instance()
        if instance is None:
            deleted = await world.deleted_instance()
            return Absent("it was deleted; soft delete keeps it") if deleted else await self._others(world)
        resuming = await world.operation(self.name)
        if resuming is not None and resuming.error:
            raise resuming.error
        if instance.state in _CHANGING or (resuming is not None and resuming.running):
            return self.under_way(instance.state)
        if instance.state in _BROKEN:
            return self._broken(instance, world)
        if instance.state != _PROTECTED:
            return self._paused(instance, world)
        if not as_wanted(instance, world.desired):
            return Absent("its policy or contents differ")
        anew = world.created_anew and self.name not in world.progress.started
        return Absent("it is an earlier cluster's") if anew else Met()

    async def start(self, world: World) -> Observation:
        """Create it, or send it whole again: PATCH would drop the policy parameters."""
        path, vault = world.desired.instance, world.desired.vault
        before = await world.instance()
        if before is None and await world.deleted_instance():
            return await self._undelete(world)
        if before is not None and before.state in RESUMED_BY:
            return await self._resume(before, world)
        begin = world.backup_client.backup_instances.begin_create_or_update
        moves = before is not None and not same_id(before.policy_id, world.desired.policy)
        agreed = agreement(world.desired.guard_requests) if moves else None
        body = {"properties": {**world.desired.instance_body, **(agreed or {})}, "tags": world.desired.tags}
        await world.door.start(begin, group_of(vault), name_of(vault), name_of(path), body)
        if before is not None and _leaves_policy_of_ours(before, world.desired):
            world.progress.retired.append(before.policy_id)
        return self.under_way("ConfiguringProtection")

    def _paused(self, instance: Instance, world: World) -> Observation:
        """Suspended or stopped: undone where it was this app, or where the setting says so; else it is reported."""
        ours = world.life.paused.get(instance.id.casefold()) == instance.state
        if instance.state in RESUMED_BY and (ours or world.desired.resume_stopped):
            return Absent(f"protection is {instance.state}")
        message = f"protection is {instance.state}; resume it, or remove the tag"
        return Stuck("ProtectionStopped", message, Who.CLUSTER_OWNER)

    async def _undelete(self, world: World) -> Observation:
        """Take it back from soft delete; it comes back stopped, which is remembered as ours beforehand."""
        instance = world.desired.instance
        world.life.paused[instance.casefold()] = "ProtectionStopped"
        await world.remember()
        await world.door.post(f"{deleted_id(instance)}/undelete", DATA_PROTECTION_API)
        return self.under_way("UndeletingInstance")

    async def _resume(self, instance: Instance, world: World) -> Observation:
        answer = await world.door.post(f"{instance.id}/{RESUMED_BY[instance.state]}", DATA_PROTECTION_API)
        if answer.operation.url:
            world.progress.operations[self.name] = answer.operation.url
        return self.under_way("ResumingProtection", retry_after=answer.operation.retry_after)

    async def _others(self, world: World) -> Observation:
        """Somebody else's instance that serves is enough, and left alone; our own older one may stand beside."""
        previous = await world.previous_instances()
        for other in await world.instances():
            if other not in previous and other.state in (_PROTECTED, *_CHANGING):
                message = f"backup instance {other.id} protects the cluster already"
                return Stuck(PROTECTED_BY_OTHERS, message, Who.CLUSTER_OWNER)
        return Absent("no backup instance")

    def _broken(self, instance: Instance, world: World) -> Observation:
        error = instance.error or ArmError(f"protection is {instance.state}", status=200, code=instance.state)
        message = f"{error.code}: {error.message}"
        if classify(error) is FailureClass.OWNER:
            return Stuck("ProtectionError", message, Who.CLUSTER_OWNER)
        tries = world.progress.attempts.get(self.name, 0)
        if tries >= _MENDS:
            return Stuck("RepairDidNotHold", f"mended {tries} times; {message}", Who.OPERATOR)
        world.progress.attempts[self.name] = tries + 1
        world.progress.met.pop(VALIDATION, None)
        return Absent(message)


class PreviousInstancesStep(Step):
    """What an earlier vault of ours still protects of this cluster: kept, or stopped where the policy says so.

    Its recovery points stay either way.
    """

    name = PREVIOUS
    drifts = False
    needs = (INSTANCE,)
    usual = 50.0

    async def observe(self, world: World) -> Observation:
        """Look for instances of ours that still run, if they are to be stopped."""
        if not world.desired.stop_previous:
            return Met()
        running = [item for item in await world.previous_instances() if item.state == _PROTECTED]
        return Absent(f"{len(running)} still run") if running else Met()

    async def start(self, world: World) -> Observation:
        """Stop their protection; what they hold is retained for ever."""
        for instance in await world.previous_instances():
            if instance.state == _PROTECTED:
                body = agreement(world.desired.guard_requests)
                await world.door.post(f"{instance.id}/stopProtection", DATA_PROTECTION_API, body)
        return self.under_way("StoppingPreviousInstance")


def _leaves_policy_of_ours(instance: Instance, desired: Desired) -> bool:
    """Whether the instance had a policy that this app made; others' policies are never deleted."""
    ours = f"{desired.vault}/backupPolicies/".casefold()
    made = _MADE_POLICY.fullmatch(name_of(instance.policy_id)) is not None
    moves = not same_id(instance.policy_id, desired.policy)
    return moves and made and not desired.vault_given and instance.policy_id.casefold().startswith(ours)


def validation(desired: Desired) -> ValidationStep:
    """The validation, which needs everything that an instance stands on."""
    return ValidationStep((POLICY, BINDING, EXTENSION, *(step.name for step in roles.steps(desired))))
