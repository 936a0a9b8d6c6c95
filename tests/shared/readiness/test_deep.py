"""Azure's own validateRestore as a check: what it says of what is there, and what an unanswered question is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.arm.answers import OperationState
from shared.arm.clock import AzureClock
from shared.arm.ids import ClusterId
from shared.errors import ArmError, ArmUnreachable, InvalidRestoreRequest
from shared.readiness import deep
from shared.readiness.ask import VAULT
from shared.readiness.drafting import Undrafted, draft
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Check, Status, Verdict
from shared.readiness.request import RestoreRequest
from tests.local_azure.restoring import STAGING, STAGING_ACCOUNT, give, place_staging, staging_grants_of
from tests.shared.readiness.protected import CLUSTER, TARGET

if TYPE_CHECKING:
    from tests.shared.readiness.protected import Protected

_EXTENSION = "{}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"


async def _request(world: Protected, **asked: object) -> RestoreRequest:
    drafted = draft((await world.check(**asked)).facts)
    assert isinstance(drafted, RestoreRequest)
    return drafted


async def _outcome(world: Protected, request: RestoreRequest) -> Validated:
    begun = await deep.begin(world.door, request)
    assert isinstance(begun, Validating)
    assert await deep.look(world.door, begun) is None
    await world.step(42)
    ended = await deep.look(world.door, begun)
    assert ended is not None
    return ended


def _told(world: Protected, outcome: Validated | Validating | ArmError, target: str = CLUSTER) -> Check:
    return deep.validation_check(
        outcome, vault=world.desired.vault, tier="OperationalStore", target=ClusterId.parse(target)
    )


async def test_a_protected_cluster_passes(world: Protected) -> None:
    """With the newest point, and with another target; the verdict stays Ready and says that it is deep."""
    for asked in ({}, {"target": ClusterId.parse(TARGET)}):
        checked = await world.check(**asked)
        request = draft(checked.facts)
        assert isinstance(request, RestoreRequest)
        assert request.target == asked.get("target", ClusterId.parse(CLUSTER))
        outcome = await _outcome(world, request)
        assert outcome.passed
        check = _told(world, outcome)
        assert (check.status, check.reason, check.decides) == (Status.PASS, "Validated", True)
        assert check.evidence["recoveryPointId"] == request.point
        answer = checked.deepened(check).readiness
        assert (answer.verdict, answer.deep) == (Verdict.READY, True)


async def test_what_azure_finds_missing_is_a_failure_with_its_code(world: Protected) -> None:
    """The extension was deleted after the quick checks had read it."""
    checked = await world.check()
    request = draft(checked.facts)
    assert isinstance(request, RestoreRequest)
    world.azure.cloud.store.remove(_EXTENSION.format(CLUSTER))
    outcome = await _outcome(world, request)
    assert outcome.code == "UserErrorKubernetesBackupExtensionNotFoundError"
    check = _told(world, outcome)
    assert (check.status, check.reason) == (Status.FAIL, outcome.code)
    assert checked.deepened(check).readiness.verdict is Verdict.NOT_READY


async def test_the_role_that_is_missing_is_given_by_the_fix(world: Protected) -> None:
    """A command with the target and the vault in it."""
    outcome = Validated(False, 0.0, "p", "KubernetesBackupListExtensionsError", "no")
    fix = _told(world, outcome, TARGET).fix
    assert "--role Reader" in fix
    assert TARGET in fix
    assert world.desired.vault in fix


async def test_an_instance_that_is_gone_is_refused_at_once(world: Protected) -> None:
    """Azure's 404 is an answer about the restore; nothing is left running."""
    request = await _request(world)
    world.azure.cloud.store.remove(request.instance)
    outcome = await deep.begin(world.door, request)
    assert isinstance(outcome, Validated)
    assert (outcome.passed, outcome.code) == (False, "UserErrorGenericResourceNotFound")
    assert _told(world, outcome).status is Status.FAIL


async def test_a_lock_that_stops_the_question_stops_the_restore(world: Protected) -> None:
    """Azure refuses to validate under a read-only lock, and would refuse to restore."""
    request = await _request(world)
    subscription = CLUSTER.partition("/resourceGroups")[0]
    world.azure.cloud.seed(
        f"{subscription}/providers/Microsoft.Authorization/locks/still", {"properties": {"level": "ReadOnly"}}
    )
    outcome = await deep.begin(world.door, request)
    assert isinstance(outcome, Validated)
    assert (_told(world, outcome).status, outcome.code) == (Status.FAIL, "ScopeLocked")


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AuthorizationFailed"), (429, "TooManyRequests"), (503, "ServiceUnavailable")]
)
async def test_a_question_that_could_not_be_asked_is_no_answer(world: Protected, status: int, code: str) -> None:
    """Unknown, not failed; and so is the verdict."""
    checked = await world.check()
    request = draft(checked.facts)
    assert isinstance(request, RestoreRequest)
    fault = {"match": {"path": "validateRestore"}, "action": "fail", "status": status, "code": code, "times": None}
    await world.azure.control("POST", "/faults", {**fault, "message": "no", "headers": {"Retry-After": "1"}})
    with pytest.raises(ArmError) as caught:
        await deep.begin(world.door, request)
    check = _told(world, caught.value)
    assert (check.status, check.reason) == (Status.UNKNOWN, code)
    assert checked.deepened(check).readiness.verdict is Verdict.UNKNOWN


async def test_a_validation_that_azure_broke_off_is_no_answer(world: Protected) -> None:
    """An internal error at its end says nothing of the cluster."""
    request = await _request(world)
    late = {"action": "fail_late", "code": "CloudInternalError", "message": "sorry"}
    await world.azure.control("POST", "/faults", {"match": {"path": "validateRestore"}, **late})
    check = _told(world, await _outcome(world, request))
    assert (check.status, check.reason) == (Status.UNKNOWN, "CloudInternalError")


async def test_one_that_still_runs_is_unknown(world: Protected) -> None:
    """Until somebody looks again."""
    begun = await deep.begin(world.door, await _request(world))
    assert not isinstance(begun, Validated)
    assert (_told(world, begun).status, _told(world, begun).reason) == (Status.UNKNOWN, "StillRunning")


async def test_waiting_ends_with_the_validation_or_with_its_time(world: Protected) -> None:
    """None when its time is up, the outcome when there is one."""
    begun = await deep.begin(world.door, await _request(world))
    assert isinstance(begun, Validating)
    assert await deep.until(world.door, begun, 0.0) is None
    await world.step(42)
    ended = await deep.until(world.door, begun, 30.0)
    assert ended is not None
    assert ended.passed


class ToyDoor:
    """Answers polls out of a list, in less time than Azure's whole seconds."""

    def __init__(self, *answers: OperationState | ArmError) -> None:
        self._answers = list(answers)
        self.clock = AzureClock()

    async def poll(self, _: str) -> OperationState:
        """The next answer."""
        answer = self._answers.pop(0)
        if isinstance(answer, ArmError):
            raise answer
        return answer


async def test_waiting_goes_on_through_troubles_that_pass() -> None:
    """It looks again after the time that Azure names, until it knows."""
    running, done = (OperationState(one, 0.01 if one else None, {}) for one in (True, False))
    busy = ArmError("later", status=503, retry_after=0.01)
    door: Any = ToyDoor(running, busy, ArmError("slower", status=429, retry_after=0.01), running, done)
    outcome = await deep.until(door, Validating("u", 0.0, "p"), 5.0)
    assert outcome is not None
    assert outcome.passed


async def test_waiting_for_what_is_not_there_fails(world: Protected) -> None:
    """An operation that Azure has forgotten is never waited for."""
    begun = await deep.begin(world.door, await _request(world))
    assert isinstance(begun, Validating)
    path, _, query = begun.url.partition("?")
    forgotten = Validating(f"{path}x?{query}", begun.started, begun.recovery_point)
    with pytest.raises(ArmError) as caught:
        await deep.until(world.door, forgotten, 30.0)
    assert caught.value.status == 404


async def test_what_is_not_there_cannot_be_drafted(world: Protected) -> None:
    """No point, no instance, no target: each by its reason; an unread fact is told from a missing one."""
    facts = (await world.check(recovery_point="f" * 32)).facts
    assert draft(facts) == Undrafted(
        "NoRecoveryPoint", f"the recovery point {'f' * 32} isn't there in the OperationalStore", known=True
    )
    missing = ClusterId.parse(TARGET.replace("spare", "nobody"))
    undrafted = draft((await world.check(target=missing)).facts)
    assert isinstance(undrafted, Undrafted)
    assert (undrafted.reason, undrafted.known) == ("ClusterMissing", True)
    fault = {"match": {"path": "recoveryPoints"}, "action": "fail", "status": 403, "code": "AuthorizationFailed"}
    await world.azure.control("POST", "/faults", {**fault, "message": "no"})
    undrafted = draft((await world.check()).facts)
    assert isinstance(undrafted, Undrafted)
    assert (undrafted.reason, undrafted.known) == ("AuthorizationFailed", False)


async def test_a_restore_from_the_vault_cannot_be_drafted_without_staging(world: Protected) -> None:
    """The asker has to name it."""
    with pytest.raises(InvalidRestoreRequest, match="stagingGroup"):
        draft((await world.check(tier=VAULT)).facts)


async def test_snapshots_cannot_be_drafted_to_another_region(world: Protected) -> None:
    """Which is a fact, not a slip of the asker's."""
    world.body(TARGET)["location"] = "northeurope"
    undrafted = draft((await world.check(target=ClusterId.parse(TARGET))).facts)
    assert isinstance(undrafted, Undrafted)
    assert (undrafted.reason, undrafted.known) == ("OtherRegion", True)


async def test_nothing_to_ask_about_is_unknown_and_refers_to_the_other_checks(world: Protected) -> None:
    """Its reason is that of the missing request."""
    check = _told(world, ArmError("no backup instance protects the cluster", code="NotProtected"))
    assert (check.status, check.reason) == (Status.UNKNOWN, "NotProtected")
    assert "another check" in check.fix


async def test_a_target_in_the_paired_region_is_validated_there(world: Protected) -> None:
    """From the vault tier, by the paired region's own call; the role of the app allows it."""
    cloud = world.azure.cloud
    world.body(world.desired.vault)["properties"]["featureSettings"] = {
        "crossRegionRestoreSettings": {"state": "Enabled"}
    }
    place_staging(cloud)
    for resource_id in (TARGET, STAGING, STAGING_ACCOUNT):
        world.body(resource_id)["location"] = "northeurope"
    extension = world.body(_EXTENSION.format(TARGET))["properties"]["aksAssignedIdentity"]["principalId"]
    vault, cluster = (world.body(one)["identity"]["principalId"] for one in (world.desired.vault, TARGET))
    give(cloud, *staging_grants_of(vault, cluster, extension))
    asked = {"tier": VAULT, "staging_group": STAGING, "staging_account": STAGING_ACCOUNT}
    request = await _request(world, target=ClusterId.parse(TARGET), **asked)
    assert request.across
    outcome = await _outcome(world, request)
    assert (outcome.passed, outcome.message) == (True, "")
    asked_of = [one["path"] for one in await world.azure.control("GET", "/requests?kind=write")]
    (asked_once,) = [path for path in asked_of if "alidate" in path]
    assert asked_once.endswith("/locations/northeurope/validateCrossRegionRestore")


def test_no_answer_at_all_is_unknown() -> None:
    """As every other trouble on the way."""
    check = deep.validation_check(ArmUnreachable("no route"), vault="", tier=VAULT, target=ClusterId.parse(CLUSTER))
    assert (check.status, check.reason) == (Status.UNKNOWN, "NotAsked")


def _check(reason: str) -> Check:
    return Check("some-check", Status.WARN, reason, "who knows?", decides=True, fix="ask with deep=true")


@pytest.mark.parametrize("reason", ["PairedRegion", "NotLookedAt"])
async def test_a_passed_validation_settles_what_only_azure_knows(world: Protected, reason: str) -> None:
    """A doubt that only Azure can end is no warning any more once it has; any other warning stays one."""
    good, bad = (Validated(passed, 0.0, "p", "SomeCode", "no") for passed in (True, False))
    settled, stays, said = deep.beside([_check(reason), _check("QuotaShort")], _told(world, good))
    assert (settled.status, settled.fix, settled.reason) == (Status.PASS, "", reason)
    assert (stays.status, said.status) == (Status.WARN, Status.PASS)
    assert deep.beside([_check(reason)], _told(world, bad))[0].status is Status.WARN


async def test_an_instance_in_error_may_be_restored_from_where_azure_says_so(world: Protected) -> None:
    """Nobody documents it, so the checks say no; Azure's yes counts, and that no backup is made stays a warning."""
    instance = world.azure.cloud.store.get(world.desired.instance)
    assert instance is not None
    instance.properties["currentProtectionState"] = "ProtectionError"
    world.azure.cloud.store.touch(instance.id)
    checked = await world.check()
    assert checked.readiness.verdict is Verdict.NOT_READY
    request = draft(checked.facts)
    assert isinstance(request, RestoreRequest)
    readiness = checked.deepened(_told(world, await _outcome(world, request))).readiness
    assert (readiness.verdict, readiness.reason.partition(":")[0]) == (Verdict.AT_RISK, "instance-protected")
