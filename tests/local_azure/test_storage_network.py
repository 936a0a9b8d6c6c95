"""Storage accounts behind network rules: who gets in, and the private endpoints that lead there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure import restoring
from tests.local_azure.backup import ACCOUNT, CLUSTER, GROUP, everything, protected, validate
from tests.local_azure.client import SUBSCRIPTION
from tests.local_azure.ondemand import run_one
from tests.local_azure.world import cluster_body, running

if TYPE_CHECKING:
    from tests.local_azure.client import Answer, Client
    from tests.local_azure.conftest import Start

NETWORK = f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network"
SUBNET = f"{NETWORK}/virtualNetworks/v/subnets/nodes"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe1"
CONNECTIONS = f"{ACCOUNT}/privateEndpointConnections"
_NOT_READY = "UserErrorBackupStorageLocationNotReady"
_DENY = {"defaultAction": "Deny", "bypass": "AzureServices"}


def asked(*, manual: bool = False, account: str = ACCOUNT, **changes: Any) -> dict[str, Any]:
    """A request for a private endpoint of an account's blobs."""
    connection = {"name": "c", "properties": {"privateLinkServiceId": account, "groupIds": ["blob"], **changes}}
    kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    return {"location": "westeurope", "properties": {"subnet": {"id": SUBNET}, kind: [connection]}}


async def _restrict(azure: Client, **properties: Any) -> Answer:
    """Change the account's network settings over the API."""
    account = azure.cloud.store.get(ACCOUNT)
    assert account
    account.body.setdefault("sku", {"name": "Standard_LRS"})
    return await azure.arm("PATCH", ACCOUNT, {"properties": properties})


async def _connect(azure: Client, *, manual: bool = False) -> dict[str, Any]:
    made = await azure.arm("PUT", ENDPOINT, asked(manual=manual), version="2024-05-01")
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Updating")
    await azure.control("POST", "/clock", {"advance": 41})
    status = await azure.arm("GET", made.headers["Azure-AsyncOperation"])
    assert status.body == {"status": "Succeeded"}
    (connection,) = (await azure.arm("GET", ACCOUNT)).body["properties"]["privateEndpointConnections"]
    found: dict[str, Any] = connection
    return found


async def _code(azure: Client) -> str:
    """What validation says now: a code or Succeeded."""
    status = (await validate(azure)).body
    return str(status["error"]["code"] if "error" in status else status["status"])


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"publicNetworkAccess": "Disabled"}, _NOT_READY),
        ({"networkAcls": _DENY}, _NOT_READY),
        ({"networkAcls": {**_DENY, "ipRules": [{"value": "20.1.2.3"}]}}, _NOT_READY),
        ({"networkAcls": {**_DENY, "virtualNetworkRules": [{"id": f"{SUBNET}2"}]}}, _NOT_READY),
        ({"networkAcls": {**_DENY, "virtualNetworkRules": [{"id": SUBNET.upper()}]}}, "Succeeded"),
        (
            {"publicNetworkAccess": "Disabled", "networkAcls": {**_DENY, "virtualNetworkRules": [{"id": SUBNET}]}},
            _NOT_READY,
        ),
        ({"networkAcls": {"defaultAction": "Allow"}, "publicNetworkAccess": "Enabled"}, "Succeeded"),
    ],
)
async def test_an_account_that_denies_its_network_takes_no_backups(
    azure: Client, properties: dict[str, Any], code: str
) -> None:
    """Unless a rule names the subnets of all pools; address rules and trusted services let no pod in."""
    await everything(azure)
    cluster = azure.cloud.store.get(CLUSTER)
    assert cluster
    cluster.properties["agentPoolProfiles"] = [{"name": "a", "vnetSubnetID": SUBNET}]
    assert (await _restrict(azure, **properties)).status == 200
    assert await _code(azure) == code
    cluster.properties["agentPoolProfiles"].append({"name": "b"})
    assert await _code(azure) == (code if "Deny" not in str(properties) else _NOT_READY)


async def test_a_private_endpoint_leads_into_a_closed_account(azure: Client) -> None:
    """Backups fail without it and run with it; they fail again when its connection is rejected, or it is deleted."""
    await protected(azure)
    await _restrict(azure, publicNetworkAccess="Disabled")
    assert (await run_one(azure))["errorDetails"][0]["code"] == _NOT_READY
    connection = await _connect(azure)
    assert connection["properties"]["privateLinkServiceConnectionState"] == {
        "status": "Approved",
        "description": "Auto-Approved",
        "actionRequired": "None",
    }
    assert (await run_one(azure))["status"] == "Completed"
    state = {"properties": {"privateLinkServiceConnectionState": {"status": "Rejected", "description": "no"}}}
    assert (await azure.arm("PUT", connection["id"], state)).status == 200
    assert await _code(azure) == _NOT_READY
    endpoint = (await azure.arm("GET", ENDPOINT)).body["properties"]["privateLinkServiceConnections"][0]
    assert endpoint["properties"]["privateLinkServiceConnectionState"]["status"] == "Rejected"
    assert (await azure.arm("DELETE", ENDPOINT)).status == 202
    await azure.control("POST", "/clock", {"advance": 31})
    assert (await azure.arm("GET", CONNECTIONS)).body == {"value": []}
    assert (await azure.arm("GET", ENDPOINT)).code == "ResourceNotFound"


async def test_a_restore_needs_the_way_to_the_backup_too(azure: Client) -> None:
    """The target's extension reads what the backup wrote."""
    point = await restoring.backed_up(azure)
    await _restrict(azure, networkAcls=_DENY)
    status = await restoring.validate(azure, restoring.wanted(point))
    assert status.body["error"]["code"] == _NOT_READY
    await _connect(azure)
    assert (await restoring.validate(azure, restoring.wanted(point))).body["status"] == "Succeeded"


async def test_a_manual_connection_waits_for_approval(azure: Client) -> None:
    """Pending it leads nowhere; the account's operator approves it."""
    await everything(azure)
    await _restrict(azure, publicNetworkAccess="Disabled")
    pending = await _connect(azure, manual=True)
    assert pending["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"
    assert await _code(azure) == _NOT_READY
    approve = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
    refused = await azure.arm("PUT", pending["id"], approve, caller="app")
    assert refused.code == "AuthorizationFailed"
    assert (await azure.arm("PUT", pending["id"], approve)).status == 200
    assert await _code(azure) == "Succeeded"
    alone, listed = await azure.arm("GET", pending["id"]), await azure.arm("GET", CONNECTIONS)
    assert listed.body["value"] == [alone.body]
    assert (await azure.arm("DELETE", pending["id"])).status == 200
    assert (await azure.arm("DELETE", pending["id"])).status == 204
    assert (await azure.arm("GET", pending["id"])).code == "PrivateEndpointConnectionNotFound"
    assert await _code(azure) == _NOT_READY


async def test_who_may_not_join_or_approve_makes_no_endpoint(azure: Client) -> None:
    """The app may not at all; someone who may write endpoints in a group must hold the linked rights."""
    await everything(azure)
    assert (await azure.arm("PUT", ENDPOINT, asked(), caller="app")).code == "AuthorizationFailed"
    writer = azure.cloud.roles.named("Contributor")[0]
    azure.cloud.assign(azure.cloud.app, writer, GROUP)
    refused = await azure.arm("PUT", ENDPOINT, asked(), caller="app")
    assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
    assert "subnets/join/action" in refused.body["error"]["message"]
    azure.cloud.assign(azure.cloud.app, writer, SUBNET)
    assert (await azure.arm("PUT", ENDPOINT, asked(), caller="app")).status == 201
    assert (await azure.arm("PUT", ENDPOINT, asked(), caller="app")).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"location": "westeurope", "properties": {}}, "InvalidRequestFormat"),
        ({"location": "westeurope", "properties": {"subnet": {"id": SUBNET}}}, "InvalidRequestFormat"),
        (asked(account=f"{ACCOUNT}2"), "InvalidResourceReference"),
        (asked(groupIds=["nothing"]), "InvalidGroupIds"),
        (asked() | {"location": "mars"}, "LocationNotAvailableForResourceType"),
    ],
)
async def test_endpoints_keep_the_rules(azure: Client, body: dict[str, Any], code: str) -> None:
    """A subnet, one connection, an account that is there, a group that it has."""
    await everything(azure)
    refused = await azure.arm("PUT", ENDPOINT, body)
    assert (refused.status, refused.code) == (400, code)


@pytest.mark.parametrize(
    "properties",
    [
        {"publicNetworkAccess": "Maybe"},
        {"networkAcls": {}, "publicNetworkAccess": "off"},
        {"networkAcls": {"bypass": "AzureServices"}},
        {"networkAcls": {"defaultAction": "Deny", "bypass": "Everything"}},
        {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"action": "Allow"}]}},
    ],
)
async def test_wrong_rules_are_refused(azure: Client, properties: dict[str, Any]) -> None:
    """Values that Azure doesn't have, and rules without what they are about."""
    await everything(azure)
    refused = await _restrict(azure, **properties)
    assert (refused.status, refused.code) == (400, "InvalidRequestPropertyValue")


async def test_rules_are_filled_up_and_replaced(azure: Client) -> None:
    """As the API shows them; a list that isn't named stays."""
    await everything(azure)
    rules = {"id": SUBNET}
    shown = await _restrict(azure, networkAcls={**_DENY, "virtualNetworkRules": [rules]})
    filled = {"id": SUBNET, "action": "Allow", "state": "Succeeded"}
    assert shown.body["properties"]["networkAcls"]["virtualNetworkRules"] == [filled]
    shown = await _restrict(azure, networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "20.1.2.3"}]})
    assert shown.body["properties"]["networkAcls"]["virtualNetworkRules"] == [filled]
    assert shown.body["properties"]["networkAcls"]["ipRules"] == [{"value": "20.1.2.3", "action": "Allow"}]


async def test_a_private_cluster_says_so_for_life(start: Start) -> None:
    """It has a private name; a PUT can't make it public, nor a public one private."""
    async with running(start) as world:
        private = {"apiServerAccessProfile": {"enablePrivateCluster": True}}
        made = await world.cluster(properties=private)
        assert made.body["properties"]["apiServerAccessProfile"]["enablePrivateCluster"] is True
        assert ".privatelink.westeurope.azmk8s.io" in made.body["properties"]["privateFQDN"]
        public = {"apiServerAccessProfile": {"enablePrivateCluster": False}}
        path = made.body["id"]
        assert (await world.ask("PUT", path, cluster_body(properties=public))).code == "PropertyChangeNotAllowed"
        assert (await world.ask("PUT", path, cluster_body(properties=private))).status == 200
