"""The checks of requests, before anything is asked of tables or of Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.clusters import ClustersApi
from shared.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
ROUTE = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "clusterName": "web"}


class ReachedFor(Exception):
    """A request has passed all checks."""


class Untouched:
    """Stands for tables and Azure; whoever reaches for it has let a bad request through."""

    def __getattr__(self, name: str) -> Any:
        raise ReachedFor(name)


def api() -> ClustersApi:
    """An API that can do nothing but check."""
    untouched = cast("Any", Untouched())
    return ClustersApi(frozenset({SUBSCRIPTION}), untouched, untouched, untouched, untouched, untouched)


async def refused(**asked: Any) -> Problem:
    """How a request for a backup is refused."""
    with pytest.raises(Problem) as caught:
        await api().back_up(ROUTE | asked.get("route", {}), asked.get("body", {}))
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        7,
        {"retentionTag": "Default", "force": True},
        {"dryRun": "true"},
        {"dryRun": 1},
        {"dryRun": None},
    ],
)
async def test_a_body_of_another_shape_is_refused(body: object) -> None:
    """Only the two options, each of its type; a misspelled one isn't ignored."""
    problem = await refused(body=body)
    assert (problem.status, problem.reason) == (400, "InvalidBody")


@pytest.mark.parametrize(
    "tag", ["", "1st", "a" * 65, "Default\n", "De fault", "x'--", 7, ["Default"], "Täglich", "\ud800"]
)
async def test_a_retention_tag_is_a_name(tag: object) -> None:
    """Nothing else gets into the body that Azure is sent."""
    problem = await refused(body={"retentionTag": tag})
    assert (problem.status, problem.reason) == (400, "InvalidRetentionTag")


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ({"subscriptionId": "11111111-1111-1111-1111-111111111111"}, 403),
        ({"subscriptionId": f"{SUBSCRIPTION}\n"}, 400),
        ({"resourceGroup": ""}, 400),
        ({"resourceGroup": "rg."}, 400),
        ({"resourceGroup": "rg/providers/x"}, 400),
        ({"clusterName": ""}, 400),
        ({"clusterName": "web'"}, 400),
        ({"clusterName": "web/jobs"}, 400),
        ({"clusterName": "web\x00"}, 400),
    ],
)
async def test_a_path_that_names_no_cluster_of_ours_is_refused(route: Mapping[str, str], status: int) -> None:
    """400 for what can't be a cluster, 403 for one of a subscription that isn't the deployment's."""
    assert (await refused(route=route)).status == status


@given(st.dictionaries(st.sampled_from(["subscriptionId", "resourceGroup", "clusterName"]), st.text()))
async def test_whatever_stands_in_a_path_is_an_answer(route: dict[str, str]) -> None:
    """Any text is a Problem with a status, or a cluster; never another exception."""
    with pytest.raises((Problem, ReachedFor)) as caught:
        await api().status({**ROUTE, **route})
    refused = caught.value
    assert not isinstance(refused, Problem) or (refused.status in (400, 403) and refused.detail)


@pytest.mark.parametrize(
    "params",
    [
        {"operation": "backup"},
        {"operation": ""},
        {"status": "Done"},
        {"since": "yesterday"},
        {"since": ""},
        {"since": "2026-01-31T08:00:00+25:00"},
        {"until": "9999-12-31T23:59:59-23:59"},
        {"until": "0001-01-01T00:00:00Z"},
        {"until": "1999-12-31"},
    ],
)
async def test_a_filter_of_jobs_that_means_nothing_is_refused(params: Mapping[str, str]) -> None:
    """An ignored filter would show more than was asked for, and look like an answer."""
    with pytest.raises(Problem) as caught:
        await api().jobs(ROUTE, params)
    assert (caught.value.status, caught.value.reason) == (400, "InvalidQuery")


@pytest.mark.parametrize(
    "params",
    [
        {"top": "1001"},
        {"top": "-1"},
        {"top": "ten"},
        {"top": ""},
        {"skip": "9" * 30},
        {"skip": "1.0"},
        {"state": "Good"},
    ],
)
async def test_a_page_of_the_fleet_has_bounds(params: Mapping[str, str]) -> None:
    """At most a thousand clusters, of a state that there is."""
    with pytest.raises(Problem) as caught:
        await api().fleet(params)
    assert (caught.value.status, caught.value.reason) == (400, "InvalidQuery")


@pytest.mark.parametrize("job", ["", "1", "../x", "g" * 36, "00000000-0000-0000-0000-000000000001\n"])
async def test_a_job_has_a_uuid(job: str) -> None:
    """What is no UUID isn't put into a URL."""
    with pytest.raises(Problem) as caught:
        await api().job({**ROUTE, "jobId": job})
    assert (caught.value.status, caught.value.reason) == (400, "InvalidJobId")


def test_a_problem_is_told_as_the_standard_has_it() -> None:
    """RFC 9457, and a reason for programs."""
    assert Problem(409, "BackupRunning", "a backup runs").body() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "reason": "BackupRunning",
        "detail": "a backup runs",
    }
