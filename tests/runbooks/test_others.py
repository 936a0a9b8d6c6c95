"""The other runbooks, as far as they can be looked at without running them: syntax, names, options, shape."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_powershell
import yaml
from tree_sitter import Language, Node, Parser

from tests.runbooks.test_python import runbook

FOLDER = Path(__file__).resolve().parents[2] / "runbooks"
POWERSHELL = FOLDER / "RestoreReadiness.ps1"
PIPELINES = sorted(FOLDER.glob("*.yaml"))
CMDLETS = {
    "ConvertFrom-Json",
    "ForEach-Object",
    "Get-AutomationVariable",
    "Get-Command",
    "Get-Date",
    "Invoke-RestMethod",
    "Invoke-WebRequest",
    "Set-StrictMode",
    "Start-Sleep",
    "Where-Object",
    "Write-Output",
}
"""What PowerShell 7.2 and the sandbox of Azure Automation have of themselves."""


def parsed(text: bytes) -> Node:
    """The syntax tree of a PowerShell script."""
    return Parser(Language(tree_sitter_powershell.language())).parse(text).root_node


def nodes(node: Node, kind: str) -> Iterator[Node]:
    """All nodes of a kind, at any depth."""
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def text(node: Node | None) -> str:
    """The source of a node."""
    return (node.text or b"").decode() if node else ""


def child(node: Node, kind: str) -> Node | None:
    """The first child of a kind."""
    return next((item for item in node.children if item.type == kind), None)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ps1")), ids=lambda path: path.name)
def test_powershell_has_no_syntax_error(path: Path) -> None:
    """By PowerShell's published grammar; without any closing brace it would have one."""
    source = path.read_bytes()
    assert not parsed(source).has_error
    head, _, tail = source.rpartition(b"}")
    assert parsed(head + tail).has_error


def test_powershell_calls_what_is_there() -> None:
    """Every command is a cmdlet or a function of the script, every parameter of such a function one that it has."""
    tree = parsed(POWERSHELL.read_bytes())
    functions = {
        text(child(node, "function_name")): {text(child(item, "variable")) for item in nodes(node, "script_parameter")}
        for node in nodes(tree, "function_statement")
    }
    assert len(functions) > 5
    for command in nodes(tree, "command"):
        name = text(child(command, "command_name"))
        assert name in CMDLETS | functions.keys(), name
        if name in functions:
            elements = child(command, "command_elements")
            own = [item for item in elements.children if item.type == "command_parameter"] if elements else []
            given = {text(item).replace("-", "$") for item in own}
            assert given <= functions[name], f"{name}: {given}"


def scripts(value: Any) -> Iterator[str]:
    """All shell scripts of a pipeline."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("run", "inlineScript"):
                yield item
            else:
                yield from scripts(item)
    elif isinstance(value, list):
        for item in value:
            yield from scripts(item)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_shell_scripts_of_pipelines_are_sound(path: Path) -> None:
    """Bash reads them, they stop at the first failure, and nothing from outside becomes a part of their text."""
    found = list(scripts(yaml.safe_load(path.read_text())))
    assert len(found) >= 2
    for script in found:
        bash = shutil.which("bash") or "/bin/bash"
        subprocess.run([bash, "-n"], input=script.encode(), check=True)  # noqa: S603  # our own file, and only read
        assert script.startswith("set -euo pipefail\n")
        assert "${{" not in script
        assert "$(AUTOPILOT" not in script


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_pipelines_ask_as_the_runbook_wants_it(path: Path) -> None:
    """Each call has an action and options that the Python runbook knows; one checks deep before an upgrade."""
    calls = [
        shlex.split(line.partition("restore_readiness.py")[2])
        for script in scripts(yaml.safe_load(path.read_text()))
        for line in script.splitlines()
        if "restore_readiness.py" in line
    ]
    options = [runbook._arguments(call) for call in calls]
    assert sorted(option.action for option in options) == ["check", "fleet"]
    assert next(option for option in options if option.action == "check").deep


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_nothing_is_upgraded_before_the_check(path: Path) -> None:
    """The upgrade comes after the check, and in the same job."""
    upgrading = []
    for job in _jobs(yaml.safe_load(path.read_text())):
        lines = "\n".join(scripts(job))
        if "az aks upgrade" in lines:
            upgrading.append(job)
            assert lines.index("restore_readiness.py check") < lines.index("az aks upgrade")
    assert len(upgrading) == 1


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_the_cluster_that_was_checked_is_upgraded(path: Path) -> None:
    """`az aks` takes no id: its parts are named."""
    texts = [text for job in _jobs(yaml.safe_load(path.read_text())) for text in scripts(job)]
    (script,) = (text for text in texts if "az aks upgrade" in text)
    upgrade = 'az() { printf "%s\\n" "$@"; }\n' + script[script.index("IFS=/") :]
    cluster = "/subscriptions/s/resourceGroups/g (1)/providers/Microsoft.ContainerService/managedClusters/web"
    environ = {"CLUSTER": cluster, "VERSION": "1.32", "PATH": os.environ["PATH"]}
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run([bash, "-euc", upgrade], env=environ, stdout=subprocess.PIPE, check=True)  # noqa: S603  # ours
    named = ["--subscription", "s", "--resource-group", "g (1)", "--name", "web", "--kubernetes-version", "1.32"]
    assert done.stdout.decode().splitlines() == ["aks", "upgrade", *named, "--yes"]


def _jobs(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    jobs = pipeline["jobs"]
    if isinstance(jobs, dict):  # GitHub Actions
        return list(jobs.values())
    return [job for entry in jobs for found in entry.values() for job in found]  # Azure DevOps, below its conditions
