"""Every pass leaves a line in the decision log; none is lost with it, and none costs the pass."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from shared.api.answers import answer
from shared.api.asking import Incoming
from shared.api.table import ENDPOINTS
from shared.arm.ids import ClusterId
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Key
from shared.governance.unlogged import catch_up
from shared.onboarding.poison import record_poisoned
from shared.settings import Auth
from tests.fleet.app import App

_WRITTEN: Final = frozenset({"PUT", "PATCH", "POST", "DELETE"})


async def test_a_pass_says_who_asked_what_it_decided_and_which_requests_were_made() -> None:
    """Across a whole onboarding: each write of the app stands in one line, with Azure's id of it and the reason."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    await app.queue.send(Message(ClusterId.parse(cluster), "event write", by="event 7"))
    await app.settle()
    assert (await app.row(cluster)).state is State.PROTECTED
    lines = app.journal.lines
    assert {line["subject"] for line in lines} == {cluster}
    assert (lines[0]["asked"], lines[0]["by"]) == ("event write", "event 7")
    assert {line["by"] for line in lines} == {"event 7"}
    assert lines[-1]["decided"] == "Protected"
    assert lines[0]["started"]["vault-group"].startswith("Absent: no resource group")
    requests: list[Any] = [request for line in lines for request in line.get("requests", ())]
    assert all(request["requestId"] and request["correlationId"] for request in requests)
    assert {request["method"] for request in requests} <= _WRITTEN
    told = sorted(f"{request['method']} {request['path']}".casefold() for request in requests)
    assert told == sorted(write.casefold() for write in app.writes())


async def test_lines_that_the_log_does_not_take_stay_in_the_row() -> None:
    """The pass goes on; the next one that can writes them all, in their order."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    app.journal.broken = True
    await app.hint(cluster)
    for _ in range(2):
        await app.work()
        app.step(60)
    assert len((await app.row(cluster)).unlogged) == 2
    app.journal.broken = False
    row = await app.look(cluster)
    assert row.state is State.PROTECTED
    assert row.unlogged == []
    assert app.journal.lines[0]["asked"] == "event"
    assert [line["at"] for line in app.journal.lines] == sorted(line["at"] for line in app.journal.lines)


async def test_a_row_keeps_the_newest_lines_only() -> None:
    """A log that is away for days doesn't make rows grow."""
    app = App()
    cluster = await app.protect("shop")
    app.journal.broken = True
    for _ in range(25):
        await app.look(cluster)
    assert len((await app.row(cluster)).unlogged) == 20


async def test_a_pass_that_breaks_off_leaves_its_requests() -> None:
    """What it had done before stands in the log, though nothing was decided."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    await app.hint(cluster)

    def fail() -> None:
        if app.writes():
            raise MemoryError

    app.wire.before = fail
    with pytest.raises(BaseExceptionGroup):
        await app.work()
    [line] = app.journal.lines
    assert line["decided"] == "BrokenOff"
    assert line["requests"]


async def test_a_request_that_changes_something_leaves_a_line() -> None:
    """Good or refused: who asked, for what, and what was decided; a look leaves none."""
    app = App()
    services: Any = SimpleNamespace(
        settings=app.settings,
        scope=Scope(app.reconciler.door, app.settings.subscriptions, ()),
        door=app.reconciler.door,
        governor=app.governor,
        journal=app.journal,
    )
    for name, body in (("pause", {"paused": True, "reason": "audit"}), ("pause", {"paused": "so"}), ("governance", {})):
        endpoint = next(item for item in ENDPOINTS if item.name == name)
        await answer(endpoint, Incoming({}, {}, {}, json.dumps(body).encode() if body else b""), services)
    paused, refused = app.journal.lines
    assert (paused["subject"], paused["asked"], paused["by"]) == ("fleet", "POST governance/pause", "key")
    assert (paused["decided"], refused["decided"], refused["reason"]) == ("200", "400", "InvalidBody")
    assert paused["message"] == "paused: audit"
    assert (await app.governor.pause.state()).on


async def test_only_a_request_that_somebody_stands_behind_leaves_a_line() -> None:
    """With tokens in place of keys anybody may knock: nobody fills the log, whoever lacks the role is named in it."""
    app = App()
    services: Any = SimpleNamespace(
        settings=app.settings._replace(auth=Auth.ENTRA),
        scope=Scope(app.reconciler.door, app.settings.subscriptions, ()),
        door=app.reconciler.door,
        governor=app.governor,
        journal=app.journal,
    )
    endpoint = next(item for item in ENDPOINTS if item.name == "pause")
    known = {"auth_typ": "aad", "claims": [{"typ": "oid", "val": "AAAAAAAA-0000-0000-0000-000000000001"}]}
    for header, status in (("", 401), ("e30=", 401), (base64.b64encode(json.dumps(known).encode()).decode(), 403)):
        headers = {"X-MS-CLIENT-PRINCIPAL": header}
        said = await answer(endpoint, Incoming({}, {}, headers, b'{"paused": true}'), services)
        assert said.status == status
    [line] = app.journal.lines
    assert (line["by"], line["decided"]) == ("entra:aaaaaaaa-0000-0000-0000-000000000001", "403")
    assert not (await app.governor.pause.state()).on


async def test_what_stayed_in_rows_is_written_by_the_sweep() -> None:
    """All rows' lines in one request; a row with events to send is left to whoever sends them."""
    app = App()
    clusters = [await app.cluster(name, "platinum") for name in ("quiet", "loud")]
    app.journal.broken = True
    for cluster in clusters:
        await app.look(cluster)
    rows, kept = app.reconciler.clusters, []
    for cluster in clusters:
        subject = ClusterId.parse(cluster)
        key = Key(subject.subscription, subject.key)
        kept.append((key, await rows.read(key, lambda: ClusterRow(""))))
    kept[1][1].value.outbox.append(app.topic.events[0])
    await catch_up(app.journal, rows, kept)
    assert [len((await app.row(cluster)).unlogged) for cluster in clusters] == [1, 1]
    app.journal.broken = False
    await catch_up(app.journal, rows, kept)
    assert [line["subject"] for line in app.journal.lines] == clusters
    assert [len((await app.row(cluster)).unlogged) for cluster in clusters] == [0, 1]
    assert kept[1][1].value.unlogged == []


async def test_a_poisoned_message_is_a_decision_too() -> None:
    """Who asked, and that the cluster is blocked over it."""
    app = App()
    cluster = await app.cluster("shop", "gold")
    message = Message(ClusterId.parse(cluster), "event write", by="event 7")
    scope = Scope(app.reconciler.door, app.settings.subscriptions, ())
    await record_poisoned(app.reconciler, scope, cast("Any", None), message.encode(), "m")
    [line] = app.journal.lines
    assert (line["decided"], line["reason"], line["by"]) == ("Blocked", "PoisonedMessage", "event 7")
