"""Comparisons: each string operator with its own idea of case, and nulls as Kusto has them.

Equality with one null is false, with two it is null; an order with a null is null; null counts as false in a filter.
A string is never null: what isn't there is the empty string.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from local.azure.resource_graph.kql.expression import Expression, Getter, common_kind
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind

type _Test = Callable[[str, str], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _has(text: str, term: str) -> bool:
    """Whether a whole term is there: letters and digits before or after it would make another term of it."""
    start = text.find(term)
    while start >= 0:
        end = start + len(term)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(term, start + 1)
    return False


@functools.lru_cache(maxsize=256)
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _matches(text: str, pattern: str) -> bool:
    return _pattern(pattern).search(text) is not None


# String operators: whether case is ignored, and the test. `!` before a name turns it around, as `!~` does `=~`.
_TEXT: dict[str, tuple[bool, _Test]] = {
    "=~": (True, operator.eq),
    "has": (True, _has),
    "has_cs": (False, _has),
    "contains": (True, operator.contains),
    "contains_cs": (False, operator.contains),
    "startswith": (True, str.startswith),
    "startswith_cs": (False, str.startswith),
    "endswith": (True, str.endswith),
    "endswith_cs": (False, str.endswith),
    "matches regex": (False, _matches),
}


def compare(node: Node, symbol: str, left: Expression, right: Expression) -> Expression:
    """One comparison.

    Raises:
        QueryError: Values of these types can't be compared so.
    """
    symbol = " ".join(symbol.split())
    constant = left.constant and right.constant
    if symbol in {"==", "!="}:
        get = _equality(common_kind(node, left, right), left, right, negated=symbol == "!=")
    elif symbol in _ORDER:
        get = _order(common_kind(node, left, right), left, right, _ORDER[symbol])
    else:
        get = _text(node, symbol, left, right)
    return Expression("bool", get, "", constant, node)


def _equality(kind: Kind, left: Expression, right: Expression, *, negated: bool) -> Getter:
    one, other = left.converted(kind), right.converted(kind)
    test = operator.ne if negated else operator.eq
    if kind == "string":
        if right.constant:
            wanted = other({})
            return lambda row: test(one(row), wanted)
        return lambda row: test(one(row), other(row))

    def get(row: dict[str, Any]) -> bool | None:
        first, second = one(row), other(row)
        return None if first is None and second is None else test(first, second)

    return get


def _order(kind: Kind, left: Expression, right: Expression, test: Callable[[Any, Any], bool]) -> Getter:
    if kind == "bool":
        raise left.wrong("Values of type bool have no order.")
    one, other = left.converted(kind), right.converted(kind)

    def get(row: dict[str, Any]) -> bool | None:
        first, second = one(row), other(row)
        return None if first is None or second is None else test(first, second)

    return get


def _text(node: Node, symbol: str, left: Expression, right: Expression) -> Getter:
    negated = symbol.startswith("!")
    ignores_case, test = _TEXT["=~" if symbol == "!~" else symbol.removeprefix("!")]
    one, other = left.converted("string"), right.converted("string")
    if right.constant and test is _matches:
        _check_pattern(node, other({}))
    if ignores_case and right.constant:
        wanted = other({}).lower()
        return lambda row: test(one(row).lower(), wanted) is not negated
    if ignores_case:
        return lambda row: test(one(row).lower(), other(row).lower()) is not negated
    return lambda row: test(one(row), other(row)) is not negated


def _check_pattern(node: Node, pattern: str) -> None:
    try:
        _pattern(pattern)
    except re.error as error:
        raise problem(node, f"'{pattern}' is no regular expression: {error}") from error


def member(node: Node, symbol: str, left: Expression, items: Sequence[Expression]) -> Expression:
    """`in` and its kin. Items are constants, or arrays of them.

    Raises:
        QueryError: An item isn't constant, or is of another type than the rest.
    """
    negated = symbol.startswith("!")
    word = symbol.removeprefix("!")
    if not all(item.constant for item in items):
        raise problem(node, f"'{symbol}' takes constants here.")
    wanted = [value for item in items for value in _each(item.value)]
    texts = all(isinstance(value, str) for value in wanted)
    if any(isinstance(value, dict | list) for value in wanted):
        raise problem(node, f"'{symbol}' takes strings, numbers and the like.")
    if word != "in" and not texts:
        raise problem(node, f"'{symbol}' compares strings.")
    if word in {"has_any", "has_all"}:
        get = _terms(left.converted("string"), wanted, any if word == "has_any" else all)
    elif word == "in~":
        get = _among(left.converted("string"), {value.lower() for value in wanted}, fold=True)
    else:
        kind = "string" if texts else common_kind(node, left, *items)
        get = _among(left.converted(kind), wanted)
    plain = get
    return Expression("bool", (lambda row: not plain(row)) if negated else plain, "", left.constant, node)


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _among(get: Getter, wanted: Iterable[Any], *, fold: bool = False) -> Getter:
    known = frozenset(wanted)
    return (lambda row: get(row).lower() in known) if fold else (lambda row: get(row) in known)


def _terms(get: Getter, wanted: Sequence[str], quantity: Callable[[Iterable[bool]], bool]) -> Getter:
    terms = [term.lower() for term in wanted]

    def holds(row: dict[str, Any]) -> bool:
        text = get(row).lower()
        return quantity(_has(text, term) for term in terms)

    return holds


def all_of(node: Node, parts: Sequence[Expression]) -> Expression:
    """`and`: null only when nothing is false."""
    return Expression("bool", _all(_tests(parts)), "", all(part.constant for part in parts), node)


def any_of(node: Node, parts: Sequence[Expression]) -> Expression:
    """`or`."""
    return Expression("bool", _any(_tests(parts)), "", all(part.constant for part in parts), node)


def _tests(parts: Sequence[Expression]) -> list[Getter]:
    return [condition(part).get for part in parts]


def condition(expression: Expression) -> Expression:
    """Itself, if it is a condition.

    Raises:
        QueryError: It isn't boolean.
    """
    if expression.kind != "bool":
        raise expression.wrong(f"A condition is of type bool, not {expression.kind}. Try adding tobool().")
    return expression


def _all(tests: Sequence[Getter]) -> Getter:
    def get(row: dict[str, Any]) -> bool | None:
        found: bool | None = True
        for test in tests:
            value = test(row)
            if value is None:
                found = None
            elif not value:
                return False
        return found

    return get


def _any(tests: Sequence[Getter]) -> Getter:
    def get(row: dict[str, Any]) -> bool | None:
        found: bool | None = False
        for test in tests:
            value = test(row)
            if value:
                return True
            if value is None:
                found = None
        return found

    return get
