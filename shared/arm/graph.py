"""Azure Resource Graph: whole answers, page by page, and values that can't leave their quotes.

It is eventually consistent: never the only proof that something isn't there. Traps it deals with: a page holds at most
1,000 rows and says so only by its skip token; 15 queries in 5 seconds are allowed to a user.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
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
_REFUSED = frozenset({400, 403, 404})  # says something of what was asked for, not of Azure's own state

type Row = dict[str, Any]
"""The columns of a row."""


def quoted(text: str) -> str:
    """A KQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def query(door: Door, subscriptions: Iterable[str], kql: str) -> list[Row]:
    """All rows of a query, in batches of subscriptions.

    The query must project few columns and end in an order by a unique column, or pages may overlap.

    Raises:
        ArmError: refused, or still throttled after some seconds.
    """
    wanted = sorted(subscriptions)
    rows: list[Row] = []
    for start in range(0, len(wanted), _SUBSCRIPTIONS):
        async for page in _pages(door, wanted[start : start + _SUBSCRIPTIONS], kql):
            rows += page
    return rows


async def readable_pages(
    door: Door, subscriptions: Iterable[str], kql: str, unread: dict[str, str]
) -> AsyncIterator[list[Row]]:
    """The rows page by page, of whatever can be read; a page may come twice when what came after it was refused.

    A refusal of many subscriptions is narrowed down to those that cause it, so that one hides no other.

    Args:
        door: to Azure.
        subscriptions: whose rows are wanted.
        kql: as for `query`.
        unread: gets the subscriptions that couldn't be read to their end, and the error's code or HTTP status.
    """
    wanted = sorted(subscriptions)
    batches = [wanted[start : start + _SUBSCRIPTIONS] for start in range(0, len(wanted), _SUBSCRIPTIONS)]
    while batches:
        batch = batches.pop()
        try:
            async for page in _pages(door, batch, kql):
                yield page
        except ArmError as error:
            half = len(batch) // 2
            if half and error.status in _REFUSED:
                batches += [batch[:half], batch[half:]]
                continue
            unread.update(dict.fromkeys(batch, error.code or str(error.status)))


async def _pages(door: Door, subscriptions: Sequence[str], kql: str) -> AsyncIterator[list[Row]]:
    options: dict[str, Any] = {"$top": _PAGE, "resultFormat": "objectArray"}
    while True:
        body = {"subscriptions": list(subscriptions), "query": kql, "options": options}
        answer = await _patiently(door, body)
        yield answer.get("data") or []
        token = answer.get("$skipToken")
        if not token:
            return
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
