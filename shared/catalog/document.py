"""YAML as people mean it: plain values with the line of each, and an error for what YAML makes of a slip.

Only true, false, null and decimal numbers are anything but text (YAML 1.2's core): `no`, `01:00`, `1e3` and `0o14`
stay text and are then refused or accepted by the field that they stand in. Duplicate keys, aliases and files that are
huge or deeply nested are errors.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import yaml

Path = tuple[str, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 12

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "": None, "null": None, "~": None}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")
_SCALAR, _MAPPING = yaml.ScalarEvent, yaml.MappingStartEvent
_MAPPING_END, _SEQUENCE_END = yaml.MappingEndEvent, yaml.SequenceEndEvent
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # only escapes in double quotes can bring them
_NUMERIC = frozenset("-0123456789")


class Document:
    """What the file says: `value`, the 1-based line of each path in it, and what can't be read at all.

    Attributes:
        value: dicts, lists and scalars.
        marks: the line of the document, of each key and of each item, in the file's order.
        faults: line and text of what can't be read; without any, `value` and `marks` fit each other.
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.marks: list[int] = []
        self.faults: list[tuple[int, str]] = []

    @cached_property
    def lines(self) -> dict[Path, int]:
        """The line of every path. Only faults need it, so only they pay for it."""
        marks = iter(self.marks)
        return dict(_located((), self.value, marks)) if self.marks else {}

    @property
    def last_line(self) -> int:
        """The last line on which something starts."""
        return max(self.marks, default=1)

    def line_of(self, path: Path) -> int:
        """The line of a field, or of the nearest one around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def _located(path: Path, value: Any, marks: Iterator[int]) -> Iterator[tuple[Path, int]]:
    yield path, next(marks)
    for name, item in _parts(value):
        yield from _located((*path, name), item, marks)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    return ((str(index), item) for index, item in enumerate(value)) if isinstance(value, list) else ()


class _Unreadable(Exception):
    """Nothing after this line is worth reading."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text
        super().__init__(text)


def _plain(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.fullmatch(text) if text[0] in _NUMERIC else None
    if match is None:
        return text
    return float(text) if match[1] else int(text)


class _Reader:
    """Reads one document off the parser's events."""

    def __init__(self, text: str, document: Document) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._mark = document.marks.append
        self._faults = document.faults

    def read(self) -> Any:
        """The value of the only document; None when there is none."""
        self._next()  # the stream's start
        if type(self._next()) is yaml.StreamEndEvent:
            return None
        event = self._next()
        self._mark(event.start_mark.line + 1)
        value = self._value(event, (), None)
        self._next()  # the document's end
        event = self._next()
        if type(event) is not yaml.StreamEndEvent:
            self._fault(event, "a second document starts here; a catalog is one")
        return value

    def _value(self, event: Any, parent: Path, name: str | None) -> Any:
        kind = type(event)
        if kind is _SCALAR and event.tag is None and event.anchor is None:
            return self._quoted(event) if event.style else _plain(event.value)
        if event.anchor is not None:
            self._fault(event, "anchors and aliases aren't read; write the value out")
        if kind is yaml.AliasEvent:
            return None
        if event.tag is not None:
            self._fault(event, f"tags such as {event.tag[:40]} aren't read; leave it out")
        if kind is _SCALAR:
            return None
        path = parent if name is None else (*parent, name)
        if len(path) >= MAX_DEPTH:
            raise _Unreadable(event.start_mark.line + 1, f"nested deeper than {MAX_DEPTH} levels")
        return self._mapping(path) if kind is _MAPPING else self._sequence(path)

    def _quoted(self, event: Any) -> str:
        text: str = event.value
        if _CONTROL.search(text):
            self._fault(event, "control characters can't be meant")
        return text

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while type(event := self._next()) is not _SEQUENCE_END:
            self._mark(event.start_mark.line + 1)
            items.append(self._value(event, path, str(len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        get, mark = self._next, self._mark
        while type(event := get()) is not _MAPPING_END:
            key = event.value if type(event) is _SCALAR and event.anchor is None and event.tag is None else None
            if key is None or key in result or key == "<<":
                self._refuse_key(event, path, key)
                continue
            mark(event.start_mark.line + 1)
            result[key] = self._value(get(), path, key)
        return result

    def _refuse_key(self, event: Any, path: Path, key: str | None) -> None:
        """Say what is wrong with a key, and pass over its value."""
        if key is None:
            self._fault(event, "a key must be plain text")
            self._value(event, path, "")
        elif key == "<<":
            self._fault(event, "merge keys aren't read; write the fields out")
        else:
            self._fault(event, f"{key[:80]!r} stands twice in {'.'.join(path) or 'the file'}")
        self._value(self._next(), path, "")

    def _fault(self, event: Any, text: str) -> None:
        self._faults.append((event.start_mark.line + 1, text))


def parse(text: str) -> Document:
    """Read one YAML document; never raises for what the text holds."""
    document = Document()
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        document.faults.append((_line_at(text, error.start), "no valid YAML: half of a surrogate pair"))
        return document
    if len(data) > MAX_BYTES:
        document.faults.append((1, f"larger than {MAX_BYTES} bytes"))
        return document
    try:
        document.value = _Reader(text, document).read()
    except _Unreadable as error:
        document.faults.append((error.line, error.text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        document.faults.append((line, f"no valid YAML: {error.problem or error.context}"))
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, error.position) + 1
        document.faults.append((line, f"no valid YAML: {error.reason}: character {error.character:#04x}"))
    return document


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
