"""What a check reads: by the places that are known, by those that Azure names, and no more than its budget."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace as struct_replace

from shared.arm.ids import ClusterId
from shared.backups.policies import Policies
from shared.onboarding.names import role_assignment
from shared.readiness.ask import VAULT, Ask
from shared.readiness.facts import Points
from shared.readiness.model import Status, Verdict
from shared.readiness.reading import BUDGET, BUDGET_WITH_TARGET
from shared.readiness.restore_tests import Outcome, RestoreTest
from shared.readiness.service import Known, UnknownCluster
from shared.settings import Inherit
from tests.local_azure.restoring import ACCOUNT_CONTRIBUTOR, BLOB_OWNER, STAGING, STAGING_ACCOUNT, give, place_staging
from tests.shared.readiness.breakages import (
    change,
    grant_of,
    job,
    newest_point,
    properties,
    put,
    several,
    take_away,
)
from tests.shared.readiness.protected import (
    BLOB_CONTRIBUTOR,
    CLUSTER,
    CONTRIBUTOR,
    NODE_GROUP,
    TARGET,
    principal_of,
    troubles,
)

if TYPE_CHECKING:
    from tests.shared.readiness.breakages import Find
    from tests.shared.readiness.protected import Protected

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OTHERS_GROUP = "00000000-0000-0000-0000-0000000009a1"


async def _requests(world: Protected, **asked: Any) -> list[str]:
    """Paths of the requests of one check."""
    await world.azure.control("DELETE", "/requests")
    await world.check(**asked)
    app = world.azure.azure.ready["app_principal_id"]
    return [entry["path"] for entry in await world.azure.control("GET", f"/requests?principal={app}")]


async def test_a_check_sends_what_it_counts(lasting: Protected) -> None:
    """No request is sent that isn't in the count, and none twice."""
    for asked in ({}, {"target": ClusterId.parse(TARGET)}):
        sent = await _requests(lasting, **asked)
        assert len(sent) == (await lasting.check(**asked)).facts.requests
        assert len(sent) <= (BUDGET_WITH_TARGET if asked else BUDGET)
        assert len(set(sent)) == len(sent)


async def test_a_cluster_that_the_app_does_not_remember_is_found_out(lasting: Protected) -> None:
    """Without a status row, as from a shell, Azure is asked first where the backup is; the answer is the same."""
    remembered = await lasting.readiness()
    with_row, lasting.remembered = lasting.remembered, Known()
    try:
        checked = await lasting.check()
    finally:
        lasting.remembered = with_row
    assert checked.facts.requests <= BUDGET
    assert (checked.readiness.verdict, troubles(checked.readiness)) == (Verdict.READY, {})
    assert checked.readiness.recovery_point == remembered.recovery_point


async def test_without_anything_remembered_an_unread_instance_is_unknown(lasting: Protected) -> None:
    """Nothing names the vault then: nothing is said to be missing in it."""
    refusal = {"action": "fail", "status": 403, "code": "AuthorizationFailed", "message": "no", "times": None}
    with_row, lasting.remembered = lasting.remembered, Known()
    await lasting.azure.control("POST", "/faults", {"match": {"path": "backupInstances$"}, **refusal})
    try:
        readiness = await lasting.readiness()
    finally:
        lasting.remembered = with_row
        await lasting.azure.control("DELETE", "/faults")
    assert readiness.verdict is Verdict.UNKNOWN
    assert Status.FAIL not in {check.status for check in readiness.checks}


async def test_what_azure_says_counts_against_what_is_remembered(lasting: Protected) -> None:
    """A row that names another instance costs a second round; one of which nothing is right any more, a second ask."""
    places = lasting.remembered.places
    assert places is not None
    moved = struct_replace(places, instance=f"{places.instance}-old", vault=f"{places.vault}-old")
    wrong = struct_replace(moved, account=f"{places.account}x", group=f"{places.group}-old")
    with_row = lasting.remembered
    try:
        lasting.remembered = Known(row=True, places=moved)
        by_moved = await lasting.check()
        lasting.remembered = Known(row=True, places=wrong)
        by_wrong, again = await lasting.check(), await lasting.check()
        lasting.remembered = with_row
        by_right = await lasting.check()
    finally:
        lasting.remembered = with_row
    assert troubles(by_moved.readiness) == {}
    assert "BudgetSpent" in troubles(by_wrong.readiness).values()
    assert troubles(again.readiness) == {"extension-healthy": "ExtensionElsewhere"}
    assert troubles(by_right.readiness) == {}
    for checked in (by_moved, by_wrong, again, by_right):
        assert checked.facts.requests <= BUDGET
        assert checked.facts.places == places


async def test_a_cluster_that_nobody_knows_is_no_answer(lasting: Protected) -> None:
    """Azure has none and the app has no row: there is nothing to say."""
    with_row, lasting.remembered = lasting.remembered, Known()
    try:
        found = await lasting.checker.check(ClusterId.parse(f"{CLUSTER}-none"), Ask())
    finally:
        lasting.remembered = with_row
    assert isinstance(found, UnknownCluster)


@pytest.mark.parametrize(
    ("path", "check"),
    [
        ("managedClusters/shop$", "cluster-running"),
        ("backupInstances$", "instance-protected"),
        ("recoveryPoints", "recovery-point"),
        ("shop/.*extensions", "extension-healthy"),
        ("trustedAccessRoleBindings", "trusted-access"),
        ("backupVaults/[^/]*$", "vault-ready"),
        ("storageAccounts/[^/]*$", "storage-account"),
        ("containers/", "storage-container"),
        ("locks", "snapshot-group-unlocked"),
        ("shop/.*roleAssignments", "role-vault-reads-cluster"),
        ("storageAccounts/.*roleAssignments", "role-extension-blobs"),
        ("ResourceGraph", "restore-quota"),
    ],
)
async def test_what_cannot_be_read_is_unknown_and_never_ready(lasting: Protected, path: str, check: str) -> None:
    """Azure refuses one read: the check says that it isn't known, and so does the verdict; then all is well again."""
    refusal = {"action": "fail", "status": 403, "code": "AuthorizationFailed", "message": "no", "times": None}
    await lasting.azure.control("POST", "/faults", {"match": {"path": path}, **refusal})
    try:
        readiness = await lasting.readiness()
    finally:
        await lasting.azure.control("DELETE", "/faults")
    assert readiness.verdict is Verdict.UNKNOWN
    found = next(item for item in readiness.checks if item.id == check)
    assert (found.status, found.reason) == (Status.UNKNOWN, "AuthorizationFailed")
    assert "role" in found.fix
    assert (await lasting.readiness()).verdict is Verdict.READY


@pytest.mark.parametrize("member", [True, False], ids=["a member", "no member"])
async def test_a_role_by_way_of_a_group_counts_for_its_members(lasting: Protected, member: bool) -> None:
    """The vault's own assignment is gone, a group has one: only its members hold the role."""
    mine = grant_of(3)(lasting)
    repair = take_away(grant_of(3))(lasting)
    members = [principal_of(lasting.desired.vault)] if member else []
    made = await lasting.azure.control("PUT", "/groups", {"name": "readers", "members": members, "id": _OTHERS_GROUP})
    held = mine.rpartition("/")[0] + "/00000000-0000-4000-8000-00000000aaaa"
    reader = {"roleDefinitionId": "/x/acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": made["id"]}
    lasting.azure.cloud.seed(held, {"properties": reader | {"principalType": "Group"}})
    try:
        checked = await lasting.check()
    finally:
        await lasting.azure.control("DELETE", f"/groups?id={made['id']}")
        found = lasting.azure.cloud.store.get(held)
        assert found
        lasting.azure.cloud.store.drop(found)
        repair()
    role = next(item for item in checked.checks if item.id == "role-vault-reads-snapshots")
    assert (role.status, role.reason) == ((Status.PASS, "HeldByGroup") if member else (Status.FAIL, "RoleMissing"))
    assert checked.facts.requests <= BUDGET
    assert len(checked.facts.memberships) == 1


async def test_a_stronger_role_higher_up_counts(lasting: Protected) -> None:
    """Owner of the subscription in place of Contributor on the snapshot group."""
    repair = take_away(grant_of(0))(lasting)
    owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    subscription = CLUSTER.split("/resourceGroups")[0]
    held = f"{subscription}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000bbbb"
    granted = {"roleDefinitionId": f"/x/{owner}", "principalId": principal_of(CLUSTER)}
    lasting.azure.cloud.seed(held, {"properties": granted | {"principalType": "ServicePrincipal"}})
    try:
        readiness = await lasting.readiness()
    finally:
        found = lasting.azure.cloud.store.get(held)
        assert found
        lasting.azure.cloud.store.drop(found)
        repair()
    assert readiness.verdict is Verdict.READY


async def test_a_role_given_a_moment_ago_may_not_count_yet(lasting: Protected) -> None:
    """Until ten minutes have passed or a backup has shown that it does."""
    name, repair = grant_of(3)(lasting), take_away(grant_of(3))(lasting)
    body = {
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "principalId": principal_of(lasting.desired.vault),
        "principalType": "ServicePrincipal",
    }
    try:
        assert (await lasting.azure.arm("PUT", name, {"properties": body})).status == 201
        assert troubles(await lasting.readiness()) == {"role-vault-reads-snapshots": "RolePropagating"}
        await lasting.step(600)
        assert troubles(await lasting.readiness()) == {}
    finally:
        repair()


async def test_backups_of_the_source_prove_no_role_of_the_target(lasting: Protected) -> None:
    """A point that is younger than a grant shows that the source's roles count, not the target's."""
    scope, identity = lasting.desired.group, principal_of(TARGET)
    name = role_assignment(scope, identity, CONTRIBUTOR)
    repair = take_away(lambda _: name)(lasting)
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
    body = {"roleDefinitionId": definition, "principalId": identity, "principalType": "ServicePrincipal"}
    try:
        assert (await lasting.azure.arm("PUT", name, {"properties": body})).status == 201
        await lasting.step(60)
        now = lasting.azure.cloud.clock.now()
        young = change(newest_point, properties(recoveryPointTime=f"{now:%Y-%m-%dT%H:%M:%S}.0000000Z"))(lasting)
        try:
            readiness = await lasting.readiness(target=ClusterId.parse(TARGET))
        finally:
            young()
        assert troubles(readiness)["target-role-cluster-snapshots"] == "RolePropagating"
    finally:
        repair()


async def test_a_point_that_was_asked_for_is_the_one(lasting: Protected) -> None:
    """An older point is restored when it is named; one that isn't there fails; an old point's snapshots aren't seen."""
    points = (await lasting.check()).facts.points
    items = points.items  # type: ignore[union-attr]
    second = await lasting.readiness(recovery_point=items[1].id.upper())
    assert second.recovery_point == items[1].id
    assert (second.expected_data_loss_seconds or 0) > 4 * 3600
    oldest = await lasting.readiness(recovery_point=items[-1].id)
    assert troubles(oldest) == {"snapshots-there": "NotLookedAt"}
    missing = await lasting.readiness(recovery_point="0" * 32)
    assert (missing.verdict, missing.recovery_point) == (Verdict.NOT_READY, None)
    assert troubles(missing)["recovery-point"] == "PointMissing"


async def test_a_restore_from_the_vault_needs_staging(lasting: Protected) -> None:
    """With group and account named, open and granted it is Ready; without, it says what is missing."""
    bare = await lasting.readiness(tier=VAULT)
    assert troubles(bare) == {"staging": "StagingMissing"}
    asked = {"tier": VAULT, "staging_group": STAGING, "staging_account": STAGING_ACCOUNT}
    assert troubles(await lasting.readiness(**asked))["staging"] == "StagingMissing"
    place_staging(lasting.azure.cloud)
    vault, extension = principal_of(lasting.desired.vault), principal_of(f"{CLUSTER}/{_EXTENSION}")
    give(
        lasting.azure.cloud,
        (CONTRIBUTOR, vault, STAGING),
        (CONTRIBUTOR, principal_of(CLUSTER), STAGING),
        (ACCOUNT_CONTRIBUTOR, vault, STAGING_ACCOUNT),
        (BLOB_OWNER, vault, STAGING_ACCOUNT),
    )
    assert troubles(await lasting.readiness(**asked)) == {"staging-role-extension": "RoleMissing"}
    give(lasting.azure.cloud, (BLOB_CONTRIBUTOR, extension, STAGING_ACCOUNT))
    checked = await lasting.check(**asked)
    assert (checked.readiness.verdict, troubles(checked.readiness)) == (Verdict.READY, {})
    assert checked.readiness.tier == VAULT
    assert checked.facts.requests <= BUDGET_WITH_TARGET


_EXTENSION = "providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"


async def test_ids_in_another_case_are_the_same(lasting: Protected) -> None:
    """Azure changes the case of ids at will: nothing is read twice for that."""
    policy = lasting.body(lasting.desired.instance)["properties"]["policyInfo"]["policyParameters"]
    store = policy["dataStoreParametersList"][0]
    store["resourceGroupId"] = lasting.desired.group.upper()
    try:
        checked = await lasting.check()
    finally:
        store["resourceGroupId"] = lasting.desired.group
    assert (checked.readiness.verdict, checked.facts.requests) == (Verdict.READY, 12)
    assert checked.facts.places.node_group == NODE_GROUP


_SUBNET = f"{CLUSTER.split('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
_WAYS_IN: dict[str, dict[str, Any]] = {
    "the nodes' subnet": {
        "networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices", "virtualNetworkRules": [{"id": _SUBNET}]}
    },
    "a private endpoint": {
        "publicNetworkAccess": "Disabled",
        "privateEndpointConnections": [
            {
                "properties": {
                    "privateLinkServiceConnectionState": {"status": "Approved"},
                    "privateEndpoint": {"id": "e"},
                }
            }
        ],
    },
}


@pytest.mark.parametrize("way", _WAYS_IN)
async def test_a_closed_account_with_a_way_in_is_reachable(lasting: Protected, way: str) -> None:
    """A rule for the subnet of all nodes, or an approved private endpoint."""

    def join(body: Any) -> None:
        for pool in body["properties"]["agentPoolProfiles"]:
            pool["vnetSubnetID"] = _SUBNET.upper()

    account = change(lambda world: world.desired.account, properties(**_WAYS_IN[way]))
    repair = several(account, change(lambda _: CLUSTER, join))(lasting)
    try:
        assert troubles(await lasting.readiness()) == {}
    finally:
        repair()


async def test_a_tag_of_the_resource_group_asks_for_the_policy(lasting: Protected) -> None:
    """Where tags are inherited: the group's counts for a cluster without one; where they aren't, nothing asks."""
    group = CLUSTER.split("/providers")[0]
    untagged = change(lambda _: CLUSTER, lambda body: body.update(tags={}))
    tagged = change(lambda _: group, lambda body: body.update(tags={"AKS-Backup": "gold"}))
    usual, repair = lasting.checker, several(untagged, tagged)(lasting)
    try:
        assert troubles(await lasting.readiness()) == {"policy-as-tagged": "PolicyDiffers"}
        lasting.checker = dataclasses.replace(usual, settings=usual.settings._replace(inherit=Inherit.SUBSCRIPTION))
        inheriting = await lasting.check()
    finally:
        lasting.checker = usual
        repair()
    assert (troubles(inheriting.readiness), inheriting.facts.requests) == ({}, 12)


async def test_past_restores_say_how_long_one_takes(lasting: Protected) -> None:
    """The median of those that succeeded; above the RTO target it is a warning."""
    at = lasting.azure.cloud.clock.now().timestamp()
    tests = [
        RestoreTest(f"t{n}", Outcome.SUCCESSFUL, at - 100 * n, seconds, "book")
        for n, seconds in enumerate((5.0, 900.0, 700.0))
    ]
    before, usual = lasting.remembered, lasting.checker
    policies = usual.catalog.policies | {"gold": struct_replace(usual.catalog.policies["gold"], rto_target="PT10M")}
    catalog = struct_replace(usual.catalog, policies=policies)
    lasting.remembered = dataclasses.replace(before, tests=tests)
    try:
        good = await lasting.readiness()
        lasting.checker = dataclasses.replace(usual, catalog=catalog, policies=Policies.of(catalog))
        slow = await lasting.readiness()
        lasting.remembered = before
        untried = await lasting.readiness()
    finally:
        lasting.remembered, lasting.checker = before, usual
    assert (troubles(good), good.expected_duration_seconds) == ({}, 700)
    tried = next(check for check in good.checks if check.id == "restore-tried")
    assert 0 <= tried.evidence["secondsSinceSuccess"] < 60
    assert troubles(slow) == {"restore-tried": "SlowerThanTarget"}
    assert troubles(untried) == {"restore-tried": "NeverTried"}


async def test_a_leftover_disk_is_no_failure(lasting: Protected) -> None:
    """A disk that no node uses may be of a claim that is gone: its missing snapshot is a warning, not a failure."""
    repair = put(
        lambda _: (
            f"{NODE_GROUP}/providers/Microsoft.Compute/disks/pvc-9",
            {
                "location": "westeurope",
                "sku": {"name": "Premium_LRS"},
                "tags": {
                    "kubernetes.io-created-for-pvc-name": "old",
                    "kubernetes.io-created-for-pvc-namespace": "shop",
                },
                "properties": {"diskSizeGB": 8, "timeCreated": "2024-06-20T08:00:00Z", "diskState": "Unattached"},
            },
        )
    )(lasting)
    try:
        readiness = await lasting.readiness()
    finally:
        repair()
    assert (readiness.verdict, troubles(readiness)) == (Verdict.AT_RISK, {"snapshots-there": "SnapshotMissing"})


async def test_points_of_an_earlier_policy_are_no_missing_ones(lasting: Protected) -> None:
    """A day ago the cluster moved from one backup a day to one every four hours: only since then are six promised."""
    points = (await lasting.check()).facts.points
    assert isinstance(points, Points)
    day = points.items[0].time - 86400
    old = [point.id for point in points.items if point.time < day]
    moved = [
        change(_always(f"{lasting.desired.instance}/recoveryPoints/{name}"), properties(policyName="bronze-00000000"))
        for name in old[:1]
    ]
    gone = [take_away(_always(f"{lasting.desired.instance}/recoveryPoints/{name}")) for name in old[1:]]
    repair = several(*gone)(lasting)
    try:
        assert troubles(await lasting.readiness()) == {"points-retained": "PointsMissing"}
        also = several(*moved)(lasting)
        try:
            assert troubles(await lasting.readiness()) == {}
        finally:
            also()
    finally:
        repair()


def _always(resource_id: str) -> Find:
    return lambda _: resource_id


async def test_restores_of_yesterday_leave_today_its_ten(lasting: Protected) -> None:
    """Azure counts by the day; eight of today leave two, which is said."""
    yesterday = several(*(put(job("Restore", "Completed", 30 + number, minutes_ago=2000)) for number in range(10)))
    repair = yesterday(lasting)
    try:
        assert troubles(await lasting.readiness()) == {}
        more = several(*(put(job("Restore", "Completed", 50 + number)) for number in range(8)))(lasting)
        try:
            assert troubles(await lasting.readiness()) == {"restore-quota": "QuotaShort"}
        finally:
            more()
    finally:
        repair()
