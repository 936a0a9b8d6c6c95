"""An Event Grid event -> a hint, or nothing. Nothing of an event is believed but the id of the cluster that it names.

Both schemas: Event Grid's and CloudEvents 1.0. Source of types and subjects: "Azure Resource Manager events".
"""

from collections.abc import Mapping
from typing import Any, Protocol

from shared import logs
from shared.arm.ids import ClusterId
from shared.errors import InvalidResourceId
from shared.fleet.messages import Message
from shared.settings import load

_TYPES = frozenset(f"Microsoft.Resources.Resource{what}Success".casefold() for what in ("Write", "Delete", "Action"))
_OPERATIONS = frozenset(
    operation.casefold()
    for operation in (
        "Microsoft.ContainerService/managedClusters/write",
        "Microsoft.ContainerService/managedClusters/delete",
        "Microsoft.ContainerService/managedClusters/start/action",
        "Microsoft.Resources/tags/write",
    )
)
_TAGS_SUFFIX = "/providers/microsoft.resources/tags/default"
_SHOWN = 200  # characters of foreign text in a log line


class Event(Protocol):
    """What both schemas' events have in common; the runtime hands out either."""

    @property
    def id(self) -> str:
        """The event's id; kept for the log only."""

    @property
    def subject(self) -> str | None:
        """What the event is about."""

    def get_json(self) -> Any:
        """The event's data."""


def _fields(event: Event) -> tuple[str, str, str]:
    """Type, operation name and subject, whatever is in them."""
    kind = getattr(event, "type", None) or getattr(event, "event_type", None)  # CloudEvents, Event Grid
    data = event.get_json()
    operation = data.get("operationName") if isinstance(data, Mapping) else None
    return str(kind), str(operation), str(event.subject)


def hint_of(event: Event, environ: Mapping[str, str]) -> Message | None:
    """Read an event; None when it isn't about a cluster of ours, which one log line then says.

    Raises:
        ConfigurationError: the settings changed for the worse since the start.
    """
    kind, operation, subject = _fields(event)
    refusal = ""
    if kind.casefold() not in _TYPES or operation.casefold() not in _OPERATIONS:
        refusal = "other event"
    else:
        text = subject[: -len(_TAGS_SUFFIX)] if subject.casefold().endswith(_TAGS_SUFFIX) else subject
        try:
            cluster = ClusterId.parse(text)
        except InvalidResourceId:
            refusal = "not a managed cluster"
        else:
            settings = load(environ)
            # a management group's subscriptions aren't known here: whoever reads the hint asks Azure
            if cluster.subscription in settings.subscriptions or settings.management_groups:
                logs.info("event", cluster=cluster, operation=operation, event_id=str(event.id)[:_SHOWN])
                return Message(cluster, f"event {operation}", by=f"event {str(event.id)[:_SHOWN]}")
            refusal = "subscription isn't one of AUTOPILOT_SUBSCRIPTIONS"
    logs.info("event_ignored", why=refusal, type=kind[:_SHOWN], operation=operation[:_SHOWN], subject=subject[:_SHOWN])
    return None
