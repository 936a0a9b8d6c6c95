"""docs/catalog.md tells of every field, with its default, and shows what the commands print."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.catalog.loading import load
from shared.catalog.model import (
    Catalog,
    Contents,
    Existing,
    Hook,
    OnDemand,
    PlannedWindow,
    Policy,
    Schedule,
    Tags,
    VaultProfile,
    VaultTier,
)
from shared.catalog.naming import DEFAULTS, Naming, Override
from shared.catalog.schema import structs
from shared.catalog.value import CatalogValue

ROOT = Path(__file__).resolve().parents[3]
DOC = (ROOT / "docs" / "catalog.md").read_text()

SECTIONS: dict[type[CatalogValue], str] = {
    Catalog: "## The file",
    Policy: "## Policies",
    Schedule: "### Schedule",
    VaultTier: "### Vault tier",
    Contents: "### Contents",
    Hook: "#### Hooks",
    OnDemand: "### On demand",
    PlannedWindow: "#### Planned windows",
    Existing: "### Existing resources",
    Tags: "### Tags",
    VaultProfile: "## Vault profiles",
    Naming: "## Naming",
    Override: "## Naming",
}


def rows(heading: str) -> dict[str, list[str]]:
    """The table rows of a section, by their field."""
    _, _, after = DOC.partition(f"\n{heading}\n")
    section = re.split(r"\n#+ ", after)[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row] for row in cells}


def test_every_kind_of_value_has_its_section() -> None:
    """A new block of the model needs a place in the document; Names is part of Naming and Override."""
    assert {item.__name__ for item in SECTIONS} == structs().keys() - {"CatalogValue", "Names"}


@pytest.mark.parametrize("struct", SECTIONS, ids=lambda struct: struct.__name__)
def test_every_field_has_its_row_and_none_is_left_over(struct: type[CatalogValue]) -> None:
    """Meaning, what is allowed, and the default stand beside it."""
    found = rows(SECTIONS[struct])
    fields = {item.encode_name for item in msgspec.structs.fields(struct)}
    together = {item for other, heading in SECTIONS.items() if heading == SECTIONS[struct] for item in names(other)}
    assert fields <= found.keys()
    assert found.keys() <= together
    for field in fields:
        assert len(found[field]) == 5, field
        assert found[field][1], field
        assert found[field][3], field


def names(struct: type[CatalogValue]) -> set[str]:
    """Fields of a value, as the file names them."""
    return {item.encode_name for item in msgspec.structs.fields(struct)}


def written(default: Any) -> str | None:
    """How the document writes a default; None for what it puts in words."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if isinstance(default, str | int) and default != "" else None


@pytest.mark.parametrize("struct", SECTIONS, ids=lambda struct: struct.__name__)
def test_defaults_are_the_models(struct: type[CatalogValue]) -> None:
    """A value in the model stands in the row; what has no default is required, and says so."""
    found = rows(SECTIONS[struct])
    for item in msgspec.structs.fields(struct):
        said = found[item.encode_name][3]
        assert (said == "required") == item.required, item.encode_name
        expected = written(item.default)
        assert expected in (None, said), item.encode_name


def test_patterns_are_the_models() -> None:
    """The naming table gives the patterns that are used."""
    found = rows("## Naming")
    fields = {item.name: item.encode_name for item in msgspec.structs.fields(Naming)}
    for kind, pattern in DEFAULTS.items():
        assert found[fields[kind]][3] == f"`{pattern}`"


def _headings(text: str) -> set[str]:
    """What a document's sections are linked by."""
    found = re.findall(r"\n#+ (.*)", text)
    return {re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-") for line in found}


def test_links_lead_somewhere() -> None:
    """Each section that is linked is there, and each file, and the section of another file."""
    for target in re.findall(r"\]\(([^)]+)\)", DOC):
        file, _, section = target.partition("#")
        linked = ROOT / "docs" / file
        assert not file or linked.is_file(), target
        assert not section or section in _headings(linked.read_text() if file else DOC), target


def consoles() -> list[str]:
    """What is shown of a terminal."""
    return re.findall(r"```console\n(.*?)```", DOC, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the document names."""
    shutil.copy(ROOT / "backup-policies.yaml", tmp_path)
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", DOC, re.DOTALL):
        (tmp_path / name).write_text(text)
    for name, text in re.findall(r"`(\S+\.json)`:\n\n```json\n(.*?)```", DOC, re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_smallest_catalog_is_one(folder: Path) -> None:
    """It is the default policy of the public client."""
    assert load(folder / "small.yaml").policies["default"] == Policy("standard")


@pytest.mark.parametrize("shown", consoles(), ids=lambda shown: shown.splitlines()[0][2:])
def test_commands_print_what_is_shown(shown: str, folder: Path) -> None:
    """Line by line, up to a line of three dots."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    lines = shown.splitlines()
    printed = ""
    for line in lines:
        if line.startswith("$ "):
            ended = subprocess.run(  # noqa: S602  # the document's own commands
                line[2:], shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=True
            )
            printed += f"{line}\n{ended.stdout}"
    found = printed.splitlines()
    if lines[-1] == "...":
        found, lines = found[: len(lines) - 1], lines[:-1]
    assert found == lines
