"""Registration of resource providers: assumed until Azure says MissingSubscriptionRegistration, then awaited."""

from shared.onboarding.outcomes import Absent, Met, Observation
from shared.onboarding.step import Step
from shared.onboarding.world import PROVIDERS_API, World

DATA_PROTECTION = "provider/Microsoft.DataProtection"
KUBERNETES_CONFIGURATION = "provider/Microsoft.KubernetesConfiguration"
STORAGE = "provider/Microsoft.Storage"
CONTAINER_SERVICE = "provider/Microsoft.ContainerService"


class ProviderStep(Step):
    """One resource provider, registered in the cluster's subscription (60-70 s, recorded)."""

    usual = 65.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.registers = name.partition("/")[2]

    async def observe(self, world: World) -> Observation:
        """Ask only where a refusal said that it is missing."""
        if self.registers not in world.progress.unregistered:
            return Met()
        provider = await world.door.get(self._path(world), PROVIDERS_API)
        state = provider.get("registrationState")
        if state == "Registered":
            world.progress.unregistered.remove(self.registers)
            return Met()
        return self.under_way("RegisteringProvider") if state == "Registering" else Absent(str(state))

    async def start(self, world: World) -> Observation:
        """Register; the POST answers with the provider as it stands."""
        answer = await world.door.post(f"{self._path(world)}/register", PROVIDERS_API)
        if answer.body.get("registrationState") == "Registered":
            world.progress.unregistered.remove(self.registers)
            return Met()
        return self.under_way("RegisteringProvider", retry_after=answer.operation.retry_after)

    def _path(self, world: World) -> str:
        return f"/subscriptions/{world.cluster.id.subscription}/providers/{self.registers}"


def steps() -> tuple[ProviderStep, ...]:
    """The providers that an onboarding uses."""
    return tuple(map(ProviderStep, (DATA_PROTECTION, KUBERNETES_CONFIGURATION, STORAGE, CONTAINER_SERVICE)))
