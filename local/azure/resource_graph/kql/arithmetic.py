"""Sums, differences, products, quotients and remainders of numbers and times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from local.azure.resource_graph.kql.expression import NUMBERS, Expression, Getter
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind, Span, moment_at

type _Make = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


# What two types give with an operator, and how the plain result becomes a value of it. Numbers are in `_of_numbers`.
_TIMES: dict[tuple[str, str, str], tuple[Kind, _Make]] = {
    ("datetime", "-", "datetime"): ("timespan", Span),
    ("datetime", "-", "timespan"): ("datetime", moment_at),
    ("datetime", "+", "timespan"): ("datetime", moment_at),
    ("timespan", "+", "datetime"): ("datetime", moment_at),
    ("timespan", "+", "timespan"): ("timespan", Span),
    ("timespan", "-", "timespan"): ("timespan", Span),
    ("timespan", "/", "timespan"): ("real", _same),
    ("timespan", "*", "number"): ("timespan", Span),
    ("number", "*", "timespan"): ("timespan", Span),
    ("timespan", "/", "number"): ("timespan", Span),
}


def calculate(node: Node, symbol: str, left: Expression, right: Expression) -> Expression:
    """One operation; with a null or a division by zero it is null.

    Raises:
        QueryError: These types don't go together.
    """
    one, other = _word(left, right), _word(right, left)
    if one == other == "number":
        kind: Kind = "long" if left.kind == right.kind == "long" else "real"
        make: _Make = _same
    elif (one, symbol, other) in _TIMES:
        kind, make = _TIMES[one, symbol, other]
    else:
        raise problem(node, f"'{symbol}' can't be used between {left.kind} and {right.kind}.")
    whole = kind == "long"
    get = _get(_OPERATIONS[symbol, whole], _plain(left), _plain(right), make)
    return Expression(kind, get, "", left.constant and right.constant, node)


def signed(node: Node, symbol: str, value: Expression) -> Expression:
    """A sign before a number or a timespan.

    Raises:
        QueryError: It is something else.
    """
    if value.kind not in NUMBERS | {"timespan"}:
        raise problem(node, f"A value of type {value.kind} has no sign.")
    if symbol == "+":
        return value
    get, make = value.get, Span if value.kind == "timespan" else _same

    def negative(row: dict[str, Any]) -> Any:
        number = get(row)
        return None if number is None else make(-number)

    return Expression(value.kind, negative, "", value.constant, node)


def _word(one: Expression, other: Expression) -> str:
    """A dynamic value beside a number is a number."""
    if one.kind in NUMBERS or (one.kind == "dynamic" and other.kind in NUMBERS):
        return "number"
    return one.kind


def _plain(one: Expression) -> Getter:
    return one.converted("real") if one.kind == "dynamic" else one.get


def _get(operation: Callable[[Any, Any], Any], one: Getter, other: Getter, make: _Make) -> Getter:
    def get(row: dict[str, Any]) -> Any:
        first, second = one(row), other(row)
        if first is None or second is None:
            return None
        result = operation(first, second)
        return make(result) if result is not None and math.isfinite(result) else None

    return get


def _quotient(first: float, second: float) -> float | None:
    return first / second if second else None


def _whole_quotient(first: int, second: int) -> int | None:
    """Rounded towards zero, as C# does."""
    if not second:
        return None
    size = abs(first) // abs(second)
    return size if (first < 0) == (second < 0) else -size


def _remainder(first: Any, second: Any) -> Any:
    return first % second if second else None


_OPERATIONS: dict[tuple[str, bool], Callable[[Any, Any], Any]] = {
    ("+", True): lambda first, second: first + second,
    ("-", True): lambda first, second: first - second,
    ("*", True): lambda first, second: first * second,
    ("/", True): _whole_quotient,
    ("%", True): _remainder,
}
_OPERATIONS |= {(symbol, False): operation for (symbol, _), operation in list(_OPERATIONS.items())}
_OPERATIONS["/", False] = _quotient
