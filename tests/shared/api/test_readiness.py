"""Restore readiness and restore requests as people and runbooks ask for them."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest

from shared.api.openapi import document
from shared.api.readiness import drafted_of
from shared.api.validations import validate
from shared.fleet.tables import Key
from shared.readiness.kept import ReadinessRow, Validating, verdict_of
from shared.readiness.model import Verdict
from shared.readiness.request import RestoreRequest
from shared.readiness.service import Known
from tests.shared.readiness.protected import CLUSTER, TARGET

if TYPE_CHECKING:
    from shared.api.answers import Outgoing
    from tests.shared.api.conftest import Api

_EXTENSION = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"


def keeps(name: str, body: Any) -> None:
    """A body has the published shape."""
    jsonschema.validate(body, {"$ref": f"#/components/schemas/{name}", "components": document()["components"]})


def read(said: Outgoing, shape: str = "Readiness") -> Any:
    """The JSON of a good answer, which has the published shape."""
    body = json.loads(said.body)
    keeps(shape, body)
    return body


async def test_a_protected_cluster_is_ready(api: Api) -> None:
    """The verdict over all checks, with the point that would be restored and how old it is."""
    said = await api.ask("restore_readiness")
    body = read(said)
    assert (said.status, body["verdict"], body["deep"]) == (200, "Ready", False)
    assert body["clusterId"] == body["target"] == CLUSTER
    assert body["recoveryPoint"]
    assert body["expectedDataLossSeconds"] > 0
    assert await api.requests("validateRestore") == []


@pytest.mark.parametrize(
    ("accept", "begins", "holds"),
    [
        ("text/plain", "shop: NotReady\n==============\n", "\nTo put right\n"),
        ("text/markdown", "# shop: NotReady\n", "```sh\naz "),
    ],
)
async def test_people_see_the_verdict_the_worst_check_and_its_fix(
    api: Api, accept: str, begins: str, holds: str
) -> None:
    """As text and as Markdown."""
    api.world.azure.cloud.store.remove(_EXTENSION)
    said = await api.ask("restore_readiness", accept=accept)
    text = said.body.decode()
    assert (said.status, said.media_type) == (200, accept)
    assert text.startswith(begins)
    assert holds in text
    assert text.index("fail") < text.index("pass ")


async def test_a_deep_check_that_takes_longer_is_an_operation(api: Api) -> None:
    """202 with what is known, again while Azure is busy, then the whole answer; Azure is asked for its end once."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    quick = read(said, "OperationView")
    assert (quick["status"], quick["readiness"]["verdict"]) == ("Running", "Ready")
    assert int(said.headers["Retry-After"]) > 0
    again = await api.follow(said)
    assert (again.status, again.headers["Location"]) == (202, said.headers["Location"])
    await api.world.step(42)
    ended = read(await api.follow(said))
    assert (ended["verdict"], ended["deep"]) == ("Ready", True)
    assert {check["id"]: check["status"] for check in ended["checks"]}["validate-restore"] == "pass"
    looks = len(await api.requests("operation"))
    assert read(await api.follow(said)) == ended
    assert len(await api.requests("operation")) == looks


async def test_a_request_that_has_taken_long_waits_no_longer(api: Api) -> None:
    """The load balancer would give up on an answer that comes after 230 s; the operation is kept instead."""
    drafted = drafted_of(await api.world.check())
    assert isinstance(drafted, RestoreRequest)
    outcome = await validate(api.services, drafted, 200.0, time.monotonic() - 230)
    assert isinstance(outcome, Validating)


async def test_an_operation_outlives_the_app(api: Api) -> None:
    """Another process goes on where the first one has gone."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    await api.world.step(42)
    assert read(await api.restarted().follow(said))["deep"] is True


async def test_an_operation_ends_with_azures_refusal(api: Api) -> None:
    """What the quick checks haven't seen makes the cluster NotReady all the same."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    api.world.azure.cloud.store.remove(_EXTENSION)
    await api.world.step(42)
    ended = read(await api.follow(said))
    assert ended["verdict"] == "NotReady"
    assert "UserErrorKubernetesBackupExtensionNotFoundError" in ended["reason"]


async def test_an_operation_is_kept_for_a_day(api: Api) -> None:
    """Then it is as unknown as one that never was, and the next one lets its row go."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    await api.world.step(86_410)
    await api.ask("restore_readiness")  # Azure's time is that of its last answer, which has whole seconds
    expired = await api.follow(said)
    assert (expired.status, json.loads(expired.body)["reason"]) == (404, "OperationNotFound")
    await api.world.step(86_410)
    await api.ask("restore_readiness", deep="true", wait="0")
    assert len([row async for row in api.services.operations.rows.all()]) == 1


async def test_an_operation_that_nobody_started_is_not_found(api: Api) -> None:
    """404, also before there is a table."""
    status, body = await api.json("operation", path={"operationId": f"20260101-{'a' * 32}"})
    assert (status, body["reason"]) == (404, "OperationNotFound")


async def test_a_stored_url_of_another_host_is_never_asked(api: Api) -> None:
    """Whoever can write the table can't send the app's token away: the validation is unknown then."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    (stored,) = [row async for row in api.services.operations.rows.all()]
    stored.value.validating = Validating("https://evil.example/operation", 0.0, "p")
    name = said.headers["Location"].rpartition("/")[2]
    await api.services.operations.rows.write(Key(name[:8], name[9:]), stored)
    before = len(await api.requests())
    ended = read(await api.follow(said))
    assert (ended["verdict"], ended["checks"][-1]["status"]) == ("Unknown", "unknown")
    assert len(await api.requests()) == before


async def test_a_trouble_of_azure_does_not_end_an_operation(api: Api) -> None:
    """Come back later."""
    said = await api.ask("restore_readiness", deep="true", wait="0")
    fault = {
        "match": {"path": "operation"},
        "action": "fail",
        "status": 503,
        "code": "ServiceUnavailable",
        "times": None,
    }
    await api.world.azure.control("POST", "/faults", {**fault, "message": "no", "headers": {"Retry-After": "1"}})
    assert (await api.follow(said)).status == 202


async def test_a_deep_check_without_anything_to_restore_says_why(api: Api) -> None:
    """Nothing can be validated, so the deep check is part of the answer as unknown; the verdict is NotReady."""
    api.world.azure.cloud.store.remove(api.world.desired.instance)
    status, body = await api.json("restore_readiness", deep="true")
    assert (status, body["verdict"]) == (200, "NotReady")
    assert await api.requests("validateRestore") == []


async def test_a_cluster_that_nobody_knows_is_not_found(api: Api) -> None:
    """404, when neither Azure nor the tables have it."""
    api.world.remembered = Known()
    for name in ("restore_readiness", "restore_request"):
        status, body = await api.json(name, path={"clusterName": "unheard-of"})
        assert (status, body["reason"]) == (404, "ClusterNotFound")


async def test_a_restore_request_is_complete(api: Api) -> None:
    """The body, and the same in each command; namespaces and mappings as asked."""
    said = await api.ask("restore_request", target=TARGET, namespaces="web,shop", map="web:web-2")
    body = read(said, "RestoreRequestView")
    assert (said.status, body["target"], body["validation"]) == (200, TARGET, None)
    assert body["url"] == f"{body['backupInstanceId']}/restore"
    criteria = body["body"]["restoreTargetInfo"]["restoreCriteria"][0]
    assert (criteria["includedNamespaces"], criteria["namespaceMappings"]) == (["web", "shop"], {"web": "web-2"})
    for command in (body["commands"]["restore"], body["commands"]["validate"], body["commands"]["rest"]):
        assert json.loads(shlex.split(command)[-1]) == body["body"]
    assert await api.requests("estore?") == []
    page = (await api.ask("restore_request", accept="text/markdown")).body.decode()
    assert page.count("```sh\naz ") == 4


async def test_a_restore_request_is_validated_when_asked(api: Api) -> None:
    """By Azure itself; nothing is restored."""
    said = await api.ask("restore_request", validate="true", wait="0")
    pending = read(said, "OperationView")
    assert pending["restoreRequest"]["validation"] is None
    await api.world.step(42)
    ended = read(await api.follow(said), "RestoreRequestView")
    assert ended["validation"]["status"] == "pass"
    assert msgspec.json.decode(said.body)["restoreRequest"] == {**ended, "validation": None}
    assert [path for path in await api.requests("/restore") if path.endswith("/restore")] == []


async def test_without_anything_to_restore_there_is_no_request(api: Api) -> None:
    """409, and what is missing."""
    status, body = await api.json("restore_request", recoveryPoint="0" * 32)
    assert (status, body["reason"]) == (409, "NoRecoveryPoint")
    api.world.azure.cloud.store.remove(api.world.desired.instance)
    status, body = await api.json("restore_request")
    assert (status, body["reason"]) == (409, "NotProtected")


async def _kept(api: Api) -> list[ReadinessRow]:
    return [stored.value async for stored in api.services.fleet.kept.all()]


async def test_a_check_that_somebody_asked_for_counts_for_the_fleet(api: Api) -> None:
    """The usual question's answer is kept, its news waits for the next sweep; another question's isn't."""
    await api.ask("restore_readiness", target=TARGET)
    assert await _kept(api) == []
    await api.ask("restore_readiness")
    (row,) = await _kept(api)
    assert verdict_of(row)[0] is Verdict.READY
    api.world.azure.cloud.store.remove(_EXTENSION)
    await api.ask("restore_readiness")
    (row,) = await _kept(api)
    assert verdict_of(row)[0] is Verdict.NOT_READY
    assert [event.data["verdict"] for event in row.outbox] == ["NotReady"]
