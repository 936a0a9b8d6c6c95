"""The private endpoint of a cluster's storage account, where the settings name a subnet for it.

It takes the role of infra/role-networks.json. Its name in the private DNS zone is somebody else's: a policy of
the platform's, as a rule.
"""

from shared.arm.ids import group_of, name_of, subscription_of
from shared.errors import ArmError
from shared.onboarding.desired import OWNER_TAG, Desired
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.step import Step
from shared.onboarding.steps.storage import ACCOUNT
from shared.onboarding.world import World, owned

PRIVATE_ENDPOINT = "private-endpoint"

_API = "2024-05-01"


class PrivateEndpointStep(Step):
    """The endpoint (about a minute, not recorded)."""

    name = PRIVATE_ENDPOINT
    parents = (ACCOUNT,)
    usual = 60.0

    async def observe(self, world: World) -> Observation:
        """Met when its connection is approved; whoever may not approve it waits for somebody who may."""
        endpoint = await world.resource(_path(world.desired), _API)
        if isinstance(endpoint, ArmError):
            return Absent("no private endpoint")
        if not owned(endpoint.get("tags"), world.desired):
            message = f"private endpoint {endpoint.get('name')} isn't tagged {OWNER_TAG}={world.desired.owner}"
            return Stuck("NameTaken", message, Who.OPERATOR)
        properties = endpoint.get("properties") or {}
        state = properties.get("provisioningState")
        if state == "Failed":
            return Absent("its provisioning failed")
        if state != "Succeeded":
            return self.under_way("ConnectingPrivateEndpoint")
        links = properties.get("privateLinkServiceConnections") or ()
        states = {str(link["properties"]["privateLinkServiceConnectionState"]["status"]) for link in links}
        if states == {"Approved"}:
            return Met()
        state = ", ".join(sorted(states)) or "missing"
        message = f"the connection of private endpoint {endpoint.get('name')} is {state}"
        return Stuck("PrivateEndpointNotApproved", f"{message}; approve it at the storage account", Who.OPERATOR)

    async def start(self, world: World) -> Observation:
        """Create it in the cluster's backup group, with a connection that the app approves itself."""
        desired = world.desired
        link = {"privateLinkServiceId": desired.account, "groupIds": ["blob"]}
        body = {
            "location": world.cluster.location,
            "tags": desired.tags,
            "properties": {
                "subnet": {"id": desired.network.subnet},
                "privateLinkServiceConnections": [{"name": name_of(desired.account), "properties": link}],
            },
        }
        answer = await world.door.put(_path(desired), _API, body)
        return self.under_way("ConnectingPrivateEndpoint", retry_after=answer.operation.retry_after)


def _path(desired: Desired) -> str:
    group = f"/subscriptions/{subscription_of(desired.account)}/resourceGroups/{group_of(desired.account)}"
    return f"{group}/providers/Microsoft.Network/privateEndpoints/pe-{name_of(desired.account)}"
