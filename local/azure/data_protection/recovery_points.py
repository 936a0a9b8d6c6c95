"""Recovery points (dp_backup_and_restore_aks.json, dp_recovery_point_list.json)."""

from __future__ import annotations

import datetime as dt
import re

from local.azure import clock
from local.azure.cloud import Cloud
from local.azure.data_protection import requirements, retention, snapshots
from local.azure.data_protection.candidate import Candidate, datasource_id, is_aks
from local.azure.data_protection.dialect import POINTS, invalid_input, not_found
from local.azure.data_protection.moments import dotnet_ticks, parse
from local.azure.data_protection.schedules import OPERATIONAL, VAULT
from local.azure.durations import duration
from local.azure.errors import Json
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

_BUDGET = provider_budget(100)
_CREATED, _TAKEN = 0.257, 0.773
"""When, as shares of its job's time, a point is created and gets its time (dp_backup_and_restore_aks: 47 s and 143 s
of 185 s)."""

_EXPIRY_SHOWN = dt.timedelta(hours=1)
"""After which time a point tells its expiry: one second after its job it was null (dp_backup_and_restore_aks), the
points of a day before had it (dp_recovery_point_list). The hour is chosen."""

_KEEPS_ALL = frozenset({"ProtectionStopped", "RetentionSchedulesSuspended"})
_KEEPS_NEWEST = frozenset({"BackupSchedulesSuspended"})

_TERM = re.compile(r"\s*(startDate|endDate)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)


def make(cloud: Cloud, instance: Resource, tag: str, started: dt.datetime, ended: dt.datetime) -> Resource:
    """The recovery point of a backup; it expires by the policy as it is now.

    Args:
        cloud: The simulated Azure.
        instance: The backup instance.
        tag: Its retention tag, in the spelling that is shown.
        started: Start of the job.
        ended: Its end.
    """
    policy_id = str((instance.properties.get("policyInfo") or {}).get("policyId") or "")
    policy = cloud.store.get(policy_id)
    kept = retention.kept(policy.properties if policy else {}, tag)
    created = started + (ended - started) * _CREATED
    name = cloud.new_guid().replace("-", "")
    body = _document(f"{instance.id}/recoveryPoints/{name}", policy_id, tag)
    body["properties"].update(
        recoveryPointTime=clock.ticks(started + (ended - started) * _TAKEN),
        recoveryPointDataStoresDetails=[_detail(cloud, instance, OPERATIONAL, created)],
        retentionTagVersion=_tag_version(policy, ended),
    )
    point = cloud.store.put(Resource(body["id"], POINTS, body))
    expiries = {OPERATIONAL: created + kept.operational} if kept.operational else {}
    point.notes.update(expiries=expiries, snapshots=snapshots.take(cloud, instance, created))
    if kept.vault:
        _copy_to_vault(cloud, instance, point, ended, created + kept.vault)
    cloud.clock.at(ended + _EXPIRY_SHOWN, lambda _: _show_expiry(cloud, point))
    return point


def keep_in(point: Resource, candidate: Candidate) -> None:
    """Note in which container a backup has put a cluster's resources; another one of the same name has them not."""
    if is_aks(candidate.properties):
        point.notes["container"] = candidate.container


def _document(point_id: str, policy_id: str, tag: str) -> Json:
    name = point_id.rsplit("/", 1)[-1]
    return {
        "properties": {
            "objectType": "AzureBackupDiscreteRecoveryPoint",
            "recoveryPointId": name,
            "recoveryPointTime": "",
            "recoveryPointType": "Incremental",
            "friendlyName": name,
            "recoveryPointDataStoresDetails": [],
            "retentionTagName": tag,
            "retentionTagVersion": "",
            "policyName": policy_id.rsplit("/", 1)[-1],
            "policyVersion": None,
            "expiryTime": None,
            "recoveryPointState": None,
        },
        "id": point_id,
        "name": name,
        "type": POINTS,
    }


def _detail(cloud: Cloud, instance: Resource, store: str, created: dt.datetime) -> Json:
    """A point in one store; the id of the store is the same for all points of an instance (recorded)."""
    return {
        "id": cloud.directory.guid("store", instance.id, store),
        "type": store,
        "creationTime": clock.ticks(created),
        "expiryTime": None,
        "metaData": None,
        "visible": True,
        "state": "COMMITTED",
        "rehydrationExpiryTime": None,
        "rehydrationStatus": None,
    }


def _tag_version(policy: Resource | None, at: dt.datetime) -> str:
    """A number of ticks in a text, the same for all points of a policy; here the moment of the first."""
    notes = policy.notes if policy else {}
    return str(notes.setdefault("tag_version", str(dotnet_ticks(at))))


def _copy_to_vault(cloud: Cloud, instance: Resource, point: Resource, at: dt.datetime, expires: dt.datetime) -> None:
    """The copy is there some time after the backup; no recording shows it, nor a job for it."""

    def copied(moment: dt.datetime) -> None:
        if cloud.store.get(point.id) is not point:
            return
        detail = _detail(cloud, instance, VAULT, moment)
        point.properties["recoveryPointDataStoresDetails"].append(detail)
        point.notes["expiries"][VAULT] = expires
        if moment - at >= _EXPIRY_SHOWN:
            _show_expiry(cloud, point)
        cloud.store.touch(point.id)

    seconds = duration(cloud.options.seed, "vaultCopy", point.id)
    cloud.clock.at(at + dt.timedelta(seconds=seconds), copied)


def _show_expiry(cloud: Cloud, point: Resource) -> None:
    expiries: dict[str, dt.datetime] = point.notes["expiries"]
    for detail in point.properties["recoveryPointDataStoresDetails"]:
        if detail["type"] in expiries:
            detail["expiryTime"] = clock.ticks(expiries[detail["type"]])
    point.properties["expiryTime"] = clock.ticks(max(expiries.values())) if expiries else None
    if cloud.store.get(point.id) is point:
        cloud.store.touch(point.id)


def taken(point: Resource) -> dt.datetime:
    """The time of a recovery point; the beginning of time when a seeded one has none."""
    return parse(point.properties.get("recoveryPointTime")) or dt.datetime.min.replace(tzinfo=dt.UTC)


def of(cloud: Cloud, instance: Resource) -> list[Resource]:
    """The recovery points of an instance, newest first (recorded)."""
    return sorted(cloud.store.children(instance.id, POINTS), key=taken, reverse=True)


def stores(point: Resource) -> frozenset[str]:
    """The stores that a point is in."""
    return frozenset(str(detail.get("type")) for detail in point.properties.get("recoveryPointDataStoresDetails") or [])


def in_pair(cloud: Cloud, point: Resource, at: dt.datetime) -> bool:
    """Whether a point's copy in a geo-redundant vault has reached the paired region; up to 12 h are documented."""
    details = point.properties.get("recoveryPointDataStoresDetails") or []
    copied = next((parse(detail.get("creationTime")) for detail in details if detail.get("type") == VAULT), None)
    seconds = duration(cloud.options.seed, "pairCopy", point.id)
    return copied is not None and copied + dt.timedelta(seconds=seconds) <= at


def expire(cloud: Cloud, instance: Resource, at: dt.datetime) -> None:
    """Remove what has expired, as far as the protection state and the cluster let it be.

    Nothing expires while protection is stopped or the cluster doesn't run; the newest point is kept while backups are
    suspended. All of it is documented; how often Azure looks isn't.
    """
    state = str(instance.properties.get("currentProtectionState"))
    if state in _KEEPS_ALL:
        return
    points = [point for point in cloud.store.children(instance.id, POINTS) if _expired(point, at)]
    if not points or not _deletable(cloud, instance):
        return
    kept = of(cloud, instance)[0] if state in _KEEPS_NEWEST else None
    for point in points:
        if point is not kept:
            _remove_expired(cloud, point, at)


def _expiries(point: Resource) -> dict[str, dt.datetime]:
    noted: dict[str, dt.datetime] | None = point.notes.get("expiries")
    if noted is not None:
        return noted
    found = {}
    for detail in point.properties.get("recoveryPointDataStoresDetails") or []:
        moment = parse(detail.get("expiryTime"))
        if moment:
            found[str(detail.get("type"))] = moment
    point.notes["expiries"] = found
    return found


def _expired(point: Resource, at: dt.datetime) -> bool:
    return any(moment <= at for moment in _expiries(point).values())


def _deletable(cloud: Cloud, instance: Resource) -> bool:
    if not is_aks(instance.properties):
        return True
    cluster = cloud.store.get(datasource_id(instance.properties))
    return cluster is not None and requirements.runs(cluster)


def _remove_expired(cloud: Cloud, point: Resource, at: dt.datetime) -> None:
    expiries, properties = _expiries(point), point.properties
    left = [
        detail
        for detail in properties["recoveryPointDataStoresDetails"]
        if detail["type"] not in expiries or expiries[detail["type"]] > at
    ]
    point.notes["expiries"] = {store: moment for store, moment in expiries.items() if moment > at}
    if all(detail["type"] != OPERATIONAL for detail in left):
        snapshots.discard(cloud, point, at)
    if left:
        properties["recoveryPointDataStoresDetails"] = left
        cloud.store.touch(point.id)
    else:
        cloud.store.drop(point)


def _list(call: Call) -> Reply:
    return Reply(200, {"value": [point.body for point in asked(call, call.existing())]})


def asked(call: Call, instance: Resource) -> list[Resource]:
    """The points of an instance that a call's `$filter` asks for, newest first."""
    begin, end = _range(call.parameter("$filter") or "")
    return [
        point
        for point in of(call.cloud, instance)
        if (begin is None or taken(point) >= begin) and (end is None or taken(point) <= end)
    ]


def _range(text: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The range of a `$filter`; an empty one means all (recorded), and nothing else than dates is known of it."""
    limits: dict[str, dt.datetime] = {}
    for term in re.split(r"\band\b", text, flags=re.IGNORECASE) if text.strip() else ():
        found = _TERM.fullmatch(term)
        moment = parse(found[2]) if found else None
        if found is None or moment is None:
            raise invalid_input("$filter is of the form startDate eq '...' and endDate eq '...'.")
        limits[found[1].lower()] = moment
    return limits.get("startdate"), limits.get("enddate")


def _get(call: Call) -> Reply:
    point = call.stored()
    if point is None:
        raise not_found()
    return Reply(200, point.body)


_POINTS = "backupVaults/{vault}/backupInstances/{instance}/recoveryPoints"

ROUTES = (
    Route("GET", _POINTS, _list, _BUDGET),
    Route("GET", f"{_POINTS}/{{point}}", _get, _BUDGET),
)
