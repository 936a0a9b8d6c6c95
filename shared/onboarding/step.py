"""What a step is: what it needs, how it is observed, how it is started."""

from abc import ABC, abstractmethod
from typing import ClassVar

from shared.onboarding.outcomes import Observation, UnderWay
from shared.onboarding.world import World


class Step(ABC):
    """One thing that protecting a cluster takes.

    Attributes:
        name: unique among the steps of a cluster.
        parents: steps whose thing this one's stands in or is computed from; while one isn't met, this one isn't
            looked at, so the 404 of a parent answers for its children.
        needs: steps that have to be met before this one is started; parents always are.
        shared: the thing belongs to many clusters, so it is written under the region's claim.
        proven: Azure itself proves the thing when the step that needs it succeeds (validateForBackup and roles); the
            last look before Protected needn't read it again while that proof is fresh.
        drifts: finding it absent after the cluster was protected means that somebody took it away.
        registers: the resource provider that this step registers, or "".
        installs: starting it writes into the cluster itself, which isn't done in a quiet window.
        usual: how long it usually takes from start to met, in Azure's seconds.
    """

    name: str
    parents: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    shared: ClassVar[bool] = False
    proven: ClassVar[bool] = False
    drifts: ClassVar[bool] = True
    registers: str = ""
    installs: ClassVar[bool] = False
    usual: ClassVar[float] = 0.0

    @abstractmethod
    async def observe(self, world: World) -> Observation:
        """Say how the thing stands.

        Raises:
            ArmError: Azure didn't say.
        """

    @abstractmethod
    async def start(self, world: World) -> Observation:
        """Make or mend the thing without waiting for it; called when observed as absent and all needs are met.

        Raises:
            ArmError: Azure refused.
        """

    def under_way(self, reason: str, message: str = "", retry_after: float | None = None) -> UnderWay:
        """The thing is being made; the engine works out when to look again from `usual`."""
        return UnderWay(reason, message or f"{self.name} is under way", 0.0, retry_after or 0.0)
