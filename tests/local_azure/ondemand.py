"""On-demand backups of the one protected cluster, and its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.azure.data_protection.dialect import JOBS
from tests.local_azure.backup import INSTANCE

if TYPE_CHECKING:
    from tests.local_azure.client import Client

DAY = 86400.0


def asked(rule: str = "BackupHourly", **trigger: Any) -> dict[str, Any]:
    """The body of a request for a backup."""
    return {"backupRuleOptions": {"ruleName": rule, "triggerOption": trigger}}


async def advance(azure: Client, seconds: float) -> None:
    """Step virtual time."""
    await azure.control("POST", "/clock", {"advance": seconds})


async def run_one(azure: Client, **trigger: Any) -> dict[str, Any]:
    """Run an on-demand backup to its end; the properties of its job, read alone."""
    accepted = await azure.arm("POST", f"{INSTANCE}/backup", asked(**trigger))
    assert accepted.status == 202, accepted
    await advance(azure, 190)
    status = await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])
    properties: dict[str, Any] = (await azure.arm("GET", status.body["properties"]["jobId"])).body["properties"]
    return properties


async def all_jobs(azure: Client) -> list[dict[str, Any]]:
    """Properties of the jobs of the store, oldest first, as they are read alone."""
    listed = await azure.control("GET", f"/resources?type={JOBS}")
    return [one["body"]["properties"] for one in listed]


async def all_points(azure: Client) -> list[dict[str, Any]]:
    """Properties of the instance's recovery points, newest first."""
    listed = await azure.arm("GET", f"{INSTANCE}/recoveryPoints")
    return [one["properties"] for one in listed.body["value"]]


async def advance_to(azure: Client, hour: int, minute: int = 0) -> None:
    """Let time pass until the next time that it is this hour in UTC."""
    now = azure.cloud.clock.now()
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    await advance(azure, (then - now).total_seconds() % DAY)
