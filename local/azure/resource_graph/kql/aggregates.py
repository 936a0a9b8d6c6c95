"""The aggregation functions of `summarize`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from local.azure.resource_graph.kql import syntax, values
from local.azure.resource_graph.kql.expression import NUMBERS, Expression, Row
from local.azure.resource_graph.kql.scalars import Columns, Scalars
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind, Moment

type _Fold = Callable[[list[Any]], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """What `summarize` computes for a group of rows.

    Attributes:
        columns: Names and types of the columns that it makes.
        values: Their values for a group.
    """

    columns: tuple[tuple[str, Kind], ...]
    values: Callable[[list[Row]], Sequence[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Context:
    scalars: Scalars
    columns: Columns
    groups: frozenset[str]


def aggregate(node: Node, name: str | None, columns: Columns, groups: Iterable[str], now: Moment) -> Aggregate:
    """An aggregate.

    Args:
        node: Its call.
        name: The column's name, if the query gives one.
        columns: There are.
        groups: Columns that are grouped by.
        now: Of the query.

    Raises:
        QueryError: It isn't one, or takes other arguments.
    """
    function = str(node.children[0]) if node.data == "call" else ""
    arguments: list[Any] = [child for child in node.children[1:] if child is not None]
    scalars = Scalars(columns, now)
    if function in {"arg_max", "arg_min"} and arguments:
        return _extreme_row(node, name, _Context(scalars, columns, frozenset(groups)))
    if function == "count" and not arguments:
        return Aggregate(((name or "count_", "long"),), lambda rows: (len(rows),))
    if function == "countif" and len(arguments) == 1:
        test = scalars.condition(arguments[0]).get
        return Aggregate(((name or "countif_", "long"),), lambda rows: (sum(map(bool, map(test, rows))),))
    if function not in _FOLDS or len(arguments) != 1:
        raise problem(node, f"'{function or node.data}' with {len(arguments)} arguments is no aggregate.", function)
    return _folded(function, name, scalars.compile(arguments[0]))


def _folded(function: str, name: str | None, value: Expression) -> Aggregate:
    prefix, kind, fold = _FOLDS[function]
    if kind is None:
        kind = value.scalar(f"{function}():").kind
    if function in {"sum", "avg"} and value.kind not in NUMBERS:
        raise value.wrong(f"{function}() adds numbers up, not values of type {value.kind}.")
    get, empty = value.get, values.nothing(kind)
    column = name or f"{prefix}_{value.name}"

    def fold_all(rows: list[Row]) -> Sequence[Any]:
        result = fold([found for found in map(get, rows) if found is not None])
        return (empty if result is None else result,)

    return Aggregate(((column, kind),), fold_all)


def _distinct(found: list[Any]) -> list[Any]:
    return list({values.text_of(value): value for value in found}.values())


# Prefix of the column's name, type of the result (None: of the values), and the function; nulls are left out before.
_FOLDS: dict[str, tuple[str, Kind | None, _Fold]] = {
    "max": ("max", None, lambda found: max(found, default=None)),
    "min": ("min", None, lambda found: min(found, default=None)),
    "sum": ("sum", None, sum),
    "avg": ("avg", "real", lambda found: sum(found) / len(found) if found else None),
    "dcount": ("dcount", "long", lambda found: len(_distinct(found))),
    "make_list": ("list", "dynamic", lambda found: list(map(values.as_json, found))),
    "make_set": ("set", "dynamic", lambda found: list(map(values.as_json, _distinct(found)))),
    "any": ("any", None, lambda found: found[0] if found else None),
    "take_any": ("any", None, lambda found: found[0] if found else None),
}


def _extreme_row(node: Node, name: str | None, context: _Context) -> Aggregate:
    """arg_max() and arg_min(): other columns of the row in which the first argument is greatest or least."""
    function, first, *others = (child for child in node.children if child is not None)
    value = context.scalars.compile(first).scalar(f"{function}():")
    shown = _shown(others, context.columns, context.groups | {value.name})
    best = max if function == "arg_max" else min
    get = value.get
    columns = ((name or value.name or str(function).removeprefix("arg_") + "_", value.kind), *shown)

    def find(rows: list[Row]) -> Sequence[Any]:
        known = [row for row in rows if get(row) is not None]
        if not rows:
            return [values.nothing(kind) for _, kind in columns]
        row = best(known, key=get) if known else rows[0]
        return [get(row), *(row[column] for column, _ in shown)]

    return Aggregate(columns, find)


def _shown(arguments: Sequence[Any], columns: Columns, taken: frozenset[str]) -> tuple[tuple[str, Kind], ...]:
    if any(argument.data == "everything" for argument in arguments):
        return tuple((column, kind) for column, kind in columns.items() if column not in taken)
    for argument in arguments:
        if argument.data != "column" or syntax.name_of(argument.children[0]) not in columns:
            raise problem(argument, "Columns that are there, or '*', are needed here.")
    names = [syntax.name_of(argument.children[0]) for argument in arguments]
    return tuple((column, columns[column]) for column in names)
