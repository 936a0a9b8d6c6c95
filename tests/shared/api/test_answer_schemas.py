"""The published schemas of the answers are those of the code, and answers keep them."""

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec import to_builtins

from shared.api.__main__ import main, schemas
from shared.api.views import FleetView, backup_view, cluster_view, worst_first
from shared.backups.policies import Policies
from shared.backups.status import BackupStatus
from shared.catalog.loading import load
from shared.fleet.records import ClusterRow, Condition, State

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "schemas" / "api"
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataProtection/backupVaults/v"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_schema_is_current(name: str) -> None:
    """After a change: python -m shared.api schemas/api."""
    assert json.loads((FOLDER / name).read_text()) == schemas()[name]


def test_there_are_no_others(tmp_path: Path) -> None:
    """An answer that is gone leaves no schema behind."""
    assert main([str(tmp_path)]) == 0
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in tmp_path.iterdir()}


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
    fleet = FleetView(clusters=3, by_state={"Protected": 2, "Blocked": 1}, fresh=1, overdue=1, failing=0, items=views)
    jsonschema.validate(json.loads(json.dumps(to_builtins(fleet))), schemas()["fleet.schema.json"])
