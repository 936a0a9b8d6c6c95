"""The roles and what docs/security.md says of them: no action without its reason, no reason without its action."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROLES = sorted((ROOT / "infra").glob("role*.json"))
_VERBS = ("read", "write", "delete", "action")


def actions(role: Path) -> list[str]:
    """What a role allows."""
    found: list[str] = json.loads(role.read_text())["actions"]
    return found


def reasons() -> list[str]:
    """The first cells of the table of actions."""
    _, _, after = (ROOT / "docs" / "security.md").read_text().partition("\n## What the app may do\n")
    section = after.partition("\n## ")[0].partition("\n### ")[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("action", actions(ROOT / "infra" / "role.json"))
def test_every_action_has_a_reason(action: str) -> None:
    """A row names what it is about and what is done with it; a verb may follow after a comma."""
    kind, verb = action.split("/")[-2:]
    written = f"{kind}/{verb}" if verb == "action" else kind
    assert any(written in row and verb in row for row in reasons())


def test_every_reason_has_an_action() -> None:
    """Nothing is explained that the role doesn't have."""
    allowed = actions(ROOT / "infra" / "role.json")
    named = [name.removeprefix("...").lstrip("/") for row in reasons() for name in re.findall("`([^`]+)`", row)]
    assert len(named) > 30
    assert [name for name in named if not any(f"/{action}".endswith(f"/{name}") for action in allowed)] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.stem)
def test_a_role_is_narrow(role: Path) -> None:
    """No wildcards, no data actions, deletes only where a role is for them; each is explained and has its commands."""
    document = json.loads(role.read_text())
    assert document["dataActions"] == []
    assert not [action for action in actions(role) if "*" in action or action.split("/")[-1] not in _VERBS]
    deletes = [action for action in actions(role) if action.endswith("/delete")]
    assert role.stem == "role-offboarding" or deletes in (
        [],
        ["Microsoft.DataProtection/backupVaults/backupPolicies/delete"],
    )
    for document_name in ("security.md", "deployment.md"):
        assert f"infra/{role.name}" in (ROOT / "docs" / document_name).read_text()


def test_no_optional_role_is_needed_by_the_first() -> None:
    """What an optional role allows, the app's own doesn't: without it, its feature is off and nothing else."""
    usual = set(actions(ROOT / "infra" / "role.json"))
    for role in ROLES:
        if role.stem != "role":
            assert not usual & set(actions(role)), role.name
