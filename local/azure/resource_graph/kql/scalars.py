"""Compiles the expressions of a query into functions of a row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from lark import Token

from local.azure.resource_graph.kql import comparison, functions, syntax
from local.azure.resource_graph.kql.arithmetic import calculate, signed
from local.azure.resource_graph.kql.expression import Expression, Getter
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind, Moment

type Columns = Mapping[str, Kind]


class Scalars:
    """A compiler of expressions over certain columns, at one moment."""

    def __init__(self, columns: Columns, now: Moment) -> None:
        self._columns = columns
        self.now = now

    def compile(self, node: Any) -> Expression:
        """An expression.

        Raises:
            QueryError: It means nothing with these columns.
        """
        made: Expression = _RULES[node.data](self, node)
        return made.folded()

    def condition(self, node: Any) -> Expression:
        """A condition.

        Raises:
            QueryError: It isn't one.
        """
        return comparison.condition(self.compile(node))

    def _literal(self, node: Node) -> Expression:
        kind, value = syntax.constant(_token(node, 0))
        return Expression(kind, lambda _: value, "", constant=True, node=node)

    def _column(self, node: Node) -> Expression:
        name = syntax.name_of(node.children[0])
        if name not in self._columns:
            raise problem(node, f"Failed to resolve column or scalar expression named '{name}'.", name)
        return Expression(self._columns[name], operator.itemgetter(name), name, constant=False, node=node)

    def _property(self, node: Node) -> Expression:
        return self._within(node, str(_token(node, 1)))

    def _element(self, node: Node) -> Expression:
        key = self.compile(node.children[1])
        if not key.constant or key.kind not in {"string", "long"}:
            raise key.wrong("An index is a constant string or whole number here.")
        return self._within(node, key.value)

    def _within(self, node: Node, key: str | int) -> Expression:
        holder = self.compile(node.children[0])
        if holder.kind != "dynamic":
            raise problem(node, f"A value of type {holder.kind} has no '{key}'; only dynamic ones have.", str(key))
        get = _at_key(holder.get, key) if isinstance(key, str) else _at_index(holder.get, key)
        name = f"{holder.name}_{key}" if holder.name else ""
        return Expression("dynamic", get, name, holder.constant, node)

    def _call(self, node: Node) -> Expression:
        arguments = [self.compile(child) for child in node.children[1:] if child is not None]
        return functions.call(node, str(_token(node, 0)), arguments, self.now)

    def _compare(self, node: Node) -> Expression:
        left, symbol, right = node.children
        return comparison.compare(node, str(symbol), self.compile(left), self.compile(right))

    def _member(self, node: Node) -> Expression:
        left, symbol, *items = node.children
        return comparison.member(node, str(symbol), self.compile(left), [self.compile(item) for item in items])

    def _between(self, node: Node) -> Expression:
        value, word, low, high = node.children
        least = comparison.compare(node, ">=", self.compile(value), self.compile(low))
        most = comparison.compare(node, "<=", self.compile(value), self.compile(high))
        both = comparison.all_of(node, [least, most])
        return functions.call(node, "not", [both], self.now) if str(word).startswith("!") else both

    def _all_of(self, node: Node) -> Expression:
        return comparison.all_of(node, [self.compile(child) for child in node.children])

    def _any_of(self, node: Node) -> Expression:
        return comparison.any_of(node, [self.compile(child) for child in node.children])

    def _arithmetic(self, node: Node) -> Expression:
        left, symbol, right = node.children
        return calculate(node, str(symbol), self.compile(left), self.compile(right))

    def _signed(self, node: Node) -> Expression:
        return signed(node, str(node.children[0]), self.compile(node.children[1]))

    def _everything(self, node: Node) -> Expression:
        raise problem(node, "'*' can't be used here.", "*")

    rules: Mapping[str, Callable[[Scalars, Node], Expression]] = {
        "literal": _literal,
        "column": _column,
        "property": _property,
        "element": _element,
        "call": _call,
        "compare": _compare,
        "member": _member,
        "between": _between,
        "all_of": _all_of,
        "any_of": _any_of,
        "arithmetic": _arithmetic,
        "signed": _signed,
        "everything": _everything,
    }


_RULES = Scalars.rules


def _token(node: Node, index: int) -> Token:
    child = node.children[index]
    if not isinstance(child, Token):
        raise TypeError(child)
    return child


def _at_key(get: Getter, key: str) -> Getter:
    def found(row: dict[str, Any]) -> Any:
        holder = get(row)
        return holder.get(key) if type(holder) is dict else None

    return found


def _at_index(get: Getter, index: int) -> Getter:
    """An array's element; a negative index counts from the end."""

    def found(row: dict[str, Any]) -> Any:
        holder = get(row)
        inside = type(holder) is list and -len(holder) <= index < len(holder)
        return holder[index] if inside else None

    return found
