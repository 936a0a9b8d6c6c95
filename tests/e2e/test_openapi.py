"""The running app keeps its OpenAPI document: whatever is sent, by the document or against it.

Schemathesis makes the requests, the same ones in every run.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.stack import ROOT, SUBSCRIPTION, cluster_id
from tests.e2e.watched import Watched, path_of, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from schemathesis.core.transport import Response

_DOCUMENT: Final = json.loads((ROOT / "schemas" / "api" / "openapi.json").read_text())
_OPERATIONS: Final[dict[str, Any]] = {
    found.ok().definition.raw["operationId"]: found.ok()
    for found in schemathesis.openapi.from_dict(_DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
}
_EXAMPLES: Final = 8
_REFUSED: Final = 400
_LONGEST: Final = 8000
"""Characters of a URL; longer ones the web server refuses, and the app doesn't see them."""

_OF_LUCK: Final = frozenset({"cluster_job", "operation", "offboard"})
"""What is asked for has an id that nobody can make up, or wants a word that only a dry run tells."""

_GROUP, _NAME = "rg-fleet", "fuzzed"
_KNOWN: Final = {"subscriptionId": SUBSCRIPTION, "resourceGroup": _GROUP, "clusterName": _NAME}
_CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_STEADY: Final = settings(
    max_examples=_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def _takes_something(name: str) -> bool:
    raw = _OPERATIONS[name].definition.raw
    return bool(raw["parameters"]) or "requestBody" in raw


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Watched]:
    """A protected cluster with a recovery point."""
    async with watched(tmp_path_factory.mktemp("openapi")) as running:
        await running.protect("plain", _NAME)
        await running.finished(cluster_id(_NAME, _GROUP))
        yield running


def _send(operation: Any, mode: GenerationMode, ready: dict[str, Any], now: str) -> int:
    """Send what the document allows, or what it forbids; how many good answers came."""
    good, negative = 0, mode is GenerationMode.NEGATIVE
    with requests.Session() as session:

        @_STEADY
        @given(operation.as_strategy(generation_mode=mode), st.booleans())
        def check(case: Any, known: bool) -> None:
            nonlocal good
            if known or not negative:  # else what has to be wrong may be the path
                case.path_parameters |= {name: _KNOWN[name] for name in _KNOWN if name in case.path_parameters}
            if "wait" in case.query and not negative:
                case.query["wait"] = 0
            if isinstance(case.body, dict) and "at" in case.body and not negative:
                case.body["at"] = now  # any moment has the right form, but few could be that of a restore
            case.headers.clear()  # keys that it has made up
            key = ready["function_key" if operation.method == "get" else "master_key"]
            sent = {"x-functions-key": key}
            response: Response = case.call(base_url=ready["base_url"], session=session, headers=sent)
            if len(str(response.request.url)) > _LONGEST:
                return
            rejected = [negative_data_rejection] if negative and not (known and case.path_parameters) else []
            case.validate_response(response, checks=[*_CHECKS, *rejected])
            good += response.status_code < _REFUSED

        check()
    return good


@pytest.mark.parametrize("name", sorted(_OPERATIONS))
async def test_what_the_document_allows_is_answered_as_it_says(app: Watched, name: str) -> None:
    """Statuses, media types, headers and bodies are those of the document, and never a server's error."""
    ready, now = app.app.parts.running_host.ready, await app.ago(0)
    good = await asyncio.to_thread(_send, _OPERATIONS[name], GenerationMode.POSITIVE, ready, now)
    assert good or name in _OF_LUCK


@pytest.mark.parametrize("name", [name for name in sorted(_OPERATIONS) if _takes_something(name)])
async def test_what_the_document_forbids_is_refused_as_it_says(app: Watched, name: str) -> None:
    """Problem details with a reason, for any text in paths, parameters and bodies."""
    ready, now = app.app.parts.running_host.ready, await app.ago(0)
    await asyncio.to_thread(_send, _OPERATIONS[name], GenerationMode.NEGATIVE, ready, now)


async def test_of_all_that_azure_has_seen_nothing(app: Watched) -> None:
    """Every request of the app was about what is there: no text of any request above has got into one."""
    asked = await app.app.requests("/")
    assert asked
    odd = [item["path"] for item in asked if not re.fullmatch(r"[A-Za-z0-9/_.()=-]+", item["path"])]
    assert odd == []
    clusters = {found for item in asked for found in re.findall("managedClusters/([^/]+)", item["path"])}
    assert clusters == {_NAME}


async def test_a_deep_check_outlives_the_host(app: Watched) -> None:
    """202 while Azure validates; the host dies, and the next one has the answer where the first one said so."""
    said = await app.ask("GET", f"{path_of(cluster_id(_NAME, _GROUP))}/restore-readiness?deep=true&wait=0")
    assert (said.status, said.body["status"]) == (202, "Running")
    await app.app.parts.running_host.kill()
    await app.step()
    await app.app.parts.start_host()
    ended = await app.ask("GET", str(said.location))
    assert (ended.status, ended.body["deep"]) == (200, True)
    assert {check["id"]: check["status"] for check in ended.body["checks"]}["validate-restore"] == "pass"
