"""The published schemas of the events are those of the code."""

import json
from pathlib import Path

import pytest

from shared.notify.__main__ import main, schemas

FOLDER = Path(__file__).resolve().parents[3] / "schemas" / "events"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_schema_is_current(name: str) -> None:
    """After a change: python -m shared.notify schemas/events."""
    assert json.loads((FOLDER / name).read_text()) == schemas()[name]


def test_there_are_no_others(tmp_path: Path) -> None:
    """A type that is gone leaves no schema behind."""
    assert main([str(tmp_path)]) == 0
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in tmp_path.iterdir()}
