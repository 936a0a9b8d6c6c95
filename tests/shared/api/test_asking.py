"""The checks of requests, before anything is asked of tables or of Azure."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st

from shared.api.answers import answer
from shared.api.asking import Asked, Incoming, read
from shared.api.problems import Problem
from shared.api.table import ENDPOINTS, PATH_PARTS
from shared.arm.clock import AzureClock
from shared.errors import ArmError
from shared.fleet.scope import Scope
from shared.governance.journal import NoJournal
from shared.settings import Auth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.api.endpoint import Endpoint
    from shared.services import Services

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
JOB = "00000000-0000-0000-0000-00000000000a"
ROUTE = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "clusterName": "web", "jobId": JOB}
NAMED = {endpoint.name: endpoint for endpoint in ENDPOINTS}


class ReachedFor(Exception):
    """A request has passed all checks."""


class Untouched:
    """Stands for tables and Azure; whoever reaches for it has let a bad request through."""

    def __getattr__(self, name: str) -> Any:
        raise ReachedFor(name)


def ask(name: str, *, path: Mapping[str, str] | None = None, body: bytes = b"", **query: str) -> Asked[Any, Any]:
    """What a request asks for."""
    return read(NAMED[name], Incoming({**ROUTE, **(path or {})}, query, {}, body), frozenset({SUBSCRIPTION}))


def refused(name: str, **asked: Any) -> Problem:
    """How a request is refused."""
    with pytest.raises(Problem) as caught:
        ask(name, **asked)
    return caught.value


def services() -> Services:
    """Services that can do nothing."""
    untouched = Untouched()
    settings = SimpleNamespace(auth=Auth.KEYS)
    scope = Scope(cast("Any", untouched), frozenset({SUBSCRIPTION}), ())
    made = {"settings": settings, "scope": scope, "clusters": untouched, "store": untouched, "door": untouched}
    return cast("Services", SimpleNamespace(**made))


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
        *(
            {"retentionTag": tag}
            for tag in ("", "1st", "a" * 65, "Default\n", "De fault", "x'--", 7, ["Default"], "Täglich", "\ud800")
        ),
    ],
)
def test_a_body_of_another_shape_is_refused(body: object) -> None:
    """Only the two options, each of its type, a tag with a name's letters; a misspelled one isn't ignored."""
    problem = refused("back_up_now", body=json.dumps(body).encode())
    assert (problem.status, problem.reason) == (400, "InvalidBody")


def test_a_word_that_a_body_may_not_have_is_answered_with_those_that_it_may() -> None:
    """The detail says what is allowed."""
    problem = refused("reconcile_fleet", body=b'{"state": "blocked"}')
    assert "it is one of New, Waiting, Protected, Blocked" in problem.detail
    problem = refused("record_restore_test", body=b'{"outcome": "well"}')
    assert "it is one of failed, successful, timedOut" in problem.detail


@pytest.mark.parametrize(
    "body", [b"{", b"\n", b"\xff", b'{"retentionTag": "\xff"}', b"[" * 100_000, b"NaN", b"9" * 5000]
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    """Whatever bytes it is made of."""
    problem = refused("back_up_now", body=body)
    assert (problem.status, problem.reason) == (400, "InvalidBody")
    assert len(problem.detail) < 400


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_no_body_means_the_defaults(body: bytes) -> None:
    """A runbook needn't send an empty object."""
    assert msgspec.to_builtins(ask("back_up_now", body=body).body) == {"retentionTag": None, "dryRun": False}


@pytest.mark.parametrize(
    ("path", "status"),
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
@pytest.mark.parametrize("name", ["cluster_status", "back_up_now", "cluster_job"])
def test_a_path_that_names_no_cluster_of_ours_is_refused(name: str, path: Mapping[str, str], status: int) -> None:
    """400 for what can't be a cluster, 403 for one of a subscription that isn't the deployment's."""
    assert refused(name, path=path).status == status


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@given(st.dictionaries(st.sampled_from([*PATH_PARTS]), st.text()), st.dictionaries(st.text(), st.text()), st.binary())
def test_whatever_is_sent_is_asked_or_refused(
    endpoint: Endpoint, path: dict[str, str], query: dict[str, str], body: bytes
) -> None:
    """Any text is a Problem with a status and a sentence, or a checked request; never another exception."""
    problem = _problem(endpoint, Incoming({**ROUTE, **path}, query, {}, body))
    assert problem is None or (problem.status in (400, 403) and problem.detail)


def _problem(endpoint: Endpoint, incoming: Incoming) -> Problem | None:
    try:
        read(endpoint, incoming, frozenset({SUBSCRIPTION}))
    except Problem as problem:
        return problem
    return None


QUERIES = [
    ("cluster_jobs", {"operation": "backup"}),
    ("cluster_jobs", {"operation": ""}),
    ("cluster_jobs", {"status": "Done"}),
    ("cluster_jobs", {"since": "yesterday"}),
    ("cluster_jobs", {"since": ""}),
    ("cluster_jobs", {"since": "1700000000"}),
    ("cluster_jobs", {"since": "2026-01-31T08:00:00"}),
    ("cluster_jobs", {"since": "2026-01-31T08:00:00+25:00"}),
    ("fleet", {"top": "1001"}),
    ("fleet", {"top": "-1"}),
    ("fleet", {"top": "1e2"}),
    ("fleet", {"top": "\u0661"}),
    ("fleet", {"top": "ten"}),
    ("fleet", {"top": ""}),
    ("fleet", {"top": "1,2"}),
    ("fleet", {"skip": "9" * 30}),
    ("fleet", {"skip": "1.0"}),
    ("fleet", {"state": "Good"}),
]


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_a_parameter_that_means_nothing_is_refused(name: str, query: dict[str, str]) -> None:
    """An ignored filter would show more than was asked for, and look like an answer. The parameter is named."""
    problem = refused(name, **query)
    assert (problem.status, problem.reason) == (400, "InvalidQuery")
    assert problem.detail.startswith(f"{next(iter(query))}=")


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    """A misspelled filter isn't ignored either; the host's own key isn't a parameter."""
    assert refused("fleet", staet="Blocked").detail == "'staet' is no parameter here; known are state, top, skip"
    assert refused("cluster_status", top="1").detail == "'top' is no parameter here; there are none"
    assert ask("fleet", code="a-key").query.top == 200


def test_parameters_are_read_without_case_and_with_their_bounds() -> None:
    """Words as people write them; the largest page; times with their zone."""
    fleet = ask("fleet", state="bLocked", top="1000", skip="0").query
    assert (fleet.state, fleet.top, fleet.skip) == ("Blocked", 1000, 0)
    jobs = ask("cluster_jobs", operation="ON-demand", since="2026-01-31T08:00:00+01:00").query
    assert (jobs.operation, jobs.since.isoformat()) == ("on-demand", "2026-01-31T08:00:00+01:00")


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "1999-12-31T23:00:00Z"])
async def test_a_time_that_no_job_can_have_is_refused(until: str) -> None:
    """Resource Graph couldn't read it; nothing is looked up for it."""
    said = await answer(NAMED["cluster_jobs"], Incoming(ROUTE, {"until": until}, {}), services())
    assert (said.status, json.loads(said.body)["reason"]) == (400, "InvalidQuery")


@pytest.mark.parametrize("job", ["", "1", "../x", "g" * 36, f"{JOB}\n"])
def test_a_job_has_a_uuid(job: str) -> None:
    """What is no UUID isn't put into a URL."""
    problem = refused("cluster_job", path={"jobId": job})
    assert (problem.status, problem.reason) == (400, "InvalidJobId")


async def test_a_problem_is_told_as_the_standard_has_it() -> None:
    """RFC 9457, and a reason for programs."""
    said = await answer(NAMED["fleet"], Incoming({}, {"top": "x"}, {}), services())
    assert said.media_type == "application/problem+json"
    body = json.loads(said.body)
    assert body.pop("detail").startswith("top='x': ")
    assert body == {"type": "about:blank", "title": "Bad Request", "status": 400, "reason": "InvalidQuery"}


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (ArmError("no", status=403, code="AuthorizationFailed"), 502, {}),
        (ArmError("slow down", status=429, code="TooManyRequests", retry_after=17.0), 503, {"Retry-After": "17"}),
        (ArmError("no answer"), 503, {}),
    ],
)
async def test_azures_refusals_are_told_as_azures(error: ArmError, status: int, headers: dict[str, str]) -> None:
    """503 when trying again helps, with Azure's own time for it; 502 otherwise."""

    class Failing:
        async def read(self, *_: object) -> object:
            raise error

    idle = services()
    door, journal = SimpleNamespace(clock=AzureClock()), NoJournal()
    made = SimpleNamespace(settings=idle.settings, scope=idle.scope, clusters=Failing(), door=door, journal=journal)
    failing = cast("Services", made)
    said = await answer(NAMED["back_up_now"], Incoming(ROUTE, {}, {}), failing)
    assert (said.status, said.headers) == (status, headers)
    assert json.loads(said.body)["reason"] == (error.code or "AzureUnreachable")


async def test_a_storage_that_fails_is_told_as_such() -> None:
    """503 and try again, without the storage's own words: they may name what nobody needs to know."""

    class Failing:
        async def read(self, *_: object) -> object:
            raise ServiceRequestError("no route to secret.table.core.windows.net")

    failing = cast("Services", SimpleNamespace(**{**vars(services()), "clusters": Failing()}))
    said = await answer(NAMED["cluster_status"], Incoming(ROUTE, {}, {}), failing)
    body = json.loads(said.body)
    assert (said.status, body["reason"], said.headers) == (503, "StorageUnavailable", {"Retry-After": "10"})
    assert "secret" not in body["detail"]
