"""Off-boarding for good: listed, confirmed by just that list, done by passes, and nothing more than that."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from shared.api.asking import Asked
from shared.api.offboard import offboard
from shared.api.problems import Problem
from shared.api.queries import OffboardOptions
from shared.arm.ids import ClusterId, name_of
from shared.fleet.records import State
from tests.fleet import damage
from tests.fleet.app import SUBSCRIPTION, App
from tests.fleet.test_foreign import their_instance

if TYPE_CHECKING:
    from shared.api.answers import Answer

_POINTS: Final = "Microsoft.DataProtection/backupVaults/backupInstances/recoveryPoints"
_DELETED: Final = "Microsoft.DataProtection/backupVaults/deletedBackupInstances"


async def ask(app: App, cluster: str, confirmation: str | None = None, *, delete_backups: bool = False) -> Answer:
    """Send the request."""
    services: Any = SimpleNamespace(
        settings=app.settings, door=app.reconciler.door, clusters=app.reconciler.clusters, urgent=app.queue
    )
    options = OffboardOptions(delete_backups=delete_backups, confirmation=confirmation)
    return await offboard(services, Asked(None, options, {}, ClusterId.parse(cluster), "somebody"))


async def released(app: App, policy: str = "gold") -> str:
    """A protected cluster that has lost its tag."""
    cluster = await app.protect("shop", policy)
    await app.tag(cluster)
    assert (await app.look(cluster)).state is State.RELEASED
    return cluster


def kinds(answer: Answer) -> list[str]:
    """What an answer lists, in words."""
    return [thing.what for thing in answer.body.things]


async def test_a_dry_run_lists_what_would_go_and_does_nothing() -> None:
    """The instance is stopped, not deleted; binding, roles and extension go; account and groups aren't on the list."""
    app = App(may_delete=True)
    cluster = await released(app)
    before = len(app.writes())
    answer = await ask(app, cluster)
    assert sorted(set(kinds(answer))) == ["binding", "extension", "role", "stop"]
    assert kinds(answer).count("role") == 4
    assert kinds(await ask(app, cluster, delete_backups=True))[0] == "delete-backups"
    await app.settle(86400.0)
    assert len(app.writes()) == before
    assert len(app.instances(cluster)) == 1


async def test_what_was_confirmed_goes_and_every_recovery_point_stays() -> None:
    """Passes do it; the row says that it is done, and the same tag protects the cluster anew with the old points."""
    app = App(may_delete=True)
    cluster = await released(app)
    points = {point.id for point in app.resources(_POINTS)}
    answer = await ask(app, cluster)
    assert (await ask(app, cluster, answer.body.confirmation)).status == 202
    await app.settle()
    row = await app.row(cluster)
    assert (row.state, row.reason) == (State.RELEASED, "OffBoarded")
    [instance] = app.instances(cluster)
    assert instance.properties["currentProtectionState"] == "ProtectionStopped"
    assert points
    assert points <= {point.id for point in app.resources(_POINTS)}
    assert app.cloud.store.get(cluster + damage.EXTENSION) is None
    assert all(app.cloud.store.get(thing.id) is None for thing in answer.body.things if thing.what != "stop")
    assert app.resources("Microsoft.Storage/storageAccounts", damage.backup_group(app, cluster))
    assert (await app.look(cluster)).reason == "OffBoarded"
    await app.tag(cluster, aks_backup="gold")
    row = await app.look(cluster)
    assert (row.state, row.life.offboarded) == (State.PROTECTED, 0.0)
    assert [item.id for item in app.instances(cluster)] == [instance.id]


async def test_backups_go_only_when_that_was_asked_for_and_soft_delete_keeps_them() -> None:
    """The instance is deleted last asked, first done; the vault's soft delete has it."""
    app = App(may_delete=True)
    cluster = await released(app)
    answer = await ask(app, cluster, delete_backups=True)
    await ask(app, cluster, answer.body.confirmation, delete_backups=True)
    await app.settle()
    assert (await app.row(cluster)).reason == "OffBoarded"
    assert app.instances(cluster) == []
    assert len(app.resources(_DELETED)) == 1


async def test_without_its_own_role_nothing_is_deleted() -> None:
    """The app's role can't delete; the row says which role somebody has to give it."""
    app = App()
    cluster = await released(app)
    answer = await ask(app, cluster, delete_backups=True)
    await ask(app, cluster, answer.body.confirmation, delete_backups=True)
    await app.settle()
    row = await app.row(cluster)
    assert (row.state, row.reason, row.who) == (State.BLOCKED, "OffboardingNotGranted", "operator")
    assert "role-offboarding.json" in row.message
    assert len(app.instances(cluster)) == 1


@pytest.mark.parametrize("case", ["wrong", "late", "other options", "used", "changed"])
async def test_only_the_list_that_was_shown_can_be_confirmed(case: str) -> None:
    """A made-up or old confirmation, other options, a second use or another list: nothing goes."""
    app = App(may_delete=True)
    cluster = await released(app)
    confirmation: str = (await ask(app, cluster)).body.confirmation
    options = {"delete_backups": case == "other options"}
    if case == "wrong":
        confirmation = "A" * 32
    if case == "late":
        app.step(601)
    if case == "used":
        await ask(app, cluster, confirmation)
        await app.settle()
    if case == "changed":
        await damage.binding_deleted(app, cluster)
    before = copy.copy(app.writes())
    with pytest.raises(Problem) as caught:
        await ask(app, cluster, confirmation, **options)
    assert caught.value.reason in ("NotConfirmed", "ListChanged")
    await app.settle()
    assert app.writes() == before


async def test_a_cluster_that_is_wanted_is_not_off_boarded() -> None:
    """The tag counts for more than the request; and a tag that comes after the confirmation calls it off."""
    app = App(may_delete=True)
    cluster = await app.protect("shop")
    with pytest.raises(Problem, match="remove it or set it to none"):
        await ask(app, cluster)
    await app.tag(cluster, aks_backup="none")
    await app.look(cluster)
    confirmation = (await ask(app, cluster)).body.confirmation
    await ask(app, cluster, confirmation)
    await app.tag(cluster, aks_backup="gold")
    before = len(app.writes())
    row = await app.look(cluster)
    assert (row.state, row.life.offboarding, len(app.writes())) == (State.PROTECTED, [], before)


async def test_what_others_use_is_not_on_the_list() -> None:
    """Somebody else's instance needs the extension: it stays, and so does theirs."""
    app = App(may_delete=True)
    cluster = await released(app)
    instance = their_instance(app, cluster)
    answer = await ask(app, cluster)
    assert "extension" not in kinds(answer)
    assert name_of(instance) not in [name_of(thing.id) for thing in answer.body.things]


async def test_an_extension_that_somebody_installed_since_is_not_on_the_list() -> None:
    """Under the usual name, keeping its backups elsewhere: it isn't what this app had installed."""
    app = App(may_delete=True)
    cluster = await released(app)
    extension = app.cloud.store.get(cluster + damage.EXTENSION)
    assert extension is not None
    settings = extension.properties["configurationSettings"]
    bucket = next(name for name in settings if name in ("blobContainer", "configuration.backupStorageLocation.bucket"))
    theirs = {**settings, bucket: "theirs"}
    extension.properties["configurationSettings"] = theirs
    assert "extension" not in kinds(await ask(app, cluster))
    extension.properties["configurationSettings"] = settings
    assert "extension" in kinds(await ask(app, cluster))


async def test_instances_in_vaults_that_the_cluster_has_left_go_too() -> None:
    """Its policy moved it to another vault, and what the first one holds went on: both are ended."""
    catalog = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
  other: {redundancy: ZoneRedundant}
policies:
  gold: {vaultProfile: standard}
  moved: {vaultProfile: other}
"""
    app = App(catalog, may_delete=True)
    cluster = await app.protect("shop", "gold")
    await app.tag(cluster, aks_backup="moved")
    assert (await app.look(cluster)).policy == "moved"
    assert len(app.instances(cluster)) == 2
    await app.tag(cluster)
    await app.look(cluster)
    answer = await ask(app, cluster)
    assert (kinds(answer).count("stop"), kinds(answer).count("binding")) == (2, 2)
    await ask(app, cluster, answer.body.confirmation)
    await app.settle()
    assert (await app.row(cluster)).reason == "OffBoarded"
    states = {item.properties["currentProtectionState"] for item in app.instances(cluster)}
    assert states == {"ProtectionStopped"}


async def test_what_a_region_shares_loses_only_the_clusters_own_roles() -> None:
    """Isolation by region: the vault's roles on the group are every cluster's, this cluster's and extension's go."""
    app = App(may_delete=True, AUTOPILOT_ISOLATION="region")
    cluster = await app.cluster("shop", "gold")
    tags = {"managed-by": "aks-backup-autopilot/default"}
    made = {"location": "westeurope", "tags": tags, "properties": {"provisioningState": "Succeeded"}}
    places: dict[str, str] = {}
    for reason, kind in (("SnapshotGroupMissing", "group"), ("StorageAccountMissing", "account")):
        row = await app.look(cluster)
        assert row.reason == reason
        places[kind] = row.message.partition(" --name ")[2].split()[0]
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{places['group']}"
        path = f"{group}/providers/Microsoft.Storage/storageAccounts/{places[kind]}" if kind == "account" else group
        app.cloud.seed(path, {**made, "kind": "StorageV2"} if kind == "account" else made)
    assert (await app.look(cluster)).state is State.PROTECTED
    await app.tag(cluster)
    await app.look(cluster)
    roles = [thing.id for thing in (await ask(app, cluster)).body.things if thing.what == "role"]
    principals = {app.cloud.store.get(role).properties["principalId"] for role in roles if "/rg-" in role}  # type: ignore[union-attr]
    shared = [role for role in roles if f"/{places['group']}/" in role]
    assert len(shared) == 2, roles
    assert len(principals) == 3, "the cluster's, its extension's, and on the cluster itself the vault's"


async def test_an_orphan_can_be_off_boarded() -> None:
    """What went with the cluster isn't listed any more; the instance and the roles on the group are."""
    app = App(may_delete=True)
    cluster = await app.protect("shop")
    await app.do("DELETE", cluster)
    assert (await app.look(cluster)).state is State.ORPHANED
    answer = await ask(app, cluster)
    assert set(kinds(answer)) == {"stop", "role"}
    await ask(app, cluster, answer.body.confirmation)
    await app.settle()
    assert (await app.row(cluster)).reason == "OffBoarded"
