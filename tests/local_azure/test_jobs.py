from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azure.clock import ticks
from local.azure.data_protection import moments
from local.azure.data_protection.dialect import JOBS
from tests.local_azure.backup import INSTANCE, VAULT, make_vault, protected
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.ondemand import advance, asked, run_one

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.client import Client
    from tests.local_azure.conftest import Start

_JOBS = f"{VAULT}/backupJobs"
_MOMENTS = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


async def test_a_list_and_a_single_job_write_durations_differently(azure: Client) -> None:
    """ISO 8601 alone, a time span in the list, where extendedInfo is null too; everything else is the same."""
    await protected(azure)
    await run_one(azure)
    (stored,) = azure.cloud.store.of_type(JOBS)
    job = (await azure.arm("GET", stored.id)).body
    assert re.fullmatch(r"PT3M\d(\.\d{1,7})?S", job["properties"]["duration"])
    listed = await azure.arm("GET", _JOBS)
    (same,) = listed.body["value"]
    assert listed.body["nextLink"] is None
    assert same["properties"]["duration"] == moments.time_span(job["properties"]["duration"])
    assert same["properties"]["extendedInfo"] is None
    differing = {name for name in job["properties"] if job["properties"][name] != same["properties"][name]}
    assert differing == {"duration", "extendedInfo"}


async def test_nothing_moves_while_a_job_runs(azure: Client) -> None:
    """Duration zero, no end, the same etag; at the end all of them tell of it."""
    await protected(azure)
    accepted = await azure.arm("POST", f"{INSTANCE}/backup", asked())
    await advance(azure, 10)
    job_id = (await azure.arm("GET", accepted.headers["Azure-AsyncOperation"])).body["properties"]["jobId"]
    early = (await azure.arm("GET", job_id)).body
    await advance(azure, 150)
    assert (await azure.arm("GET", job_id)).body == early
    running = early["properties"]
    assert (running["status"], running["duration"], running["endTime"]) == ("InProgress", "PT0S", None)
    listed = (await azure.arm("GET", _JOBS)).body["value"][0]["properties"]
    assert (listed["duration"], listed["endTime"]) == ("00:00:00", None)
    await advance(azure, 30)
    ended = (await azure.arm("GET", job_id)).body["properties"]
    assert ended["status"] == "Completed"
    assert ended["etag"] != running["etag"]
    begun, end = moments.parse(ended["startTime"]), moments.parse(ended["endTime"])
    assert begun
    assert end
    assert 180 <= (end - begun).total_seconds() <= 185.6


async def test_a_job_that_is_not_there_is_told_by_the_service(azure: Client) -> None:
    """404 of the service, not of the gateway."""
    await make_vault(azure)
    answer = await azure.arm("GET", f"{_JOBS}/11111111-1111-4111-8111-111111111111")
    assert (answer.status, answer.code) == (404, "UserErrorGenericResourceNotFound")


async def test_each_call_has_its_own_action_and_budget(start: Start, tmp_path: Path) -> None:
    """Who may read jobs may neither read recovery points nor start a backup."""
    actions = ["Microsoft.Resources/*", "Microsoft.DataProtection/backupVaults/backupJobs/read"]
    role = tmp_path / "role.json"
    role.write_text(json.dumps({"roleName": "Jobs", "actions": actions}), encoding="utf-8")
    async with start(role_file=role, condition_file=tmp_path / "none") as azure:
        await make_vault(azure)
        jobs = await azure.arm("GET", _JOBS, caller="app")
        assert (jobs.status, jobs.body) == (200, {"value": [], "nextLink": None})
        assert jobs.headers["x-ms-ratelimit-remaining-subscription-resource-requests"] == "199"
        started = await azure.arm("POST", f"{INSTANCE}/backup", asked(), caller="app")
        read = await azure.arm("GET", f"{INSTANCE}/recoveryPoints", caller="app")
        assert (started.code, read.code) == ("AuthorizationFailed", "AuthorizationFailed")
        assert "backupInstances/backup/action" in started.body["error"]["message"]
        assert "backupInstances/recoveryPoints/read" in read.body["error"]["message"]


def _past(job: dict[str, Any], number: int, at: dt.datetime) -> dict[str, Any]:
    times = {"startTime": ticks(at), "endTime": ticks(at + dt.timedelta(minutes=3))}
    name = f"{number:08d}-0000-4000-8000-000000000000"
    return {"id": f"{_JOBS}/{name}", "body": {"properties": {**job, **times}}}


async def test_ten_thousand_jobs_can_be_put_and_are_listed_in_pages(azure: Client) -> None:
    """Put in lumps, listed oldest first with a nextLink until the last page; older than two weeks isn't listed."""
    await protected(azure)
    job, now = await run_one(azure), azure.cloud.clock.now()
    past = [_past(job, number, now - dt.timedelta(minutes=2 * number + 10)) for number in range(10_000)]
    past.append(_past(job, 10_001, now - dt.timedelta(days=14, minutes=1)))
    for begin in range(0, len(past), 400):
        assert await azure.control("PUT", "/resources", {"resources": past[begin : begin + 400]})
    starts, url, pages = list[str](), f"{_JOBS}?api-version=2025-07-01", 0
    while url:
        page = (await azure.arm("GET", url)).body
        starts += [one["properties"]["startTime"] for one in page["value"]]
        url, pages = page["nextLink"], pages + 1
    assert pages == 11
    assert len(starts) == 10_001
    assert sorted(starts) == starts
    assert (await azure.arm("GET", past[-1]["id"])).status == 200


@pytest.mark.parametrize("query", ["$filter=status eq 'Failed'", "$skipToken=%ff"])
async def test_what_is_not_known_of_the_list_is_refused(azure: Client, query: str) -> None:
    """No filter, and no token of someone else's."""
    await make_vault(azure)
    answer = await azure.arm("GET", f"{_JOBS}?{query}&api-version=2025-07-01")
    assert (answer.status, answer.code) == (400, "DppPluginInvalidInputParameters")


async def test_a_lump_of_resources_is_put_whole_or_not_at_all(azure: Client) -> None:
    """One wrong id keeps all of them out."""
    group = f"{SUBSCRIPTION}/resourceGroups/g1"
    orders = [{"id": group, "body": {}}, {"id": "nowhere", "body": {}}]
    assert "error" in await azure.control("PUT", "/resources", {"resources": orders})
    assert azure.cloud.store.get(group) is None


@given(_MOMENTS)
def test_times_without_zeros_are_the_same_times(moment: dt.datetime) -> None:
    """At most seven decimals, no zero at the end, and the moment itself when read."""
    text = moments.trimmed(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z", text)
    assert moments.parse(text) == moment


@given(_MOMENTS, st.timedeltas(dt.timedelta(), dt.timedelta(days=3)))
def test_both_forms_of_a_duration_say_the_same(start: dt.datetime, length: dt.timedelta) -> None:
    """The parts of the ISO form and those of the time span add up to the ticks between the two moments."""
    end = start + length
    iso = moments.iso_duration(start, end)
    span = moments.time_span(iso)
    found = re.fullmatch(r"(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d{7}))?", span)
    assert found
    days, hours, minutes, seconds, fraction = (int(part or 0) for part in found.groups())
    total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 10_000_000 + fraction
    assert total == moments.dotnet_ticks(end) - moments.dotnet_ticks(start)


@pytest.mark.parametrize(
    ("iso", "span"),
    [("PT0S", "00:00:00"), ("PT3M4.5029547S", "00:03:04.5029547"), ("P1DT2H", "1.02:00:00"), ("soon", "soon")],
)
def test_durations_as_recorded(iso: str, span: str) -> None:
    """And what isn't a duration is left alone."""
    assert moments.time_span(iso) == span
