"""Azure Resource Graph: whole answers, page by page, and values that can't leave their quotes.

It is eventually consistent: never the only proof that something isn't there. Traps it deals with: a page holds at most
1,000 rows and says so only by its skip token; 15 queries in 5 seconds are allowed to a user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from shared.errors import ArmError

if TYPE_CHECKING:
    from shared.arm.door import Door

_API = "2021-03-01"
_PATH = "/providers/Microsoft.ResourceGraph/resources"
_PAGE = 1000
_SUBSCRIPTIONS = 200  # in one query
_TRIES = 4
_LONGEST_PAUSE = 10.0  # seconds


def quoted(text: str) -> str:
    """A KQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def query(door: Door, subscriptions: Iterable[str], kql: str) -> list[dict[str, Any]]:
    """All rows of a query, in batches of subscriptions.

    The query must project few columns and end in an order by a unique column, or pages may overlap.

    Raises:
        ArmError: refused, or still throttled after some seconds.
    """
    wanted = sorted(subscriptions)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(wanted), _SUBSCRIPTIONS):
        rows += await _all_pages(door, wanted[start : start + _SUBSCRIPTIONS], kql)
    return rows


async def _all_pages(door: Door, subscriptions: Sequence[str], kql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    options: dict[str, Any] = {"$top": _PAGE, "resultFormat": "objectArray"}
    while True:
        body = {"subscriptions": list(subscriptions), "query": kql, "options": options}
        answer = await _patiently(door, body)
        rows += answer.get("data") or []
        token = answer.get("$skipToken")
        if not token:
            return rows
        options = {**options, "$skipToken": token}


async def _patiently(door: Door, body: dict[str, Any]) -> dict[str, Any]:
    for last in [False] * (_TRIES - 1) + [True]:
        try:
            return dict((await door.post(_PATH, _API, body)).body)
        except ArmError as error:
            if error.status != 429 or last:  # noqa: PLR2004  # HTTP: too many requests
                raise
            await asyncio.sleep(min(error.retry_after or 1.0, _LONGEST_PAUSE))
    raise AssertionError("the last try returns or raises")
