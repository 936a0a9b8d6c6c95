"""Storage accounts that are closed to all networks but named ones, and their private endpoints."""

from __future__ import annotations

from typing import Any, Final

from shared.fleet.records import State
from tests.fleet.app import GROUP, SUBSCRIPTION, App

_NETWORKS: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks"
NODES: Final = f"{_NETWORKS}/vnet/subnets/aks"
ENDPOINTS: Final = f"{_NETWORKS}/vnet/subnets/endpoints"


def account(app: App) -> dict[str, Any]:
    """Properties of the one storage account."""
    [found] = app.resources("Microsoft.Storage/storageAccounts")
    properties: dict[str, Any] = found.properties
    return properties


async def test_by_default_keys_and_public_blobs_are_off_and_the_network_is_open() -> None:
    """Identities with a role reach an account from wherever the nodes are; what somebody closes stays closed."""
    app = App()
    cluster = await app.protect("shop")
    assert account(app)["allowSharedKeyAccess"] is False
    assert account(app)["allowBlobPublicAccess"] is False
    assert account(app)["networkAcls"]["defaultAction"] == "Allow"
    account(app)["networkAcls"]["defaultAction"] = "Deny"
    before = len(app.writes())
    assert (await app.look(cluster)).state is State.PROTECTED
    assert len(app.writes()) == before


async def test_a_closed_account_is_reached_from_the_subnets_of_its_region() -> None:
    """What somebody opens by hand is closed again; services that Azure trusts get in."""
    app = App(AUTOPILOT_STORAGE_NETWORK="deny", AUTOPILOT_STORAGE_SUBNETS=f"westeurope={NODES}")
    cluster = await app.cluster("shop", "gold")
    stored = app.cloud.store.get(cluster)
    assert stored is not None
    stored.properties["agentPoolProfiles"][0]["vnetSubnetID"] = NODES
    assert (await app.look(cluster)).state is State.PROTECTED
    app.step(86400.0)
    rules = account(app)["networkAcls"]
    assert (rules["defaultAction"], rules["bypass"]) == ("Deny", "AzureServices")
    assert [rule["id"] for rule in rules["virtualNetworkRules"]] == [NODES]
    assert account(app)["publicNetworkAccess"] == "Enabled"
    rules["defaultAction"] = "Allow"
    assert (await app.look(cluster)).state is State.PROTECTED
    assert account(app)["networkAcls"]["defaultAction"] == "Deny"
    assert account(app)["allowSharedKeyAccess"] is False
    assert app.told(cluster) == ["ClusterProtected", "DriftRepaired"]
    assert app.resources("Microsoft.Network/privateEndpoints") == []


async def test_a_private_endpoint_comes_before_the_extension() -> None:
    """Public access is off altogether; the endpoint stands in the cluster's backup group, and is made once."""
    app = App(may_connect=True, AUTOPILOT_STORAGE_NETWORK="deny", AUTOPILOT_PRIVATE_SUBNETS=f"westeurope={ENDPOINTS}")
    cluster = await app.protect("shop")
    assert account(app)["publicNetworkAccess"] == "Disabled"
    [connection] = account(app)["privateEndpointConnections"]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    [endpoint] = app.resources("Microsoft.Network/privateEndpoints")
    assert endpoint.properties["subnet"]["id"] == ENDPOINTS
    assert not endpoint.id.startswith(GROUP)
    writes = app.writes()
    first = {kind: next(i for i, one in enumerate(writes) if kind in one) for kind in ("/privateEndpoints/", "/extens")}
    assert first["/privateEndpoints/"] < first["/extens"]
    before = len(writes)
    assert (await app.look(cluster)).state is State.PROTECTED
    assert len(app.writes()) == before


async def test_without_its_role_a_private_endpoint_is_a_blocked_cluster() -> None:
    """Azure's words name the action that is missing; the extension isn't installed."""
    app = App(AUTOPILOT_STORAGE_NETWORK="deny", AUTOPILOT_PRIVATE_SUBNETS=f"westeurope={ENDPOINTS}")
    row = await app.look(await app.cluster("shop", "gold"), horizon=1800)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "AuthorizationFailed", "operator")
    assert "Microsoft.Network/privateEndpoints" in row.message
    assert not any("/extensions/" in write for write in app.writes())


async def test_a_region_without_subnet_is_refused_before_anything_is_made() -> None:
    """Its clusters would install an extension that can't reach its backups."""
    app = App(AUTOPILOT_STORAGE_NETWORK="deny", AUTOPILOT_STORAGE_SUBNETS=f"northeurope={NODES}")
    row = await app.look(await app.cluster("shop", "gold"))
    assert (row.state, row.reason) == (State.BLOCKED, "StorageSubnetMissing")
    assert "westeurope" in row.message
    assert app.writes() == []
