"""What a replayed stretch of a recording is, and the pieces that put its prerequisites in place."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from local.azure.roles import Role
from tests.wire.player import Player

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"

type Body = dict[str, Any]
type Step = Callable[[Player], Awaitable[None]]
type Preparation = Callable[[Cloud], None]


@dataclass(frozen=True)
class Scenario:
    """A stretch of a recording.

    Attributes:
        recording: Its file.
        entries: Indices of the interactions that are replayed, in order.
        seeds: Resources that are there as they stand.
        prepare: What else the simulated Azure has to know, such as principals.
        steps: What happens before an entry: by its index.
        caller: Who sends the requests.
        options: Options of the simulated Azure.
        expired: Whether the token has expired.
        start: Virtual time at the beginning, where the time of day matters; None is now.
    """

    recording: str
    entries: tuple[int, ...]
    seeds: tuple[tuple[str, Body], ...] = ()
    prepare: Preparation | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    caller: str = "owner"
    options: Body = field(default_factory=dict)
    expired: bool = False
    start: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Recording and entries."""
        first, last = self.entries[0], self.entries[-1]
        return f"{self.recording}[{first}]" if first == last else f"{self.recording}[{first}-{last}]"


@dataclass(frozen=True)
class NotServed:
    """Interactions that aren't replayed."""

    recording: str
    entries: tuple[int, ...] | None
    reason: str


def span(first: int, last: int) -> tuple[int, ...]:
    """Indices from first to last, both included."""
    return tuple(range(first, last + 1))


def group(name: str, location: str) -> tuple[str, Body]:
    """A resource group."""
    return f"{SUBSCRIPTION}/resourceGroups/{name}", {
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }


def resource(group_name: str, path: str, location: str = "", **body: Any) -> tuple[str, Body]:
    """Any resource of a group, by the part of its id after `/providers/`."""
    placed = {"location": location} if location else {}
    return f"{SUBSCRIPTION}/resourceGroups/{group_name}/providers/{path}", {**placed, "properties": {}, **body}


def assigned(object_id: str, role: str, scope: str, kind: str = "ServicePrincipal") -> Preparation:
    """A role and a principal; the principal holds the role at the scope unless that is empty."""

    def prepare(cloud: Cloud) -> None:
        known = cloud.directory.add(Principal(object_id, object_id, kind, client_id=object_id))
        definition = cloud.roles.get(role) or cloud.roles.add(Role(role, f"Role {role}", "", ("*/read",)))
        if scope:
            cloud.assign(known, definition, scope)

    return prepare


def put(path: str, version: str, body: Body, *, wait: float = 60.0) -> Step:
    """Create a resource through the API and let `wait` virtual seconds pass."""

    async def step(player: Player) -> None:
        url = f"{player.arm}{SUBSCRIPTION}/resourceGroups/{path}"
        answer = await player.send("PUT", url, {"api-version": version}, body)
        assert answer.status in {200, 201, 202}, answer
        await player.advance(wait)

    return step


def fault(path: str, status: int, code: str, message: str, headers: dict[str, str]) -> Step:
    """Order the next request to a path to fail."""

    async def step(player: Player) -> None:
        await player.order_fault(
            {
                "match": {"path": path},
                "action": "fail",
                "status": status,
                "code": code,
                "message": message,
                "headers": headers,
            },
        )

    return step


def in_turn(*steps: Step) -> Step:
    """Several steps before one entry."""

    async def step(player: Player) -> None:
        for one in steps:
            await one(player)

    return step
