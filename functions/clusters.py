"""HTTP triggers: how clusters and the fleet stand, their jobs, and a backup now."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from shared.api.problems import Answer

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so

_CLUSTER = "clusters/{subscriptionId}/{resourceGroup}/{clusterName}"


@blueprint.route(route="fleet", methods=["GET"])
async def fleet(req: func.HttpRequest) -> func.HttpResponse:
    """The whole fleet: counts, and clusters worst first."""
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when the first request comes

    return await _respond(services().api.fleet(req.params))


@blueprint.route(route=_CLUSTER, methods=["GET"])
async def cluster_status(req: func.HttpRequest) -> func.HttpResponse:
    """One cluster: state, conditions, backups."""
    from shared.services import services  # noqa: PLC0415  # as above

    return await _respond(services().api.status(req.route_params))


@blueprint.route(route=f"{_CLUSTER}/backups", methods=["POST"])
async def back_up_now(req: func.HttpRequest) -> func.HttpResponse:
    """Start a backup because somebody asks."""
    from shared.services import services  # noqa: PLC0415  # as above

    return await _respond(services().api.back_up(req.route_params, _json(req)))


@blueprint.route(route=f"{_CLUSTER}/jobs", methods=["GET"])
async def cluster_jobs(req: func.HttpRequest) -> func.HttpResponse:
    """The jobs of one cluster."""
    from shared.services import services  # noqa: PLC0415  # as above

    return await _respond(services().api.jobs(req.route_params, req.params))


@blueprint.route(route=f"{_CLUSTER}/jobs/{{jobId}}", methods=["GET"])
async def cluster_job(req: func.HttpRequest) -> func.HttpResponse:
    """One job."""
    from shared.services import services  # noqa: PLC0415  # as above

    return await _respond(services().api.job(req.route_params))


def _json(req: func.HttpRequest) -> object:
    """The body; {} for none, and the text itself for what is no JSON, which the check of the body then refuses."""
    text = req.get_body().decode("utf-8", "replace")
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):  # the latter: lists in lists, thousands deep
        return text


async def _respond(asked: Awaitable[Answer]) -> func.HttpResponse:
    from shared.api.problems import Problem  # noqa: PLC0415  # as above

    try:
        answer = await asked
    except Problem as problem:
        body = json.dumps(problem.body())
        return func.HttpResponse(body, status_code=problem.status, mimetype="application/problem+json")
    headers = {"Location": answer.location} if answer.location else None
    text = json.dumps(answer.body)
    return func.HttpResponse(text, status_code=answer.status, headers=headers, mimetype="application/json")
