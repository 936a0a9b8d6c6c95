from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.azure.faults import Faults
from tests.local_azure.backup import CLUSTER, INSTANCE, protected
from tests.local_azure.ondemand import advance, all_jobs, all_points, run_one

if TYPE_CHECKING:
    from tests.local_azure.client import Client


async def test_ordered_outcomes(azure: Client) -> None:
    """In turn: failed, with warnings (which makes a point), cancelled, slow; then as usual again."""
    await protected(azure)
    match = {"resource": f"{CLUSTER}$"}
    for order in (
        {"status": "Failed", "code": "ExtensionTimedOutWaitingForBackupItemSync", "message": "slow"},
        {"status": "CompletedWithWarnings", "code": "UserErrorHookExecutionFailed", "message": "hook"},
        {"status": "Cancelled"},
    ):
        await azure.control("POST", "/faults", {"match": match, "action": "fail_job", **order})
        job = await run_one(azure)
        assert job["status"] == order["status"]
        failed = order["status"] == "Failed"
        assert [error["code"] for error in job["errorDetails"] or []] == ([order["code"]] if failed else [])
        warnings = job["extendedInfo"]["warningDetails"] or []
        warned = order["status"] == "CompletedWithWarnings"
        assert [one["warning"]["code"] for one in warnings] == ([order["code"]] if warned else [])
    assert len(await all_points(azure)) == 1
    await azure.control(
        "POST", "/faults", {"match": match, "action": "fail_job", "status": "Completed", "seconds": 900}
    )
    assert (await run_one(azure))["status"] == "InProgress"
    await advance(azure, 720)
    assert (await all_jobs(azure))[-1]["status"] == "Completed"
    assert (await run_one(azure))["status"] == "Completed"


@pytest.mark.parametrize(
    ("order", "struck"),
    [
        ({"nth": 2, "times": 2}, [False, True, True, False, False]),
        ({"times": None}, [True] * 5),
        ({"match": {"resource": "/backupInstances/other"}, "times": None}, [False] * 5),
        ({"match": {"operation": "Restore"}, "times": None}, [False] * 5),
        ({"probability": 0, "times": None}, [False] * 5),
    ],
)
def test_which_jobs_an_order_strikes(order: dict[str, Any], struck: list[bool]) -> None:
    """From the nth on, so many, of matching instances and operations."""
    faults = Faults()
    faults.add({"action": "fail_job", **order})
    assert [faults.for_job("Backup", INSTANCE, CLUSTER) is not None for _ in range(5)] == struck


def test_a_share_of_jobs_is_the_same_in_every_run() -> None:
    """Five per cent of a thousand are about fifty, and another run of the same seed strikes the same ones."""

    def run(seed: int) -> list[bool]:
        faults = Faults()
        faults.add({"action": "fail_job", "probability": 0.05, "times": None, "seed": seed})
        return [faults.for_job("Backup", INSTANCE, CLUSTER) is not None for _ in range(1000)]

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 25 <= sum(run(7)) <= 80


def test_an_order_for_jobs_leaves_requests_alone() -> None:
    """Its empty path pattern doesn't match every request."""
    faults = Faults()
    faults.add({"action": "fail_job", "times": None})
    assert faults.for_request("GET", INSTANCE, None) == []
    assert faults.listing()[0]["match"] == {"resource": "", "operation": None}


@pytest.mark.parametrize(
    "order",
    [
        {"status": "Succeeded"},
        {"probability": 1.5},
        {"probability": "often"},
        {"seconds": 0},
        {"match": {"resource": "("}},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(azure: Client, order: dict[str, Any]) -> None:
    """With an error, and nothing is ordered."""
    assert "error" in await azure.control("POST", "/faults", {"action": "fail_job", **order})
    assert await azure.control("GET", "/faults") == []
