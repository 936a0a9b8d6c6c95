"""What people and runbooks ask over HTTP: one cluster, the fleet, jobs; and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient
from jsonschema import Draft202012Validator

from local.stack import ROOT, SUBSCRIPTION, cluster_id
from tests.e2e.watched import Watched, path_of, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_NOBODYS: Final = "11111111-1111-1111-1111-111111111111"
_JOB: Final = "22222222-2222-2222-2222-22222222222{}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """Three clusters: well, failing, without its tag's policy."""
    async with watched(tmp_path_factory.mktemp("status")) as running:
        _, sick = await running.protect("plain", "well", "sick")
        failing = await running.fail_job(sick, times=None)
        odd = await running.app.onboard("odd", "platinum", group="rg-fleet")
        await running.app.settled(odd, "Rejected")
        for name in ("well", "sick"):
            await running.finished(cluster_id(name, "rg-fleet"))
        await running.lift(failing)
        await running.sweep()
        yield running


async def test_a_cluster_shows_how_it_and_its_backups_stand(fleet: Watched) -> None:
    """State and conditions as in its row; last point, next due time and age against the target."""
    said = await fleet.ask("GET", path_of(cluster_id("well", "rg-fleet")))
    assert (said.status, said.kind) == (200, "application/json")
    assert (said.body["state"], said.body["policy"]) == ("Protected", "plain")
    assert [(item["type"], item["status"]) for item in said.body["conditions"]] == [("Protected", "True")]
    (backup,) = said.body["backups"]
    assert backup["protectionState"] == "ProtectionConfigured"
    assert backup["lastSuccess"] == backup["lastRecoveryPoint"]
    assert 0 <= backup["ageSeconds"] < backup["rpoTargetSeconds"] == 27 * 3600
    assert backup["nextDue"].endswith("T02:00:00Z")
    assert backup["nextDueLatest"].endswith("T04:00:00Z")
    assert (backup["overdue"], backup["failuresInARow"], backup["lastFailure"]) == (False, 0, None)
    assert backup["onDemandToday"] == 1


async def test_a_failing_cluster_shows_its_last_failure(fleet: Watched) -> None:
    """The job, its code and how many failed in a row."""
    said = await fleet.ask("GET", path_of(cluster_id("sick", "rg-fleet")))
    (backup,) = said.body["backups"]
    assert backup["failuresInARow"] == 1
    assert backup["lastSuccess"] is None
    failure = backup["lastFailure"]
    assert (failure["operation"], failure["status"]) == ("on-demand", "Failed")
    assert failure["errorCode"] == "KubernetesBackupCustomResourcesTrackingTimeOutError"
    assert failure["durationSeconds"] > 100


async def test_the_names_in_a_path_have_no_case(fleet: Watched) -> None:
    """A runbook may spell a cluster as it likes."""
    path = path_of(cluster_id("well", "rg-fleet"))
    said = await fleet.ask("GET", path.replace("rg-fleet", "RG-Fleet").replace("well", "WELL"))
    assert (said.status, said.body["policy"]) == (200, "plain")


async def test_the_fleet_is_counted_and_shows_the_worst_first(fleet: Watched) -> None:
    """Rejected before failing before well."""
    said = await fleet.ask("GET", "/api/fleet")
    assert said.status == 200
    counts = {name: said.body[name] for name in ("clusters", "fresh", "overdue", "failing")}
    assert counts == {"clusters": 3, "fresh": 1, "overdue": 0, "failing": 1}
    assert said.body["byState"] == {"Protected": 2, "Rejected": 1}
    assert [item["clusterId"].rpartition("/")[2] for item in said.body["items"]] == ["odd", "sick", "well"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("top=1", ["odd"]),
        ("top=1&skip=1", ["sick"]),
        ("skip=2", ["well"]),
        ("skip=3", []),
        ("top=0", []),
        ("state=Protected", ["sick", "well"]),
        ("state=protected&top=1", ["sick"]),
        ("state=Blocked", []),
    ],
)
async def test_the_fleet_comes_in_pages_and_by_state(fleet: Watched, query: str, names: list[str]) -> None:
    """Whatever the page, the counts are those of all."""
    said = await fleet.ask("GET", f"/api/fleet?{query}")
    assert said.status == 200
    assert [item["clusterId"].rpartition("/")[2] for item in said.body["items"]] == names
    assert said.body["clusters"] == 3


async def test_jobs_are_newest_first_and_chosen_by_operation_status_and_time(fleet: Watched) -> None:
    """Each filter leaves what it says; nothing of other clusters is among it."""
    (cluster,) = await fleet.protect("plain", "busy")
    times = {"startTime": "{}T0{}:00:00Z", "endTime": "{}T0{}:03:00Z"}
    date = datetime.fromtimestamp(await fleet.now(), UTC).strftime("%Y-%m-%d")
    orders: tuple[dict[str, Any], ...] = (
        {"status": "Completed"},
        {"status": "Failed", "isUserTriggered": True},
        {"status": "Completed", "operationCategory": "Restore", "operation": "Restore"},
    )
    for number, order in enumerate(orders):
        moment = {key: text.format(date, number) for key, text in times.items()}
        await fleet.put_job(cluster, _JOB.format(number), **moment, **order)

    async def found(query: str = "") -> list[str]:
        said = await fleet.ask("GET", f"{path_of(cluster)}/jobs{query}")
        assert said.status == 200, said
        return [job["id"][-1] for job in said.body["value"]]

    assert await found() == ["2", "1", "0"]
    assert await found("?operation=restore") == ["2"]
    assert await found("?operation=On-Demand") == ["1"]
    assert await found("?operation=scheduled") == ["0"]
    assert await found("?status=completed") == ["2", "0"]
    assert await found(f"?since={date}T01:00:00Z") == ["2", "1"]
    assert await found(f"?until={date}T01:00:00Z") == ["1", "0"]
    assert await found(f"?since={date}T01:30:00%2B01:00&until={date}T01:00:00Z&status=Failed") == ["1"]


async def test_a_job_is_shown_to_its_own_cluster_only(fleet: Watched) -> None:
    """The same id below another cluster isn't found, although the vault is the same."""
    well, sick = (cluster_id(name, "rg-fleet") for name in ("well", "sick"))
    jobs = (await fleet.ask("GET", f"{path_of(well)}/jobs")).body["value"]
    here = await fleet.ask("GET", f"{path_of(well)}/jobs/{jobs[0]['id']}")
    assert (here.status, here.body["status"], here.body["retentionTag"]) == (200, "Completed", "default")
    there = await fleet.ask("GET", f"{path_of(sick)}/jobs/{jobs[0]['id']}")
    assert (there.status, there.kind, there.body["reason"]) == (404, "application/problem+json", "JobNotFound")


@pytest.mark.parametrize("path", ["", "/jobs/{}"], ids=["cluster", "job"])
async def test_answers_keep_their_published_schemas(fleet: Watched, path: str) -> None:
    """Whoever reads them by the schema finds what it promises."""
    sick = path_of(cluster_id("sick", "rg-fleet"))
    (job,) = (await fleet.ask("GET", f"{sick}/jobs")).body["value"]
    said = await fleet.ask("GET", sick + path.format(job["id"]))
    _schema("JobView" if path else "ClusterView").validate(said.body)
    _schema("FleetView").validate((await fleet.ask("GET", "/api/fleet")).body)


def _schema(name: str) -> Draft202012Validator:
    document = json.loads((ROOT / "schemas" / "api" / "openapi.json").read_text())
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


async def test_people_get_text_or_markdown(fleet: Watched) -> None:
    """By the Accept header; what can't be made is refused, errors keep their own form."""
    sick = path_of(cluster_id("sick", "rg-fleet"))
    text = await fleet.ask("GET", sick, accept="text/plain")
    assert (text.status, text.kind) == (200, "text/plain")
    assert text.body.startswith("sick: Protected\n")
    assert "KubernetesBackupCustomResourcesTrackingTimeOutError" in text.body
    markdown = await fleet.ask("GET", "/api/fleet", accept="text/html, text/markdown;q=0.9")
    assert (markdown.status, markdown.kind) == (200, "text/markdown")
    assert "Rejected" in markdown.body.splitlines()[2]
    assert "| state | cluster | policy | reason | newest point | trouble |" in markdown.body.splitlines()
    refused = await fleet.ask("GET", f"{sick}/jobs", accept="text/plain")
    assert (refused.status, refused.kind, refused.body["reason"]) == (406, "application/problem+json", "NotAcceptable")
    missing = await fleet.ask("GET", f"{sick}x", accept="text/plain")
    assert (missing.status, missing.kind) == (404, "application/problem+json")


async def test_the_document_is_served(fleet: Watched) -> None:
    """The same as in the repository."""
    said = await fleet.ask("GET", "/api/openapi.json")
    assert said.body == json.loads((ROOT / "schemas" / "api" / "openapi.json").read_text())


_WELL: Final = path_of(cluster_id("well", "rg-fleet"))


@pytest.mark.parametrize("path", ["/api/fleet", _WELL, f"{_WELL}/jobs", f"{_WELL}/jobs/{_JOB.format(0)}"])
async def test_a_wrong_key_opens_nothing(fleet: Watched, path: str) -> None:
    """401, whatever is asked."""
    assert (await fleet.ask("GET", path, key="wrong")).status == 401
    assert (await fleet.ask("POST", f"{_WELL}/backups", {}, key="")).status == 401


async def test_the_key_that_reads_changes_nothing(fleet: Watched) -> None:
    """What starts a backup wants the master key."""
    reading = fleet.app.parts.running_host.ready["function_key"]
    assert (await fleet.ask("POST", f"{_WELL}/backups", {"dryRun": True}, key=reading)).status == 401
    assert (await fleet.ask("POST", f"{_WELL}/backups", {"dryRun": True})).status != 401


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        (f"/api/clusters/{_NOBODYS}/rg-fleet/well", 403, "SubscriptionNotAllowed"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/unheard-of", 404, "ClusterNotFound"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/unheard-of/jobs", 404, "ClusterNotFound"),
        ("/api/clusters/not-a-guid/rg-fleet/well", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/-", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/well'%20or%20'1'=='1", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg%27%20%7C%20x/well", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/..%2F..%2Fproviders/well", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/%00well", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/%ff%fe", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/{'x' * 3000}", 400, "InvalidCluster"),
        (f"/api/clusters/{SUBSCRIPTION}/rg-fleet/wel%E2%84%AA", 400, "InvalidCluster"),
        (f"{_WELL}/jobs/not-a-guid", 400, "InvalidJobId"),
        (f"{_WELL}/jobs/..%2F..%2FbackupInstances", 400, "InvalidJobId"),
        (f"{_WELL}/jobs/{_JOB.format(9)}", 404, "JobNotFound"),
        (f"{_WELL}/jobs?operation=delete", 400, "InvalidQuery"),
        (f"{_WELL}/jobs?status=Completed'%20or%20true", 400, "InvalidQuery"),
        (f"{_WELL}/jobs?since=yesterday", 400, "InvalidQuery"),
        (f"{_WELL}/jobs?since=9999-12-31T23:59:59-23:59", 400, "InvalidQuery"),
        (f"{_WELL}/jobs?until=0002-01-01T00:00:00Z", 400, "InvalidQuery"),
        ("/api/fleet?top=1001", 400, "InvalidQuery"),
        ("/api/fleet?top=-1", 400, "InvalidQuery"),
        ("/api/fleet?skip=1e3", 400, "InvalidQuery"),
        ("/api/fleet?state=Happy", 400, "InvalidQuery"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_reason(
    fleet: Watched, path: str, status: int, reason: str
) -> None:
    """Problem details with a word for programs and a sentence for people; Azure isn't asked about nonsense."""
    said = await fleet.ask("GET", path)
    assert (said.status, said.kind) == (status, "application/problem+json"), said
    assert (said.body["status"], said.body["reason"]) == (status, reason)
    assert said.body["detail"]


async def test_azures_troubles_are_told_as_azures(fleet: Watched) -> None:
    """503 while Azure fails, with its own code; the next request is answered again."""
    await fleet.trouble("ResourceGraph/resources", times=1, status=503, code="ServiceUnavailable")
    said = await fleet.ask("GET", f"{_WELL}/jobs")
    assert (said.status, said.body["reason"]) == (503, "ServiceUnavailable")
    assert (await fleet.ask("GET", f"{_WELL}/jobs")).status == 200


async def test_a_restore_test_is_recorded_with_the_admin_key_and_stays(fleet: Watched) -> None:
    """What reads may not record; a repeat changes nothing."""
    path = f"{_WELL}/restore-tests"
    said = {"id": "run-1", "outcome": "successful", "at": await fleet.ago(600), "durationSeconds": 300, "who": "drill"}
    reader = fleet.app.parts.running_host.ready["function_key"]
    assert (await fleet.ask("POST", path, said, key=reader)).status == 401
    assert [(await fleet.ask("POST", path, said)).status for _ in range(2)] == [201, 200]
    (kept,) = (await fleet.ask("GET", path)).body["value"]
    assert (kept["id"], kept["outcome"], kept["who"]) == ("run-1", "successful", "drill")


async def test_the_fleet_is_compared_when_somebody_asks(fleet: Watched) -> None:
    """A cluster whose event was lost is found; the fleet shows what was, and how many passes there were since."""
    (lost,) = await fleet.seed("plain", "lost")
    said = await fleet.ask("POST", "/api/fleet/reconcile", {})
    assert (said.status, said.location, said.body["asked"]) == (202, "/api/fleet", 1)
    assert said.body["resync"]["byReason"] == {"NotOnboarded": 1}
    await fleet.app.settled(lost, "Protected")
    shown = (await fleet.ask("GET", "/api/fleet?top=0")).body["resync"]
    assert shown == {**said.body["resync"], "passesSince": 1}
    assert (await fleet.ask("POST", "/api/fleet/reconcile", {})).body["asked"] == 0
    again = await fleet.ask("POST", f"{path_of(lost)}/reconcile", {})
    assert (again.status, again.location) == (202, path_of(lost))
    assert (await fleet.ask("POST", "/api/fleet/reconcile", {"state": "Rejected"})).body["asked"] == 1


async def test_a_paused_app_plans_and_does_not_act_and_logs_who_paused_it(fleet: Watched) -> None:
    """The plan has every step, nothing is made; resumed, the cluster is protected, and the decision log has it all."""
    reader = fleet.app.parts.running_host.ready["function_key"]
    pause = "/api/governance/pause"
    assert (await fleet.ask("POST", pause, {"paused": True}, key=reader)).status == 401
    said = await fleet.ask("POST", pause, {"paused": True, "reason": "audit"})
    assert (said.status, said.body["pause"]["on"], said.body["pause"]["reason"]) == (200, True, "audit")
    held = await fleet.app.onboard("held", "plain", group="rg-fleet")
    row = await fleet.app.settled(held, "Waiting", "Paused")
    assert "audit" in row["message"]
    await fleet.app.untouched(held)
    plan = (await fleet.ask("GET", f"{path_of(held)}/plan")).body
    assert (plan["reason"], plan["heldBy"]) == ("Planned", "Paused")
    assert {"extension", "backup-instance"} <= {step["step"] for step in plan["steps"]}
    assert plan["cost"]["aMonth"] is None
    assert (await fleet.ask("POST", pause, {"paused": False})).body["pause"]["on"] is False
    assert (await fleet.ask("POST", f"{path_of(held)}/reconcile", {})).status == 202
    await fleet.app.settled(held, "Protected")
    lines = await _decisions(fleet.app.parts.storage.connection_string)
    assert [line["by"] for line in lines if line["asked"] == "POST governance/pause"] == ["key", "key"]
    mine = [line for line in lines if line["subject"] == held]
    assert {"Waiting", "202", "Protected"} <= {line["decided"] for line in mine}
    assert all(request["requestId"] for line in mine for request in line["requests"])


async def _decisions(connection: str) -> list[dict[str, Any]]:
    """The lines of the decision log."""
    async with BlobServiceClient.from_connection_string(connection) as service:
        container = service.get_container_client("decisions")
        texts = [await (await container.download_blob(blob.name)).readall() async for blob in container.list_blobs()]
    return [json.loads(line) for text in texts for line in text.splitlines()]
