"""Answers for people: a page is a few blocks, shown as text or as Markdown.

What is shown comes from Azure and from clusters, so nothing in it may act: in text no control character reaches a
terminal, in Markdown no character of a value makes a link, markup or another row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Title(NamedTuple):
    """A heading; level 1 is the page's."""

    text: str
    level: int = 1


class Words(NamedTuple):
    """A paragraph."""

    text: str


class Facts(NamedTuple):
    """Names and values; those without a value are left out."""

    pairs: tuple[tuple[str, object], ...]

    def shown(self) -> list[tuple[str, str]]:
        """The pairs that have something to say."""
        pairs = [(_clean(name), _clean(value)) for name, value in self.pairs if value is not None]
        return [(name, value) for name, value in pairs if value]


class Table(NamedTuple):
    """Rows of cells; without rows, nothing is shown."""

    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


class Command(NamedTuple):
    """What somebody may copy into a shell."""

    text: str


type Block = Title | Words | Facts | Table | Command
type Page = Iterable[Block]

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#])")
_ADDRESS = re.compile(r"(?<=www)\.|:(?=/)", re.IGNORECASE)  # GitHub and wikis make links of bare addresses
_STARTS = re.compile(r"^(\d{0,9})([-+=.)])")  # at the start of a line: a list, a rule, or a heading of the line above
_FENCE = "```"


def as_text(page: Page) -> str:
    """The page as lines of plain text."""
    return "\n".join(line for block in page for line in _TEXT[type(block)](block)).strip("\n") + "\n"


def as_markdown(page: Page) -> str:
    """The page as GitHub-flavored Markdown."""
    return "\n".join(line for block in page for line in _MARKDOWN[type(block)](block)).strip("\n") + "\n"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 95 -> "1 min 35 s", 7500 -> "2 h 5 min", 200000 -> "2 d 7 h"; "" for none."""
    if seconds is None:
        return ""
    left, words = round(abs(seconds)), []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"


def _clean(value: object) -> str:
    """One line that a terminal shows as it is; directions of text and line ends among what is replaced."""
    return " ".join(_UNPRINTABLE.sub(" ", str(value)).split())


def _text_title(block: Title) -> list[str]:
    text = _clean(block.text)
    return ["", text, ("=" if block.level == 1 else "-") * len(text)]


def _text_words(block: Words) -> list[str]:
    return ["", _clean(block.text)]


def _text_facts(block: Facts) -> list[str]:
    shown = block.shown()
    width = max((len(name) for name, _ in shown), default=0)
    return ["", *(f"{name:{width}}  {value}" for name, value in shown)]


def _text_table(block: Table) -> list[str]:
    if not block.rows:
        return []
    rows = [block.head, *(tuple(_clean(cell) for cell in row) for row in block.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(block.head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return ["", *lines]


def _text_command(block: Command) -> list[str]:
    return [f"    {_clean(block.text)}"]


def _escaped(value: object) -> str:
    return _ADDRESS.sub(r"\\\g<0>", _MARKUP.sub(r"\\\1", _clean(value)))


def _markdown_title(block: Title) -> list[str]:
    return ["", f"{'#' * block.level} {_escaped(block.text)}"]


def _markdown_words(block: Words) -> list[str]:
    return ["", _STARTS.sub(r"\1\\\2", _escaped(block.text))]


def _markdown_facts(block: Facts) -> list[str]:
    return ["", *(f"- **{_escaped(name)}:** {_escaped(value)}" for name, value in block.shown())]


def _markdown_table(block: Table) -> list[str]:
    if not block.rows:
        return []
    lines = [[_escaped(cell) for cell in row] for row in (block.head, *block.rows)]
    lines.insert(1, ["---"] * len(block.head))
    return ["", *(f"| {' | '.join(line)} |" for line in lines)]


def _markdown_command(block: Command) -> list[str]:
    text = _clean(block.text)
    fence = max([_FENCE, *(found + "`" for found in re.findall("`{3,}", text))], key=len)
    return ["", f"{fence}sh", text, fence]


_TEXT: dict[type, Callable[..., list[str]]] = {
    Title: _text_title,
    Words: _text_words,
    Facts: _text_facts,
    Table: _text_table,
    Command: _text_command,
}
_MARKDOWN: dict[type, Callable[..., list[str]]] = {
    Title: _markdown_title,
    Words: _markdown_words,
    Facts: _markdown_facts,
    Table: _markdown_table,
    Command: _markdown_command,
}
