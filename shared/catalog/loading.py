"""Catalog text -> catalog, or every fault of it with file, line, field and what is allowed there."""

from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path as FilePath
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

from shared.catalog.document import MAX_BYTES, Document, Path, parse
from shared.catalog.model import Catalog
from shared.catalog.selection import RESERVED
from shared.catalog.value import CatalogValue
from shared.errors import CatalogError

MAX_FAULTS = 200
"""More than anybody reads at once; a file of nothing but faults doesn't take minutes."""


class _Enough(Exception):
    """So many faults that the rest isn't looked for."""


class _Checker:
    """Walks model and document side by side and collects faults; msgspec itself stops at the first."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.faults: list[tuple[int, str]] = []

    def check(self, wanted: Any, value: Any, path: Path) -> None:
        struct = _struct_in(wanted)
        if struct is not None and value is not None:
            self._check_struct(struct, value, path)
        elif get_origin(wanted) is dict and isinstance(value, dict):
            names, items = get_args(wanted)
            for name, item in value.items():
                self._convert(names, name, (*path, name))
                self.check(items, item, (*path, name))
        elif get_origin(wanted) is tuple and isinstance(value, list):
            for index, item in enumerate(value):
                self.check(get_args(wanted)[0], item, (*path, str(index)))
        else:
            self._convert(wanted, value, path)

    def fault(self, path: Path, text: str) -> None:
        self.faults.append((self._document.line_of(path), f"{_shown(path)}: {text}"))
        if len(self.faults) == MAX_FAULTS:
            self.faults.append((self._document.last_line, f"more than {MAX_FAULTS} faults; the rest isn't listed"))
            raise _Enough

    def _check_struct(self, struct: type[CatalogValue], value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            self.fault(path, f"is {_quoted(value)}; wanted: fields, one a line")
            return
        before = len(self.faults)
        fields = {item.encode_name: item for item in msgspec.structs.fields(struct)}
        for name in value.keys() - fields.keys():
            near = get_close_matches(name, fields, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(fields))}"
            self.fault((*path, name), f"unknown field; {hint}")
        for name, item in fields.items():
            if name in value:
                self.check(item.type, value[name], (*path, name))
            elif item.required:
                self.fault(path, f"{name!r} is missing")
        if len(self.faults) == before:
            self._convert(struct, value, path)

    def _convert(self, wanted: Any, value: Any, path: Path) -> None:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            # of a block whose fields are good each, the error is what the model says of them together
            together = isinstance(value, dict) and _struct_in(wanted) is not None
            self.fault(path, str(error) if together else f"is {_quoted(value)}; {_explained(wanted, value, error)}")


def _shown(path: Path) -> str:
    parts = (part if len(part) <= 80 else f"{part[:80]}..." for part in path)  # noqa: PLR2004  # fits a line
    return ".".join(parts) or "the file"


def _quoted(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a block of fields"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return repr(text if len(text) <= 80 else f"{text[:80]}...")  # noqa: PLR2004  # fits a line


def _struct_in(wanted: Any) -> type[CatalogValue] | None:
    options = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    return next((item for item in options if isinstance(item, type) and issubclass(item, CatalogValue)), None)


_WORDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    tuple: "a list, such as [a, b]",
    dict: "names and their values, one a line",
}


def _explained(wanted: Any, value: Any, error: msgspec.ValidationError) -> str:
    """Say what is allowed, in the model's own words where it has any."""
    words = _WORDS.get(get_origin(wanted) or wanted)
    for item in (wanted, *get_args(wanted)):
        for meta in getattr(item, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.description:
                words = words or meta.description
    choices = [choice for choice in get_args(wanted) if isinstance(choice, str)]
    if words is None:
        return f"wanted: one of {', '.join(choices)}" if choices else str(error)
    lines = "one line: " if isinstance(value, str) and "\n" in value else ""
    return f"wanted: {lines}{words}{_quotes_wanted(wanted, value)}"


def _quotes_wanted(wanted: Any, value: Any) -> str:
    """YAML's own reading of text that isn't in quotes is a frequent slip."""
    if isinstance(value, bool | int | float) and _fits(wanted, str(value)):
        return "; put it in quotes"
    texts = (str in (item, getattr(item, "__origin__", None)) for item in (wanted, *get_args(wanted)))
    if isinstance(value, dict | list) and any(texts):
        return "; text that starts with { or [ needs quotes"
    return ""


def _fits(wanted: Any, text: str) -> bool:
    try:
        msgspec.convert(text, wanted)
    except msgspec.ValidationError:
        return False
    return True


def faults_of(document: Document, wanted: type[CatalogValue], first: msgspec.ValidationError) -> list[tuple[int, str]]:
    """Every fault, with its line, of a document that isn't such a value; `first` is what msgspec says of it."""
    checker = _Checker(document)
    with suppress(_Enough):
        checker.check(wanted, {} if document.value is None else document.value, ())
    return checker.faults or [(1, str(first))]


def _dangling(catalog: Catalog, document: Document) -> list[tuple[int, str]]:
    """Faults of what the policies of a catalog mean together."""
    found: list[tuple[int, str]] = []
    for name, policy in catalog.policies.items():
        if name in RESERVED:
            path: Path = ("policies", name)
            found.append((document.line_of(path), f"{_shown(path)}: as a tag's value {name!r} means {RESERVED[name]}"))
        if policy.vault_profile not in catalog.vault_profiles:
            path = ("policies", name, "vaultProfile")
            known = ", ".join(catalog.vault_profiles) or "none"
            found.append((document.line_of(path), f"{_shown(path)}: no such vault profile; known: {known}"))
    return found


def loads(text: str, source: str) -> Catalog:
    """Read a catalog.

    Raises:
        CatalogError: with every fault, each as `file:line: field: what is wrong; what is allowed`.
    """
    document = parse(text)
    faults = list(document.faults)
    if not faults:
        try:
            catalog = msgspec.convert(document.value, Catalog)
        except msgspec.ValidationError as error:
            faults = faults_of(document, Catalog, error)
        else:
            faults = _dangling(catalog, document)
            if not faults:
                return catalog
    raise CatalogError("Backup policy catalog", [f"{source}:{line}: {text}" for line, text in sorted(faults)])


def load(path: FilePath) -> Catalog:
    """Read the catalog file.

    Raises:
        CatalogError: the file can't be read, or has faults.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CatalogError("Backup policy catalog", [f"{path.name}:1: can't be read: {error}"]) from error
    if len(data) > MAX_BYTES:
        raise CatalogError("Backup policy catalog", [f"{path.name}:1: larger than {MAX_BYTES} bytes"])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogError("Backup policy catalog", [f"{path.name}:{line}: isn't UTF-8: {error.reason}"]) from error
    return loads(text, path.name)
