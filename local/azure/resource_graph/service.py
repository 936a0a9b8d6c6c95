"""Resource Graph at work: from a request to a page of rows."""

from __future__ import annotations

import datetime as dt
import re
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.resource_graph import request, rows
from local.azure.resource_graph.index import Index
from local.azure.resource_graph.kql import Kind, QueryError, Row, as_json, compile_query, moment_of
from local.azure.resource_graph.paging import Answer, Pages, Position
from local.azure.resource_graph.quota import Quota
from local.azure.resource_graph.request import QueryRequest
from local.azure.resource_graph.visibility import Visibility

if TYPE_CHECKING:
    from local.azure.cloud import Cloud

_INVALID: Json = {
    "code": "InvalidQuery",
    "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the "
    "error before retrying.",
}
_JSON_TYPES: dict[Kind, str] = {
    "string": "string",
    "bool": "boolean",
    "long": "integer",
    "real": "number",
    "datetime": "datetime",
    "timespan": "string",
    "dynamic": "object",
}


class ResourceGraph:
    """The service of one simulated Azure.

    Attributes:
        index: What it knows.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.index = Index(cloud, cloud.options.graph_delay)
        self._pages = Pages()
        self._quota = Quota()

    def answer(self, call: Call) -> Reply:
        """Answer a query; every answer tells of the quota, also a refusal."""
        allowed, wait, headers = self._quota.take(call.principal.object_id, call.at)
        if not allowed:
            raise request.throttled(call, wait, headers)
        try:
            return Reply(200, self._page(call, request.read(call)), headers)
        except ArmError as error:
            error.headers = {**error.headers, **headers}
            raise

    def _page(self, call: Call, asked: QueryRequest) -> Json:
        digest = asked.digest(call.principal.object_id)
        position = Position(asked.skip, asked.top or request.PAGE)
        kept = None
        if asked.token:
            position = self._continued(call, asked, digest)
            kept = self._pages.find(digest, call.at)
        answer = kept or self._run(call, asked)
        page = answer.rows[position.offset : position.offset + position.size]
        end = position.offset + len(page)
        body = _body(answer, page, asked, cut=end < len(answer.rows) and not answer.pageable)
        if end < len(answer.rows) and answer.pageable:
            self._pages.keep(digest, answer)
            body["$skipToken"] = self._pages.token(digest, Position(end, position.size))
        return body

    def _continued(self, call: Call, asked: QueryRequest, digest: str) -> Position:
        """The next page, as documented: $top and $skip of a request count more than its token's.

        `$skip: 0` doesn't: clients send it with every request (resource_graph_query.json).
        """
        position = self._pages.position(digest, asked.token or "")
        if position is None:
            raise request.bad_token(call)
        return Position(asked.skip or position.offset, asked.top or position.size)

    def _run(self, call: Call, asked: QueryRequest) -> Answer:
        visibility = Visibility(call.cloud, call.principal, call.at)
        wanted = asked.subscriptions
        known = [one.lower() for one in call.cloud.options.subscriptions]
        eligible = visibility.subscriptions(known if wanted is None else [one for one in wanted if one in known])
        if not eligible:
            raise request.no_subscription(call, known if wanted is None else wanted)
        try:
            plan = compile_query(asked.query, moment_of(call.at), rows.TABLES, rows.RESOURCES, rows.COLUMNS)
            found = plan.run(_source(self.index, visibility, frozenset(eligible), call.at))
        except QueryError as error:
            raise request.refused(call, _INVALID, error.detail()) from error
        except re.error as error:
            detail = QueryError(str(error.pattern), message=f"No regular expression: {error}").detail()
            raise request.refused(call, _INVALID, detail) from error
        return Answer(plan.columns, found, plan.pageable, call.at)


def _source(
    index: Index, visibility: Visibility, eligible: frozenset[str], at: dt.datetime
) -> Callable[[str, frozenset[str] | None], list[Row]]:
    """Rows that the caller may see; what belongs to no subscription needs none."""
    tests: dict[str, Callable[[Row], bool]] = {}

    def visible(row: Row) -> bool:
        kind = row["type"]
        test = tests.get(kind)
        if test is None:
            test = tests[kind] = visibility.filter(kind)
        subscription = row["subscriptionId"].lower()
        return (not subscription or subscription in eligible) and test(row)

    return lambda table, types: [row for row in index.rows(table, types, at) if visible(row)]


def _body(answer: Answer, page: list[Row], asked: QueryRequest, *, cut: bool) -> Json:
    """A page. Rows that Azure cuts off without a skip token are told of by `resultTruncated` alone."""
    timed = [name for name, kind in answer.columns.items() if kind in {"datetime", "timespan"}]
    shown = [{**row, **{name: as_json(row[name]) for name in timed}} for row in page] if timed else page
    data: object = shown
    if asked.table:
        columns = [{"name": name, "type": _JSON_TYPES[kind]} for name, kind in answer.columns.items()]
        data = {"columns": columns, "rows": [[row[name] for name in answer.columns] for row in shown]}
    return {
        "totalRecords": len(answer.rows),
        "count": len(page),
        "data": data,
        "facets": [],
        "resultTruncated": "true" if cut else "false",
    }


_INSTANCES: weakref.WeakKeyDictionary[Cloud, ResourceGraph] = weakref.WeakKeyDictionary()


def of(cloud: Cloud) -> ResourceGraph:
    """The Resource Graph of a simulated Azure."""
    return _INSTANCES[cloud]


def attach(cloud: Cloud) -> None:
    """Let a simulated Azure have a Resource Graph, which sees every change from now on."""
    _INSTANCES[cloud] = ResourceGraph(cloud)
