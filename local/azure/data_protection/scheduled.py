"""Scheduled backups: each policy has a moment at which its instances are due next."""

from __future__ import annotations

import datetime as dt
import random

from local.azure.cloud import Cloud
from local.azure.data_protection import backups, recovery_points, retention
from local.azure.data_protection.dialect import INSTANCES, POLICIES
from local.azure.data_protection.timetable import Timetable
from local.azure.durations import DURATIONS
from local.azure.store import Resource

_BACKED_UP = frozenset({"ProtectionConfigured", "UpdatingProtection"})
_AFTER_ANOTHER = dt.timedelta(seconds=1)


def attach(cloud: Cloud) -> None:
    """Follow the schedule of every policy that comes into the store, however it comes."""

    def observe(_: str, resource: Resource | None) -> None:
        if resource and resource.type.lower() == POLICIES.lower() and "schedule" not in resource.notes:
            _follow(cloud, resource)

    cloud.store.observers.append(observe)


def _follow(cloud: Cloud, policy: Resource) -> None:
    """Plan the next moment of a policy; a policy that takes its place under the same id has its own."""
    mark = policy.notes["schedule"] = object()

    def plan(after: dt.datetime) -> None:
        current = cloud.store.get(policy.id)
        table = Timetable.of(current.properties) if current and current.notes.get("schedule") is mark else None
        if table:
            cloud.clock.at(table.after(after), due)

    def due(moment: dt.datetime) -> None:
        current = cloud.store.get(policy.id)
        if current is None or current.notes.get("schedule") is not mark:
            return
        for instance in _instances(cloud, current):
            recovery_points.expire(cloud, instance, moment)
            _start_soon(cloud, instance, moment)
        plan(moment)

    plan(cloud.clock.now())


def _instances(cloud: Cloud, policy: Resource) -> list[Resource]:
    vault_id = policy.id[: policy.id.lower().rindex("/backuppolicies/")]
    return [one for one in cloud.store.children(vault_id, INSTANCES) if _policy_of(one) == policy.id.lower()]


def _policy_of(instance: Resource) -> str:
    return str((instance.properties.get("policyInfo") or {}).get("policyId") or "").lower()


def _start_soon(cloud: Cloud, instance: Resource, due: dt.datetime) -> None:
    """Start the backup a little later; Azure takes up to two hours."""
    longest = cloud.options.backup_delay
    shortest = min(DURATIONS["scheduledStart"][0], longest)
    chance = random.Random(f"{cloud.options.seed}|{instance.id.lower()}|{due:%Y%m%d%H%M%S}")
    policy_id = _policy_of(instance)

    def start(moment: dt.datetime) -> None:
        current = cloud.store.get(instance.id)
        policy = cloud.store.get(policy_id)
        if current is None or policy is None or _policy_of(current) != policy_id:
            return
        if current.properties.get("currentProtectionState") not in _BACKED_UP:
            return
        other = backups.running(cloud, current)
        if other:
            # what Azure does then isn't known
            cloud.clock.at(other.ends + _AFTER_ANOTHER, start)
            return
        backups.start(cloud, current, _tag(cloud, current, policy, due), moment, user_triggered=False)

    cloud.clock.at(due + dt.timedelta(seconds=chance.uniform(shortest, longest)), start)


def _tag(cloud: Cloud, instance: Resource, policy: Resource, due: dt.datetime) -> str:
    points = recovery_points.of(cloud, instance) if len(retention.tags(policy.properties)) > 1 else []
    earlier = ((str(one.properties.get("retentionTagName")), recovery_points.taken(one)) for one in points)
    return retention.scheduled_tag(policy.properties, due, earlier)
