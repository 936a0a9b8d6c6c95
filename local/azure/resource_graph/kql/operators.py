"""Compiles the operators of a query, each into a function from rows to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lark import Token, Tree

from local.azure.resource_graph.kql import syntax
from local.azure.resource_graph.kql.aggregates import aggregate
from local.azure.resource_graph.kql.expression import Expression, Row
from local.azure.resource_graph.kql.scalars import Scalars
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind, Moment

type Schema = dict[str, Kind]
type Work = Callable[[list[Row]], list[Row]]

type Stage = tuple[Schema, Work]
"""What an operator leaves: the columns after it, and its work."""


def where(node: Node, schema: Schema, now: Moment) -> Stage:
    """Rows that fit."""
    test = Scalars(schema, now).condition(node.children[1]).get
    return schema, lambda rows: [row for row in rows if test(row)]


def extend(node: Node, schema: Schema, now: Moment) -> Stage:
    """Further columns; one of a name that is there is removed and comes back at the end, as in Kusto."""
    made = _named(node.children, Scalars(schema, now))
    after = {name: kind for name, kind in schema.items() if name not in made}
    after |= {name: expression.kind for name, expression in made.items()}
    replaced = tuple(name for name in made if name in schema)
    pairs = [(name, expression.get) for name, expression in made.items()]

    def work(rows: list[Row]) -> list[Row]:
        results = []
        for row in rows:
            added = {name: get(row) for name, get in pairs}
            result = row.copy()
            for name in replaced:
                del result[name]
            result.update(added)
            results.append(result)
        return results

    return after, work


def project(node: Node, schema: Schema, now: Moment) -> Stage:
    """These columns and no others."""
    made = _named(node.children, Scalars(schema, now))
    pairs = [(name, expression.get) for name, expression in made.items()]
    after = {name: expression.kind for name, expression in made.items()}
    return after, lambda rows: [{name: get(row) for name, get in pairs} for row in rows]


def project_away(node: Node, schema: Schema, _: Moment) -> Stage:
    """All columns but these."""
    gone = {_existing(child, schema) for child in node.children}
    return _kept({name: name for name in schema if name not in gone}, schema)


def project_rename(node: Node, schema: Schema, _: Moment) -> Stage:
    """Columns under other names."""
    names: dict[str, str] = {}
    for renaming in node.children:
        if isinstance(renaming, Tree):
            new, old = renaming.children
            names[_existing(old, schema)] = syntax.name_of(new)
    return _kept({name: names.get(name, name) for name in schema}, schema)


def _kept(names: dict[str, str], schema: Schema) -> Stage:
    after = {new: schema[old] for old, new in names.items()}
    return after, lambda rows: [{new: row[old] for old, new in names.items()} for row in rows]


def order(node: Node, schema: Schema, now: Moment) -> Stage:
    """Sorted rows: descending unless the query says asc; nulls are the least values unless it says where they go."""
    return schema, _sorting([_sort_key(child, Scalars(schema, now)) for child in node.children])


def take(node: Node, schema: Schema, _: Moment) -> Stage:
    """The first rows."""
    many = int(str(node.children[0]))
    return schema, lambda rows: rows[:many]


def top(node: Node, schema: Schema, now: Moment) -> Stage:
    """The first rows once they are sorted."""
    many = int(str(node.children[0]))
    sort = _sorting([_sort_key(child, Scalars(schema, now)) for child in node.children[1:]])
    return schema, lambda rows: sort(rows)[:many]


def count(_: Node, __: Schema, ___: Moment) -> Stage:
    """How many rows there are."""
    return {"Count": "long"}, lambda rows: [{"Count": len(rows)}]


def distinct(node: Node, schema: Schema, now: Moment) -> Stage:
    """Each combination of values once."""
    if isinstance(node.children[0], Token):
        made = {name: Scalars(schema, now).compile(_column(node, name)) for name in schema}
    else:
        made = _named(node.children, Scalars(schema, now))
    pairs = [(name, expression.scalar("Distinct column").get) for name, expression in made.items()]

    def work(rows: list[Row]) -> list[Row]:
        found = dict.fromkeys(tuple(get(row) for _, get in pairs) for row in rows)
        return [dict(zip(made, values, strict=True)) for values in found]

    return {name: expression.kind for name, expression in made.items()}, work


def summarize(node: Node, schema: Schema, now: Moment) -> Stage:
    """Aggregates of groups of rows."""
    scalars = Scalars(schema, now)
    wanted, by = node.children
    groups = _named(by.children, scalars) if isinstance(by, Tree) else {}
    keys = [expression.scalar("Summarize group key").get for expression in groups.values()]
    made = []
    for child in wanted.children if isinstance(wanted, Tree) else ():
        name, call = _parts(child)
        made.append(aggregate(call, name, schema, groups, now))
    after: Schema = {name: expression.kind for name, expression in groups.items()}
    for one in made:
        for name, kind in one.columns:
            after[_free(name, after)] = kind

    def work(rows: list[Row]) -> list[Row]:
        parted: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            parted.setdefault(tuple(get(row) for get in keys), []).append(row)
        return [
            dict(zip(after, [*key, *(value for one in made for value in one.values(group))], strict=True))
            for key, group in parted.items()
        ]

    return after, work


OPERATORS: dict[str, Callable[[Node, Schema, Moment], Stage]] = {
    "where": where,
    "extend": extend,
    "project": project,
    "project_away": project_away,
    "project_rename": project_rename,
    "order": order,
    "take": take,
    "top": top,
    "count": count,
    "distinct": distinct,
    "summarize": summarize,
}


def _column(node: Node, name: str) -> Node:
    return Tree("column", [Tree("name", [Token("NAME", name)])], node.meta)


def _existing(node: Any, schema: Schema) -> str:
    name = syntax.name_of(node)
    if name not in schema:
        raise problem(node, f"Failed to resolve column named '{name}'.", name)
    return name


def _parts(node: Any) -> tuple[str | None, Node]:
    """Name, if there is one, and expression of a `named` node."""
    name, expression = node.children
    return (syntax.name_of(name) if name is not None else None), expression


def _named(nodes: Iterable[Any], scalars: Scalars) -> dict[str, Expression]:
    made: dict[str, Expression] = {}
    for number, node in enumerate(nodes, start=1):
        name, tree = _parts(node)
        expression = scalars.compile(tree)
        made[_free(name or expression.name or f"Column{number}", made)] = expression
    return made


def _free(name: str, taken: Iterable[str]) -> str:
    """Kusto puts a number behind a name that is there already."""
    free, number = name, 0
    known = set(taken)
    while free in known:
        number += 1
        free = f"{name}{number}"
    return free


type _SortKey = tuple[Callable[[Row], Any], bool]


def _sort_key(node: Any, scalars: Scalars) -> _SortKey:
    expression, direction, nulls = node.children
    value = scalars.compile(expression).scalar("Order by key")
    ascending = direction == "asc"
    nulls_first = nulls == "first" if nulls is not None else ascending
    get = value.get

    def key(row: Row) -> tuple[bool, Any]:
        found = get(row)
        is_null = found is None
        return (is_null is not nulls_first) is ascending, 0 if is_null else found

    return key, ascending


def _sorting(keys: Sequence[_SortKey]) -> Work:
    def work(rows: list[Row]) -> list[Row]:
        result = rows
        for key, ascending in reversed(keys):
            result = sorted(result, key=key, reverse=not ascending)
        return result

    return work
