"""The trusted access role binding: the vault may talk to the cluster's API server."""

from shared.arm.ids import same_id
from shared.errors import ArmError
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
        """Ours when it names our vault."""
        binding = await world.binding()
        if isinstance(binding, ArmError):
            return Absent("no trusted access role binding")
        properties = binding.get("properties") or {}
        if not same_id(properties.get("sourceResourceId"), world.desired.vault):
            message = f"role binding {binding.get('name')} is bound to {properties.get('sourceResourceId')}"
            return Stuck("NameTaken", message, Who.CLUSTER_OWNER)
        state = properties.get("provisioningState")
        if state in ("Updating", "Deleting"):
            return self.under_way("BindingTrustedAccess")
        roles = {str(role).casefold() for role in properties.get("roles") or ()}
        return Met() if state == "Succeeded" and BACKUP_OPERATOR.casefold() in roles else Absent(f"it is {state}")

    async def start(self, world: World) -> Observation:
        """Create or replace it; always 201 with Updating, never done at once."""
        body = {"properties": {"sourceResourceId": world.desired.vault, "roles": [BACKUP_OPERATOR]}}
        answer = await world.door.put(world.desired.binding, CLUSTERS_API, body)
        return self.under_way("BindingTrustedAccess", retry_after=answer.operation.retry_after)
