"""From raw bindings to functions: everything that Azure would refuse is refused here, all of it at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from local.host.model import (
    AuthLevel,
    EventGridTrigger,
    Function,
    HttpTrigger,
    QueueOutput,
    QueueTrigger,
    TimerTrigger,
    Trigger,
)
from local.host.problems import RefusedError
from local.host.routes import parse_route
from local.host.schedule import parse_schedule
from local.host.settings import DEFAULT_CONNECTION, connection_string, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.host.host_json import HostJson
    from local.host.runtime import IndexedFunction

_FUNCTION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_QUEUE_NAME: Final = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_BUNDLED: Final = frozenset({"queueTrigger", "queue", "eventGridTrigger"})
_RESERVED_ROUTES: Final = ("admin", "runtime")


def read_functions(
    indexed: Sequence[IndexedFunction], host: HostJson, environment: Mapping[str, str]
) -> tuple[Function, ...]:
    """Turn what the runtime indexed into functions that the host can run.

    Raises:
        RefusedError: Azure wouldn't run this app, or this host can't; every problem is named.
    """
    problems: list[str] = []
    functions: list[Function] = []
    reader = _BindingReader(host, environment)
    for item in indexed:
        try:
            functions.append(reader.function(item))
        except ValueError as error:
            problems.append(f"function {item.name}: {error}")
    problems += _name_problems(indexed) + _route_problems(functions) + _storage_problems(indexed, environment)
    if problems:
        raise RefusedError(*problems)
    return tuple(functions)


class _BindingReader:
    """Reads the bindings of functions with the settings that they refer to."""

    def __init__(self, host: HostJson, environment: Mapping[str, str]) -> None:
        self._host = host
        self._environment = environment
        self._triggers: Mapping[str, Callable[[IndexedFunction, dict[str, Any]], Trigger]] = {
            "httpTrigger": self._http,
            "queueTrigger": self._queue_trigger,
            "timerTrigger": self._timer,
            "eventGridTrigger": self._event_grid,
        }

    def function(self, item: IndexedFunction) -> Function:
        self._check(item)
        trigger = next(binding for binding in item.bindings if binding["type"] in self._triggers)
        return Function(
            name=item.name,
            function_id=item.function_id,
            trigger=self._triggers[trigger["type"]](item, trigger),
            outputs=tuple(self._queue_output(binding) for binding in item.bindings if binding["type"] == "queue"),
            disabled=_is_disabled(item.name, self._environment),
            bindings=item.bindings,
        )

    def _check(self, item: IndexedFunction) -> None:
        if not _FUNCTION_NAME.fullmatch(item.name):
            raise ValueError("the name must be letters, digits, - and _, and begin with a letter")
        types = {str(binding["type"]) for binding in item.bindings}
        if unknown := types - self._triggers.keys() - {"http", "queue"}:
            raise ValueError(f"this host has no binding of the type {', '.join(sorted(unknown))}")
        if not types & self._triggers.keys():
            raise ValueError("it has no trigger")
        if (bundled := types & _BUNDLED) and not self._host.has_bundle:
            raise ValueError(f"{', '.join(sorted(bundled))} needs an extensionBundle in host.json")

    def _http(self, item: IndexedFunction, binding: dict[str, Any]) -> HttpTrigger:
        return HttpTrigger(
            parameter=binding["name"],
            route=parse_route(self._host.route_prefix, binding.get("route") or item.name),
            methods=frozenset(str(method).upper() for method in binding.get("methods", ())),
            auth_level=AuthLevel(str(binding.get("authLevel", AuthLevel.FUNCTION)).lower()),
        )

    def _queue_trigger(self, _item: IndexedFunction, binding: dict[str, Any]) -> QueueTrigger:
        return QueueTrigger(binding["name"], self._queue(binding), self._connection(binding))

    def _queue_output(self, binding: dict[str, Any]) -> QueueOutput:
        return QueueOutput(binding["name"], self._queue(binding), self._connection(binding))

    def _timer(self, _item: IndexedFunction, binding: dict[str, Any]) -> TimerTrigger:
        schedule = parse_schedule(resolve(binding["schedule"], self._environment))
        return TimerTrigger(
            parameter=binding["name"],
            schedule=schedule,
            run_on_startup=bool(binding.get("runOnStartup", False)),
            monitored=bool(binding.get("useMonitor", True)) and not schedule.is_frequent,
        )

    def _event_grid(self, _item: IndexedFunction, binding: dict[str, Any]) -> EventGridTrigger:
        return EventGridTrigger(binding["name"])

    def _queue(self, binding: dict[str, Any]) -> str:
        name = resolve(binding["queueName"], self._environment).lower()
        if not _QUEUE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} isn't the name of a queue")
        return name

    def _connection(self, binding: dict[str, Any]) -> str:
        name = resolve(binding.get("connection") or DEFAULT_CONNECTION, self._environment)
        return connection_string(name, self._environment)


def _is_disabled(name: str, environment: Mapping[str, str]) -> bool:
    candidates = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs__{name}__Disabled")
    return any(environment.get(candidate, "").lower() in {"1", "true"} for candidate in candidates)


def _name_problems(indexed: Sequence[IndexedFunction]) -> list[str]:
    """Azure compares names without regard to case, the library with it."""
    seen: dict[str, str] = {}
    problems = []
    for item in indexed:
        other = seen.setdefault(item.name.lower(), item.name)
        if other != item.name:
            problems.append(f"function {item.name}: {other} is the same name to Azure")
    return problems


def _route_problems(functions: Sequence[Function]) -> list[str]:
    """Azure refuses equal templates with a method in common, and everything that begins like its own routes."""
    problems = []
    seen: list[tuple[str, HttpTrigger]] = []
    for name, trigger in [(each.name, each.trigger) for each in functions if isinstance(each.trigger, HttpTrigger)]:
        template = trigger.route.template.lower()
        if template.startswith(_RESERVED_ROUTES):
            problems.append(f"function {name}: the route {template} conflicts with one or more built in routes")
        problems += [
            f"function {name}: its route conflicts with the route of {other_name}"
            for other_name, other in seen
            if other.route.template.lower() == template and _methods_meet(trigger, other)
        ]
        seen.append((name, trigger))
    return problems


def _methods_meet(one: HttpTrigger, other: HttpTrigger) -> bool:
    return not one.methods or not other.methods or bool(one.methods & other.methods)


def _storage_problems(indexed: Sequence[IndexedFunction], environment: Mapping[str, str]) -> list[str]:
    """Everything but HTTP needs the host's own storage, whatever connections its bindings name."""
    others = [item.name for item in indexed if all(binding["type"] != "httpTrigger" for binding in item.bindings)]
    there = any(name.split("__")[0] == DEFAULT_CONNECTION and value for name, value in environment.items())
    if there or not others:
        return []
    return [f"the setting {DEFAULT_CONNECTION} is missing; {', '.join(sorted(others))} can't run without it"]
