"""Event Grid events as a subscription delivers them, in both schemas; the claims in them are made up."""

from __future__ import annotations

import uuid
from typing import Any, Final

WRITE: Final = "Microsoft.ContainerService/managedClusters/write"
DELETE: Final = "Microsoft.ContainerService/managedClusters/delete"
START: Final = "Microsoft.ContainerService/managedClusters/start/action"
TAGS: Final = "Microsoft.Resources/tags/write"

CLAIMS: Final = {
    "name": "Imogen Invented",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "imogen.invented@fabrikam.example",
    "ipaddr": "198.51.100.23",
}
_TIME: Final = "2025-03-14T09:26:53.5897932Z"

type Event = dict[str, Any]


def _kind(operation: str) -> str:
    verb = {"delete": "Delete", "action": "Action"}.get(operation.rsplit("/", 1)[-1], "Write")
    return f"Microsoft.Resources.Resource{verb}Success"


def grid_event(subject: str, operation: str = WRITE, **overrides: Any) -> Event:
    """An event in the Event Grid schema; `overrides` replace its top-level fields."""
    topic = "/".join(subject.split("/")[:3])
    return {
        "topic": topic,
        "subject": subject,
        "eventType": _kind(operation),
        "eventTime": _TIME,
        "id": str(uuid.uuid4()),
        "data": {
            "authorization": {"scope": subject, "action": operation, "evidence": {"role": "Contributor"}},
            "claims": CLAIMS,
            "correlationId": str(uuid.uuid4()),
            "resourceUri": subject,
            "operationName": operation,
            "status": "Succeeded",
        },
        "dataVersion": "2",
        "metadataVersion": "1",
        **overrides,
    }


def cloud_event(subject: str, operation: str = WRITE) -> Event:
    """The same in the CloudEvents 1.0 schema."""
    grid = grid_event(subject, operation)
    return {
        "source": grid["topic"],
        "subject": subject,
        "type": grid["eventType"],
        "time": _TIME,
        "id": grid["id"],
        "data": grid["data"],
        "specversion": "1.0",
    }
