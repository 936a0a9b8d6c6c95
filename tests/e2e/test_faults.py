"""What Azure does wrong: what passes by itself ends protected, what doesn't is in the status row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from local.stack import SUBSCRIPTION
from tests.e2e.conftest import SECOND_SUBSCRIPTION
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP: Final = "rg-faulty"
_LOCATION: Final = "eastus"
_HELM: Final = "helm install failed: timed out waiting for the condition"
_LOCKED: Final = "UserErrorSnapshotResourceGroupHasLocks"
_NO_ROLE: Final = "UserErrorExtensionMSIMissingPermissionsOnBackupStorageLocation"


@dataclass(frozen=True, slots=True)
class Case:
    """A cluster and the fault that it meets; `path` is a pattern, and by it the fault meets nobody else."""

    name: str
    path: str
    action: str = "fail"
    details: Mapping[str, Any] = field(default_factory=dict)
    location: str = _LOCATION
    reason: str = ""
    who: str = ""


_PASSING: Final = (
    Case(
        "throttled",
        "/throttled/providers/.*/extensions/",
        "throttle",
        {"method": "PUT", "times": 2, "retry_after": 300},
    ),
    Case("broken-500", "managedClusters/broken-500$", details={"times": 4, "status": 500}),
    Case("broken-503", "/broken-503/providers/.*/extensions", details={"times": 5, "status": 503}),
    Case("dropped", "-dropped-.*/storageAccounts/[^/]*$", "drop", {"times": 4}),
    Case("answer-lost", "/answer-lost/providers/.*/extensions/", "drop", {"method": "PUT", "after": True}),
    Case(
        "unknown-principal",
        "-unknown-principal-.*/roleAssignments/",
        details={"times": 2, "status": 400, "code": "PrincipalNotFound", "method": "PUT"},
    ),
    Case(
        "conflict",
        "/conflict/trustedAccessRoleBindings/",
        details={"method": "PUT", "times": 2, "status": 409, "code": "OperationNotAllowed"},
    ),
    Case("account-fails", "-account-fails-.*/storageAccounts/[^/]*$", "fail_late", {"method": "PUT", "status": 500}),
    Case("roles-late", "/validateForBackup$", "fail_late", {"times": 2, "status": 400, "code": _NO_ROLE}, "eastus2"),
    Case(
        "protection-fails",
        "backupInstances/protection-fails-",
        "fail_late",
        {"method": "PUT", "kind": "protection", "status": 400, "code": "UserErrorBackupStorageLocationNotReady"},
    ),
)
_LASTING: Final = (
    Case(
        "no-room",
        "/no-room/providers/.*/extensions/",
        "fail_late",
        {"method": "PUT", "times": None, "status": 400, "code": "ExtensionOperationFailed", "message": _HELM},
        reason="NoRoomForExtension",
        who="cluster owner",
    ),
    Case(
        "locked",
        "/validateForBackup$",
        "fail_late",
        {"times": None, "status": 400, "code": _LOCKED},
        "centralus",
        _LOCKED,
        "cluster owner",
    ),
    Case(
        "forbidden-by-policy",
        "-forbidden-by-policy-[a-z0-9]*$",
        details={"method": "PUT", "times": None, "status": 403, "code": "RequestDisallowedByPolicy"},
        reason="RequestDisallowedByPolicy",
        who="cluster owner",
    ),
    Case(
        "invalid",
        "/invalid/trustedAccessRoleBindings/",
        details={"method": "PUT", "times": None, "status": 400, "code": "InvalidParameter"},
        reason="InvalidParameter",
        who="operator",
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def faulty(app: Fleet) -> Mapping[str, str]:
    """Clusters that each meet their fault, announced; ids by name."""
    ids = {}
    for case in (*_PASSING, *_LASTING):
        path = case.path
        if path.startswith("/validate"):  # a validation's path names no cluster, but a region has one vault
            path = f"vaults-default-{case.location}/.*{path}"
        await app.fault(path, case.action, **case.details)
        ids[case.name] = await app.onboard(case.name, "gold", group=_GROUP, location=case.location)
    return ids


async def _struck(app: Fleet, case: Case) -> bool:
    """Whether the fault that was ordered has met a request."""
    faults = await app.owner.control("GET", "/faults")
    return any(fault["matched"] for fault in faults if fault["match"]["path"].endswith(case.path))


async def test_an_app_without_its_role_says_what_it_may_not_do(app: Fleet, faulty: Mapping[str, str]) -> None:
    """Where the role assignment is missing, the row has Azure's refusal; once it is there, a hint is enough."""
    assert faulty, "the others are under way meanwhile"
    scope = f"/subscriptions/{SECOND_SUBSCRIPTION}"
    app_id = app.parts.azure.ready["app_principal_id"]
    [assignment] = [
        item
        for item in await app.resources("Microsoft.Authorization/roleAssignments", scope)
        if item["body"]["properties"]["principalId"] == app_id
    ]
    await app.owner.control("DELETE", f"/resources?id={assignment['id']}")
    cluster = await app.onboard("unauthorized", "bronze", subscription=SECOND_SUBSCRIPTION, location=_LOCATION)
    row = await app.settled(cluster, "Blocked", "AuthorizationFailed")
    assert row["who"] == "operator"
    assert "Microsoft.ContainerService/managedClusters/read" in row["message"]
    await app.seed(assignment["id"], {"properties": assignment["body"]["properties"]})
    await app.announce(cluster)
    await app.protected(cluster)
    assert all(item["path"].startswith(scope) for item in await app.requests("unauthorized"))
    assert SUBSCRIPTION not in str(await app.instances(cluster))


@pytest.mark.parametrize("case", _PASSING, ids=lambda case: case.name)
async def test_what_passes_by_itself_ends_protected(app: Fleet, faulty: Mapping[str, str], case: Case) -> None:
    """A while later than without the fault, with one instance and without anybody's help."""
    await app.protected(faulty[case.name])
    assert await _struck(app, case)
    [instance] = await app.instances(faulty[case.name])
    assert instance["properties"]["currentProtectionState"] == "ProtectionConfigured"


async def test_a_lost_answer_installs_nothing_twice(app: Fleet, faulty: Mapping[str, str]) -> None:
    """The extension's PUT was carried out and its answer lost: the next look finds it, and there is one install."""
    await app.protected(faulty["answer-lost"])
    done = await app.operations("/answer-lost/", "extensionWrite")
    assert [item["status"] for item in done] == ["Succeeded"]


@pytest.mark.parametrize("case", _LASTING, ids=lambda case: case.name)
async def test_what_lasts_is_blocked_with_its_reason(app: Fleet, faulty: Mapping[str, str], case: Case) -> None:
    """The row has Azure's code and words, and says who can act; it is looked at again, seldom."""
    row = await app.settled(faulty[case.name], "Blocked", case.reason)
    assert row["who"] == case.who
    assert row["message"]
    assert row["wake"]
    assert await _struck(app, case)
    assert await app.instances(faulty[case.name]) == []


async def test_the_install_that_timed_out_says_so(app: Fleet, faulty: Mapping[str, str]) -> None:
    """The cluster's owner reads what helm said."""
    row = await app.settled(faulty["no-room"], "Blocked", "NoRoomForExtension")
    assert _HELM in row["message"]
