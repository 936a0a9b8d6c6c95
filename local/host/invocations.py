"""Invocations: each is logged, limited in time and, when the host stops, ended."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from azure.core.exceptions import AzureError

from local.host.runtime import Datum, Outcome, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.host.model import Function
    from local.host.outputs import QueueOutputs

_log: Final = logging.getLogger("local.host")


class Runs(Protocol):
    """Whatever runs a function: the worker."""

    async def invoke(self, request: Request) -> Outcome:
        """Run one invocation; cancelling the call cancels the function."""


class Invoker:
    """Runs functions and writes what they leave in their output bindings.

    The log names function, invocation and reason; never a body, a key or a query string.
    """

    def __init__(self, worker: Runs, outputs: QueueOutputs, function_timeout: float | None) -> None:
        self._worker = worker
        self._outputs = outputs
        self._timeout = function_timeout
        self._running: set[asyncio.Task[Outcome]] = set()
        self._detached: set[asyncio.Task[Outcome]] = set()

    async def invoke(
        self, function: Function, value: Datum, *, reason: str, metadata: Mapping[str, Datum] | None = None
    ) -> Outcome:
        """Run a function with its trigger's value and see its outputs written.

        Args:
            function: what to run.
            value: the trigger's value, of the type that the runtime's converter of this trigger reads.
            reason: what made it run, for the log.
            metadata: what else is known about the trigger.

        Returns:
            How it ended. A failed output binding is a failed invocation, as in Azure.
        """
        request = Request(function.function_id, function.trigger.parameter, value, metadata or {})
        _log.info("Executing '%s' (id=%s, reason='%s')", function.name, request.invocation_id, reason)
        started = time.perf_counter()
        outcome = await self._run(function, request)
        duration = round((time.perf_counter() - started) * 1000)
        if outcome.ok:
            _log.info("Executed '%s' (Succeeded, id=%s, duration=%dms)", function.name, request.invocation_id, duration)
        else:
            state = "Cancelled" if outcome.cancelled else "Failed"
            _log.error(
                "Executed '%s' (%s, id=%s, duration=%dms): %s%s",
                *(function.name, state, request.invocation_id, duration, outcome.error),
                f"\n{outcome.trace}" if outcome.trace else "",
            )
        return outcome

    def detach(self, function: Function, value: Datum, *, reason: str) -> None:
        """Run a function without anybody waiting for it."""
        task = asyncio.create_task(self.invoke(function, value, reason=reason))
        self._detached.add(task)
        task.add_done_callback(self._detached.discard)

    async def drain(self, seconds: float) -> bool:
        """Let what runs end, then cancel the rest.

        Args:
            seconds: how long to wait before cancelling.

        Returns:
            Whether nothing had to be cancelled.
        """
        late: set[asyncio.Task[Outcome]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        if self._detached:
            await asyncio.wait(self._detached)
        return not late

    async def _run(self, function: Function, request: Request) -> Outcome:
        task = asyncio.create_task(self._worker.invoke(request))
        self._running.add(task)
        try:
            await asyncio.wait({task}, timeout=self._timeout)
        finally:
            # Also when the caller was cancelled: nothing may run on that nobody knows of.
            self._running.discard(task)
            timed_out = not task.done()
            task.cancel()
        if timed_out:
            return Outcome(ok=False, error=f"the function ran longer than functionTimeout, {self._timeout} s")
        if task.cancelled():
            return Outcome(ok=False, error="the host is stopping", cancelled=True)
        outcome = task.result()
        return await self._write(function, outcome) if outcome.ok else outcome

    async def _write(self, function: Function, outcome: Outcome) -> Outcome:
        try:
            await self._outputs.write(function, outcome.outputs)
        except (AzureError, ValueError) as error:
            return Outcome(ok=False, error=f"an output binding failed: {error!r}")
        return outcome
