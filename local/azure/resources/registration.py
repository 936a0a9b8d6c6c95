"""Registration of a subscription for a resource provider (provider_registration.json)."""

from __future__ import annotations

from local.azure import errors
from local.azure.errors import Json
from local.azure.exchange import Call, Reply
from local.azure.operations import Operation
from local.azure.regions import REGIONS
from local.azure.routing import ResourceType, Route

_KNOWN_ELSEWHERE = (
    "Microsoft.ApiManagement",
    "Microsoft.App",
    "Microsoft.Automanage",
    "Microsoft.Automation",
    "Microsoft.Cache",
    "Microsoft.ContainerRegistry",
    "Microsoft.Dashboard",
    "Microsoft.DocumentDB",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.Kubernetes",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.PolicyInsights",
    "Microsoft.RecoveryServices",
    "Microsoft.ResourceGraph",
    "Microsoft.Web",
)
"""Namespaces that Azure has and nothing here serves; they can be registered all the same."""

_WITH_POLICY = "2019"
_ONE_TYPE = (ResourceType("operations", ("2023-01-01",)),)


def _known(call: Call) -> dict[str, tuple[str, tuple[ResourceType, ...]]]:
    known: dict[str, tuple[str, tuple[ResourceType, ...]]] = {
        namespace.lower(): (namespace, _ONE_TYPE) for namespace in _KNOWN_ELSEWHERE
    }
    known |= {provider.namespace.lower(): (provider.namespace, provider.types) for provider in call.cloud.providers}
    return known


def _states(call: Call) -> dict[str, str]:
    subscription = call.stored(f"/subscriptions/{call.arguments['subscription']}")
    states: dict[str, str] = subscription.notes["registered"] if subscription else {}
    return states


def _answer(call: Call, namespace: str) -> Json:
    name, types = _known(call)[namespace.lower()]
    guid = call.cloud.directory.guid
    state = _states(call).get(namespace.lower(), "NotRegistered")
    # 2016-02-01 has neither policy nor default version (provider_registration), 2022-09-01 has (k8s_extension_dapr)
    newer = call.version >= _WITH_POLICY
    return {
        "id": f"/subscriptions/{call.arguments['subscription']}/providers/{name}",
        "namespace": name,
        "authorizations": [
            {"applicationId": guid("provider", name), "roleDefinitionId": guid("provider role", name)},
        ],
        "resourceTypes": [
            {
                "resourceType": kind.name,
                "locations": [region.display for region in REGIONS.values()],
                "apiVersions": list(kind.versions),
                **({"defaultApiVersion": kind.versions[0]} if newer else {}),
                "capabilities": kind.capabilities,
            }
            for kind in types
        ],
        "registrationState": state,
        **({"registrationPolicy": "RegistrationRequired"} if newer else {}),
    }


def _namespace(call: Call) -> str:
    namespace = call.arguments["namespace"]
    if namespace.lower() not in _known(call):
        # not recorded; ARM's documented answer
        raise errors.gateway(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
    return namespace


def _get(call: Call) -> Reply:
    return Reply(body=_answer(call, _namespace(call)))


def _list(call: Call) -> Reply:
    return Reply(body={"value": [_answer(call, namespace) for namespace in sorted(_known(call))]})


def _change(call: Call, on_the_way: str, there: str) -> Reply:
    namespace = _namespace(call)
    states = _states(call)
    if states.get(namespace.lower(), "NotRegistered") not in {there, on_the_way}:
        states[namespace.lower()] = on_the_way

        def succeed(_: Operation) -> None:
            if states[namespace.lower()] == on_the_way:
                states[namespace.lower()] = there

        call.start("registration", call.id.rsplit("/", 1)[0], succeed=succeed)
    return Reply(body=_answer(call, namespace))


def _register(call: Call) -> Reply:
    return _change(call, "Registering", "Registered")


def _unregister(call: Call) -> Reply:
    return _change(call, "Unregistering", "Unregistered")


ROUTES = (
    Route("GET", "subscriptions/{subscription}/providers", _list),
    Route("GET", "subscriptions/{subscription}/providers/{namespace}", _get),
    Route(
        "POST",
        "subscriptions/{subscription}/providers/{namespace}/register",
        _register,
        action="{namespace}/register/action",
    ),
    Route(
        "POST",
        "subscriptions/{subscription}/providers/{namespace}/unregister",
        _unregister,
        action="{namespace}/unregister/action",
    ),
)
