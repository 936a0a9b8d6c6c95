"""The check from a shell: what it prints, and the exit status that tells the verdict."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from shared.errors import InvalidRestoreRequest
from shared.readiness.__main__ import answer, main, parser
from tests.shared.readiness.protected import CLUSTER, TARGET

if TYPE_CHECKING:
    from tests.shared.readiness.protected import Protected


async def _ask(world: Protected, *arguments: str) -> tuple[str, int]:
    return await answer(world.door, world.checker.settings, parser().parse_args([CLUSTER, *arguments]))


async def test_a_good_cluster_is_ready_without_any_table(world: Protected) -> None:
    """Everything that it takes comes from Azure."""
    text, status = await _ask(world)
    assert status == 0
    assert text.startswith("shop: Ready\n")


async def test_a_deep_check_waits_for_azures_word(world: Protected) -> None:
    """With a bound; what still runs then is unknown."""
    text, status = await _ask(world, "--deep", "--wait", "0")
    assert status == 5
    assert "validate-restore" in text
    extension = f"{CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions/azure-aks-backup"
    world.azure.cloud.store.remove(extension)
    text, status = await _ask(world)
    assert status == 4
    assert "extension-healthy" in text


async def test_the_request_is_printed_ready_to_paste(world: Protected) -> None:
    """Commands that a shell takes whole, for the target and the namespaces that were asked for."""
    text, status = await _ask(world, "--request", "--target", TARGET, "--namespaces", "shop", "--map", "shop:shop-2")
    assert status == 0
    (line,) = re.findall(r"^\s*(az rest .*)$", text, re.MULTILINE)
    words = shlex.split(line)
    body = json.loads(words[words.index("--body") + 1])
    assert body["restoreTargetInfo"]["datasourceInfo"]["resourceId"] == TARGET
    assert body["restoreTargetInfo"]["restoreCriteria"][0]["namespaceMappings"] == {"shop": "shop-2"}


async def test_json_is_for_programs(world: Protected) -> None:
    """Readiness and request in one object."""
    said = json.loads((await _ask(world, "--json", "--request"))[0])
    assert said["readiness"]["verdict"] == "Ready"
    assert said["restoreRequest"]["recoveryPoint"] == said["readiness"]["recoveryPoint"]
    assert json.loads((await _ask(world, "--json"))[0])["restoreRequest"] is None


async def test_without_a_point_there_is_no_request(world: Protected) -> None:
    """It says why, and the status is the verdict's."""
    text, status = await _ask(world, "--request", "--recovery-point", "f" * 32)
    assert status == 4
    assert "There is no restore request: the recovery point ffff" in text


async def test_what_makes_no_request_is_told(world: Protected) -> None:
    """Before Azure is asked to restore anything."""
    with pytest.raises(InvalidRestoreRequest, match="Shop"):
        await _ask(world, "--request", "--namespaces", "Shop")


async def test_an_unknown_cluster_is_no_verdict(world: Protected) -> None:
    """It may be a slip of the keyboard."""
    options = parser().parse_args([CLUSTER.replace("shop", "nobody")])
    text, status = await answer(world.door, world.checker.settings, options)
    assert (status, "doesn't exist" in text) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["shop"], "not the id of a managed cluster: 'shop'"),
        ([CLUSTER, "--target", "shop"], "not the id of a managed cluster: 'shop'"),
        ([CLUSTER, "--staging-group", f"{CLUSTER}/../x"], "not the id of a resource group"),
        ([CLUSTER, "--staging-account", "acc?x="], "not the id of a Microsoft.Storage/storageAccounts"),
        ([CLUSTER, "--recovery-point", "newest"], "no recovery point's name: 'newest'"),
    ],
    ids=lambda value: value[-2] if isinstance(value, list) and len(value) > 1 else "",
)
def test_wrong_arguments_are_told_as_usual(
    arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and what was wrong; nothing is asked with ids that are none."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert fault in capsys.readouterr().err


def test_settings_that_do_not_work_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, before anybody is asked."""
    monkeypatch.setenv("AUTOPILOT_CLOUD", "cumulus")
    assert main([CLUSTER]) == 1
    assert "AUTOPILOT_CLOUD" in capsys.readouterr().err
