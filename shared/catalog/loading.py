"""Catalog text -> catalog, or every fault of it with file, line, field and what is allowed there."""

import re
from difflib import get_close_matches
from pathlib import Path as FilePath
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

from shared.catalog.document import Document, Path, parse
from shared.catalog.model import NAME, Catalog
from shared.catalog.value import CatalogValue
from shared.errors import CatalogError


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
            for name, item in value.items():
                if not re.match(NAME, name):
                    self.fault((*path, name), "wanted: 1 to 32 lower-case letters, digits and hyphens as a name")
                self.check(get_args(wanted)[1], item, (*path, name))
        else:
            self._convert(wanted, value, path)

    def fault(self, path: Path, text: str) -> None:
        self.faults.append((self._document.line_of(path), f"{'.'.join(path) or 'the file'}: {text}"))

    def _check_struct(self, struct: type[CatalogValue], value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            self.fault(path, f"is {value!r}; wanted: fields, one a line")
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
            self.fault(path, f"is {str(value)[:80]!r}; {_explained(wanted, error)}" if _leaf(value) else str(error))


def _leaf(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _struct_in(wanted: Any) -> type[CatalogValue] | None:
    options = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    return next((item for item in options if isinstance(item, type) and issubclass(item, CatalogValue)), None)


def _explained(wanted: Any, error: msgspec.ValidationError) -> str:
    """Say what is allowed, in the model's own words where it has any."""
    candidates = (wanted, *get_args(wanted))
    for item in candidates:
        for meta in getattr(item, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.description:
                return f"wanted: {meta.description}"
    choices = [choice for choice in get_args(wanted) if isinstance(choice, str)]
    return f"wanted: one of {', '.join(choices)}" if choices else str(error)


def loads(text: str, source: str) -> Catalog:
    """Read a catalog.

    Raises:
        CatalogError: with every fault, each as `file:line: field: what is wrong; what is allowed`.
    """
    document = parse(text)
    faults = list(document.faults)
    if not faults:
        checker = _Checker(document)
        checker.check(Catalog, document.value if document.value is not None else {}, ())
        faults = checker.faults
    if not faults:
        catalog = msgspec.convert(document.value, Catalog)
        for name, policy in catalog.policies.items():
            if policy.vault_profile not in catalog.vault_profiles:
                path = ("policies", name, "vaultProfile")
                known = ", ".join(catalog.vault_profiles) or "none"
                faults.append((document.line_of(path), f"{'.'.join(path)}: no such vault profile; known: {known}"))
        if not faults:
            return catalog
    raise CatalogError("Backup policy catalog", [f"{source}:{line}: {text}" for line, text in sorted(faults)])


def load(path: FilePath) -> Catalog:
    """Read the catalog file.

    Raises:
        CatalogError: the file can't be read, or has faults.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError("Backup policy catalog", [f"{path.name}:1: can't be read: {error}"]) from error
    return loads(text, path.name)
