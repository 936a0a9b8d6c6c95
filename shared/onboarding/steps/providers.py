"""Registration of resource providers: assumed until Azure says MissingSubscriptionRegistration, then awaited."""

from shared.arm.ids import subscription_of
from shared.onboarding.outcomes import Absent, Met, Observation
from shared.onboarding.step import Step
from shared.onboarding.world import PROVIDERS_API, World

DATA_PROTECTION = "provider/Microsoft.DataProtection"
KUBERNETES_CONFIGURATION = "provider/Microsoft.KubernetesConfiguration"
STORAGE = "provider/Microsoft.Storage"
CONTAINER_SERVICE = "provider/Microsoft.ContainerService"


class ProviderStep(Step):
    """One resource provider (60-70 s, recorded). Registering what is registered changes nothing."""

    usual = 65.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.registers = name.partition("/")[2]

    async def observe(self, world: World) -> Observation:
        """Ask only where a refusal said that it is missing."""
        if self.registers not in world.progress.unregistered:
            return Met()
        states = {(await world.door.get(path, PROVIDERS_API)).get("registrationState") for path in self._paths(world)}
        if states == {"Registered"}:
            world.progress.unregistered.remove(self.registers)
            return Met()
        registering = states <= {"Registered", "Registering"}
        return self.under_way("RegisteringProvider") if registering else Absent("not registered")

    async def start(self, world: World) -> Observation:
        """Register; the POST answers with the provider as it stands."""
        for path in self._paths(world):
            await world.door.post(f"{path}/register", PROVIDERS_API)
        return self.under_way("RegisteringProvider")

    def _paths(self, world: World) -> list[str]:
        """In the cluster's subscription, and in the vault's where that is another one."""
        subscriptions = dict.fromkeys((world.cluster.id.subscription, subscription_of(world.desired.vault)))
        return [f"/subscriptions/{subscription}/providers/{self.registers}" for subscription in subscriptions]


def steps() -> tuple[ProviderStep, ...]:
    """The providers that an onboarding uses."""
    return tuple(map(ProviderStep, (DATA_PROTECTION, KUBERNETES_CONFIGURATION, STORAGE, CONTAINER_SERVICE)))
