"""What a part of a query is once it has been compiled: a function of a row, and the type of what that gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from local.azure.resource_graph.kql import values
from local.azure.resource_graph.kql.problems import QueryError
from local.azure.resource_graph.kql.syntax import Node, problem
from local.azure.resource_graph.kql.values import Kind

type Row = dict[str, Any]
type Getter = Callable[[Row], Any]

NUMBERS = frozenset({"long", "real"})

_FROM_DYNAMIC: Mapping[Kind, Callable[[Any], Any]] = {
    "string": values.text_of,
    "bool": values.bool_of,
    "long": values.number_of,
    "real": values.number_of,
    "datetime": values.datetime_of,
    "timespan": values.timespan_of,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        kind: Type of its values. A string is never null.
        get: Its value for a row.
        name: Of the column that it becomes where the query gives it none; "" for Kusto's `Column1`.
        constant: Whether it has the same value for every row, and needs none.
        node: Where it stands in the query.
    """

    kind: Kind
    get: Getter
    name: str
    constant: bool
    node: Node

    @property
    def value(self) -> Any:
        """The value of a constant."""
        return self.get({})

    def wrong(self, message: str) -> QueryError:
        """A mistake in what the expression means."""
        return problem(self.node, message)

    def folded(self) -> Expression:
        """The same, computed once if it is a constant."""
        if not self.constant:
            return self
        value = self.value
        return dataclasses.replace(self, get=lambda _: value)

    def converted(self, kind: Kind) -> Getter:
        """Its values as those of another type, which only a dynamic one has without a cast.

        Raises:
            QueryError: The types don't go together.
        """
        if self.kind == kind or {self.kind, kind} <= NUMBERS:
            return self.get
        if self.kind != "dynamic":
            raise self.wrong(f"A value of type {self.kind} isn't one of type {kind}. Try adding an explicit cast.")
        return _converted(self.get, _FROM_DYNAMIC[kind])

    def scalar(self, what: str) -> Expression:
        """Itself, unless it is dynamic, which Kusto neither sorts nor groups by.

        Raises:
            QueryError: It is dynamic.
        """
        if self.kind == "dynamic":
            raise self.wrong(f"{what} '{self.name}' is of a 'dynamic' type. Please use an explicit cast.")
        return self


def _converted(get: Getter, convert: Callable[[Any], Any]) -> Getter:
    return lambda row: convert(get(row))


def common_kind(node: Node, *expressions: Expression) -> Kind:
    """The type in which values are compared: that of those which aren't dynamic.

    Raises:
        QueryError: They can't be compared without a cast.
    """
    kinds = {one.kind for one in expressions} - {"dynamic"}
    if kinds == NUMBERS:
        return "real"
    if len(kinds) == 1:
        return kinds.pop()
    names = " and ".join(one.kind for one in expressions)
    raise problem(node, f"Cannot compare values of types {names}. Try adding explicit casts.")
