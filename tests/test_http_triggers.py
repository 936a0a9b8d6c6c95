"""The triggers that come from the table of endpoints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import azure.functions as func  # noqa: TID251  # triggers are what this is about
import pytest

from functions.http import blueprint
from shared import services as services_module
from shared.api.table import ENDPOINTS
from shared.settings import Auth

if TYPE_CHECKING:
    from azure.functions.decorators.function_app import Function  # noqa: TID251  # as above


def _indexed(auth: Auth) -> dict[str, tuple[Function, dict[str, Any]]]:
    """Name -> function and its trigger's binding, as Azure gets them."""
    app = func.FunctionApp()
    app.register_functions(blueprint(auth))
    found = {function.get_function_name(): function for function in app.get_functions()}
    triggers = {str(name): (item, item.get_trigger()) for name, item in found.items()}
    return {name: (item, trigger.get_dict_repr()) for name, (item, trigger) in triggers.items() if trigger}


@pytest.mark.parametrize("auth", list(Auth))
def test_every_endpoint_is_a_function_with_its_level(auth: Auth) -> None:
    """A function key reads, the master key changes; with Entra ID the app itself asks for the role."""
    indexed = _indexed(auth)
    assert set(indexed) == {endpoint.name for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        trigger = indexed[endpoint.name][1]
        assert (trigger["route"], [str(method) for method in trigger["methods"]]) == (endpoint.route, [endpoint.method])
        level = "anonymous" if auth is Auth.ENTRA else "admin" if endpoint.changes else "function"
        assert str(trigger["authLevel"]).lower() == level


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_what_changes_something_is_a_post_and_the_other_way_round(endpoint: Any) -> None:
    """Nobody gets by with a key that reads."""
    assert (endpoint.method == "POST") == endpoint.changes


async def test_what_nobody_foresaw_is_a_problem_of_the_usual_form(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500 without any detail of the fault, which is in the log."""

    def broken() -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(services_module, "services", broken)
    request = func.HttpRequest(method="GET", url="/api/fleet", params={}, route_params={}, headers={}, body=b"")
    response = await _indexed(Auth.KEYS)["fleet"][0].get_user_function()(request)
    assert (response.status_code, response.mimetype) == (500, "application/problem+json")
    body = json.loads(response.get_body())
    assert body["reason"] == "InternalError"
    assert "secret" not in body["detail"]
    assert "a secret detail" in caplog.text
