"""Tags that change after the cluster's creation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest_asyncio

from tests.e2e.azure_view import BACKUP_API
from tests.e2e.fleet import Fleet, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP: Final = "rg-tagged"
_LOCATION: Final = "norwayeast"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tagged(app: Fleet) -> Mapping[str, str]:
    """An untagged cluster and one with bronze, in a group whose events arrive; ids by name."""
    await app.subscribe(_GROUP, _LOCATION)
    later = await app.seed_cluster("tagged-later", group=_GROUP, location=_LOCATION)
    upgraded = await app.onboard("upgraded", "bronze", group=_GROUP, location=_LOCATION)
    await app.tag(later, "silver")
    return {"later": later, "upgraded": upgraded}


async def test_a_tag_set_later_is_enough(app: Fleet, tagged: Mapping[str, str]) -> None:
    """The tags API writes the tag, its event brings the pass, and the cluster ends protected."""
    [row] = await app.protected(tagged["later"])
    assert row["policy"] == "silver"
    assert f"event cluster={tagged['later']} operation=Microsoft.Resources/tags/write" in app.log


async def test_another_policy_moves_the_same_instance(app: Fleet, tagged: Mapping[str, str]) -> None:
    """Bronze to gold: the instance that is there gets gold's policy and roles; there is never a second one."""
    cluster = tagged["upgraded"]
    await app.protected(cluster)
    [before] = await app.instances(cluster)
    old_policy = before["properties"]["policyInfo"]["policyId"]
    assert old_policy.rsplit("/", 1)[-1].startswith("bronze-")
    await app.tag(cluster, "gold")

    async def gold() -> bool:
        row = await app.row(cluster)
        assert len(await app.instances(cluster)) == 1
        return row is not None and (row["policy"], row["state"]) == ("gold", "Protected")

    await eventually(gold, lambda: "gold")
    [after] = await app.instances(cluster)
    assert after["id"] == before["id"]
    assert after["properties"]["currentProtectionState"] == "ProtectionConfigured"
    policy = after["properties"]["policyInfo"]["policyId"]
    assert policy.rsplit("/", 1)[-1].startswith("gold-")
    assert await app.exists(policy, BACKUP_API)
    assert not await app.exists(old_policy, BACKUP_API), "the last instance to leave a policy of ours clears it away"
    group = after["properties"]["policyInfo"]["policyParameters"]["dataStoreParametersList"][0]["resourceGroupId"]
    kind = "Microsoft.Authorization/roleAssignments"
    assert len(await app.resources(kind, cluster) + await app.resources(kind, group)) == 7
