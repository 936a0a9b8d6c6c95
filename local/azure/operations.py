"""Long-running operations."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Literal

from local.azure.clock import Clock, ticks
from local.azure.durations import duration
from local.azure.errors import ArmError, Json

Status = Literal["Running", "Succeeded", "Failed", "Canceled"]


@dataclasses.dataclass(slots=True)
class Operation:
    """One operation; each provider has its own spelling of `status` on the wire.

    Attributes:
        id: Unique id, as it stands in the operation's URL.
        kind: A key of `durations.DURATIONS`.
        resource: Id of the resource that it works on.
        started: Virtual start.
        ends: Virtual end, planned while the operation runs.
        status: How it stands.
        error: Why it failed.
        result: Whatever the provider wants to answer at the end.
        watchers: Called when it has ended.
        cancelled: Called when it is cancelled, which has no other effect.
    """

    id: str
    kind: str
    resource: str
    started: dt.datetime
    ends: dt.datetime
    status: Status = "Running"
    error: ArmError | None = None
    result: Any = None
    watchers: list[Callable[[Operation], None]] = dataclasses.field(default_factory=list)
    cancelled: Callable[[Operation], None] = lambda _: None

    @property
    def running(self) -> bool:
        """Whether it hasn't ended yet."""
        return self.status == "Running"

    def listing(self) -> Json:
        """What the control endpoint shows."""
        return {
            "id": self.id,
            "kind": self.kind,
            "resource": self.resource,
            "start": ticks(self.started),
            "end": ticks(self.ends),
            "seconds": round((self.ends - self.started).total_seconds(), 6),
            "status": self.status,
            "error": self.error.fields() if self.error else None,
        }


Ending = Callable[[Operation], None]
"""What an operation does at its end; raises ArmError to fail."""

Failing = Callable[[Operation, ArmError], None]
"""What a failed operation leaves behind."""


def nothing(*_: object) -> None:
    """An end that changes nothing."""


class Operations:
    """Every operation that was ever started, by id.

    Attributes:
        listeners: Called with every operation that has ended by itself.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._all: dict[str, Operation] = {}
        self.listeners: list[Callable[[Operation], None]] = []
        self._under_way: dict[str, dict[str, Operation]] = {}

    def start(
        self,
        kind: str,
        resource_id: str,
        *,
        operation_id: str,
        at: dt.datetime,
        seconds: float | None = None,
        succeed: Ending = nothing,
        fail: Failing = nothing,
        ordered_failure: ArmError | None = None,
    ) -> Operation:
        """Start an operation.

        Args:
            kind: A key of `durations.DURATIONS`; it decides the duration unless `seconds` does.
            resource_id: What the operation works on.
            operation_id: Unique id.
            at: Virtual start: now, or the moment of the action that starts it.
            seconds: Virtual duration, where it isn't the kind's own.
            succeed: Called at the end; raises ArmError when the operation fails.
            fail: Called when it failed.
            ordered_failure: A failure which someone ordered over the control endpoint.
        """
        length = duration(self._seed, kind, resource_id) if seconds is None else seconds
        operation = Operation(operation_id, kind, resource_id, at, at + dt.timedelta(seconds=length))
        self._all[operation_id] = operation
        self._under_way.setdefault(resource_id.lower(), {})[operation_id] = operation

        def end(_: dt.datetime) -> None:
            if operation.running:
                self._end(operation, succeed, fail, ordered_failure)

        self._clock.at(operation.ends, end)
        return operation

    def _end(self, operation: Operation, succeed: Ending, fail: Failing, ordered: ArmError | None) -> None:
        try:
            if ordered:
                raise ordered
            succeed(operation)
            operation.status = "Succeeded"
        except ArmError as error:
            operation.status, operation.error = "Failed", error
            fail(operation, error)
        self._ended(operation)
        for listener in (*self.listeners, *operation.watchers):
            listener(operation)

    def finish(self, operation: Operation, at: dt.datetime, error: ArmError | None = None) -> None:
        """End an operation now whose length isn't a matter of time, such as a webhook's handshake."""
        if not operation.running:
            return
        operation.ends, operation.error = at, error
        operation.status = "Failed" if error else "Succeeded"
        self._ended(operation)
        for listener in (*self.listeners, *operation.watchers):
            listener(operation)

    def cancel(self, operation: Operation, at: dt.datetime) -> None:
        """End an operation without an effect, e.g. because its resource is gone."""
        operation.status, operation.ends = "Canceled", at
        self._ended(operation)
        operation.cancelled(operation)

    def _ended(self, operation: Operation) -> None:
        key = operation.resource.lower()
        others = self._under_way.get(key, {})
        others.pop(operation.id, None)
        if not others:
            self._under_way.pop(key, None)

    def get(self, operation_id: str) -> Operation | None:
        """The operation with this id, if there is one."""
        return self._all.get(operation_id)

    def running(self, resource_id: str, *kinds: str) -> Iterator[Operation]:
        """Operations under way on a resource, of the given kinds or of any."""
        for operation in list(self._under_way.get(resource_id.lower(), {}).values()):
            if operation.running and (not kinds or operation.kind in kinds):
                yield operation

    def listing(self) -> list[Json]:
        """All operations in the order in which they were started."""
        return [operation.listing() for operation in self._all.values()]
