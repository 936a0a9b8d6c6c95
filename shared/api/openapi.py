"""The OpenAPI 3.1 document, made from the table and the models: `GET /api/openapi.json`, schemas/api/openapi.json."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import fields

from shared.api.answers import Answer
from shared.api.endpoint import CLUSTER, PROBLEM, Endpoint, Good, Refusal, named
from shared.api.negotiation import JSON, MARKDOWN, TEXT
from shared.api.principal import OPERATE, READ
from shared.api.problems import ProblemView
from shared.api.table import ENDPOINTS, PATH_PARTS

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.services import Services

VERSION = "0.1.0"
"""Of the project."""

_COMPONENTS = "#/components/schemas/{name}"
_ANYWHERE = (
    Refusal(400, "InvalidQuery", "an unknown parameter, or a value that isn't allowed"),
    Refusal(401, "", "no key, or one that doesn't open this; with Entra ID: no token"),
    Refusal(406, "NotAcceptable", "the Accept header wants what can't be made"),
    Refusal(500, "InternalError", "a fault of the app; its log says more"),
    Refusal(502, "", "Azure refused; the reason is its own code"),
    Refusal(503, "", "Azure is in trouble, or wants fewer requests; the reason is its own code. Try again"),
)
_OF_CLUSTERS = (
    Refusal(400, "InvalidCluster", "the path can't be a cluster's"),
    Refusal(403, "SubscriptionNotAllowed", "the cluster's subscription isn't this deployment's"),
)
_OF_BODIES = (Refusal(400, "InvalidBody", "the body isn't JSON of this form"),)


async def show(_services: Services, _asked: Asked[None, None]) -> Answer:
    """The document, as `GET /api/openapi.json` answers it."""
    return Answer(document())


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    shapes = [ProblemView, *_shapes(ENDPOINTS)]
    _, schemas = msgspec.json.schema_components(shapes, ref_template=_COMPONENTS)
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(f"/api/{endpoint.route}", {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AKS Backup Autopilot",
            "version": VERSION,
            "description": "How clusters and their backups stand, and what people can ask for. Times are ISO 8601 in"
            " UTC, null for never; durations are seconds.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"entra": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-functions-key",
                    "description": "a function key of the app for what reads, its master key for what changes",
                },
                "entra": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "where AUTOPILOT_AUTH is entra: a token of Entra ID for this app, with an app role",
                },
            },
            "schemas": _told(schemas),
        },
    }


def _shapes(endpoints: Iterable[Endpoint]) -> list[type]:
    places = {good.shape for endpoint in endpoints for good in endpoint.good if good.shape}
    places |= {endpoint.body for endpoint in endpoints if endpoint.body}
    return [named(place) for place in sorted(places)]


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.body:
        content = {JSON: {"schema": _reference(endpoint.body)}}
        needed = any(field.required for field in fields(named(endpoint.body)))
        operation["requestBody"] = {"required": needed, "content": content}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARTS[name].description,
            "schema": {"type": "string", "pattern": f"^{PATH_PARTS[name].pattern}$"},
        }
        for name in re.findall(r"\{(\w+)\}", endpoint.route)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if not endpoint.query:
        return []
    shape = named(endpoint.query)
    _, schemas = msgspec.json.schema_components([shape], ref_template="{name}")
    return [_query_parameter(name, schema, schemas) for name, schema in schemas[shape.__name__]["properties"].items()]


def _query_parameter(name: str, schema: dict[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter; null, the struct's word for a missing one, can't be written in a query."""
    schema = dict(schema)
    description = schema.pop("description", "")
    if "anyOf" in schema:
        present = next(item for item in schema.pop("anyOf") if item != {"type": "null"})
        schema = {key: value for key, value in {**schema, **present}.items() if (key, value) != ("default", None)}
    if reference := schema.pop("$ref", ""):
        schema |= {key: value for key, value in schemas[reference].items() if key not in ("title", "description")}
    parameter = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in dict.fromkeys(good.status for good in endpoint.good):
        goods = [good for good in endpoint.good if good.status == status]
        responses[str(status)] = _good(goods, pages=endpoint.has_pages)
    by_status: dict[int, list[str]] = {}
    for refusal in _refusals(endpoint):
        word = f"`{refusal.reason}`: " if refusal.reason else ""
        by_status.setdefault(refusal.status, []).append(f"{word}{refusal.description}")
    problem = {PROBLEM: {"schema": {"$ref": _COMPONENTS.format(name=ProblemView.__name__)}}}
    for status, words in sorted(by_status.items()):
        responses[str(status)] = {"description": "; ".join(words), "content": problem}
    responses["401"].pop("content")  # with keys it is the host's own answer, without a body
    return responses


def _refusals(endpoint: Endpoint) -> list[Refusal]:
    of_clusters = _OF_CLUSTERS if endpoint.route.startswith(CLUSTER) else ()
    names = [name for name in re.findall(r"\{(\w+)\}", endpoint.route) if PATH_PARTS[name].reason != "InvalidCluster"]
    of_path = tuple(
        Refusal(400, PATH_PARTS[name].reason, f"{name} is {PATH_PARTS[name].description}") for name in names
    )
    of_bodies = _OF_BODIES if endpoint.body else ()
    of_callers = Refusal(
        403, "RoleMissing", f"with Entra ID: it takes the role {OPERATE if endpoint.changes else READ}"
    )
    return [*of_clusters, *of_path, *of_bodies, of_callers, *_ANYWHERE, *endpoint.refusals]


def _good(goods: list[Good], *, pages: bool) -> dict[str, Any]:
    """The response of a status; with several shapes, any of them."""
    schemas = [_reference(good.shape) if good.shape else {"type": "object"} for good in goods]
    content: dict[str, Any] = {JSON: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}
    if pages:
        content |= {kind: {"schema": {"type": "string"}} for kind in (TEXT, MARKDOWN)}
    response: dict[str, Any] = {"description": "; ".join(good.description for good in goods), "content": content}
    if any(good.located for good in goods):
        response["headers"] = {
            "Location": {"description": "where to go on", "schema": {"type": "string"}},
            "Retry-After": {"description": "seconds until it is worth asking", "schema": {"type": "integer"}},
        }
    return response


def _reference(place: str) -> dict[str, str]:
    return {"$ref": _COMPONENTS.format(name=named(place).__name__)}


def _told(schemas: dict[str, Any]) -> dict[str, Any]:
    """Schemas whose attributes have the words of the structs' docstrings."""
    for schema in schemas.values():
        summary, _, attributes = cleandoc(schema.get("description", "")).partition("\n\nAttributes:\n")
        schema["description"] = " ".join(summary.split())
        spelled = {name.lower(): properties for name, properties in schema.get("properties", {}).items()}
        for attribute, words in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
            described = spelled.get(attribute.replace("_", "").lower(), {})
            described.setdefault("description", " ".join(words.split()))
    return schemas
