"""The scalar functions, in a table: what they take, what they give, and how."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from local.azure.resource_graph.kql import values
from local.azure.resource_graph.kql.comparison import condition
from local.azure.resource_graph.kql.expression import Expression, Getter, Row
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import TICKS, Kind, Moment, Span

_ANY = "any"
_DAY = 86400 * TICKS


@dataclasses.dataclass(frozen=True, slots=True)
class _Function:
    """A function of values.

    Attributes:
        kind: Type of the result.
        takes: Types of the arguments; `any` is passed as it is, what lacks at the end takes the last one's.
        least: How many arguments there must be.
        most: How many there may be.
        work: Computes the result; with a null among its arguments the result is null, unless it takes `any`.
    """

    kind: Kind
    takes: tuple[str, ...]
    least: int
    most: int
    work: Callable[..., Any]


def _f(
    kind: Kind, takes: str, work: Callable[..., Any], least: int | None = None, most: int | None = None
) -> _Function:
    types = tuple(takes.split())
    fewest = len(types) if least is None else least
    return _Function(kind, types, fewest, max(fewest, len(types)) if most is None else most, work)


def _substring(text: str, start: int, length: int | None = None) -> str:
    first = max(0, int(start))
    return text[first:] if length is None else text[first : first + int(length)]


def _split(text: str, delimiter: str, index: int | None = None) -> list[str]:
    parts = text.split(delimiter) if delimiter else [text]
    return parts if index is None else parts[int(index) : int(index) + 1]


def _extract(pattern: str, group: int, text: str) -> str:
    found = re.search(pattern, text)
    return (found.group(int(group)) or "") if found and int(group) <= (found.re.groups) else ""


def _trim(pattern: str, text: str) -> str:
    return re.sub(f"(?:{pattern})+$", "", re.sub(f"^(?:{pattern})+", "", text))


def _rewrite(text: str, pattern: str, rewrite: str) -> str:
    return re.sub(pattern, rewrite, text)


def _parsed(value: Any) -> Any:
    """parse_json(): what isn't JSON stays the text that it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _bin(value: Any, size: Any) -> Any:
    if not size:
        return None
    floor = value // size * size
    return Moment(floor) if type(value) is Moment else Span(floor) if type(value) is Span else floor


_MANY = 64

_TABLE: dict[str, _Function] = {
    "tolower": _f("string", "string", str.lower),
    "toupper": _f("string", "string", str.upper),
    "strlen": _f("long", "string", len),
    "tostring": _f("string", _ANY, values.text_of),
    "strcat": _f("string", _ANY, lambda *parts: "".join(map(values.text_of, parts)), 1, _MANY),
    "substring": _f("string", "string long long", _substring, 2),
    "split": _f("dynamic", "string string long", _split, 2),
    "extract": _f("string", "string long string", _extract),
    "replace": _f("string", "string string string", lambda pattern, new, text: _rewrite(text, pattern, new)),
    "replace_regex": _f("string", "string string string", _rewrite),
    "replace_string": _f("string", "string string string", str.replace),
    "trim": _f("string", "string string", _trim),
    "indexof": _f("long", "string string", str.find),
    "toint": _f("long", _ANY, values.long_of),
    "tolong": _f("long", _ANY, values.long_of),
    "todouble": _f("real", _ANY, values.real_of),
    "toreal": _f("real", _ANY, values.real_of),
    "tobool": _f("bool", _ANY, values.bool_of),
    "toboolean": _f("bool", _ANY, values.bool_of),
    "todatetime": _f("datetime", _ANY, values.datetime_of),
    "totimespan": _f("timespan", _ANY, values.timespan_of),
    "isempty": _f("bool", _ANY, lambda value: value is None or value == ""),
    "isnotempty": _f("bool", _ANY, lambda value: value is not None and value != ""),
    "isnull": _f("bool", _ANY, lambda value: value is None),
    "isnotnull": _f("bool", _ANY, lambda value: value is not None),
    "array_length": _f("long", _ANY, lambda value: len(value) if isinstance(value, list) else None),
    "bag_keys": _f("dynamic", _ANY, lambda value: list(value) if isinstance(value, dict) else None),
    "parse_json": _f("dynamic", _ANY, _parsed),
    "todynamic": _f("dynamic", _ANY, _parsed),
    "dynamic": _f("dynamic", _ANY, _parsed),
    "startofday": _f("datetime", "datetime", lambda moment: _bin(moment, _DAY)),
}


def call(node: Node, name: str, arguments: Sequence[Expression], now: Moment) -> Expression:
    """A call.

    Raises:
        QueryError: There is no such function, or it takes other arguments.
    """
    if special := _SPECIAL.get(name):
        return special(node, arguments, now).folded()
    function = _TABLE.get(name)
    if function is None:
        raise problem(node, f"Unknown function: '{name}'.", name)
    _check_count(node, name, arguments, function.least, function.most)
    getters = [
        _argument(argument, function.takes[min(index, len(function.takes) - 1)])
        for index, argument in enumerate(arguments)
    ]
    work = function.work if _ANY in function.takes else _unless_null(function.work, values.nothing(function.kind))
    constant = all(argument.constant for argument in arguments)
    return Expression(function.kind, _apply(work, getters), "", constant, node).folded()


def _check_count(node: Node, name: str, arguments: Sequence[Expression], least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        raise problem(node, f"{name}(): {len(arguments)} arguments are too few or too many.", name)


def _argument(argument: Expression, kind: str) -> Getter:
    if kind == _ANY:
        return argument.get
    for known in ("string", "long", "datetime"):
        if kind == known:
            return argument.converted(known)
    raise AssertionError(kind)


def _unless_null(work: Callable[..., Any], otherwise: Any = None) -> Callable[..., Any]:
    return lambda *arguments: otherwise if None in arguments else work(*arguments)


def _apply(work: Callable[..., Any], getters: Sequence[Getter]) -> Getter:
    if len(getters) == 1:
        only = getters[0]
        return lambda row: work(only(row))
    return lambda row: work(*[get(row) for get in getters])


def _united(node: Node, branches: Sequence[Expression]) -> Kind:
    """The type of a choice; with a dynamic branch it is dynamic (the query in dp_job_list_and_show.json mixes them)."""
    kinds = {branch.kind for branch in branches}
    if "dynamic" in kinds:
        return "dynamic"
    if kinds == {"long", "real"}:
        return "real"
    if len(kinds) > 1:
        raise problem(node, f"The branches are of types {', '.join(sorted(kinds))}; they must be of one.")
    return kinds.pop()


def _case(node: Node, arguments: Sequence[Expression], _: Moment) -> Expression:
    if len(arguments) % 2 == 0 or len(arguments) == 1:
        raise problem(node, "case(): conditions and values in turn, and a last value are needed.")
    tests = [condition(argument).get for argument in arguments[:-1:2]]
    branches = [*arguments[1:-1:2], arguments[-1]]
    results, otherwise = [branch.get for branch in branches[:-1]], branches[-1].get

    def get(row: Row) -> Any:
        for test, result in zip(tests, results, strict=True):
            if test(row):
                return result(row)
        return otherwise(row)

    constant = all(argument.constant for argument in arguments)
    return Expression(_united(node, branches), get, "", constant, node)


def _iff(node: Node, arguments: Sequence[Expression], now: Moment) -> Expression:
    _check_count(node, "iff", arguments, 3, 3)
    return _case(node, arguments, now)


def _coalesce(node: Node, arguments: Sequence[Expression], _: Moment) -> Expression:
    _check_count(node, "coalesce", arguments, 2, _MANY)
    getters = [argument.get for argument in arguments]

    def get(row: Row) -> Any:
        found: Any = None
        for one in getters:
            found = one(row)
            if found is not None and found != "":
                break
        return found

    constant = all(argument.constant for argument in arguments)
    return Expression(_united(node, arguments), get, "", constant, node)


def _not(node: Node, arguments: Sequence[Expression], _: Moment) -> Expression:
    _check_count(node, "not", arguments, 1, 1)
    test = condition(arguments[0]).get

    def get(row: Row) -> bool | None:
        value = test(row)
        return None if value is None else not value

    return Expression("bool", get, "", arguments[0].constant, node)


def _now(node: Node, arguments: Sequence[Expression], now: Moment) -> Expression:
    _check_count(node, "now", arguments, 0, 1)
    moment = values.moment_at(now + (_span(arguments[0]) if arguments else 0))
    return Expression("datetime", lambda _: moment, "", constant=True, node=node)


def _ago(node: Node, arguments: Sequence[Expression], now: Moment) -> Expression:
    _check_count(node, "ago", arguments, 1, 1)
    moment = values.moment_at(now - _span(arguments[0]))
    return Expression("datetime", lambda _: moment, "", constant=True, node=node)


def _span(argument: Expression) -> int:
    if argument.kind != "timespan" or not argument.constant or argument.value is None:
        raise argument.wrong("A constant timespan is needed, such as 1d.")
    return int(argument.value)


def _binned(node: Node, arguments: Sequence[Expression], _: Moment) -> Expression:
    """bin(): rounded down to a multiple; a datetime is rounded by a timespan."""
    _check_count(node, "bin", arguments, 2, 2)
    value, size = arguments
    fits = {"datetime": {"timespan"}, "timespan": {"timespan"}, "long": {"long", "real"}, "real": {"long", "real"}}
    if size.kind not in fits.get(value.kind, ()):
        raise problem(node, f"bin(): a value of type {value.kind} can't be rounded by one of type {size.kind}.")
    get = _apply(_unless_null(_bin), [value.get, size.get])
    return Expression(value.kind, get, value.name, value.constant and size.constant, node)


_SPECIAL: dict[str, Callable[[Node, Sequence[Expression], Moment], Expression]] = {
    "iff": _iff,
    "iif": _iff,
    "case": _case,
    "coalesce": _coalesce,
    "not": _not,
    "now": _now,
    "ago": _ago,
    "bin": _binned,
}
