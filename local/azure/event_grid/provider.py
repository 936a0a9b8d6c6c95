"""The table of Microsoft.EventGrid."""

from __future__ import annotations

from local.azure.event_grid import subscriptions, topics
from local.azure.routing import Provider, ResourceType, Route

_SUBSCRIPTION = "eventSubscriptions/{subscription}"
_TOPIC = "topics/{topic}"
_VERSIONS = ("2025-02-15", "2024-06-01-preview", "2022-06-15", "2021-12-01", "2020-06-01")

PROVIDER = Provider(
    namespace="Microsoft.EventGrid",
    routes=(
        Route("GET", "eventSubscriptions", subscriptions.list_all),
        Route("GET", _SUBSCRIPTION, subscriptions.get),
        Route("PUT", _SUBSCRIPTION, subscriptions.put),
        Route("PATCH", _SUBSCRIPTION, subscriptions.patch),
        Route("DELETE", _SUBSCRIPTION, subscriptions.delete),
        Route("GET", "topicTypes/{topicType}/eventSubscriptions", subscriptions.list_by_topic_type),
        Route("POST", f"{_SUBSCRIPTION}/getFullUrl", subscriptions.full_url),
        Route("GET", "topics", topics.list_all),
        Route("GET", _TOPIC, topics.get),
        Route("PUT", _TOPIC, topics.put),
        Route("DELETE", _TOPIC, topics.delete),
        Route("POST", f"{_TOPIC}/listKeys", topics.list_keys),
        Route("POST", f"{_TOPIC}/regenerateKey", topics.regenerate_key),
        Route("GET", "locations/{location}/operationsStatus/{operation}", subscriptions.operation_status),
    ),
    versions=("2018-01-01", "2026-12-31"),
    implicit=frozenset({"locations", "topictypes"}),
    types=(
        ResourceType("eventSubscriptions", _VERSIONS, "SupportsExtension"),
        ResourceType("topics", _VERSIONS, "SupportsTags, SupportsLocation"),
        ResourceType("locations/operationsStatus", _VERSIONS),
    ),
)
