"""A part of the Kusto Query Language, compiled to Python functions.

A query is parsed by a grammar (`kql.lark`), checked against the columns and their types, and becomes a chain of
functions from rows to rows. What isn't understood is refused, never guessed.
"""

from local.azure.resource_graph.kql.expression import Row
from local.azure.resource_graph.kql.plan import Plan, Source, compile_query
from local.azure.resource_graph.kql.problems import QueryError
from local.azure.resource_graph.kql.values import Kind, Moment, as_json, moment_of

__all__ = ["Kind", "Moment", "Plan", "QueryError", "Row", "Source", "as_json", "compile_query", "moment_of"]
