"""Requests for a query, checked and taken apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from local.azure.clock import ticks
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call

PAGE = 1000
"""Rows in a page at most, and where the request doesn't say."""

_MOST_SUBSCRIPTIONS = 1000
_MOST_GROUPS = 10  # documented
_FORMATS = ("objectArray", "table")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class QueryRequest:
    """What is asked.

    Attributes:
        query: The query.
        subscriptions: Ids that it is about, in lower case; None for all that the caller can see.
        top: Rows in the page, if the request says.
        skip: Rows to leave out.
        token: The skip token of the page before.
        table: Whether rows are wanted as lists of values beside their columns.
    """

    query: str
    subscriptions: tuple[str, ...] | None
    top: int | None
    skip: int
    token: str | None
    table: bool

    def digest(self, caller: str) -> str:
        """What makes two requests ask for pages of the same answer."""
        parts = [caller, self.query, sorted(self.subscriptions) if self.subscriptions is not None else None, self.table]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def refused(call: Call, *details: Json, status: int = 400, code: str = "BadRequest") -> ArmError:
    """A refusal by Resource Graph; the reason is in its details (resource_graph_query_error.json)."""
    message = (
        f"Please provide below info when asking for support: timestamp = {ticks(call.at)}, "
        f"correlationId = {call.correlation_id}."
    )
    return ArmError(status, code, message, extra={"details": list(details)})


def read(call: Call) -> QueryRequest:
    """The request in a call's body.

    Raises:
        ArmError: Something is missing or wrong. Codes of what isn't recorded are chosen, but for
            SubscriptionsContainInvalidGuids, which clients know.
    """
    body = call.body
    query = body.get("query")
    if not isinstance(query, str):
        raise _invalid(call, "InvalidQuery", "The request has no query.")
    if body.get("facets"):
        raise _invalid(call, "InvalidFacets", "Facets aren't served here.")
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise _invalid(call, "InvalidOptions", "options is an object.")
    chosen = options.get("resultFormat") or _FORMATS[0]
    if chosen not in _FORMATS:
        raise _invalid(call, "InvalidResultFormat", f"resultFormat is one of {', '.join(_FORMATS)}.")
    token = options.get("$skipToken") or None
    return QueryRequest(
        query=query,
        subscriptions=_subscriptions(call),
        top=_whole(call, options, "$top", 1, PAGE),
        skip=_whole(call, options, "$skip", 0, None) or 0,
        token=str(token) if token is not None else None,
        table=chosen == "table",
    )


def _invalid(call: Call, code: str, message: str) -> ArmError:
    return refused(call, {"code": code, "message": message})


def _whole(call: Call, options: Json, name: str, least: int, most: int | None) -> int | None:
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most and value > most):
        limits = f"between {least} and {most}" if most else f"not below {least}"
        raise _invalid(call, "InvalidPagingOptions", f"{name} is a whole number, {limits}.")
    return value


def _subscriptions(call: Call) -> tuple[str, ...] | None:
    """The subscriptions of a request, or those of its management groups; a group that isn't there has none."""
    asked, groups = call.body.get("subscriptions"), call.body.get("managementGroups")
    if asked is None or (asked == [] and groups):
        return _of_groups(call, groups)
    if not isinstance(asked, list) or not all(isinstance(one, str) and _GUID.fullmatch(one) for one in asked):
        raise _invalid(call, "SubscriptionsContainInvalidGuids", "The subscriptions must be valid GUIDs.")
    if len(asked) > _MOST_SUBSCRIPTIONS:
        raise _invalid(call, "TooManySubscriptions", f"A query is about at most {_MOST_SUBSCRIPTIONS} subscriptions.")
    return tuple(one.lower() for one in asked)


def _of_groups(call: Call, groups: Any) -> tuple[str, ...] | None:
    if not groups:
        return None
    if not isinstance(groups, list) or len(groups) > _MOST_GROUPS:
        raise _invalid(call, "InvalidManagementGroups", f"managementGroups is a list of at most {_MOST_GROUPS} ids.")
    known = [one.lower() for one in call.cloud.options.subscriptions]
    return tuple(call.cloud.hierarchy.below(map(str, groups), known))


def no_subscription(call: Call, asked: Iterable[str]) -> ArmError:
    """None of the subscriptions is one that the caller may read; the others of a mixed list are left out silently.

    Not recorded; clients know the code and quote the message.
    """
    given = "','".join(asked)
    message = f"There must be at least one subscription that is eligible to contain resources. Given: '{given}'."
    return _invalid(call, "NoValidSubscriptionsInQueryRequest", message)


def bad_token(call: Call) -> ArmError:
    """A skip token that isn't of this query. The code is chosen."""
    return _invalid(call, "InvalidSkipToken", "The skip token is malformed, or of another query.")


def throttled(call: Call, wait: float, headers: dict[str, str]) -> ArmError:
    """Too many queries. Not recorded; code and wording as clients report them."""
    message = (
        "Client application has been throttled and should not attempt to repeat the request until an amount of time "
        "has elapsed. Please see https://aka.ms/resourcegraph-throttling for help."
    )
    error = refused(call, {"code": "RateLimiting", "message": message}, status=429, code="RateLimiting")
    error.headers = headers
    error.retry_after = wait
    return error
