"""The life of a host: settings, indexing, ready, work, and a clean end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from local.host.admin import Admin
from local.host.authentication import Authentication
from local.host.discovery import read_functions
from local.host.host_json import HostJson, read_host_json
from local.host.invocations import Invoker
from local.host.model import Function, QueueTrigger, TimerTrigger
from local.host.outputs import QueueOutputs
from local.host.queues import QueueListener
from local.host.server import ADDRESS, Dispatcher, bind, serve
from local.host.settings import prepare_environment
from local.host.state import Keys, TimerRecords, write_private
from local.host.storage import Queues
from local.host.timers import TimerListener
from local.host.web import HttpFunctions
from local.host.webhook import EventGridWebhook
from local.host.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TextIO

_log: Final = logging.getLogger("local.host")
# What a cancelled function gets to clean up after itself.
_CANCEL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a host is run.

    Attributes:
        app: the folder of function_app.py and host.json.
        port: of 127.0.0.1, 0 for a free one.
        ready_file: where the ready object is written, besides standard output.
        settings: the settings file; None for the app's local.settings.json, if there is one.
        state_dir: keeps keys and timer records from one run to the next; None forgets them.
        lease_seconds: how long a queue message is invisible unless renewed, 600 in Azure.
        timers: whether timers tick; the admin endpoint runs their functions in any case.
        response_limit: seconds that an HTTP function has for its response, 230 in Azure.
        body_limit: bytes of a request body, 100 MiB in Azure.
        stop_seconds: how long running functions may take to end once the host is told to stop.
        log_level: of the root logger.
    """

    app: Path
    port: int = 7071
    ready_file: Path | None = None
    settings: Path | None = None
    state_dir: Path | None = None
    lease_seconds: int = 600
    timers: bool = True
    response_limit: float = 230.0
    body_limit: int = 104_857_600
    stop_seconds: float = 3.0
    log_level: str = "INFO"


async def run_host(options: Options, output: TextIO) -> bool:
    """Run the app until a signal says stop.

    Args:
        options: how.
        output: where the ready object is printed, as one line of JSON.

    Returns:
        Whether everything ended; False when a function's thread still runs and only the end of the process stops it.

    Raises:
        RefusedError: the app, its host.json or its settings can't be run.
    """
    prepare_environment(options.app, options.settings)
    host = read_host_json(options.app / "host.json", os.environ)
    keys = Keys.load(options.state_dir, os.environ)
    records = TimerRecords(options.state_dir)
    with bind(options.port) as listening:
        port: int = listening.getsockname()[1]
        os.environ.setdefault("WEBSITE_HOSTNAME", f"{ADDRESS}:{port}")
        worker = Worker()
        functions = read_functions(await worker.start(options.app), host, os.environ)
        stopping = _stop_on_signals()
        async with Queues() as queues:
            invoker = Invoker(worker, QueueOutputs(queues, in_base64=host.queues.base64), host.function_timeout)
            queue_listeners = _queue_listeners(functions, options, host, queues, invoker)
            await asyncio.gather(*(listener.prepare() for listener in queue_listeners))
            dispatcher = Dispatcher(
                Admin(functions, keys, invoker),
                EventGridWebhook(functions, keys, invoker),
                HttpFunctions(functions, keys, invoker, options.response_limit, Authentication(os.environ)),
                stopping,
            )
            runner = await serve(
                dispatcher, listening, body_limit=options.body_limit, stop_seconds=options.stop_seconds
            )
            try:
                async with asyncio.TaskGroup() as group:
                    for queue_listener in queue_listeners:
                        group.create_task(queue_listener.run(stopping))
                    for timer_listener in _timer_listeners(functions, options, records, invoker):
                        group.create_task(timer_listener.run(stopping))
                    _report_ready(functions, keys, port, options.ready_file, output)
                    await stopping.wait()
                    _log.info("Stopping")
                    drained = await invoker.drain(options.stop_seconds)
            finally:
                await runner.cleanup()
        return await worker.stop(_CANCEL_SECONDS) and drained


def _queue_listeners(
    functions: Sequence[Function], options: Options, host: HostJson, queues: Queues, invoker: Invoker
) -> list[QueueListener]:
    return [
        QueueListener(
            function,
            function.trigger,
            options=host.queues,
            queues=queues,
            invoker=invoker,
            lease_seconds=options.lease_seconds,
        )
        for function in functions
        if isinstance(function.trigger, QueueTrigger) and not function.disabled
    ]


def _timer_listeners(
    functions: Sequence[Function], options: Options, records: TimerRecords, invoker: Invoker
) -> list[TimerListener]:
    return [
        TimerListener(function, function.trigger, records, invoker)
        for function in functions
        if isinstance(function.trigger, TimerTrigger) and not function.disabled and options.timers
    ]


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _report_ready(
    functions: Sequence[Function], keys: Keys, port: int, ready_file: Path | None, output: TextIO
) -> None:
    ready: dict[str, Any] = {
        "base_url": f"http://{ADDRESS}:{port}",
        **asdict(keys),
        "functions": [function.name for function in functions],
    }
    if ready_file:
        write_private(ready_file, ready)
    print(json.dumps(ready), file=output, flush=True)
    sys.stderr.flush()
