"""No event ever comes: what people did to a fleet is found and put right by hourly resyncs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from shared.fleet.records import VERSION, Glance, State
from shared.fleet.scope import Scope
from shared.fleet.tables import Rows
from shared.resync.fleet import Resync, ResyncRow
from tests.fleet import damage
from tests.fleet.app import App

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

    from shared.fleet.queues import Sender

_DAMAGES: Final = (
    # what was done, and what the first resync sees of it; what the graph doesn't show waits for its cluster's hour
    (damage.extension_removed, "ExtensionMissing"),
    (damage.extension_failed, "ExtensionFailed"),
    (damage.extension_reinstalled, "RoleMissing"),
    (damage.binding_deleted, ""),
    (damage.roles_deleted, "RoleMissing"),
    (damage.instance_deleted, "InstanceMissing"),
    (damage.instance_purged, "InstanceMissing"),
    (damage.policy_changed, "PolicyChanged"),
    (damage.protection_broken, "ProtectionLost"),
    (damage.container_deleted, ""),
    (damage.account_deleted, "RoleMissing"),
    (damage.group_deleted, "RoleMissing"),
)
_HOUR: Final = 3600.0


def resync(app: App) -> Resync:
    """A resync over the app's own tables, queue and door."""
    glances: Rows[Glance] = Rows(cast("TableClient", app.table), Glance, VERSION, lambda _: {})
    marks: Rows[ResyncRow] = Rows(cast("TableClient", app.marks), ResyncRow, VERSION, lambda _: {})
    door, settings = app.reconciler.door, app.settings
    scope = Scope(door, settings.subscriptions, ())
    return Resync(settings, scope, app.catalog, door, glances, marks, cast("Sender", app.queue))


async def a_day(app: App, fleet: Resync) -> list[dict[str, int]]:
    """Twenty-four resyncs, an hour apart, with the passes that they ask for; what each found."""
    found = []
    for _ in range(24):
        begun = app.now()
        found.append((await fleet.run()).by_reason)
        await app.settle(_HOUR / 2)
        app.step(max(0.0, begun + _HOUR - app.now()))
    return found


async def test_a_day_of_resyncs_puts_everything_right_and_the_next_one_changes_nothing() -> None:
    """Each kind of damage to a cluster of its own, all at once, and a cluster whose events were lost."""
    app = App()
    harmed: dict[Any, str] = {}
    for number, (harm, _) in enumerate(_DAMAGES):
        harmed[harm] = await app.cluster(f"c{number}", "silver")
        await app.look(harmed[harm])
    lost = await app.cluster("lost", "gold")
    app.step(2 * 86400.0)
    for harm, _ in _DAMAGES:
        await harm(app, harmed[harm])
    fleet = resync(app)
    days = await a_day(app, fleet)
    first = {reason: count for reason, count in days[0].items() if reason != "DeepLook"}
    wanted = [reason for _, reason in _DAMAGES if reason] + ["NotOnboarded"]
    assert first == {reason: wanted.count(reason) for reason in wanted}
    for cluster in (*harmed.values(), lost):
        row = await app.row(cluster)
        assert row.state is State.PROTECTED, (cluster, row.reason, row.message, row.steps)
        (instance,) = app.instances(cluster)
        assert instance.properties["currentProtectionState"] == "ProtectionConfigured"
        assert app.resources("Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings", cluster)
    assert len(app.resources("Microsoft.Storage/storageAccounts/blobServices/containers")) == len(harmed) + 1
    before = len(app.writes())
    second = await a_day(app, fleet)
    assert app.writes()[before:] == []
    assert sum(found.pop("DeepLook", 0) for found in second) == len(harmed) + 1
    assert all(not found for found in second)
