"""Resource Graph, page by page: whole answers, whatever part of it can be read, and patience with its quota."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.arm.answers import Operation
from shared.arm.door import Answer
from shared.arm.graph import query, readable_pages
from shared.errors import ArmError

KQL = "Resources | project id | order by id asc"


@dataclass
class ToyGraph:
    """Two rows for each subscription, one a page; refuses whatever names a bad one, and is busy for some requests."""

    bad: dict[str, int] = field(default_factory=dict)
    busy: int = 0
    asked: list[list[str]] = field(default_factory=list)

    async def post(self, path: str, api_version: str, body: dict[str, Any]) -> Answer:
        wanted: list[str] = body["subscriptions"]
        self.asked.append(wanted)
        if self.busy:
            self.busy -= 1
            raise ArmError("busy", status=429, code="RateLimiting", retry_after=0.001)
        for one in wanted:
            if one in self.bad:
                raise ArmError("no", status=self.bad[one], code=f"Code{self.bad[one]}")
        rows = [{"id": f"{one}/{number}"} for one in wanted for number in range(2)]
        start = int(body["options"].get("$skipToken", "0"))
        more = {"$skipToken": str(start + 1)} if start + 1 < len(rows) else {}
        return Answer(200, {"data": rows[start : start + 1], **more}, Operation("", None))


async def read(graph: ToyGraph, subscriptions: list[str]) -> tuple[list[str], dict[str, str]]:
    """Ids of all rows that can be read, and what couldn't."""
    unread: dict[str, str] = {}
    pages = [page async for page in readable_pages(graph, subscriptions, KQL, unread)]  # type: ignore[arg-type]
    return sorted({str(row["id"]) for page in pages for row in page}), unread


async def test_all_pages_are_read() -> None:
    """Whatever the number of rows; at most 200 subscriptions go into one query."""
    many = [f"s{number:03}" for number in range(201)]
    graph = ToyGraph()
    rows = await query(graph, many, KQL)  # type: ignore[arg-type]  # as much of a door as it needs
    assert len(rows) == 402
    assert {len(asked) for asked in graph.asked} == {200, 1}


async def test_a_refused_subscription_hides_no_other() -> None:
    """The refusal is narrowed down to whom it is about, in few requests."""
    many = [f"s{number}" for number in range(8)]
    graph = ToyGraph(bad={"s2": 403, "s7": 400})
    ids, unread = await read(graph, many)
    assert unread == {"s2": "Code403", "s7": "Code400"}
    assert ids == sorted(f"{one}/{number}" for one in many if one not in graph.bad for number in range(2))


async def test_trouble_of_azures_own_is_not_taken_apart() -> None:
    """Asking again in halves would only add to it."""
    graph = ToyGraph(bad={"s1": 500})
    assert await read(graph, ["s1", "s2"]) == ([], {"s1": "Code500", "s2": "Code500"})
    assert graph.asked == [["s1", "s2"]]


async def test_the_quota_is_waited_for_a_few_times() -> None:
    """Then it is given up, and reported."""
    assert await read(ToyGraph(busy=3), ["s1"]) == (["s1/0", "s1/1"], {})
    assert await read(ToyGraph(busy=4), ["s1"]) == ([], {"s1": "RateLimiting"})
    with pytest.raises(ArmError, match="busy"):
        await query(ToyGraph(busy=4), ["s1"], KQL)  # type: ignore[arg-type]  # as above
