"""The Python runbook against an app that answers as it is told: what it waits for, what it refuses, how it ends."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PATH = Path(__file__).resolve().parents[2] / "runbooks" / "restore_readiness.py"
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-apps"
    "/providers/Microsoft.ContainerService/managedClusters/web"
)
WEB = "/api/clusters/00000000-0000-0000-0000-000000000001/rg-apps/web"
FAILED = {"status": "fail", "id": "role-extension-blobs", "message": "no role", "fix": "az role assignment create"}


def load() -> ModuleType:
    """The runbook as a module."""
    spec = importlib.util.spec_from_file_location("restore_readiness", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys  # noqa: PLC0415  # data classes look their module up there

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


runbook = load()


@dataclass
class App:
    """Answers in turn, by method and path; the last one of a path stays."""

    answers: dict[str, list[tuple[int, dict[str, str], Any]]] = field(default_factory=dict)
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""

    def says(self, what: str, status: int, body: Any, **headers: str) -> None:
        """Order the next answer to a request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(what, []).append((status, named, body))

    def answer(self, what: str) -> tuple[int, dict[str, str], Any]:
        """The next answer to a request."""
        waiting = self.answers.get(what) or [(404, {}, {"reason": "NotThere", "detail": what})]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def asked(self) -> list[str]:
        """What was asked, in turn."""
        return [what for what, _ in self.requests]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    app: App

    def do_GET(self) -> None:  # the library's name for it
        self._reply()

    def do_POST(self) -> None:  # as above
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._reply()

    def _reply(self) -> None:
        what = f"{self.command} {self.path}"
        self.app.requests.append((what, {name.lower(): value for name, value in self.headers.items()}))
        status, headers, body = self.app.answer(what)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(app: App) -> Iterator[App]:
    """Serve an app on a port of its own."""
    handler = type("Mine", (Handler,), {"app": app})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        app.url = f"http://127.0.0.1:{server.server_port}"
        yield app
        server.shutdown()
        thread.join()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An app that the runbook is pointed to; pauses are as short as they can be."""
    with serving(App()) as running:
        monkeypatch.setenv("AUTOPILOT_URL", running.url)
        monkeypatch.setenv("AUTOPILOT_KEY", "a-key")
        monkeypatch.setattr(runbook, "_PAUSE", 0.01)
        yield running


def verdict(word: str, *checks: Mapping[str, Any]) -> dict[str, Any]:
    """A readiness answer."""
    return {"verdict": word, "reason": "because", "expectedDataLossSeconds": 7200, "checks": list(checks)}


@pytest.mark.parametrize(
    ("word", "options", "status"),
    [
        ("Ready", [], 0),
        ("AtRisk", [], 1),
        ("AtRisk", ["--accept", "AtRisk"], 0),
        ("NotReady", [], 1),
        ("Unknown", [], 2),
    ],
)
def test_the_exit_status_says_whether_to_go_on(app: App, word: str, options: list[str], status: int) -> None:
    """Only Ready goes on, and AtRisk where that is good enough; not to know is not to go on."""
    app.says(f"GET {WEB}/restore-readiness", 200, verdict(word))
    assert runbook.main(["check", CLUSTER, *options]) == status


def test_what_is_wrong_is_printed_with_its_fix(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the job's output knows what to do."""
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("NotReady", {"status": "pass", "id": "ok"}, FAILED))
    runbook.main(["check", CLUSTER])
    said = capsys.readouterr().out
    assert "NotReady: because" in said
    assert "lose 2.0 h" in said
    assert "role-extension-blobs: no role" in said
    assert "fix: az role assignment create" in said
    assert "ok" not in said


def test_names_in_its_output_command_nobody(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock, a job or a volume may be called what a pipeline or a terminal would act on."""
    hostile = "keep\n::stop-commands::x\r\n##vso[task.setvariable variable=A]b ###[add-mask]c \x1b[2J"
    wrong = {"status": "fail", "id": "lock", "message": hostile, "fix": hostile}
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("NotReady", wrong) | {"reason": hostile})
    runbook.main(["check", CLUSTER])
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 4
    assert not any(text in said for text in ("##", "\n::", "\r", "\x1b"))
    assert said.count("keep ::stop-commands::x") == 3


def test_a_deep_check_is_followed_to_its_end(app: App) -> None:
    """202 and a Location, as often as it takes, with the key at each request."""
    app.says(f"GET {WEB}/restore-readiness?deep=true", 202, {}, Location="/api/operations/1", Retry_After="0")
    app.says("GET /api/operations/1", 202, {}, Location="/api/operations/1", Retry_After="0")
    app.says("GET /api/operations/1", 503, {}, Retry_After="0")
    app.says("GET /api/operations/1", 200, verdict("Ready"))
    assert runbook.main(["check", CLUSTER, "--deep"]) == 0
    assert app.asked()[1:] == ["GET /api/operations/1"] * 3
    assert all(headers["x-functions-key"] == "a-key" for _, headers in app.requests)


def test_a_deep_check_that_takes_too_long_is_not_ready(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    """The time is up; the output says where the answer will be."""
    app.says(f"GET {WEB}/restore-readiness?deep=true", 202, {}, Location="/api/operations/1", Retry_After="0")
    app.says("GET /api/operations/1", 202, {}, Location="/api/operations/1", Retry_After="0")
    assert runbook.main(["check", CLUSTER, "--deep", "--max-wait", "0.2"]) == 2
    assert "/api/operations/1" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["location", "redirect"])
def test_the_key_goes_to_the_app_only(app: App, where: str) -> None:
    """Neither a Location nor a redirect takes it elsewhere."""
    with serving(App()) as other:
        other.says("GET /steal", 200, verdict("Ready"))
        status = 202 if where == "location" else 302
        app.says(f"GET {WEB}/restore-readiness", status, {}, Location=f"{other.url}/steal")
        assert runbook.main(["check", CLUSTER]) == 2
        assert other.requests == []


def test_troubles_that_pass_are_outlasted(app: App) -> None:
    """503 twice, then an answer; four times is too often."""
    for _ in range(2):
        app.says(f"GET {WEB}/restore-readiness", 503, {}, Retry_After="0")
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("Ready"))
    assert runbook.main(["check", CLUSTER]) == 0
    app.answers = {f"GET {WEB}/restore-readiness": [(503, {"Retry-After": "0"}, {})]}
    assert runbook.main(["check", CLUSTER]) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, {}), (403, {"reason": "SubscriptionNotAllowed"}), (404, {"reason": "ClusterNotFound"}), (200, b"<html>")],
)
def test_what_cannot_be_found_out_stops_as_well(app: App, status: int, body: Any) -> None:
    """A wrong key, an unknown cluster, something that isn't the app: not ready, and not "the cluster is broken"."""
    app.says(f"GET {WEB}/restore-readiness", status, body)
    assert runbook.main(["check", CLUSTER]) == 2


def test_an_app_that_is_not_there_stops_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    monkeypatch.setenv("AUTOPILOT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AUTOPILOT_KEY", "a-key")
    monkeypatch.setattr(runbook, "_PAUSE", 0.01)
    assert runbook.main(["check", CLUSTER]) == 2


@pytest.mark.parametrize("cluster", ["web", f"{CLUSTER}/../other", f"{CLUSTER}?x=1", CLUSTER.replace("rg-apps", "a/b")])
def test_only_a_clusters_id_gets_into_a_path(app: App, cluster: str) -> None:
    """Anything else is refused before it is sent."""
    assert runbook.main(["check", cluster]) == 2
    assert app.requests == []


@pytest.mark.parametrize("name", ["AUTOPILOT_URL", "AUTOPILOT_KEY"])
def test_without_its_settings_it_asks_nobody(app: App, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """And says which one is missing."""
    monkeypatch.delenv(name)
    assert runbook.main(["check", CLUSTER]) == 2
    assert app.requests == []


def test_a_key_is_sent_over_https_only(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """But to this very machine."""
    monkeypatch.setenv("AUTOPILOT_URL", "http://app.example.com")
    assert runbook.main(["check", CLUSTER]) == 2
    assert app.requests == []


def test_a_backup_is_waited_for_and_checked(app: App) -> None:
    """While another one runs, it waits for its turn."""
    app.says(f"POST {WEB}/backups", 409, {"reason": "BackupRunning"}, Retry_After="0")
    app.says(f"POST {WEB}/backups", 202, {"jobId": "7"})
    app.says(f"GET {WEB}/jobs/7", 200, {"status": "InProgress", "endTime": None})
    app.says(f"GET {WEB}/jobs/7", 200, {"status": "Completed", "endTime": "2026-01-31T08:00:00Z", "errorCode": ""})
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("Ready"))
    assert runbook.main(["back-up", CLUSTER]) == 0
    assert app.asked()[-1] == f"GET {WEB}/restore-readiness"


@pytest.mark.parametrize(
    ("status", "options", "ended"),
    [("Failed", [], 1), ("CompletedWithWarnings", [], 1), ("CompletedWithWarnings", ["--accept", "AtRisk"], 0)],
)
def test_a_backup_that_went_wrong_is_not_good_enough(app: App, status: str, options: list[str], ended: int) -> None:
    """With warnings, something wasn't backed up: only good enough for who says so."""
    app.says(f"POST {WEB}/backups", 202, {"jobId": None})
    job = {"status": status, "endTime": "2026-01-31T08:00:00Z", "errorCode": "X", "errorMessage": "y"}
    app.says(f"GET {WEB}/jobs?operation=on-demand", 200, {"value": [job]})
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("Ready"))
    assert runbook.main(["back-up", CLUSTER, *options]) == ended


def test_a_backup_is_asked_for_once(app: App) -> None:
    """A failure on the way isn't answered by a second request: Azure allows ten backups a day."""
    app.says(f"POST {WEB}/backups", 503, {}, Retry_After="0")
    assert runbook.main(["back-up", CLUSTER]) == 2
    assert len(app.requests) == 1


@pytest.mark.parametrize(
    ("verdicts", "options", "status"),
    [
        (["Ready", "Ready"], [], 0),
        (["NotReady", "Unknown", "Ready"], [], 1),
        (["Unknown", "Ready"], [], 2),
        (["AtRisk", "Ready"], ["--accept", "AtRisk"], 0),
        ([], [], 0),
    ],
)
def test_the_worst_of_the_fleet_decides(
    app: App, monkeypatch: pytest.MonkeyPatch, verdicts: list[str], options: list[str], status: int
) -> None:
    """Over all pages."""
    monkeypatch.setattr(runbook, "_PAGE", 1)
    items = [{"verdict": word, "clusterId": str(number), "reason": "r"} for number, word in enumerate(verdicts)]
    for skip in range(len(items) + 1):
        page = {"byVerdict": {}, "items": items[skip : skip + 1]}
        app.says(f"GET /api/fleet/restore-readiness?top=1&skip={skip}", 200, page)
    assert runbook.main(["fleet", *options]) == status


def test_a_managed_identity_takes_the_place_of_a_key(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token is asked for at the platform's endpoint, with the platform's secret, and sent as a bearer token."""
    monkeypatch.delenv("AUTOPILOT_KEY")
    monkeypatch.setenv("AUTOPILOT_AUDIENCE", "api://autopilot")
    monkeypatch.setenv("AUTOPILOT_CLIENT_ID", "its-client")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{app.url}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    token = "GET /token?resource=api%3A%2F%2Fautopilot&api-version=2019-08-01&client_id=its-client"
    app.says(token, 200, {"access_token": "a-token"})
    app.says(f"GET {WEB}/restore-readiness", 200, verdict("Ready"))
    assert runbook.main(["check", CLUSTER]) == 0
    (_, identity), (_, asked) = app.requests
    assert identity["x-identity-header"] == "secret"
    assert asked["authorization"] == "Bearer a-token"
    assert "x-functions-key" not in asked


def test_it_runs_where_automation_runs() -> None:
    """Python 3.10 reads it, and it imports the standard library alone."""
    tree = ast.parse(PATH.read_text(), feature_version=(3, 10))
    import sys  # noqa: PLC0415  # beside its only use

    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names | {"automationassets"}
