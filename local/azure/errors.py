"""Error answers as Azure Resource Manager and its providers give them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

type Json = dict[str, Any]

JSON_UTF8 = "application/json; charset=utf-8"


@dataclasses.dataclass(slots=True)
class ArmError(Exception):
    """A refusal.

    Attributes:
        status: HTTP status.
        code: ARM error code.
        message: The sentence beside the code.
        cause: `x-ms-failure-cause`: gateway when ARM itself refused the call, service when the provider failed,
            None on most 4xx which a provider answers (wire errors.json).
        extra: Further fields of the `error` object (details, target, additionalInfo).
        wrapped: False puts the fields at the top level, as some providers do.
        headers: Further headers.
        retry_after: Virtual seconds after which a repeat makes sense.
        content_type: Of the answer; some providers leave the charset out.
    """

    status: int
    code: str
    message: str
    cause: Literal["gateway", "service"] | None = None
    extra: Json = dataclasses.field(default_factory=dict)
    wrapped: bool = True
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    retry_after: float | None = None
    content_type: str = JSON_UTF8

    def fields(self) -> Json:
        """What is in `error`, also of a failed operation."""
        return {"code": self.code, "message": self.message, **self.extra}

    def body(self) -> Json:
        """The answer's body."""
        return {"error": self.fields()} if self.wrapped else self.fields()


def gateway(status: int, code: str, message: str, **extra: Any) -> ArmError:
    """A refusal by ARM itself."""
    return ArmError(status, code, message, "gateway", extra)


def authentication_failed() -> ArmError:
    """No token at all. Not recorded; ARM's documented answer."""
    error = gateway(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    error.headers = {
        "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token is missing."'
    }
    return error


def invalid_token(reason: str, code: str = "InvalidAuthenticationToken") -> ArmError:
    """A token that can't be used; 401 answers carry the gateway's cause (errors.json, ExpiredAuthenticationToken)."""
    error = gateway(401, code, reason)
    error.headers = {
        "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token is invalid."'
    }
    return error


def authorization_failed(name: str, object_id: str, action: str, scope: str, *, condition: bool = False) -> ArmError:
    """The caller may not do this (errors.json).

    With `condition` the caller's role would allow it, but the assignment's condition doesn't; that wording is not
    recorded.
    """
    lacks = (
        "has an authorization with ABAC condition that is not fulfilled to perform action"
        if condition
        else "does not have authorization to perform action"
    )
    return gateway(
        403,
        "AuthorizationFailed",
        f"The client '{name}' with object id '{object_id}' {lacks} '{action}' over scope '{scope}' or the scope is "
        "invalid. If access was recently granted, please refresh your credentials.",
    )


def linked_authorization_failed(
    name: str, object_id: str, action: str, scope: str, linked: tuple[str, str]
) -> ArmError:
    """The caller may do this, but not what it means for another resource. Not recorded; ARM's documented answer.

    Args:
        name: Name of the caller.
        object_id: Its object id.
        action: What it may do.
        scope: Where.
        linked: What it may not do, and where.
    """
    return gateway(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{name}' with object id '{object_id}' has permission to perform action '{action}' on scope "
        f"'{scope}'; however, it does not have permission to perform action '{linked[0]}' on the linked scope(s) "
        f"'{linked[1]}' or the linked scope(s) are invalid.",
    )


def subscription_not_found(subscription: str) -> ArmError:
    """Not recorded; ARM's documented answer."""
    return gateway(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def group_not_found(group: str) -> ArmError:
    """errors.json, 404 ResourceGroupNotFound."""
    return gateway(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def resource_not_found(type_and_name: str, group: str) -> ArmError:
    """errors.json, 404 ResourceNotFound."""
    return gateway(
        404,
        "ResourceNotFound",
        f"The Resource '{type_and_name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def parent_not_found(verb: str, types: str, parent: str) -> ArmError:
    """errors.json, 404 ParentResourceNotFound on PUT; the type is named without its namespace."""
    return gateway(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{types}', because the parent resource '{parent}' "
        "could not be found.",
    )


def invalid_resource_type(namespace: str, version: str) -> ArmError:
    """errors.json, 404 InvalidResourceType."""
    return gateway(
        404,
        "InvalidResourceType",
        f"The resource type could not be found in the namespace '{namespace}' for api version '{version}'.",
    )


def missing_registration(namespace: str) -> ArmError:
    """provider_registration.json: the details repeat code and message."""
    message = (
        f"The subscription is not registered to use namespace '{namespace}'. "
        "See https://aka.ms/rps-not-found for how to register subscriptions."
    )
    code = "MissingSubscriptionRegistration"
    return gateway(409, code, message, details=[{"code": code, "target": namespace, "message": message}])


def missing_api_version() -> ArmError:
    """Not recorded; ARM's documented answer."""
    return gateway(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def invalid_api_version(version: str, supported: Sequence[str]) -> ArmError:
    """Not recorded; ARM's documented answer."""
    return gateway(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{','.join(supported)}'.",
    )


def method_not_allowed(method: str) -> ArmError:
    """Not recorded: the type is served, but not with this method."""
    return gateway(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")


def invalid_content(reason: str) -> ArmError:
    """Not recorded; ARM's documented answer to a body that isn't a JSON object."""
    return gateway(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{reason}'."
    )


def location_required() -> ArmError:
    """Not recorded; ARM's documented answer."""
    return gateway(400, "LocationRequired", "The location property is required for this definition.")


def location_not_available(location: str, full_type: str, known: Sequence[str]) -> ArmError:
    """Not recorded; ARM's documented answers for groups and for resources."""
    regions = ",".join(known)
    if full_type.lower() == "microsoft.resources/resourcegroups":
        return gateway(
            400,
            "LocationNotAvailableForResourceGroup",
            f"The provided location '{location}' is not available for resource group. "
            f"List of available regions is '{regions}'.",
        )
    return gateway(
        400,
        "LocationNotAvailableForResourceType",
        f"The provided location '{location}' is not available for resource type '{full_type}'. "
        f"List of available regions for the resource type is '{regions}'.",
    )


def other_location(name: str, group: str, there: str, wanted: str) -> ArmError:
    """Not recorded; ARM's documented answer to a PUT that would move a resource."""
    return gateway(
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{there}' in resource group '{group}'. "
        f"A resource with the same name cannot be created in location '{wanted}'. Please select a new resource name.",
    )


def bad_request(code: str, message: str, **extra: Any) -> ArmError:
    """A 400 by a resource provider."""
    return ArmError(400, code, message, None, extra)
