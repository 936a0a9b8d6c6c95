"""The trusted access role binding: the vault may talk to the cluster's API server."""

from shared.arm.answers import Json
from shared.arm.ids import same_id
from shared.onboarding.desired import BACKUP_OPERATOR
from shared.onboarding.outcomes import Absent, Met, Observation, Stuck, Who
from shared.onboarding.readings import CLUSTERS_API
from shared.onboarding.step import Step
from shared.onboarding.steps.providers import CONTAINER_SERVICE
from shared.onboarding.steps.vault import VAULT
from shared.onboarding.world import World

BINDING = "trusted-access"


class BindingStep(Step):
    """The binding (16 s, recorded). It and other writes to the cluster exclude each other: 409 OperationNotAllowed."""

    name = BINDING
    parents = (VAULT,)
    needs = (CONTAINER_SERVICE,)
    installs = True
    usual = 16.0

    async def observe(self, world: World) -> Observation:
        """Ours has its name and our vault; one of somebody else's that lets the same vault in serves as well."""
        bindings = await world.bindings()
        ours = next((item for item in bindings if same_id(str(item.get("id")), world.desired.binding)), None)
        if ours is None:
            serves = any(_binds(item, world.desired.vault) and _works(item) for item in bindings)
            return Met() if serves else Absent("no trusted access role binding")
        if not _binds(ours, world.desired.vault):
            message = f"role binding {ours.get('name')} is bound to {ours['properties'].get('sourceResourceId')}"
            return Stuck("NameTaken", message, Who.CLUSTER_OWNER)
        state = ours["properties"].get("provisioningState")
        if state in ("Updating", "Deleting"):
            return self.under_way("BindingTrustedAccess")
        return Met() if _works(ours) else Absent(f"it is {state}")

    async def start(self, world: World) -> Observation:
        """Create or replace it; always 201 with Updating, never done at once."""
        body = {"properties": {"sourceResourceId": world.desired.vault, "roles": [BACKUP_OPERATOR]}}
        answer = await world.door.put(world.desired.binding, CLUSTERS_API, body)
        return self.under_way("BindingTrustedAccess", retry_after=answer.operation.retry_after)


def _binds(binding: Json, vault: str) -> bool:
    return same_id(binding["properties"].get("sourceResourceId"), vault)


def _works(binding: Json) -> bool:
    properties = binding["properties"]
    roles = {str(role).casefold() for role in properties.get("roles") or ()}
    return properties.get("provisioningState") == "Succeeded" and BACKUP_OPERATOR.casefold() in roles
