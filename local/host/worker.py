"""The worker: a thread with an event loop of its own, as the worker is a process of its own in Azure.

A function that blocks its loop therefore blocks neither HTTP nor the renewal of queue leases.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from local.host import runtime

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


class Worker:
    """Runs the app's code; its methods are called from the host's loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a function that never returns mustn't keep the process alive after the host has stopped.
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker", daemon=True)

    async def start(self, app: Path) -> list[runtime.IndexedFunction]:
        """Start the thread and index the app.

        Raises:
            IndexingError: the app can't be indexed.
        """
        runtime.prepare_process(app)
        self._thread.start()
        return await self._run(runtime.index(app))

    async def invoke(self, request: runtime.Request) -> runtime.Outcome:
        """Run one invocation; cancelling the call cancels the function."""
        return await self._run(runtime.invoke(request))

    async def stop(self, seconds: float) -> bool:
        """Cancel what still runs and end the loop.

        Args:
            seconds: how long the functions may take to end once they are cancelled.

        Returns:
            Whether everything ended; False when a function runs on in a thread or won't be cancelled.
        """
        cancelling = asyncio.run_coroutine_threadsafe(_cancel_others(seconds), self._loop)
        ended = False
        try:
            async with asyncio.timeout(seconds + 1):
                ended = await asyncio.wrap_future(cancelling)
        except TimeoutError:
            return False  # the loop itself is blocked
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, seconds)
        return ended and not self._thread.is_alive()

    async def _run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))


async def _cancel_others(seconds: float) -> bool:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        _, pending = await asyncio.wait(others, timeout=seconds)
        return not pending
    return True
