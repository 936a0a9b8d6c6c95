"""What the nightly check asks about a cluster: the checks, and Azure's validation of a restore of the newest point."""

from __future__ import annotations

from dataclasses import dataclass

from shared import logs
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.errors import InvalidRestoreRequest
from shared.readiness import deep
from shared.readiness.drafting import Undrafted, draft
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Readiness
from shared.readiness.service import Checker, UnknownCluster


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about clusters, always about a restore to themselves from the operational store."""

    checker: Checker
    door: Door

    async def check(self, cluster: ClusterId) -> Readiness | None:
        """Check a cluster; None: neither Azure nor the app knows it."""
        checked = await self.checker.check(cluster)
        return None if isinstance(checked, UnknownCluster) else checked.readiness

    async def begin(self, cluster: ClusterId) -> Validating | Validated | None:
        """Start a validation; None: there is nothing to validate, which the checks say already.

        Raises:
            ArmError: Azure couldn't be asked.
        """
        checked = await self.checker.check(cluster)  # afresh: hours may lie between the checks and this
        if isinstance(checked, UnknownCluster):
            return None
        try:
            request = draft(checked.facts)
        except InvalidRestoreRequest as error:
            logs.warning("validation_not_drafted", cluster=cluster, fault=error)
            return None
        return None if isinstance(request, Undrafted) else await deep.begin(self.door, request)

    async def look(self, operation: Validating) -> Validated | None:
        """How a validation ended; None while it runs.

        Raises:
            ArmError: the look failed.
        """
        return await deep.look(self.door, operation)
