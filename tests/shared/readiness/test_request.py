"""Restore requests: spelled as recorded, refused when they make no sense, quoted for a shell."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm.ids import ClusterId, ResourceId
from shared.errors import InvalidResourceId, InvalidRestoreRequest
from shared.readiness.ask import VAULT
from shared.readiness.commands import commands_of
from shared.readiness.request import INSTANCE, RestoreRequest, mappings_of
from tests.wire import recordings

_GROUP = "/subscriptions/00000000-0000-4000-8000-00000000000a/resourceGroups/rg"
_INSTANCE = f"{_GROUP}/providers/Microsoft.DataProtection/backupVaults/vault1/backupInstances/web-web-1"
_CLUSTER = f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/web"
_STAGING = {"staging_group": _GROUP, "staging_account": f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/acc1"}
_POINT = "0123456789abcdef0123456789abcdef"


def request(**changes: Any) -> RestoreRequest:
    """A request that is good but for the changes."""
    usual = {"instance": _INSTANCE, "point": _POINT, "target": ClusterId.parse(_CLUSTER), "location": "westeurope"}
    return RestoreRequest(**{**usual, **changes})


@pytest.mark.skipif(not recordings.FOLDER.is_dir(), reason="the folder of recordings isn't here; WIRE_DIR names it")
@pytest.mark.parametrize(("index", "field"), [(27, "validation"), (32, "start")])
def test_a_whole_restore_is_spelled_as_recorded(index: int, field: str) -> None:
    """To the last field, null and order of none."""
    recorded = recordings.load("dp_backup_and_restore_aks")[index]
    asked = recorded.request_body.get("restoreRequestObject", recorded.request_body)
    source = asked["restoreTargetInfo"]["datasourceInfo"]
    made = request(
        instance=recorded.path.rsplit("/", 1)[0],
        point=asked["recoveryPointId"],
        target=ClusterId.parse(source["resourceId"]),
        location=source["resourceLocation"],
    )
    assert getattr(made, field) == (recorded.path, recorded.request_body)


def test_choices_are_told_in_the_criteria() -> None:
    """Namespaces, mappings, conflict policy, volumes; what isn't chosen stays null."""
    made = request(namespaces=("web", "shop"), mappings=mappings_of(["web:web-2"]), conflict="Patch", volume_data=False)
    (criteria,) = made.body["restoreTargetInfo"]["restoreCriteria"]
    assert criteria["includedNamespaces"] == ["web", "shop"]
    assert criteria["namespaceMappings"] == {"web": "web-2"}
    assert (criteria["conflictPolicy"], criteria["persistentVolumeRestoreMode"]) == (
        "Patch",
        "RestoreWithoutVolumeData",
    )
    assert (criteria["labelSelectors"], criteria["stagingResourceGroupId"]) == (None, None)


def test_a_restore_from_the_vault_names_where_it_stages() -> None:
    """Criteria of their own type, with group and account."""
    made = request(tier=VAULT, **_STAGING).body
    (criteria,) = made["restoreTargetInfo"]["restoreCriteria"]
    assert made["sourceDataStoreType"] == "VaultStore"
    assert criteria["objectType"] == "KubernetesClusterVaultTierRestoreCriteria"
    assert criteria["stagingResourceGroupId"] == _STAGING["staging_group"]
    assert criteria["stagingStorageAccountId"] == _STAGING["staging_account"]


def test_another_region_is_asked_by_its_own_calls() -> None:
    """The paired region gets the request with where the backup comes from; the commands say so too."""
    made = request(tier=VAULT, home="northeurope", **_STAGING)
    there = f"{_GROUP}/providers/Microsoft.DataProtection/locations/westeurope"
    body = {
        "crossRegionRestoreDetails": {"sourceRegion": "northeurope", "sourceBackupInstanceId": _INSTANCE},
        "restoreRequestObject": made.body,
    }
    assert made.validation == (f"{there}/validateCrossRegionRestore", body)
    assert made.start == (f"{there}/crossRegionRestore", body)
    commands = commands_of(made)
    words = shlex.split(commands.rest)
    assert words[words.index("--url") + 1] == f"{there}/crossRegionRestore?api-version=2025-07-01"
    assert json.loads(words[-1]) == body
    for line in (commands.validate, commands.restore, commands.follow):
        assert "--use-secondary-region true" in line
    assert request(home="westeurope").start == (f"{_INSTANCE}/restore", request().body)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"point": "newest"}, "recoveryPoint: 'newest'"),
        ({"point": f"{_POINT}\n"}, "recoveryPoint"),
        ({"location": "West Europe"}, "location"),
        ({"conflict": "Overwrite"}, "conflict: 'Overwrite' is none of Skip, Patch"),
        ({"tier": "ArchiveStore"}, "tier: 'ArchiveStore' is none of OperationalStore, VaultStore"),
        ({"instance": _CLUSTER}, "instance: not the id of a Microsoft.DataProtection"),
        ({"instance": f"{_INSTANCE}/../x"}, "instance"),
        ({"tier": VAULT}, "stagingGroup: a restore from the vault needs the id of one"),
        ({"tier": VAULT, "staging_group": "x"}, "stagingGroup: not the id of a resource group: 'x'"),
        ({"tier": VAULT, **_STAGING, "staging_account": _CLUSTER}, "stagingAccount"),
        (_STAGING, "only a restore from the vault tier is staged"),
        ({"home": "North Europe", "tier": VAULT, **_STAGING}, "home"),
        (
            {"home": "northeurope"},
            "only the vault tier can be restored in another region than the vault's, northeurope",
        ),
        ({"namespaces": ("Web",)}, "namespaces: 'Web' is no name of a namespace"),
        ({"namespaces": ("a" * 64,)}, "namespaces"),
        ({"namespaces": ("kube-system",)}, "namespaces: kube-system is never backed up"),
        ({"namespaces": tuple(f"n{number}" for number in range(801))}, "801 are more than the 800"),
        ({"mappings": (("web", "$(reboot)"),)}, "map: '$(reboot)' is no name of a namespace"),
        ({"mappings": (("web", "a"), ("web", "b"))}, "map: web is restored as two others"),
        ({"namespaces": ("web",), "mappings": (("shop", "a"),)}, "map: shop isn't among the namespaces to restore"),
    ],
)
def test_a_request_that_makes_no_sense_says_what_is_wrong(changes: dict[str, Any], fault: str) -> None:
    """With the name that people know the field by."""
    with pytest.raises(InvalidRestoreRequest) as caught:
        request(**changes)
    assert len(caught.value.faults) in {1, 2}
    assert fault in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    """Nobody wants to learn them one by one at three in the morning."""
    with pytest.raises(InvalidRestoreRequest) as caught:
        request(point="x", location="", namespaces=("A",), mappings=(("B", "c"),))
    assert len(caught.value.faults) == 5


@pytest.mark.parametrize("text", ["web", "a:b:c", ""])
def test_a_mapping_is_two_names_and_a_colon(text: str) -> None:
    """Anything else is refused as it was written."""
    with pytest.raises(InvalidRestoreRequest, match=repr(text)):
        mappings_of([text])


@given(st.text())
def test_no_text_is_a_namespace_by_accident(text: str) -> None:
    """What is let through is a DNS label, and can be nothing else to a shell, a URL or JSON."""
    try:
        request(namespaces=(text,))
    except InvalidRestoreRequest:
        return
    assert text.isascii()
    assert len(text) <= 63
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert "-" not in {text[0], text[-1]}


def test_commands_say_the_same_as_the_request() -> None:
    """Each is one line for a shell; the body comes out of it as it went in."""
    made = request(namespaces=("web",), tier=VAULT, **_STAGING)
    commands = commands_of(made)
    for line, option in (
        (commands.validate, "request-object"),
        (commands.restore, "request-object"),
        (commands.rest, "body"),
    ):
        words = shlex.split(line)
        assert words[0] == "az"
        assert "\n" not in line
        (at,) = [number for number, word in enumerate(words) if word.startswith("--") and word.endswith(option)]
        assert json.loads(words[at + 1]) == made.body
    words = shlex.split(commands.rest)
    assert words[words.index("--url") + 1] == f"{_INSTANCE}/restore?api-version=2025-07-01"
    words = shlex.split(commands.restore)
    named = {name: words[words.index(name) + 1] for name in ("--resource-group", "--vault-name", "--subscription")}
    assert named == {
        "--resource-group": "rg",
        "--vault-name": "vault1",
        "--subscription": "00000000-0000-4000-8000-00000000000a",
    }
    assert words[words.index("--backup-instance-name") + 1] == "web-web-1"
    assert "Restore" in commands.follow


def test_a_shell_reads_a_command_as_it_was_meant() -> None:
    """A group's name may have parentheses, which a shell would otherwise run."""
    group = _GROUP.replace("/rg", "/rg-(test)")
    made = request(instance=_INSTANCE.replace(_GROUP, group), target=ClusterId.parse(_CLUSTER.replace(_GROUP, group)))
    for line in vars_of(commands_of(made)):
        shown = subprocess.run(  # noqa: S603  # the line under test, by the shell that it is for
            ["/bin/sh", "-c", f"az() {{ printf '%s\\n' \"$@\"; }}; {line}"], capture_output=True, text=True, check=True
        )
        assert shown.stdout.splitlines() == shlex.split(line)[1:]


def vars_of(commands: Any) -> list[str]:
    """The lines of all commands."""
    return [getattr(commands, name) for name in commands.__slots__]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (_GROUP + "/providers/Microsoft.Storage/storageAccounts/a", ""),
        (_GROUP, INSTANCE),
        (_INSTANCE + "/recoveryPoints/x", INSTANCE),
        (_INSTANCE.replace("vault1", "va?lt"), INSTANCE),
        (_INSTANCE.replace("vault1", ".."), INSTANCE),
        (_INSTANCE.replace("vault1", "\N{KELVIN SIGN}"), INSTANCE),
        (_INSTANCE + "\n", INSTANCE),
    ],
)
def test_ids_of_another_kind_are_refused(text: str, kind: str) -> None:
    """Before they go into a URL."""
    with pytest.raises(InvalidResourceId):
        ResourceId.parse(text, kind)
