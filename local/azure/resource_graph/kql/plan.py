"""A query, compiled: where its rows come from, and what is done to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lark import Token, Tree

from local.azure.resource_graph.kql import joining, syntax
from local.azure.resource_graph.kql.expression import Row
from local.azure.resource_graph.kql.operators import OPERATORS, Schema
from local.azure.resource_graph.kql.problems import QueryError
from local.azure.resource_graph.kql.syntax import Node
from local.azure.resource_graph.kql.values import Moment

Source = Callable[[str, frozenset[str] | None], list[Row]]
"""Rows of a table (lower-case name) and, if given, of certain types (lower-case); they aren't changed."""

type _Run = Callable[[Source], list[Row]]

_EXACT = frozenset({"==", "=~"})
_AMONG = frozenset({"in", "in~"})


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A query that can be run.

    Attributes:
        columns: Of its rows, with their types.
        run: Runs it.
        limited: Whether it limits its rows itself, which Azure doesn't page.
    """

    columns: Schema
    run: _Run
    limited: bool

    @property
    def pageable(self) -> bool:
        """Whether Azure gives a skip token: not after `limit` or `take`, nor when all columns are dynamic."""
        return not self.limited and any(kind != "dynamic" for kind in self.columns.values())


@dataclasses.dataclass(frozen=True, slots=True)
class _Compiler:
    now: Moment
    tables: Collection[str]
    default: str
    schema: Mapping[str, Any]

    def query(self, tree: Node) -> tuple[Schema, _Run]:
        steps: list[Any] = list(tree.children)
        table = self.default
        if steps[0].data == "table":
            table = self._table(steps.pop(0).children[0])
        types = _types(steps)
        schema: Schema = dict(self.schema)
        run: _Run = lambda source: source(table, types)  # noqa: E731 (the first of a chain of functions)
        for step in steps:
            schema, run = self._step(step, schema, run)
        return schema, run

    def _table(self, token: Any) -> str:
        name = str(token).lower()
        if name not in self.tables:
            error = syntax.problem(token, f"Table {token} is invalid, unsupported or disallowed.")
            error.code = "DisallowedLogicalTableName"
            raise error
        return name

    def _step(self, node: Node, schema: Schema, before: _Run) -> tuple[Schema, _Run]:
        if node.data == "join":
            return self._join(node, schema, before)
        if node.data == "union":
            return self._union(node, schema, before)
        after, work = OPERATORS[str(node.data)](node, schema, self.now)
        return after, lambda source: work(before(source))

    def _join(self, node: Node, schema: Schema, before: _Run) -> tuple[Schema, _Run]:
        other, run = self._subquery(node.children[1])
        after, work = joining.join(node, schema, other)
        return after, lambda source: work(before(source), run(source))

    def _union(self, node: Node, schema: Schema, before: _Run) -> tuple[Schema, _Run]:
        others = [self._subquery(child) for child in node.children]
        after, work = joining.union(schema, [other for other, _ in others])
        return after, lambda source: work([before(source), *(run(source) for _, run in others)])

    def _subquery(self, node: Any) -> tuple[Schema, _Run]:
        return self.query(node.children[0])


def compile_query(text: str, now: Moment, tables: Collection[str], default: str, schema: Mapping[str, Any]) -> Plan:
    """Compile a query.

    Args:
        text: The query.
        now: What `now()` and `ago()` go by.
        tables: Tables that there are, in lower case.
        default: The table of a query that names none.
        schema: Columns of every table, with their types.

    Raises:
        QueryError: It can't be understood.
    """
    try:
        tree = syntax.parse(text)
        columns, run = _Compiler(now, tables, default, schema).query(tree)
    except RecursionError as error:
        raise QueryError("<EOF>", message="The query is nested too deeply.") from error
    return Plan(columns, run, limited=any(tree.find_data("take")))


def _types(steps: list[Any]) -> frozenset[str] | None:
    """The types that the first filters let pass, so that no other rows are looked at; None when they don't say."""
    found: frozenset[str] | None = None
    for step in steps:
        if step.data != "where":
            break
        condition = step.children[1]
        for part in condition.children if condition.data == "all_of" else [condition]:
            named = _named_types(part)
            if named is not None:
                found = named if found is None else found & named
    return found


def _named_types(part: Any) -> frozenset[str] | None:
    if part.data not in {"compare", "member"} or str(part.children[1]) not in _EXACT | _AMONG:
        return None
    column, _, *items = part.children
    if column.data != "column" or syntax.name_of(column.children[0]) != "type":
        return None
    texts = [_text(item) for item in items]
    return None if None in texts else frozenset(text.lower() for text in texts if text is not None)


def _text(item: Any) -> str | None:
    literal = item.children[0] if isinstance(item, Tree) and item.data == "literal" else None
    plain = isinstance(literal, Token) and literal.type in {"STRING", "VERBATIM"}
    return syntax.unquoted(literal) if plain and isinstance(literal, Token) else None
