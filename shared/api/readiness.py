"""Whether a cluster can be restored: the checks at once, Azure's own validation when it is asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.api.answers import Answer
from shared.api.problems import Problem
from shared.api.validations import READINESS, later, validate
from shared.arm.ids import ClusterId, ResourceId
from shared.errors import ArmError, InvalidResourceId, InvalidRestoreRequest
from shared.readiness.ask import Ask
from shared.readiness.drafting import Undrafted, draft
from shared.readiness.kept import Validating
from shared.readiness.operations import Subject, deepened
from shared.readiness.remembering import remember, usual
from shared.readiness.service import Checked, UnknownCluster

if TYPE_CHECKING:
    from shared.api.asking import Asked
    from shared.api.queries import AskQuery, ReadinessQuery
    from shared.readiness.model import Check
    from shared.readiness.request import RestoreRequest
    from shared.services import Services

_ACCOUNT = "Microsoft.Storage/storageAccounts"


async def readiness(services: Services, asked: Asked[ReadinessQuery, None]) -> Answer:
    """Check one cluster.

    Raises:
        Problem: 400 for what can't be asked, 403 for a target outside the allowed subscriptions, 404 for a cluster that
            neither Azure nor the app knows.
    """
    since = time.monotonic()
    checked = await check(services, asked.cluster, asked.query)
    quick, rows = checked.readiness, services.fleet.kept if usual(checked.facts.ask) else None
    if not asked.query.deep:
        await remember(rows, quick)
        return Answer(quick)
    drafted = drafted_of(checked)
    if isinstance(drafted, Undrafted):
        return Answer(deepened(quick, _unvalidated(asked.cluster, checked, drafted)))
    subject, outcome = Subject.of(asked.cluster, drafted), await validate(services, drafted, asked.query.wait, since)
    await remember(rows, quick, outcome)
    if isinstance(outcome, Validating):
        return await later(services, READINESS, subject, quick, outcome)
    return Answer(deepened(quick, subject.check(outcome)))


async def check(services: Services, cluster: ClusterId, query: AskQuery) -> Checked:
    """The quick checks.

    Raises:
        Problem: as `readiness` has it.
    """
    ask = Ask(
        target=await _target(services, query.target) if query.target else None,
        recovery_point=query.recovery_point,
        tier=query.tier,
        volumes=query.volumes,
        staging_group=await _staging(services, "stagingGroup", query.staging_group, ""),
        staging_account=await _staging(services, "stagingAccount", query.staging_account, _ACCOUNT),
    )
    found = await services.checker.check(cluster, ask)
    if isinstance(found, UnknownCluster):
        raise Problem(404, "ClusterNotFound", f"neither Azure nor this app knows {cluster}")
    return found


def drafted_of(
    checked: Checked, namespaces: tuple[str, ...] = (), mappings: tuple[tuple[str, str], ...] = ()
) -> RestoreRequest | Undrafted:
    """The restore request of a check.

    Raises:
        Problem: 400, namespaces, mappings or the staging location can't be used in one.
    """
    try:
        return draft(checked.facts, namespaces, mappings)
    except InvalidRestoreRequest as error:
        raise Problem(400, "InvalidQuery", "; ".join(error.faults)) from error


def _unvalidated(cluster: ClusterId, checked: Checked, undrafted: Undrafted) -> Check:
    facts = checked.facts
    subject = Subject(str(cluster), str(facts.restored_to.id), facts.places.vault, facts.ask.tier)
    return subject.check(ArmError(undrafted.message, code=undrafted.reason))


async def _target(services: Services, text: str) -> ClusterId:
    try:
        target = ClusterId.parse(text)
    except InvalidResourceId as error:
        raise Problem(400, "InvalidQuery", f"target: {error}") from error
    await _allowed(services, "target", target.subscription)
    return target


async def _staging(services: Services, name: str, text: str | None, kind: str) -> str | None:
    if not text:
        return None
    try:
        found = ResourceId.parse(text, kind)
    except InvalidResourceId as error:
        raise Problem(400, "InvalidQuery", f"{name}: {error}") from error
    await _allowed(services, name, found.subscription)
    return text


async def _allowed(services: Services, name: str, subscription: str) -> None:
    if subscription not in await services.scope.subscriptions(subscription):
        raise Problem(403, "SubscriptionNotAllowed", f"{name}: subscription {subscription} isn't this deployment's")
