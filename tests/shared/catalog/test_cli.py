"""The command line as such: exit status, streams, usage, and that the app doesn't carry it."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.catalog.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "backup-policies.yaml"


def test_check_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings first, then one line; exit status 0, nothing on stderr."""
    assert main(["check", str(SHIPPED)]) == 0
    printed = capsys.readouterr()
    *warnings, last = printed.out.splitlines()
    assert last == f"{SHIPPED}: 3 policies, 1 vault profiles, no faults"
    assert warnings
    assert all(": policies.gold.vaultTier: warning: " in line for line in warnings)
    assert not printed.err


def test_check_names_the_line_of_what_it_warns_about(capsys: pytest.CaptureFixture[str]) -> None:
    """File and line lead to the field."""
    main(["check", str(SHIPPED)])
    file, line, _ = capsys.readouterr().out.split(":", 2)
    assert file == SHIPPED.name
    assert SHIPPED.read_text().splitlines()[int(line) - 1] == "    vaultTier:"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "missing.yaml"],
        ["stamp", "missing.yaml"],
        ["explain", "gold", "--file", "missing.yaml"],
        ["diff", "missing.yaml", "missing.yaml"],
        ["import", "missing.json"],
        ["cost", "--file", "missing.yaml"],
        ["cost", "--file", str(SHIPPED), "--prices", "missing.yaml"],
    ],
)
def test_a_file_that_is_missing_is_a_fault(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, the file's name on stderr, nothing on stdout."""
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "missing." in printed.err
    assert "can't be read" in printed.err
    assert not printed.out


@pytest.mark.parametrize("command", ["explain", "cost"])
def test_a_broken_catalog_is_told_by_every_command(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As check tells it."""
    file = tmp_path / "c.yaml"
    file.write_text("policies: {one: {vaultProfil: x}}\n")
    assert main([command, *(["one"] if command == "explain" else []), "--file", str(file)]) == 1
    assert "c.yaml:1: policies.one.vaultProfil: unknown field; did you mean 'vaultProfile'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: command"),
        (["explode"], "invalid choice: 'explode'"),
        (["check"], "the following arguments are required: file"),
        (["diff", "one.yaml"], "the following arguments are required: new"),
        (["explain"], "the following arguments are required: name"),
        (["cost", "--gib", "-1"], "argument --gib: wanted: a number from 0 to 1e+09"),
        (["cost", "--gib", "nan"], "argument --gib: wanted: a number from 0 to 1e+09"),
        (["cost", "--disks", "2.5"], "argument --disks: invalid"),
        (["cost", "--namespaces", "-1"], "argument --namespaces: wanted: a whole number from 0 to"),
        (["cost", "--change-percent", "101"], "argument --change-percent: wanted: a number from 0 to 100"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and on stderr what is wanted."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it does."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for command in ("check", "stamp", "schema", "explain", "diff", "import", "cost"):
        assert f"\n    {command} " in printed


def test_it_runs_as_a_module() -> None:
    """With the exit status of the command."""
    command = [sys.executable, "-m", "shared.catalog", "explain", "bronce", "--file", str(SHIPPED)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert ended.returncode == 1
    assert "no policy 'bronce'; did you mean 'bronze'?" in ended.stderr
    assert not ended.stdout


def test_the_app_does_not_carry_the_command_line() -> None:
    """Reading a catalog imports none of the modules that only people use."""
    script = (
        "import sys, shared.catalog.loading, shared.catalog.rendering, shared.catalog.selection;"
        "print(*sorted(name for name in sys.modules if name.startswith('shared.catalog.')))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    loaded = {name.rpartition(".")[2] for name in ended.stdout.split()}
    assert "loading" in loaded
    tools = {"armshape", "caveats", "cost", "diff", "explain", "importing", "schema", "timeline", "wording"}
    assert all((ROOT / "shared" / "catalog" / f"{tool}.py").is_file() for tool in tools)
    assert not loaded & tools
