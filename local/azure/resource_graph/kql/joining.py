"""`join` and `union`: operators that take the rows of another query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lark import Token

from local.azure.resource_graph.kql import syntax
from local.azure.resource_graph.kql.expression import Row
from local.azure.resource_graph.kql.operators import Schema
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import nothing

KINDS = ("innerunique", "inner", "leftouter")
"""Of join. Azure has fullouter too; that isn't served here."""

_BY_SIDES = 5  # $left.x == $right.y, without its dots

type Joined = tuple[Schema, Callable[[list[Row], list[Row]], list[Row]]]


def join(node: Node, schema: Schema, other: Schema) -> Joined:
    """Rows beside the rows of another query that have the same keys.

    Raises:
        QueryError: A key isn't there or is dynamic, or the kind isn't served.
    """
    children = list(node.children)
    kind = str(children[0]) if children[0] is not None else KINDS[0]
    if kind not in KINDS:
        raise problem(node, f"Joins of kind '{kind}' aren't served; {', '.join(KINDS)} are.", kind)
    keys = [_key(child, schema, other) for child in children[2:]]
    names = {name: _free(name, schema) for name in other}
    after = schema | {names[name]: type_ for name, type_ in other.items()}
    empty: Row = {names[name]: nothing(type_) for name, type_ in other.items()}

    def work(rows: list[Row], others: list[Row]) -> list[Row]:
        found: dict[tuple[Any, ...], list[Row]] = {}
        for row in others:
            found.setdefault(tuple(row[right] for _, right in keys), []).append(
                {names[name]: value for name, value in row.items()}
            )
        if kind == "innerunique":
            rows = list({tuple(row[left] for left, _ in keys): row for row in reversed(rows)}.values())[::-1]
        result = []
        for row in rows:
            matches = found.get(tuple(row[left] for left, _ in keys), [empty] if kind == "leftouter" else [])
            result += [row | match for match in matches]
        return result

    return after, work


def union(schema: Schema, others: Sequence[Schema]) -> tuple[Schema, Callable[[list[list[Row]]], list[Row]]]:
    """The rows of several queries with the columns of all; what one doesn't have is null, or the empty string."""
    after: Schema = dict(schema)
    for other in others:
        after |= {name: kind for name, kind in other.items() if name not in after}
    blank = {name: nothing(kind) for name, kind in after.items()}
    return after, lambda parts: [{**blank, **row} for rows in parts for row in rows]


def _key(node: Any, schema: Schema, other: Schema) -> tuple[str, str]:
    if len(node.children) == 1:
        name = syntax.name_of(node.children[0])
        pair = (name, name)
    else:
        pair = _sides(node)
    for side, columns in zip(pair, (schema, other), strict=True):
        if side not in columns:
            raise problem(node, f"Failed to resolve column named '{side}'.", side)
        if columns[side] == "dynamic":
            raise problem(node, f"Join key '{side}' is of a 'dynamic' type. Please use an explicit cast.", side)
    return pair


def _sides(node: Node) -> tuple[str, str]:
    sides = [str(child) for child in node.children if isinstance(child, Token)]
    if len(sides) != _BY_SIDES or sides[2] != "==" or {sides[0], sides[3]} != {"$left", "$right"}:
        raise problem(node, "Keys are joined by $left.x == $right.y.")
    return (sides[1], sides[4]) if sides[0] == "$left" else (sides[4], sides[1])


def _free(name: str, taken: Schema) -> str:
    free, number = name, 0
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free
