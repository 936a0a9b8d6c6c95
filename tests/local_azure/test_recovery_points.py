from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from local.azure.data_protection import moments
from local.azure.data_protection.dialect import POINTS
from local.azure.data_protection.retention import Kept, kept, scheduled_tag
from tests.local_azure.backup import (
    CLUSTER,
    GOLD,
    INSTANCE,
    POLICY,
    VAULT,
    instance,
    lifecycle,
    policy,
    protected,
)
from tests.local_azure.ondemand import DAY, advance, advance_to, all_jobs, all_points, run_one

if TYPE_CHECKING:
    from tests.local_azure.client import Client

_POINTS = f"{INSTANCE}/recoveryPoints"
_FIRST = dt.datetime(2024, 6, 26, 9, tzinfo=dt.UTC)  # a Wednesday


def _stores(point: dict[str, Any]) -> list[str]:
    return [detail["type"] for detail in point["recoveryPointDataStoresDetails"]]


async def test_a_backup_leaves_a_recovery_point(azure: Client) -> None:
    """Its job names it; alone it is what it is in the list; its tag is the one that the job had."""
    await protected(azure)
    job = await run_one(azure)
    (point,) = await all_points(azure)
    assert job["extendedInfo"]["targetRecoverPoint"]["recoveryPointID"] == point["recoveryPointId"]
    alone = await azure.arm("GET", f"{_POINTS}/{point['recoveryPointId']}")
    assert alone.body["properties"] == point
    assert point["retentionTagName"] == "default"
    assert _stores(point) == ["OperationalStore"]
    created = point["recoveryPointDataStoresDetails"][0]["creationTime"]
    assert job["startTime"] < created < point["recoveryPointTime"] < job["endTime"]
    (listed,) = await azure.control("GET", f"/resources?type={POINTS}")
    assert listed["body"] == alone.body


async def test_a_fresh_point_does_not_tell_when_it_expires(azure: Client) -> None:
    """Null at both levels, later seven days after its creation."""
    await protected(azure)
    await run_one(azure)
    (fresh,) = await all_points(azure)
    assert (fresh["expiryTime"], fresh["recoveryPointDataStoresDetails"][0]["expiryTime"]) == (None, None)
    await advance(azure, 3700)
    (point,) = await all_points(azure)
    detail = point["recoveryPointDataStoresDetails"][0]
    assert detail["expiryTime"] == point["expiryTime"]
    created, expires = moments.parse(detail["creationTime"]), moments.parse(detail["expiryTime"])
    assert created
    assert expires == created + dt.timedelta(days=7)


async def test_what_is_not_there_is_told(azure: Client) -> None:
    """A point that doesn't exist, and points of an instance that doesn't."""
    await protected(azure)
    absent = await azure.arm("GET", f"{_POINTS}/{'0' * 32}")
    assert (absent.status, absent.code) == (404, "UserErrorGenericResourceNotFound")
    elsewhere = await azure.arm("GET", f"{VAULT}/backupInstances/none/recoveryPoints")
    assert elsewhere.status == 404


async def test_points_are_filtered_by_their_time(azure: Client) -> None:
    """An empty filter means all, a range those within, newest first; the wrong way round it is empty."""
    await protected(azure)
    await advance_to(azure, 10)
    await advance(azure, 3 * DAY)
    points = await all_points(azure)
    times = [point["recoveryPointTime"] for point in points]
    assert len(times) >= 3
    assert sorted(times, reverse=True) == times

    async def found(query: str) -> list[str]:
        answer = await azure.arm("GET", f"{_POINTS}?$filter={query}&api-version=2025-07-01")
        assert answer.status == 200
        return [one["properties"]["recoveryPointTime"] for one in answer.body["value"]]

    assert await found("") == times
    assert await found(f"startDate eq '{times[1]}'") == times[:2]
    assert await found(f"startDate eq '{times[1]}' and endDate eq '{times[1]}'") == [times[1]]
    assert await found(f"startDate eq '{times[0]}' and endDate eq '{times[1]}'") == []


@pytest.mark.parametrize("query", ["name eq 'x'", "startDate eq 'soon'", "startDate gt '2024-01-01T00:00:00Z'"])
async def test_other_filters_are_refused(azure: Client, query: str) -> None:
    """Nothing else than the dates is known of the filter."""
    await protected(azure)
    answer = await azure.arm("GET", f"{_POINTS}?$filter={query}&api-version=2025-07-01")
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")


async def test_the_first_point_of_a_day_goes_to_the_vault_too(azure: Client) -> None:
    """The scheduled one by its tag, half an hour to an hour and a half later, with the vault's own expiry."""
    await protected(azure, GOLD)
    await advance_to(azure, 9, 20)
    (early,) = await all_points(azure)
    assert (early["retentionTagName"], _stores(early)) == ("Daily", ["OperationalStore"])
    await advance(azure, 3 * 3600)
    (point,) = await all_points(azure)
    assert _stores(point) == ["OperationalStore", "VaultStore"]
    expiries = [moments.parse(detail["expiryTime"]) for detail in point["recoveryPointDataStoresDetails"]]
    assert expiries[0]
    assert expiries[1] == expiries[0] + dt.timedelta(days=84 - 7)
    assert moments.parse(point["expiryTime"]) == expiries[1]
    ids = {detail["id"] for detail in point["recoveryPointDataStoresDetails"]}
    assert len(ids) == 2


async def test_only_one_point_a_day_carries_the_days_tag(azure: Client) -> None:
    """With six backups a day: one Daily, five Default, and the copies to match."""
    await protected(azure, GOLD)
    often = f"{VAULT}/backupPolicies/often"
    assert (await azure.arm("PUT", often, policy(vault_tier=True, frequency="PT4H"))).status == 200
    await azure.arm("PUT", INSTANCE, {"properties": instance(often)})
    await advance(azure, 61)
    await advance_to(azure, 0, 30)
    seen = len(await all_points(azure))
    await advance(azure, 2 * DAY)
    points = (await all_points(azure))[: -seen or None]
    tags = [point["retentionTagName"] for point in points]
    assert (tags.count("Daily"), tags.count("Default")) == (2, 10)
    for point in points[1:]:
        assert ("VaultStore" in _stores(point)) == (point["retentionTagName"] == "Daily")


async def test_a_point_on_demand_is_kept_by_the_tag_that_was_asked_for(azure: Client) -> None:
    """The override's rule decides, vault copy included; it is shown as it was sent."""
    await protected(azure, GOLD)
    await advance_to(azure, 12)
    await run_one(azure, retentionTagOverride="Daily")
    await run_one(azure)
    await advance(azure, 3 * 3600)
    asked, plain = sorted((await all_points(azure))[:2], key=lambda point: str(point["recoveryPointTime"]))
    assert (asked["retentionTagName"], len(_stores(asked))) == ("Daily", 2)
    assert (plain["retentionTagName"], len(_stores(plain))) == ("default", 1)


async def test_points_expire_with_their_store(azure: Client) -> None:
    """After seven days a point leaves the operational store and stays in the vault; one without a copy goes."""
    await protected(azure, GOLD)
    await advance_to(azure, 12)
    await run_one(azure)
    plain = (await all_points(azure))[0]["recoveryPointId"]
    daily = {point["recoveryPointId"] for point in await all_points(azure)} - {plain}
    await advance(azure, 9 * DAY)
    points = {point["recoveryPointId"]: point for point in await all_points(azure)}
    assert plain not in points
    assert all(_stores(points[point]) == ["VaultStore"] for point in daily)
    oldest = min(points.values(), key=lambda point: str(point["recoveryPointTime"]))
    assert _stores(oldest) == ["VaultStore"]
    # the oldest of eight expires some seconds after Azure last looked
    assert sum("OperationalStore" in _stores(point) for point in points.values()) == 8


async def test_nothing_expires_while_the_cluster_is_stopped(azure: Client) -> None:
    """Jobs fail and points stay; when it runs again, what has expired goes."""
    await protected(azure)
    await run_one(azure)
    cluster = azure.cloud.store.get(CLUSTER)
    assert cluster
    (old,) = (await all_points(azure))[-1:]
    cluster.properties["powerState"] = {"code": "Stopped"}
    await advance(azure, 9 * DAY)
    assert old["recoveryPointId"] in {point["recoveryPointId"] for point in await all_points(azure)}
    assert {job["status"] for job in (await all_jobs(azure))[1:]} == {"Failed"}
    cluster.properties["powerState"] = {"code": "Running"}
    await advance(azure, 2 * DAY)
    assert old["recoveryPointId"] not in {point["recoveryPointId"] for point in await all_points(azure)}


async def test_a_deleted_cluster_keeps_its_points(azure: Client) -> None:
    """Its snapshots have to be removed by hand."""
    await protected(azure)
    await run_one(azure)
    azure.cloud.store.remove(CLUSTER)
    before = len(await all_points(azure))
    await advance(azure, 10 * DAY)
    assert len(await all_points(azure)) == before


@pytest.mark.parametrize(("action", "left"), [("suspendBackups", 1), ("stopProtection", 3)])
async def test_what_stays_when_backups_are_suspended_or_stopped(azure: Client, action: str, left: int) -> None:
    """Suspended, the newest point is kept for ever; stopped, all of them are."""
    await protected(azure)
    for _ in range(3):
        await run_one(azure)
    names = [point["recoveryPointId"] for point in await all_points(azure)]
    await azure.arm("POST", f"{INSTANCE}/{action}", {})
    await advance(azure, 60)
    await advance(azure, 20 * DAY)
    assert [point["recoveryPointId"] for point in await all_points(azure)] == names[:left]


async def test_another_policy_does_not_change_the_points_of_before(azure: Client) -> None:
    """They expire as the policy said when they were made."""
    await protected(azure)
    await run_one(azure)
    long = policy()
    long["properties"]["policyRules"][1]["lifecycles"] = [lifecycle("OperationalStore", "P30D")]
    path = f"{VAULT}/backupPolicies/long"
    assert (await azure.arm("PUT", path, long)).status == 200
    await azure.arm("PUT", INSTANCE, {"properties": instance(path)})
    await advance(azure, 61)
    await run_one(azure)
    await advance(azure, 10 * DAY)
    old = [point for point in await all_points(azure) if point["policyName"] == POLICY.rsplit("/", 1)[-1]]
    assert old == []
    assert len(await all_points(azure)) == 11


async def test_points_of_a_soft_deleted_instance_come_back_with_it(azure: Client) -> None:
    """Gone with the instance, there again after undelete."""
    await protected(azure)
    await run_one(azure)
    before = await all_points(azure)
    await azure.arm("DELETE", INSTANCE)
    await advance(azure, 110)
    assert azure.cloud.store.get(f"{_POINTS}/{before[0]['recoveryPointId']}") is None
    undeleted = await azure.arm("POST", f"{INSTANCE.replace('backupInstances', 'deletedBackupInstances')}/undelete", {})
    assert undeleted.status == 200
    assert await all_points(azure) == before


async def test_points_that_were_put_expire_as_they_say(azure: Client) -> None:
    """A past point has no other expiry than the one in its body."""
    await protected(azure)
    await run_one(azure)
    await advance(azure, 3700)
    (point,) = (await all_points(azure))[:1]
    now = azure.cloud.clock.now()
    for days, name in ((1, "1" * 32), (400, "4" * 32)):
        expiry = moments.trimmed(now + dt.timedelta(days=days))
        detail = {**point["recoveryPointDataStoresDetails"][0], "expiryTime": expiry}
        body = {"properties": {**point, "recoveryPointDataStoresDetails": [detail], "expiryTime": expiry}}
        assert await azure.control("PUT", "/resources", {"id": f"{_POINTS}/{name}", "body": body})
    await advance(azure, 3 * DAY)
    assert (await azure.arm("GET", f"{_POINTS}/{'1' * 32}")).status == 404
    assert (await azure.arm("GET", f"{_POINTS}/{'4' * 32}")).status == 200


def _criteria(**markers: str) -> dict[str, Any]:
    """A policy with one tag for each marker, in the order of their priorities, in a time zone."""
    properties: dict[str, Any] = policy()["properties"]
    trigger = properties["policyRules"][0]["trigger"]
    for priority, (name, marker) in enumerate(markers.items()):
        trigger["taggingCriteria"].append(
            {
                "isDefault": False,
                "tagInfo": {"tagName": name},
                "taggingPriority": 10 + priority,
                "criteria": [{"absoluteCriteria": [marker]}],
            }
        )
    return properties


@pytest.mark.parametrize(
    ("earlier", "tag"),
    [
        ([], "Yearly"),
        ([("Yearly", dt.timedelta(days=1))], "Weekly"),
        ([("Yearly", dt.timedelta(days=1)), ("Weekly", dt.timedelta(days=2))], "Daily"),
        ([("Yearly", dt.timedelta(days=1)), ("Weekly", dt.timedelta(days=3))], "Weekly"),
        ([("Yearly", dt.timedelta(1)), ("Weekly", dt.timedelta(1)), ("daily", dt.timedelta(hours=4))], "Default"),
        ([("Yearly", dt.timedelta(1)), ("Weekly", dt.timedelta(1)), ("Daily", dt.timedelta(hours=10))], "Daily"),
        ([("Yearly", dt.timedelta(days=400)), ("Default", dt.timedelta(hours=4))], "Yearly"),
    ],
)
def test_the_tag_of_a_scheduled_backup(earlier: list[tuple[str, dt.timedelta]], tag: str) -> None:
    """The most important one that no point of its period has yet, on a Wednesday at nine."""
    properties = _criteria(Yearly="FirstOfYear", Weekly="FirstOfWeek", Daily="FirstOfDay")
    assert scheduled_tag(properties, _FIRST, [(name, _FIRST - ago) for name, ago in earlier]) == tag


def test_a_day_is_one_of_the_schedules_time_zone() -> None:
    """20:00 UTC is the next day in India, so a point of 17:00 UTC is of another day there."""
    properties = _criteria(Daily="FirstOfDay")
    earlier = [("Daily", dt.datetime(2024, 6, 26, 17, tzinfo=dt.UTC))]
    due = dt.datetime(2024, 6, 26, 20, tzinfo=dt.UTC)
    assert scheduled_tag(properties, due, earlier) == "Default"
    properties["policyRules"][0]["trigger"]["schedule"]["timeZone"] = "India Standard Time"
    assert scheduled_tag(properties, due, earlier) == "Daily"


def test_every_backup_can_have_a_tag() -> None:
    """AllBackup asks for nothing."""
    assert scheduled_tag(_criteria(Every="AllBackup"), _FIRST, [("Every", _FIRST)]) == "Every"


def test_a_vault_lifecycle_counts_where_a_copy_is_declared() -> None:
    """Without the declaration a point stays operational only; an unknown tag has the default rule."""
    properties = policy(vault_tier=True)["properties"]
    week, quarter = dt.timedelta(days=7), dt.timedelta(days=84)
    assert kept(properties, "daily") == Kept(week, quarter)
    assert kept(properties, "default") == Kept(week)
    assert kept(properties, "Other") == Kept(week)
    del properties["policyRules"][2]["lifecycles"][0]["targetDataStoreCopySettings"]
    assert kept(properties, "Daily") == Kept(week)
    assert kept({}, "Default") == Kept(None)
