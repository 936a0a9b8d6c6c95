"""What the nightly check asks about one cluster, against the simulated Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.arm.ids import ClusterId
from shared.readiness.asking import Asker
from shared.readiness.kept import Validating
from shared.readiness.model import Verdict
from shared.readiness.service import Known
from tests.shared.readiness.protected import CLUSTER

if TYPE_CHECKING:
    from shared.readiness.kept import Validated
    from tests.shared.readiness.protected import Protected

SHOP = ClusterId.parse(CLUSTER)
EXTENSION = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"


async def validated(world: Protected) -> Validated | None:
    """Begin a validation, and look at it before and after Azure's time for it."""
    asker = Asker(world.checker, world.door)
    begun = await asker.begin(SHOP)
    assert isinstance(begun, Validating)
    assert begun.url.startswith("https://")
    assert await asker.look(begun) is None
    await world.step(60)
    return await asker.look(begun)


async def test_a_cluster_is_checked_and_azure_agrees(world: Protected) -> None:
    """The operation's URL is all that is needed to learn how it ended."""
    answer = await Asker(world.checker, world.door).check(SHOP)
    assert answer is not None
    assert answer.verdict is Verdict.READY
    ended = await validated(world)
    assert ended is not None
    assert (ended.passed, ended.recovery_point) == (True, answer.recovery_point)


async def test_azures_refusal_comes_with_its_code(world: Protected) -> None:
    """As an end of the operation, not as an error of the asking."""
    world.azure.cloud.store.remove(EXTENSION)
    ended = await validated(world)
    assert ended is not None
    assert not ended.passed
    assert ended.code == "UserErrorKubernetesBackupExtensionNotFoundError"


async def test_where_there_is_nothing_to_restore_azure_is_not_asked(world: Protected) -> None:
    """Without a backup instance there is no request to validate."""
    world.azure.cloud.store.remove(world.desired.instance)
    assert await Asker(world.checker, world.door).begin(SHOP) is None
    assert [entry for entry in await world.azure.control("GET", "/requests") if "validate" in entry["path"]] == []


async def test_a_cluster_that_nobody_knows_has_no_answer(world: Protected) -> None:
    """Neither Azure nor the app."""
    world.remembered = Known()
    asker, nobody = Asker(world.checker, world.door), ClusterId(SHOP.subscription, SHOP.group, "nobody")
    assert await asker.check(nobody) is None
    assert await asker.begin(nobody) is None
