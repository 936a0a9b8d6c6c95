"""Queries as trees, by the grammar in `kql.lark`."""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from local.azure.resource_graph.kql.problems import QueryError
from local.azure.resource_graph.kql.values import Kind, read_moment, read_span

type Node = Tree[Token]

_OPERATORS = frozenset(
    {"where", "extend", "project", "order", "sort", "take", "limit", "top", "count", "summarize", "distinct", "join"}
)


_ESCAPE = re.compile(r"\\(?:([^u])|u([0-9a-fA-F]{4})|u)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"'}


@functools.cache
def _parser() -> Lark:
    """Built when the first query comes."""
    grammar = Path(__file__).with_name("kql.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="query", parser="lalr", propagate_positions=True)


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Node:
    """The tree of a query.

    Raises:
        QueryError: It isn't one that is understood.
    """
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _refusal(text, error) from error
    for clause in tree.find_data("where"):
        _refuse_bare_word(text, clause)
    return tree


def _refuse_bare_word(text: str, clause: Node) -> None:
    """An operator's word alone is no condition: `where where` ends too early (resource_graph_query_error.json)."""
    condition = clause.children[1]
    if isinstance(condition, Tree) and condition.data == "column" and name_of(condition.children[0]) in _OPERATORS:
        raise _at(text, condition.meta.end_pos)


def _refusal(text: str, error: UnexpectedInput) -> QueryError:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return QueryError(str(error.token), error.line, error.column - 1)
    if isinstance(error, UnexpectedCharacters):
        return QueryError(text[error.pos_in_stream or 0], error.line, error.column - 1)
    return _at(text, len(text))


def _at(text: str, position: int) -> QueryError:
    """The next token from a position on is where the query went wrong."""
    rest = text[position:].lstrip()
    start = len(text) - len(rest)
    word = rest.split(maxsplit=1)[0] if rest else "<EOF>"
    return QueryError(word, text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1))


def problem(node: Node | Token, message: str, token: str = "") -> QueryError:
    """A mistake in what a query means."""
    if isinstance(node, Token):
        return QueryError(token or str(node), node.line or 1, (node.column or 1) - 1, message)
    return QueryError(token or str(node.data), node.meta.line, node.meta.column - 1, message)


def name_of(node: Any) -> str:
    """The name in a `name` node, without brackets and quotes."""
    token: Token = node.children[0]
    return unquoted(token) if token.type == "STRING" else str(token)


def unquoted(token: Token) -> str:
    """The text of a string literal.

    Raises:
        QueryError: It has an escape sequence that doesn't exist.
    """
    if token.type == "VERBATIM":
        return str(token[2:-1]).replace(token[1] * 2, token[1])
    text = str(token)
    if "\\" not in text:
        return text[1:-1]
    wrong = [found[0] for found in _ESCAPE.finditer(text) if found[1] not in _ESCAPED and not found[2]]
    if wrong:
        raise problem(token, f"The string has an escape sequence that doesn't exist: {wrong[0]}")
    return _ESCAPE.sub(lambda found: chr(int(found[2], 16)) if found[2] else _ESCAPED[found[1]], text[1:-1])


def constant(token: Token) -> tuple[Kind, Any]:
    """Type and value of a literal.

    Raises:
        QueryError: It looks like one and isn't.
    """
    match token.type:
        case "STRING" | "VERBATIM":
            return "string", unquoted(token)
        case "INTEGER":
            return "long", int(token)
        case "REAL":
            return "real", float(token)
        case "BOOLEAN":
            return "bool", token.startswith("t")
        case "DYNAMIC":
            return "dynamic", _json(token)
        case _:
            return _time(token)


def _time(token: Token) -> tuple[Kind, Any]:
    inner = token.partition("(")[2].rstrip(")").strip().strip("'\"") if "(" in token else str(token)
    if token.type == "DATETIME":
        value: Any = read_moment(inner)
        kind: Kind = "datetime"
    else:
        value, kind = read_span(inner), "timespan"
    if value is None and inner != "null":
        raise problem(token, f"'{token}' is no {kind}.")
    return kind, value


def _json(token: Token) -> Any:
    inner = token.partition("(")[2][:-1].strip()
    try:
        return json.loads(inner)
    except ValueError:
        pass
    try:
        return ast.literal_eval(inner)  # Kusto takes strings in single quotes too
    except (SyntaxError, ValueError) as error:
        raise problem(token, "The dynamic literal isn't JSON.") from error
