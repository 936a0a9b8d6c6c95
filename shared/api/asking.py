"""From a request as it came to what was asked: nothing goes on to a handler, a table or Azure unchecked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo, fields

from shared.api.endpoint import CLUSTER, Endpoint, named
from shared.api.problems import Problem
from shared.api.table import PATH_PARTS
from shared.arm.ids import ClusterId
from shared.errors import InvalidResourceId

_KEY = "code"  # the host's own query parameter: a function key
_CLUSTER_PARTS = frozenset(re.findall(r"\{(\w+)\}", CLUSTER))
_LONGEST = 200  # characters of a request that an answer repeats


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as the host hands it over; names of headers have no case."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Asked[Query, Body]:
    """A checked request.

    Attributes:
        query: the endpoint's struct of query parameters, None without one.
        body: the endpoint's struct of the body, None without one.
        path: parameters of the route, each of the form that the table gives it.
        of: the cluster in the route, one of the deployment's subscriptions.
        who: who asks, for the log: "key", or the name that Entra ID gives.
    """

    query: Query
    body: Body
    path: Mapping[str, str]
    of: ClusterId | None = None
    who: str = "key"

    @property
    def cluster(self) -> ClusterId:
        """The cluster in the route; only routes that name one have handlers that look."""
        if self.of is None:
            raise LookupError("this endpoint's route names no cluster")
        return self.of


def read(endpoint: Endpoint, incoming: Incoming, subscriptions: frozenset[str], who: str = "key") -> Asked[Any, Any]:
    """Check a request.

    Raises:
        Problem: 400 with what is wrong and what is allowed, 403 for a cluster outside the allowed subscriptions.
    """
    return Asked(
        query=_query(endpoint, incoming.query),
        body=_body(endpoint, incoming.body),
        path=_path(endpoint, incoming.path),
        of=_cluster(incoming.path, subscriptions) if endpoint.route.startswith(CLUSTER) else None,
        who=who,
    )


def _path(endpoint: Endpoint, given: Mapping[str, str]) -> dict[str, str]:
    parts = {}
    for name in re.findall(r"\{(\w+)\}", endpoint.route):
        part, text = PATH_PARTS[name], given.get(name, "")
        if name not in _CLUSTER_PARTS and not re.fullmatch(part.pattern, text):
            raise Problem(400, part.reason, f"{name} is {part.description}")
        parts[name] = text
    return parts


def cluster_path(given: Mapping[str, str]) -> str:
    """The ARM id of the cluster that a route names, whatever stands in it."""
    return (
        f"/subscriptions/{given.get('subscriptionId', '')}/resourceGroups/{given.get('resourceGroup', '')}"
        f"/providers/Microsoft.ContainerService/managedClusters/{given.get('clusterName', '')}"
    )


def _cluster(given: Mapping[str, str], subscriptions: frozenset[str]) -> ClusterId:
    try:
        cluster = ClusterId.parse(cluster_path(given))
    except InvalidResourceId as error:
        raise Problem(400, "InvalidCluster", str(error)) from error
    if cluster.subscription not in subscriptions:
        raise Problem(403, "SubscriptionNotAllowed", f"subscription {cluster.subscription} isn't this deployment's")
    return cluster


def _query(endpoint: Endpoint, given: Mapping[str, str]) -> Any:
    shape = named(endpoint.query) if endpoint.query else None
    known = {field.encode_name: field for field in fields(shape)} if shape else {}
    unknown = sorted(given.keys() - known.keys() - {_KEY})
    if unknown:
        wanted = f"; known are {', '.join(known)}" if known else "; there are none"
        raise Problem(400, "InvalidQuery", f"{_cut(unknown[0])} is no parameter here{wanted}")
    values = {field.name: _value(field, given[name]) for name, field in known.items() if name in given}
    return shape(**values) if shape else None


def _value(field: FieldInfo, text: str) -> Any:
    kind = inspect.type_info(field.type)
    description = ""
    if isinstance(kind, inspect.Metadata):
        description = f"; it is {(kind.extra_json_schema or {}).get('description', '')}"
    try:
        return msgspec.convert(_plain(kind, text), field.type)
    except msgspec.ValidationError as error:
        raise Problem(400, "InvalidQuery", f"{field.encode_name}={_cut(text)}: {error}{description}") from error


def _plain(kind: inspect.Type, text: str) -> Any:
    """A parameter's text as the plain value that JSON would have in its place; unfitting text stays text."""
    match _bare(kind):
        case inspect.EnumType(cls=words):
            return _spelled([str(word.value) for word in words], text)
        case inspect.LiteralType(values=words):
            return _spelled([str(word) for word in words], text)
        case inspect.IntType() if re.fullmatch("[0-9]{1,9}", text):
            return int(text)
        case inspect.BoolType():
            return {"true": True, "false": False}.get(text.lower(), text)
        case inspect.VarTupleType(item_type=item):
            return [_plain(item, part.strip()) for part in text.split(",")]
    return text


def _bare(kind: inspect.Type) -> inspect.Type:
    """A type without its description, and without the null that stands for a missing parameter."""
    if isinstance(kind, inspect.Metadata):
        return _bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _bare(next(item for item in kind.types if not isinstance(item, inspect.NoneType)))
    return kind


def _spelled(words: list[str], text: str) -> str:
    return next((word for word in words if word.lower() == text.lower()), text)


def _body(endpoint: Endpoint, given: bytes) -> Any:
    if not endpoint.body:
        return None
    try:
        return msgspec.json.decode(given or b"{}", type=named(endpoint.body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # bytes that aren't UTF-8; depth without end
        fault = f"{_cut(error)}{_words(named(endpoint.body), str(error))}"
        raise Problem(400, "InvalidBody", f"the body is JSON as /api/openapi.json shows it: {fault}") from error


def _words(shape: type[Any], fault: str) -> str:
    """The words that a field of the body takes, when the fault is that another one stands there."""
    if not fault.startswith("Invalid enum value"):
        return ""
    kinds = {field.encode_name: _bare(inspect.type_info(field.type)) for field in fields(shape)}
    match kinds.get(fault.rpartition("$.")[2].rstrip("`")):
        case inspect.EnumType(cls=words):
            return f"; it is one of {', '.join(str(word.value) for word in words)}"
        case inspect.LiteralType(values=values):
            return f"; it is one of {', '.join(str(word) for word in values)}"
    return ""


def _cut(text: object) -> str:
    shown = str(text)
    return repr(shown[:_LONGEST]) if isinstance(text, str) else shown[:_LONGEST]
