"""Over random combinations of everything that can break: no verdict promises a restore that Azure would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.arm.ids import ClusterId
from shared.readiness import deep
from shared.readiness.ask import VAULT
from shared.readiness.drafting import draft
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Verdict
from shared.readiness.request import RestoreRequest
from tests.local_azure.restoring import STAGING, STAGING_ACCOUNT, give, place_staging, staging_grants_of
from tests.shared.readiness.breakages import BREAKAGES, TARGET_BREAKAGES, change, properties, take_away
from tests.shared.readiness.protected import CLUSTER, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.shared.readiness.breakages import Break, Undo
    from tests.shared.readiness.protected import Protected

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EXTENSION = "providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
_PROMISES = {Verdict.READY, Verdict.AT_RISK}
_ELSEWHERE = {"target": ClusterId.parse(TARGET)}
_STAGED = {"tier": VAULT, "staging_group": STAGING, "staging_account": STAGING_ACCOUNT}
_HERE: dict[str, Any] = {}
_ASKED: tuple[dict[str, Any], ...] = (_HERE, _ELSEWHERE, _STAGED, {**_ELSEWHERE, **_STAGED})


def _one(resource_id: str) -> Callable[[Protected], str]:
    return lambda _: resource_id


def _grants(world: Protected) -> list[tuple[str, str, str]]:
    """What a restore from the vault to either cluster needs on the staging location."""
    vault, identities = world.body(world.desired.vault)["identity"]["principalId"], []
    for cluster in (CLUSTER, TARGET):
        extension = world.azure.cloud.store.get(f"{cluster}/{_EXTENSION}")
        assert extension
        of_extension = extension.properties["aksAssignedIdentity"]["principalId"]
        identities.append((world.body(cluster)["identity"]["principalId"], of_extension))
    return [grant for pair in identities for grant in staging_grants_of(vault, *pair)]


def _staging_role(number: int) -> Break:
    def do(world: Protected) -> Undo:
        cloud, (role, principal, scope) = world.azure.cloud, _STAGING_GRANTS[number]
        name = cloud.directory.guid("assignment", principal, role, scope)
        return take_away(_one(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"))(world)

    return do


def _place(location: str) -> Callable[[Any], None]:
    return lambda body: body.update(location=location)


_STAGING_GRANTS: list[tuple[str, str, str]] = []  # as the fixture has given them

_STAGING_BREAKAGES: dict[str, Break] = {
    "staging group gone": take_away(_one(STAGING), alone=True),
    "staging account gone": take_away(_one(STAGING_ACCOUNT), alone=True),
    "staging group elsewhere": change(_one(STAGING), _place("eastus")),
    "staging account elsewhere": change(_one(STAGING_ACCOUNT), _place("eastus")),
    "staging account closed": change(_one(STAGING_ACCOUNT), properties(publicNetworkAccess="Disabled")),
    "staging account denies": change(_one(STAGING_ACCOUNT), properties(networkAcls={"defaultAction": "Deny"})),
    "staging account of one tenant": change(_one(STAGING_ACCOUNT), properties(allowCrossTenantReplication=False)),
    **{f"staging role {number} gone": _staging_role(number) for number in range(10)},
}
_ALL = {
    **{name: breakage.do for name, breakage in (BREAKAGES | TARGET_BREAKAGES).items()},
    **_STAGING_BREAKAGES,
}
"""Named and closed."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def staged(lasting: Protected) -> Protected:
    """With a place for staging, and every role on it; old enough to count everywhere."""
    place_staging(lasting.azure.cloud)
    _STAGING_GRANTS[:] = _grants(lasting)
    give(lasting.azure.cloud, *_STAGING_GRANTS)
    await lasting.step(3600)
    return lasting


def _broken(world: Protected, names: list[str]) -> list[Undo]:
    """Break as many of these as there is something left to break."""
    undos = []
    for name in names:
        try:
            undos.append(_ALL[name](world))
        except AssertionError:  # another one took it away whole
            continue
    return undos


async def _refusal(world: Protected, request: RestoreRequest) -> str:
    """The code that Azure refuses a restore with, or ""."""
    begun = await deep.begin(world.door, request)
    if isinstance(begun, Validating):
        await world.step(42)
        ended = await deep.look(world.door, begun)
        assert ended is not None
        begun = ended
    assert isinstance(begun, Validated)
    return "" if begun.passed else begun.code


async def _promised_and_refused(world: Protected, names: list[str], asked: dict[str, Any]) -> tuple[bool, str]:
    """With these things broken: whether the verdict promises a restore, and the code that Azure refuses it with."""
    whole = draft((await world.check(**asked)).facts)
    undos = _broken(world, names)
    try:
        checked = await world.check(**asked)
        drafted = draft(checked.facts)
        request = drafted if isinstance(drafted, RestoreRequest) else whole
        assert isinstance(request, RestoreRequest)
        refusal = await _refusal(world, request)
    finally:
        for undo in reversed(undos):
            undo()
    return checked.readiness.verdict in _PROMISES, refusal


@pytest.mark.timeout(300)
@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(_ALL)), min_size=1, max_size=3, unique=True), st.sampled_from(_ASKED))
async def test_no_verdict_promises_what_azure_would_refuse(
    staged: Protected, names: list[str], asked: dict[str, Any]
) -> None:
    """Ready and AtRisk say that a restore would work, to the cluster or another one, from snapshots or the vault."""
    promised, refusal = await _promised_and_refused(staged, names, asked)
    assert not (promised and refusal), refusal


_WHERE = {
    **dict.fromkeys(BREAKAGES, _HERE),
    **dict.fromkeys(TARGET_BREAKAGES, _ELSEWHERE),
    **{name: {**_ELSEWHERE, **_STAGED} for name in _STAGING_BREAKAGES},
}


@pytest.mark.parametrize("name", sorted(_ALL))
async def test_nothing_that_breaks_alone_escapes(staged: Protected, name: str) -> None:
    """Each thing by itself, where it matters: in a combination others may hide it."""
    promised, refusal = await _promised_and_refused(staged, [name], _WHERE[name])
    assert not (promised and refusal), refusal


@pytest.mark.parametrize("asked", _ASKED, ids=["here", "elsewhere", "here from the vault", "elsewhere from the vault"])
async def test_what_is_whole_is_promised_and_accepted(staged: Protected, asked: dict[str, Any]) -> None:
    """Or the property would hold of a check that never promises anything."""
    checked = await staged.check(**asked)
    assert checked.readiness.verdict in _PROMISES, checked.readiness
    request = draft(checked.facts)
    assert isinstance(request, RestoreRequest)
    assert await _refusal(staged, request) == ""
