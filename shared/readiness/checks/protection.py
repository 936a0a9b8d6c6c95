"""Checks of the backup instance: that it protects the cluster, with the policy that the tags ask for."""

from __future__ import annotations

from shared.arm.ids import name_of, same_id
from shared.catalog.selection import Selection
from shared.errors import ArmError
from shared.onboarding.readings import Instance
from shared.readiness.checks.finding import Finding, app, az, failed, in_group, passed, unread, warned
from shared.readiness.facts import PROTECTED, TAG, Facts, Wanted

_PAUSED = {
    # no new points come, those that are there can be restored ("Manage AKS backups": suspend and stop)
    "BackupSchedulesSuspended": "resume-protection",
    "RetentionSchedulesSuspended": "resume-protection",
    "ProtectionStopped": "resume-protection",
}
_CHANGING = frozenset({"UpdatingProtection"})


def protected(facts: Facts) -> Finding:
    """Azure says ProtectionConfigured."""
    instance = facts.instance
    cluster = facts.source.id
    if isinstance(instance, ArmError):
        return unread("the cluster's backup instances", instance, clusterId=str(cluster))
    if instance is None:
        message = f"cluster {cluster.name} has no backup instance"
        return failed("NotProtected", message, _onboard(facts), clusterId=str(cluster))
    evidence = {"backupInstanceId": instance.id, "protectionState": instance.state}
    if instance.state == PROTECTED:
        return passed("ProtectionConfigured", f"backup instance {name_of(instance.id)} protects it", **evidence)
    if instance.state in _CHANGING:
        return warned("UpdatingProtection", "protection is being changed", "ask again in some minutes", **evidence)
    if instance.state in _PAUSED:
        message = f"protection is {instance.state}: what is there can be restored, but no new backup is made"
        return warned(instance.state, message, _resume(instance), **evidence)
    why = f": {instance.error.code}: {instance.error.message}" if instance.error else ""
    message = f"protection is {instance.state}{why}"
    return failed(instance.state or "NotProtected", message, _mend(instance), **evidence)


def _onboard(facts: Facts) -> str:
    """A tag, or the patience that a tag takes."""
    if isinstance(facts.wanted, Wanted) and facts.wanted.selection is Selection.POLICY:
        return app(facts.source.id, "GET", "")  # says how far the onboarding is, and who can act
    return _tag(facts, "<policy>")


def _resume(instance: Instance) -> str:
    return az("dataprotection", "backup-instance", "resume-protection", "--ids", instance.id)


def _mend(instance: Instance) -> str:
    if instance.state in ("SoftDeleted", "SoftDeleting"):
        vault = instance.id.rpartition("/backupInstances/")[0]
        named = ("--vault-name", name_of(vault), "--backup-instance-name", name_of(instance.id))
        return az("dataprotection", "backup-instance", "deleted-backup-instance", "undelete", *in_group(vault), *named)
    return "put right what the message names; the next pass over the cluster repairs the instance"


def policy(facts: Facts) -> Finding:
    """The instance has the backup policy that the tags ask for, inherited tags included."""
    wanted, instance = facts.wanted, facts.instance
    if isinstance(wanted, ArmError):
        return unread("the policy that the tags ask for", wanted)
    if isinstance(instance, ArmError):
        return unread("the instance's policy", instance)
    if instance is None:
        return unread("the instance's policy", ArmError("there is no backup instance", code="NotAsked"))
    evidence = {"wanted": wanted.arm_policy, "has": instance.policy_id, "policy": wanted.name}
    if wanted.selection is Selection.POLICY and same_id(wanted.arm_policy, instance.policy_id):
        return passed("PolicyAsTagged", f"it has policy {wanted.name}, as the tags ask", **evidence)
    if wanted.selection is Selection.EXTERNAL:
        return passed("ExternallyProtected", "the tag says that others protect it, and they do", **evidence)
    message, fix = _difference(facts, wanted.selection, wanted.name)
    return warned("PolicyDiffers", message, fix, **evidence)


def _difference(facts: Facts, selection: Selection, name: str) -> tuple[str, str]:
    has = facts.used_name or "one that isn't in the catalog"
    if selection is Selection.POLICY:
        return f"the tags ask for policy {name}, the instance has {has}", "wait for the next pass over the cluster"
    words = {
        Selection.NOT_SELECTED: "no tag asks for a backup any more",
        Selection.EXCLUDED: "the tag says none",
        Selection.UNKNOWN: f"the tag says {name[:100]!r}, which is no policy",
    }[selection]
    return f"{words}, the instance has {has}", _tag(facts, facts.used_name or "<policy>")


def _tag(facts: Facts, policy: str) -> str:
    """The command that sets the tag and leaves the others alone, which `az aks update --tags` doesn't."""
    name = facts.wanted.tag if isinstance(facts.wanted, Wanted) else TAG
    tags = ("--tags", f"{name}={policy}", "--resource-id", str(facts.source.id))
    return az("tag", "update", "--operation", "merge", *tags)
