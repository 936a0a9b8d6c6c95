from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.local_host.conftest import HOST_JSON

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.local_host.conftest import StartsHosts, Waits

HTTP = """
print("printed at import")

@app.route(auth_level="anonymous")
async def hello(req: func.HttpRequest) -> str:
    print("printed by the function")
    logging.getLogger("the.app").info("logged by the function")
    return os.environ.get("GREETING", "")
"""
BARE = {"version": "2.0"}


def test_the_ready_object_is_printed_and_written(start_host: StartsHosts) -> None:
    """One line of JSON on stdout, whatever the app prints, and the same in a file that only its owner can read."""
    host = start_host(HTTP, host_json=BARE)

    assert json.loads(host.printed) == host.ready
    assert host.ready.keys() == {"base_url", "master_key", "function_key", "eventgrid_key", "functions"}
    assert host.ready["functions"] == ["hello"]
    ready_file = next(host.folder.glob("*.ready.json"))
    assert stat.S_IMODE(ready_file.stat().st_mode) == 0o600


async def test_settings_and_output_of_the_app(
    start_host: StartsHosts, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings reach the app, the process's environment wins over them, prints and logs go to stderr."""
    host = start_host(HTTP, host_json=BARE, settings={"GREETING": "from the settings"})
    async with http.get(host.url("/api/hello")) as response:
        assert await response.text() == "from the settings"
    assert "printed at import" in host.log
    assert "printed by the function" in host.log
    assert "the.app: logged by the function" in host.log

    monkeypatch.setenv("GREETING", "from the environment")
    host = start_host(HTTP, host_json=BARE, settings={"GREETING": "from the settings"})
    async with http.get(host.url("/api/hello")) as response:
        assert await response.text() == "from the environment"


async def test_keys_and_port_survive_a_restart(
    start_host: StartsHosts, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A host that was killed and is started again with its state and its port answers its old callers."""
    state = str(tmp_path / "state")
    first = start_host(HTTP, "--state-dir", state, host_json=BARE)
    async with http.get(first.url("/api/hello")) as response:
        assert response.status == 200
    first.stop(signal.SIGKILL)

    port = first.ready["base_url"].rpartition(":")[2]
    second = start_host(HTTP, "--state-dir", state, "--port", port, host_json=BARE)
    assert second.ready == first.ready


def test_keys_come_from_the_environment(start_host: StartsHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key has a variable of its own."""
    monkeypatch.setenv("LOCAL_HOST_MASTER_KEY", "chosen")
    host = start_host(HTTP, host_json=BARE)

    assert host.ready["master_key"] == "chosen"
    assert host.ready["function_key"] not in {"", "chosen"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_host(start_host: StartsHosts, number: signal.Signals) -> None:
    """Both signals end it cleanly, with status 0 and no traceback."""
    host = start_host(HTTP, host_json=BARE)

    assert host.stop(number) == 0
    assert "Traceback" not in host.log


def test_a_taken_port_is_refused(start_host: StartsHosts) -> None:
    """The message names the port."""
    port = start_host(HTTP, host_json=BARE).ready["base_url"].rpartition(":")[2]
    other = start_host(HTTP, "--port", port, host_json=BARE, wait=False)

    assert other.process.wait(30) == 1
    assert f"port {port} of 127.0.0.1 can't be used" in other.log


def test_what_the_app_raises_at_import_is_shown_whole(start_host: StartsHosts) -> None:
    """Every line of the message is there, so an app can list all its bad settings at once."""
    host = start_host(
        r"""
        class SettingsError(Exception): ...
        raise SettingsError("\n".join(f"- setting {number} is bad" for number in range(50)))
        """,
        wait=False,
    )

    assert host.process.wait(30) == 1
    assert [f"- setting {number} is bad" for number in range(50)] == [
        line.removeprefix("__main__.").removeprefix("function_app.SettingsError: ")
        for line in host.log.splitlines()
        if "is bad" in line and "raise" not in line
    ]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def broken(:", "SyntaxError"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("del app", "Could not find top level function app instances"),
        ("raise SystemExit(7)", "the app ended the process with status 7"),
        (
            """
            @app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")
            def work(message: func.QueueMessage) -> None: ...
            """,
            "the following parameters are declared in Python but not in the function definition",
        ),
        (
            """
            @app.function_name("same")
            @app.route(route="a")
            def one(req: func.HttpRequest) -> str: ...
            @app.function_name("same")
            @app.route(route="b")
            def two(req: func.HttpRequest) -> str: ...
            """,
            "does not have a unique function name",
        ),
    ],
)
def test_what_the_runtime_refuses_is_refused(start_host: StartsHosts, source: str, complaint: str) -> None:
    """The runtime is Azure's own, so its verdict is taken as it is."""
    host = start_host(source, wait=False)

    assert host.process.wait(30) == 1
    assert complaint in host.log
    assert host.printed == ""


def test_everything_that_azure_would_refuse_is_listed(start_host: StartsHosts) -> None:
    """What only Azure's host checks is checked here, and all of it is reported at once."""
    host = start_host(
        """
        @app.route(route="things/{id}", methods=["GET"])
        def one(req: func.HttpRequest) -> str: ...
        @app.route(route="Things/{id}", methods=["GET", "POST"])
        def two(req: func.HttpRequest) -> str: ...
        @app.route(route="things/{id}", methods=["DELETE"])
        def fine(req: func.HttpRequest) -> str: ...
        @app.route(route="admin/things")
        def reserved(req: func.HttpRequest) -> str: ...
        @app.route(route="things/{id:nonsense}")
        def constrained(req: func.HttpRequest) -> str: ...
        @app.timer_trigger(arg_name="timer", schedule="every minute")
        def timer(timer: func.TimerRequest) -> None: ...
        @app.timer_trigger(arg_name="timer", schedule="%MISSING%")
        def unresolved(timer: func.TimerRequest) -> None: ...
        @app.queue_trigger(arg_name="msg", queue_name="work", connection="OtherStorage")
        def unconnected(msg: func.QueueMessage) -> None: ...
        @app.queue_trigger(arg_name="msg", queue_name="No Queue", connection="AzureWebJobsStorage")
        def misnamed(msg: func.QueueMessage) -> None: ...
        @app.queue_trigger(arg_name="msg", queue_name="work", connection="Identity")
        def identity(msg: func.QueueMessage) -> None: ...
        @app.blob_trigger(arg_name="blob", path="x/y", connection="AzureWebJobsStorage")
        def blob(blob: func.InputStream) -> None: ...
        @app.function_name("ONE")
        @app.route(route="other")
        def same(req: func.HttpRequest) -> str: ...
        """,
        settings={"AzureWebJobsStorage": "", "Identity__queueServiceUri": "https://x.queue.core.windows.net"},
        wait=False,
    )

    assert host.process.wait(30) == 1
    for line in (
        "- function two: its route conflicts with the route of one",
        "- function reserved: the route admin/things conflicts with one or more built in routes",
        "- function constrained: the route constraint 'nonsense' is none of alpha, bool, guid, int, long",
        "- function timer: the schedule 'every minute' must have six fields: seconds first",
        "- function unresolved: %MISSING% stands for a setting that isn't there",
        "- function unconnected: the setting OtherStorage of its connection is missing",
        "- function misnamed: 'no queue' isn't the name of a queue",
        "- function identity: connection Identity is identity-based; locally it has to be a connection string",
        "- function blob: this host has no binding of the type blobTrigger",
        "- function ONE: one is the same name to Azure",
        "- the setting AzureWebJobsStorage is missing; ",
    ):
        assert line in host.log
    assert "function fine" not in host.log


def test_triggers_from_extensions_need_a_bundle(start_host: StartsHosts) -> None:
    """HTTP and timers are built into Azure's host; queues and Event Grid come with the extension bundle."""
    host = start_host(
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        def timer(timer: func.TimerRequest) -> None: ...
        @app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")
        def work(msg: func.QueueMessage) -> None: ...
        @app.event_grid_trigger(arg_name="event")
        def event(event: func.EventGridEvent) -> None: ...
        """,
        host_json=BARE,
        wait=False,
    )

    assert host.process.wait(30) == 1
    assert "- function work: queueTrigger needs an extensionBundle in host.json" in host.log
    assert "- function event: eventGridTrigger needs an extensionBundle in host.json" in host.log
    assert "function timer" not in host.log


def test_the_function_timeout_ends_a_run(start_host: StartsHosts, wait: Waits) -> None:
    """FunctionTimeout of host.json cancels a function that runs longer; the run has failed."""
    host = start_host(
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
        async def slow(timer: func.TimerRequest) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                record(cancelled=True)
                raise
        """,
        host_json=HOST_JSON | {"functionTimeout": "00:00:01"},
    )

    wait(lambda: host.records == [{"cancelled": True}], "the cancellation")
    wait(lambda: "the function ran longer than functionTimeout" in host.log, "the failure")


def test_index_time_is_measured_in_a_fresh_process(tmp_path: Path) -> None:
    """The measurement is JSON on stdout: milliseconds and the number of functions."""
    (tmp_path / "function_app.py").write_text("import azure.functions as func\napp = func.FunctionApp()\n" + HTTP)

    command = [sys.executable, "-m", "local.host.index", "--app", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - our own module

    measured = json.loads(result.stdout)
    assert measured["functions"] == 1
    assert measured["index_ms"] > 0


def test_measuring_loads_nothing_but_the_runtime(tmp_path: Path) -> None:
    """What the measuring process imports itself would be missing from the app's index time."""
    (tmp_path / "function_app.py").write_text(
        "import sys, azure.functions as func\n"
        "loaded = {'aiohttp', 'croniter', 'azure.core', 'azure.storage', 'local.host.host'} & sys.modules.keys()\n"
        "raise RuntimeError(f'loaded: {sorted(loaded)}')\n"
    )

    command = [sys.executable, "-m", "local.host.index", "--app", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - our own module

    assert result.returncode == 1
    assert "RuntimeError: loaded: []" in result.stderr
