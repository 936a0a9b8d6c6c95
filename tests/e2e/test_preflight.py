"""What can't be backed up is refused with a reason, what can't be yet is waited for; nothing is made before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.e2e.azure_view import CLUSTERS_API
from tests.e2e.events import START
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP: Final = "rg-preflight"
_LOCATION: Final = "uksouth"


def _pool(**profile: Any) -> dict[str, Any]:
    return {"name": "nodepool1", "mode": "System", "count": 1, "osType": "Linux", "vmSize": "Standard_D4s_v5"} | profile


_REFUSED: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    (
        "old-identity",
        "ServicePrincipalCluster",
        {"servicePrincipalProfile": {"clientId": "7c1f3a52-2f0f-4b57-9a3e-0e5d1f6b8c11"}},
    ),
    ("windows", "WindowsOnly", {"agentPoolProfiles": [_pool(name="win1", osType="Windows")]}),
    ("arm64", "Arm64NodePool", {"agentPoolProfiles": [_pool(), _pool(name="arm", vmSize="Standard_D4ps_v5")]}),
    ("diskless", "DiskDriverDisabled", {"storageProfile": {"diskCSIDriver": {"enabled": False}}}),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def looked_at(app: Fleet) -> Mapping[str, str]:
    """Clusters of every kind, announced; ids by name."""
    await app.subscribe(_GROUP, _LOCATION)
    cases = {name: properties for name, _, properties in _REFUSED}
    cases |= {"halted": {"powerState": {"code": "Stopped"}}, "updating": {"provisioningState": "Updating"}}
    return {
        name: await app.onboard(name, "gold", group=_GROUP, location=_LOCATION, **properties)
        for name, properties in cases.items()
    }


@pytest.mark.parametrize(("name", "reason", "_properties"), _REFUSED, ids=[case[0] for case in _REFUSED])
async def test_what_cannot_work_is_blocked(
    app: Fleet, looked_at: Mapping[str, str], name: str, reason: str, _properties: object
) -> None:
    """The row says why and that the cluster's owner can change it; nothing was made."""
    row = await app.settled(looked_at[name], "Blocked", reason)
    assert row["who"] == "cluster owner"
    assert row["message"]
    await app.untouched(looked_at[name])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def freed(app: Fleet, looked_at: Mapping[str, str]) -> Mapping[str, str]:
    """The clusters that are waited for, once the row said so and nothing had been made: now both can be protected."""
    for name, reason in (("halted", "ClusterStopped"), ("updating", "ClusterUpdating")):
        row = await app.settled(looked_at[name], "Waiting", reason)
        assert row["wake"], "a lost event only costs time"
        await app.untouched(looked_at[name])
    status, answer = await app.owner.arm("POST", f"{looked_at['halted']}/start", CLUSTERS_API)
    assert status == 202, answer
    await app.seed_cluster("updating", "gold", group=_GROUP, location=_LOCATION)
    return looked_at


async def test_a_stopped_cluster_is_protected_once_it_is_started(app: Fleet, freed: Mapping[str, str]) -> None:
    """Nothing is made while it is stopped; its start sends an event, which is all it takes."""
    await app.protected(freed["halted"])
    assert f"event cluster={freed['halted']} operation={START}" in app.log


async def test_an_updating_cluster_is_waited_for(app: Fleet, freed: Mapping[str, str]) -> None:
    """Nothing is made while it is updating; afterwards it is protected without another event."""
    await app.protected(freed["updating"])
    assert app.log.count(f"event cluster={freed['updating']} ") == 1
