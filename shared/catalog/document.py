"""YAML as people mean it: plain values with the line of each, and an error for what YAML makes of a slip.

Only true, false, null and decimal integers are anything but text (YAML 1.2's core): `no`, `01:00` and `0o14` stay
text and are then refused or accepted by the field that they stand in. Duplicate keys, aliases and files that are huge
or deeply nested are errors.
"""

import re
from typing import Any

import yaml

Path = tuple[str, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 12


class Document:
    """What the file says: `value`, the 1-based line of each path in it, and what can't be read at all."""

    def __init__(self) -> None:
        self.value: Any = None
        self.lines: dict[Path, int] = {}
        self.faults: list[tuple[int, str]] = []

    def line_of(self, path: Path) -> int:
        """The line of a field, or of the nearest one around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def _scalar(node: yaml.ScalarNode) -> str | int | bool | None:
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "null", "~"):
        return None
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text) else text


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[int] = set()

    def build(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._document.lines.setdefault(path, line)
        if id(node) in self._seen:
            return self._fault(line, "anchors and aliases aren't read; write the value out")
        self._seen.add(id(node))
        if len(path) > MAX_DEPTH:
            return self._fault(line, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, str(index))) for index, item in enumerate(node.value)]
        return _scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                self._fault(line, "a key must be plain text")
            elif key in result:
                self._fault(line, f"{key!r} stands twice in {'.'.join(path) or 'the file'}")
            else:
                self._document.lines[*path, key] = line
                result[key] = self.build(value_node, (*path, key))
        return result

    def _fault(self, line: int, text: str) -> None:
        self._document.faults.append((line, text))


def parse(text: str) -> Document:
    """Read one YAML document; never raises for what the text holds."""
    document = Document()
    if len(text.encode()) > MAX_BYTES:
        document.faults.append((1, f"larger than {MAX_BYTES} bytes"))
        return document
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        document.faults.append((line, f"no valid YAML: {error.problem or error.context}"))
    except (yaml.YAMLError, RecursionError) as error:
        document.faults.append((1, f"no valid YAML: {type(error).__name__}: {str(error)[:200]}"))
    else:
        if node is not None:
            document.value = _Builder(document).build(node, ())
    return document
