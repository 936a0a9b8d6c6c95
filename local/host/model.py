"""The functions of an app, as the host runs them: raw bindings turned into values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.host.routes import Route
    from local.host.schedule import Schedule


class AuthLevel(StrEnum):
    """Which key an HTTP function asks for."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """`methods` empty means every method."""

    parameter: str
    route: Route
    methods: frozenset[str]
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """`connection` is a connection string."""

    parameter: str
    queue: str
    connection: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """`monitored` says whether a tick that was missed while the host was down is made up for."""

    parameter: str
    schedule: Schedule
    run_on_startup: bool
    monitored: bool


@dataclass(frozen=True, slots=True)
class EventGridTrigger:
    """Events come in one at a time."""

    parameter: str


type Trigger = HttpTrigger | QueueTrigger | TimerTrigger | EventGridTrigger


@dataclass(frozen=True, slots=True)
class QueueOutput:
    """A queue that a parameter (or `$return`) is written to; `connection` is a connection string."""

    parameter: str
    queue: str
    connection: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app.

    Attributes:
        name: as the app spells it; the host compares it without regard to case.
        function_id: the runtime's handle for it.
        trigger: what makes it run.
        outputs: the queues it writes to through bindings.
        disabled: switched off by the setting `AzureWebJobs.{name}.Disabled`.
        bindings: the bindings as the runtime gave them, for the admin endpoint.
    """

    name: str
    function_id: str
    trigger: Trigger
    outputs: tuple[QueueOutput, ...] = ()
    disabled: bool = False
    bindings: tuple[dict[str, Any], ...] = ()
