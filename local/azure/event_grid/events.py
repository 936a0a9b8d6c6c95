"""Resource events in both schemas, in the shape that Azure documents for Microsoft.Resources.

Nothing of this is recorded: the shapes are those of Event Grid's reference for Azure subscriptions and resource groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.azure import paths
from local.azure.clock import ticks

if TYPE_CHECKING:
    from local.azure.cloud import ResourceEvent
    from local.azure.directory import Principal
    from local.azure.errors import Json

_STATUS = {"Success": "Succeeded", "Failure": "Failed", "Cancel": "Canceled"}
_CLOUD_VERSION = "1.0"
_URL = "https://management.azure.com"


def event(change: ResourceEvent, *, event_id: str, tenant: str) -> Json:
    """The event of a change in the Event Grid schema, without the topic: that is the subscriber's.

    Args:
        change: What happened.
        event_id: The event's id.
        tenant: Id of the tenant.
    """
    subject = subject_of(change)
    return {
        "topic": "",
        "subject": subject,
        "eventType": f"Microsoft.Resources.Resource{change.verb}{change.outcome}",
        "eventTime": ticks(change.at),
        "id": event_id,
        "data": {
            "authorization": _authorization(change, subject),
            "claims": _claims(change.principal, tenant),
            "correlationId": change.correlation_id,
            "httpRequest": {
                "clientRequestId": change.correlation_id,
                "clientIpAddress": "203.0.113.7",
                "method": change.method,
                "url": f"{_URL}{change.resource_id}",
            },
            "resourceProvider": change.action.split("/", maxsplit=1)[0],
            "resourceUri": subject,
            "operationName": change.action,
            "status": _STATUS[change.outcome],
            "subscriptionId": paths.parse(subject).subscription or "",
            "tenantId": tenant,
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def as_cloud_event(grid: Json) -> Json:
    """The same event in the CloudEvents 1.0 schema."""
    return {
        "source": grid["topic"],
        "subject": grid["subject"],
        "type": grid["eventType"],
        "time": grid["eventTime"],
        "id": grid["id"],
        "data": grid["data"],
        "specversion": _CLOUD_VERSION,
    }


def subject_of(change: ResourceEvent) -> str:
    """Id of the resource that was changed; of an action's path the action itself is left out."""
    return paths.parse(change.resource_id).addressed() if change.verb == "Action" else change.resource_id


def _authorization(change: ResourceEvent, subject: str) -> Json:
    return {
        "scope": subject,
        "action": change.action,
        "evidence": {
            "role": "Contributor",
            "roleAssignmentScope": f"/subscriptions/{paths.parse(subject).subscription}",
            "roleAssignmentId": change.correlation_id.replace("-", ""),
            "roleDefinitionId": "b24988ac618042a0ab8820f7382dd24c",
            "principalId": change.principal.object_id.replace("-", ""),
            "principalType": change.principal.kind,
        },
    }


def _claims(who: Principal, tenant: str) -> Json:
    """Claims of the caller's token: invented personal data of the kind that real events carry, so that a leak shows."""
    return {
        "aud": "https://management.core.windows.net/",
        "iss": f"https://sts.windows.net/{tenant}/",
        "appid": who.client_id or "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "ipaddr": "203.0.113.7",
        "name": "Robin Fictitious",
        "http://schemas.microsoft.com/identity/claims/objectidentifier": who.object_id,
        "http://schemas.microsoft.com/identity/claims/tenantid": tenant,
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": "robin.fictitious@contoso.example",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname": "Robin",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname": "Fictitious",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "robin.fictitious@contoso.example",
        "xms_tcdt": "1400000000",
    }
