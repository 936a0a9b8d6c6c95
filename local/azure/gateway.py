"""Azure Resource Manager's own part of a request: what it refuses before a provider sees it, and what it adds."""

from __future__ import annotations

import json
import re

from local.azure import errors, locks, paths, tagging
from local.azure.access import Decision
from local.azure.cloud import Cloud, ResourceEvent
from local.azure.conditions import Granted
from local.azure.directory import Principal
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, LateFailure, Reply, Request
from local.azure.operations import Operation
from local.azure.paths import Target
from local.azure.routing import Provider, Route
from local.azure.throttle import ARM_BUDGETS, READS, WRITES, Budget

_WRITES = frozenset({"PUT", "PATCH"})
_WITH_BODY = frozenset({"PUT", "PATCH", "POST"})
_EVENT_VERBS = {"PUT": "Write", "PATCH": "Write", "DELETE": "Delete", "POST": "Action"}
_PARENT_VERBS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def answer(cloud: Cloud, request: Request, principal: Principal, late: LateFailure | None = None) -> Reply:
    """Answer one authenticated request.

    Args:
        cloud: The simulated Azure.
        request: The request.
        principal: Who calls.
        late: A failure for the operation that the request starts.
    """
    cloud.clock.settle()
    limits: dict[str, str] = {}
    try:
        return _answer(cloud, request, principal, late, limits)
    except ArmError as error:
        return refusal(request, error, limits)


def refusal(request: Request, error: ArmError, limits: dict[str, str]) -> Reply:
    """The answer to a refused request; what the gateway refuses has no rate-limit header (wire facts)."""
    headers = dict(error.headers)
    if error.cause:
        headers["x-ms-failure-cause"] = error.cause
    if error.cause != "gateway":
        headers.update(limits)
    body = None if request.method == "HEAD" else error.body()
    return Reply(error.status, body, headers, error.retry_after, error.content_type)


def _answer(
    cloud: Cloud, request: Request, principal: Principal, late: LateFailure | None, limits: dict[str, str]
) -> Reply:
    target = paths.parse(request.path)
    _check_subscription(cloud, target)
    provider, route, arguments, call_version = _route(cloud, request, target)
    body = _body(request)
    call = Call(cloud, request, principal, target, route, arguments, body, cloud.clock.now(), None, late)
    _authorize(call, provider)
    if call_version is not None:
        raise call_version
    if route.metered:
        limits.update(_throttle(call))
    _check_surroundings(call, provider)
    locks.check(call)
    if request.method in _WRITES:
        tagging.check(body.get("tags"), paths.full_type(target.addressed()))
    reply = route.handler(call)
    if request.method in _EVENT_VERBS:
        cloud.store.touch(target.addressed())
    for name, value in limits.items():
        reply.headers.setdefault(name, value)
    reply.headers.setdefault("x-ms-correlation-request-id", call.correlation_id)
    _announce(call, provider)
    return reply


def _check_subscription(cloud: Cloud, target: Target) -> None:
    subscription = target.subscription
    if subscription is None:
        return
    if not _GUID.fullmatch(subscription):
        raise errors.gateway(
            400,
            "InvalidSubscriptionId",
            f"The provided subscription identifier '{subscription}' is malformed or invalid.",
        )
    if cloud.store.get(f"/subscriptions/{subscription}") is None:
        raise errors.subscription_not_found(subscription)


def _route(cloud: Cloud, request: Request, target: Target) -> tuple[Provider, Route, dict[str, str], ArmError | None]:
    version = next((value for key, value in request.query.items() if key.lower() == "api-version"), None)
    provider = cloud.providers.get(target.namespace)
    found = provider.find(request.method, target) if provider else None
    if provider is None or found is None:
        return _elsewhere(cloud, request, target, provider, version)
    wrong: ArmError | None = None
    try:
        provider.check_version(version)
    except ArmError as error:
        wrong = error
    return provider, found[0], found[1], wrong


def _elsewhere(
    cloud: Cloud, request: Request, target: Target, provider: Provider | None, version: str | None
) -> tuple[Provider, Route, dict[str, str], ArmError | None]:
    """Calls that no table has: existence checks by HEAD, and what isn't there at all."""
    if version is None:
        raise errors.missing_api_version()
    if request.method == "HEAD" and provider and provider.find("GET", target):
        route, arguments = provider.find("GET", target) or (None, {})
        if route:
            return provider, Route("HEAD", route.template, _exists), arguments, None
    if provider and provider.serves(target):
        raise errors.method_not_allowed(request.method)
    if target.subscription and not _registered(cloud, target):
        raise errors.missing_registration(target.namespace)
    raise errors.invalid_resource_type(target.namespace, version)


def _exists(call: Call) -> Reply:
    """Existence by HEAD, as ARM answers it for any resource."""
    call.existing()
    return Reply(204)


def _body(request: Request) -> Json:
    if request.method not in _WITH_BODY or not request.content.strip():
        if request.method in {"PUT", "PATCH"}:
            raise errors.invalid_content("The request body is empty.")
        return {}
    kind = request.headers.get("content-type", "application/json")
    if not kind.lower().startswith(("application/json", "text/json")):
        raise errors.gateway(
            415,
            "UnsupportedMediaType",
            f"The content media type '{kind}' is not supported. Only 'application/json' is supported.",
        )
    try:
        body = json.loads(request.content)
    except ValueError as error:
        raise errors.invalid_content(str(error)) from error
    if not isinstance(body, dict):
        raise errors.invalid_content("The request content is no JSON object.")
    return body


def _authorize(call: Call, provider: Provider) -> None:
    action = call.route.rbac_action(provider.namespace, call.arguments)
    if not action:
        return
    scope = call.target.addressed() or "/"
    decision = call.cloud.access.decide(call.principal.object_id, action, scope, call.at, _granted(call))
    if decision is not Decision.ALLOWED:
        unmet = decision is Decision.CONDITION_NOT_MET
        who = call.principal
        raise errors.authorization_failed(who.name, who.object_id, action, scope, condition=unmet)


def _granted(call: Call) -> Granted | None:
    """The role assignment that the call is about: of a write the requested one, of a deletion the existing one."""
    if call.route.types.lower() != "roleassignments" or call.request.method not in {"PUT", "DELETE"}:
        return None
    existing = call.stored() if call.request.method == "DELETE" else None
    properties = existing.properties if existing else call.body.get("properties") or {}
    role = str(properties.get("roleDefinitionId") or "").rsplit("/", 1)[-1]
    principal = call.cloud.directory.get(str(properties.get("principalId") or ""))
    known = principal.kind if principal else ""
    return Granted(role, str(properties.get("principalType") or known))


def _throttle(call: Call) -> dict[str, str]:
    """Take the request out of its budgets and return the headers about them.

    A provider's own header takes the place of ARM's for writes (recorded); reads show both, because ARM's was filtered
    out of the recordings.
    """
    cloud, headers = call.cloud, {}
    owner = (call.target.subscription or "tenant", call.principal.object_id)
    general = ARM_BUDGETS.get(call.request.method, WRITES)
    budgets: list[tuple[Budget, tuple[str, ...]]] = [(general, owner)]
    if call.route.budget:
        budgets.append((call.route.budget, (*owner, call.request.method, call.route.template)))
    for budget, key in budgets:
        left, wait = cloud.throttle.take(budget, call.at, *key)
        if left < 0:
            raise _throttled(call, provider_budget=budget is not general, seconds=wait)
        if call.route.budget is None or budget is not general or budget is READS:
            headers[f"x-ms-ratelimit-remaining-{budget.header}"] = str(left)
    return headers


def _throttled(call: Call, *, provider_budget: bool, seconds: float) -> ArmError:
    """An empty bucket. Code and wording as documented; no recording shows one."""
    code = "ResourceRequestsThrottled" if provider_budget else "SubscriptionRequestsThrottled"
    error = errors.gateway(
        429,
        code,
        f"Number of requests for subscription '{call.target.subscription}' and principal "
        f"'{call.principal.object_id}' exceeded the limit. Please try again after '{max(1, round(seconds))}' seconds.",
    )
    error.retry_after = seconds
    return error


def _registered(cloud: Cloud, target: Target) -> bool:
    subscription = cloud.store.get(f"/subscriptions/{target.subscription}")
    states = subscription.notes["registered"] if subscription else {}
    return bool(states.get(target.namespace.lower()) == "Registered")


def _check_surroundings(call: Call, provider: Provider) -> None:
    """Registration, resource group, and the resources which the addressed one lies in or hangs on."""
    cloud, target = call.cloud, call.target
    if target.subscription and call.route.registered and not (target.plain or _registered(cloud, target)):
        raise errors.missing_registration(provider.namespace)
    if not call.route.parents:
        return
    if target.group and not target.plain and cloud.store.get(target.group_id) is None:
        raise errors.group_not_found(target.group)
    if not target.plain:
        _check_scope(cloud, target.scope)
    _check_ancestors(call, provider)


def _check_scope(cloud: Cloud, scope: str) -> None:
    """A resource that an extension resource hangs on must exist."""
    if "/providers/" not in scope.lower() or cloud.store.get(scope) is not None:
        return
    host = paths.parse(scope)
    if len(host.tail.split("/")) % 2:
        return  # /subscriptions/{id}/providers/{namespace}/locations and the like are no resources
    raise errors.resource_not_found(f"{host.namespace}/{host.tail}", host.group or "")


def _check_ancestors(call: Call, provider: Provider) -> None:
    target = call.target
    if target.plain:
        return
    whole = len(target.tail.split("/")) % 2 == 0
    action = call.request.method == "POST"
    ancestors = list(target.ancestors())
    for index, (types, resource_id) in enumerate(ancestors):
        if types.lower() in provider.implicit or call.cloud.store.get(resource_id) is not None:
            continue
        if action and not whole and index == len(ancestors) - 1:
            if index:
                continue  # the provider itself answers for what isn't tracked by ARM
            raise call.not_found()
        segments = target.tail.split("/")
        child = "/".join(segments[0 : 2 * index + 3 : 2])
        raise errors.parent_not_found(_PARENT_VERBS.get(call.request.method, "write"), child, resource_id)


def _announce(call: Call, provider: Provider) -> None:
    """Publish the event of a write: now, or when its operation has ended."""
    verb = _EVENT_VERBS.get(call.request.method)
    action = call.route.rbac_action(provider.namespace, call.arguments)
    if verb is None or not action:
        return

    def publish(outcome: str, operation: Operation | None) -> None:
        at = operation.ends if operation else call.at
        call.cloud.publish(
            ResourceEvent(outcome, verb, action, call.id, call.principal, at, call.correlation_id, call.request.method)
        )

    started = call.operation
    if started is None:
        publish("Success", None)
        return

    started.watchers.append(lambda op: publish("Success" if op.status == "Succeeded" else "Failure", op))
