"""The OpenAPI document is that of the code, and answers keep it."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec import to_builtins

from shared.api.__main__ import main, text
from shared.api.endpoint import CLUSTER, Endpoint, named
from shared.api.openapi import VERSION, document
from shared.api.table import ENDPOINTS
from shared.api.views import FleetView, backup_view, cluster_view, resync_view, worst_first
from shared.backups.policies import Policies
from shared.backups.status import BackupStatus
from shared.catalog.loading import load
from shared.fleet.records import ClusterRow, Condition, State
from shared.resync.fleet import ResyncRow

ROOT = Path(__file__).resolve().parents[3]
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"


def schema(name: str) -> dict[str, Any]:
    """A component of the document, as a schema of its own."""
    return {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}


def test_the_document_is_current(tmp_path: Path) -> None:
    """After a change: python -m shared.api schemas/api/openapi.json."""
    assert main([str(tmp_path / "api" / "openapi.json")]) == 0
    assert (tmp_path / "api" / "openapi.json").read_text() == text()
    assert (ROOT / "schemas" / "api" / "openapi.json").read_text() == text()


def test_the_document_has_the_projects_version() -> None:
    """Whoever generates a client sees which app it is for."""
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_every_entry_of_the_table_can_be_served() -> None:
    """Its handler and structs exist, its function's name and its route are its own, its schemas are JSON Schemas."""
    assert len({endpoint.name for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    assert len({(endpoint.method, endpoint.route) for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert callable(named(endpoint.handler))
        for place in (endpoint.query, endpoint.body, *(good.shape for good in endpoint.good)):
            assert not place or issubclass(named(place), msgspec.Struct)
    for found in document()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_stands_in_the_documentation(endpoint: Endpoint) -> None:
    """With its method, its route, and whether it can be read as text."""
    text = (ROOT / "docs" / "operations.md").read_text()
    route = re.sub(r"\{(jobId|operationId)\}", "{id}", endpoint.route.replace(f"{CLUSTER}/", ".../"))
    route = (
        route if route.startswith(".../") else f"/{route}".replace(CLUSTER, "clusters/{subscription}/{group}/{name}")
    )
    line = next(line for line in text.splitlines() if line.startswith(f"| `{endpoint.method} {route}`"))
    assert ("(also as text)" in line) == endpoint.has_pages


def test_attributes_are_described_where_they_stand() -> None:
    """What a struct's docstring says of an attribute is its description in the document."""
    properties = document()["components"]["schemas"]["BackupView"]["properties"]
    assert properties["nextDue"]["description"] == (
        "the next scheduled time; the start may slip until `next_due_latest`."
    )


def test_an_answer_keeps_its_schema_and_the_worst_comes_first() -> None:
    """Blocked before overdue before fresh; a fleet of all of them is valid."""
    policies = Policies.of(load(ROOT / "backup-policies.yaml"))
    views = []
    for name, state, overdue in (
        ("a", State.PROTECTED, False),
        ("b", State.BLOCKED, False),
        ("c", State.PROTECTED, True),
    ):
        condition = Condition("Protected", "True", "Info", "r", "m", "2026-11-23T12:00:00Z")
        row = ClusterRow(f"/{name}", state=state, policy="gold", conditions=[condition])
        status = BackupStatus(
            f"{VAULT}/backupInstances/{name}", f"/{name}", policy="gold", overdue=overdue, last_point=1.0
        )
        views.append(cluster_view(row, [backup_view(status, policies, 100.0, 0)]))
    views.sort(key=worst_first)
    assert [view.cluster_id for view in views] == ["/b", "/c", "/a"]
    resync = resync_view(ResyncRow(100.0, clusters=3, by_reason={"TagChanged": 1}), [99.0, 100.0])
    assert resync.passes_since == 1
    states = {"Protected": 2, "Blocked": 1}
    fleet = FleetView(clusters=3, by_state=states, fresh=1, overdue=1, failing=0, resync=resync, items=views)
    jsonschema.validate(json.loads(json.dumps(to_builtins(fleet))), schema("FleetView"))
